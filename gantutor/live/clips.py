"""Video clips in a notebook: moving pictures under their titles, and their frames side by side."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gantutor import plots
from gantutor._checks import checked, number
from gantutor._errors import InputError, type_name
from gantutor.data.clips import check_clips, save_animation, side_by_side, to_images
from gantutor.live import display
from gantutor.live.players import small_png
from gantutor.metrics.motion_estimation import measure_motion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CLIPS, MAX_FRAMES = 16, 400
"""The number of clips, and of frames in all of them, at most: a notebook is saved with all it holds."""

IMAGE_WIDTH = 96
"""Width of a moving picture on the page, in CSS pixels."""


class Clips:
    """Clips that a notebook shows as moving pictures under their titles.

    Args:
        clips: shape (N, T, C, H, W) or (T, C, H, W), values in [−1, 1]; at most 16 clips and 400 frames in
            all.
        titles: one title for each clip; None numbers them.
        fps: frames per second, 1 to 50.

    Raises:
        InputError: if shape or values are others, if there are too many clips or frames, or if the number of
            titles differs from the number of clips.

    Attributes:
        clips: the clips, shape (N, T, C, H, W).
        titles: the titles, as strings.
        fps: frames per second.
    """

    @checked(fps=number(1, 50))
    def __init__(self, clips: Tensor, titles: Sequence[str] | None = None, fps: float = 8) -> None:
        self.clips, self.fps = check_clips(clips), fps
        count, frames = self.clips.shape[:2]
        if count > MAX_CLIPS or count * frames > MAX_FRAMES:
            raise InputError(
                f"there may be {MAX_CLIPS} clips and {MAX_FRAMES} frames at most, "
                f"because they are saved in the notebook, not {count} and {count * frames}"
            )
        if titles is not None and not isinstance(titles, Sequence):
            raise InputError(f"titles must be a list of texts, one for each clip, not {type_name(titles)}")
        self.titles = [f"clip {i + 1}" for i in range(count)] if titles is None else [str(t) for t in titles]
        if len(self.titles) != count:
            raise InputError(f"there must be {count} titles, one for each clip, not {len(self.titles)}")

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        noun = "a clip" if len(self) == 1 else f"{len(self)} clips"
        frames = self.clips.shape[1]
        return f"Clips: {noun} of {frames} frames, {self.fps:g} a second: {', '.join(self.titles)}"

    def html(self) -> str:
        """Return self-contained HTML: moving pictures, in a box that can be closed, and their frames."""
        descriptions = [describe(clip, title) for clip, title in zip(self.clips, self.titles, strict=True)]
        moving = "".join(
            _animated_figure(gif(clip, self.fps), title, description)
            for clip, title, description in zip(self.clips, self.titles, descriptions, strict=True)
        )
        strips = "".join(
            f"<div>{_still_image(_frame_strip(clip), f'The frames of {title}, from left to right')} "
            f"{escape(title)}</div>"
            for clip, title in zip(self.clips, self.titles, strict=True)
        )
        return (
            f"<div class='gt-clips' role='group'><details open='open'>"
            f"<summary>Moving (close to stop)</summary>{moving}</details>"
            f"<details><summary>Frame by frame</summary>{strips}</details></div>"
        )

    def still(self) -> Figure:
        """Return a figure of the frames: one row for each clip, with its title on the left."""
        count, frames, _, height, width = self.clips.shape
        picture = plots.tile(self.clips.flatten(0, 1), columns=frames).float().numpy()
        strip_width = 0.46 * frames
        fig = plots.Figure(
            figsize=(strip_width + 1.2, (strip_width / frames) * count * height / width + 0.15),
            dpi=80,
            layout="constrained",
        )
        axes = fig.subplots()
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        row_centres = [(row + 0.5) * (height + 1) for row in range(count)]
        ticks = axes.set_yticks(row_centres, [_short(title) for title in self.titles], fontsize=7)
        for tick in ticks:
            tick.label1.set_parse_math(False)
        axes.set_xticks([])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return fig

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        still = base64.b64encode(small_png(display.png(self.still()))).decode("ascii")
        bundle = {"text/html": self.html(), "text/plain": repr(self), "image/png": still}
        return bundle, {"image/png": {"alt": repr(self)}}


def play(clips: Tensor, titles: Sequence[str] | None = None, fps: float = 8) -> Clips:
    """Show clips as moving pictures; end a cell with it.

    They move until the box around them is closed. They are saved in the notebook and move again when it is
    opened. A code host that shows no HTML shows their frames.

    Args:
        clips: shape (N, T, C, H, W) or (T, C, H, W), values in [−1, 1]; at most 16 clips and 400 frames in
            all.
        titles: one title for each clip; None numbers them.
        fps: frames per second, 1 to 50.

    Raises:
        InputError: if shape or values are others, if there are too many clips or frames, or if the number of
            titles differs from the number of clips.

    >>> import torch
    >>> play(torch.zeros(2, 16, 1, 32, 32), ["one", "another"])
    Clips: 2 clips of 16 frames, 8 a second: one, another
    """
    return Clips(clips, titles, fps)


def gif(clip: Tensor, fps: float) -> bytes:
    """Encode a clip as an animated GIF that repeats for ever.

    Args:
        clip: shape (T, C, H, W), values in [−1, 1].
        fps: frames per second.

    Returns:
        The bytes of the file.

    >>> import torch
    >>> gif(torch.zeros(16, 1, 32, 32), 8)[:6]
    b'GIF89a'
    """
    file = io.BytesIO()
    save_animation(file, clip, "GIF", fps)
    return file.getvalue()


def describe(clip: Tensor, title: str) -> str:
    """Describe a clip in one sentence, for screen readers.

    The motion is described if the clip is grey and square.

    Args:
        clip: shape (T, C, H, W), values in [−1, 1].
        title: what the clip shows.

    >>> import torch
    >>> describe(torch.zeros(16, 3, 32, 32), "a film")
    'Moving picture of a film, 16 frames.'
    """
    sentence = f"Moving picture of {title}, {len(clip)} frames"
    if clip.shape[1] != 1 or clip.shape[2] != clip.shape[3] or len(clip) < 2:
        return f"{sentence}."
    motion = measure_motion(clip[None])
    (x, y), turn, size = motion.shift[0, -1].tolist(), float(motion.turn[0, -1]), float(motion.growth[0, -1])
    horizontal, vertical = "right" if x >= 0 else "left", "down" if y >= 0 else "up"
    shift = f"{abs(x):.0f} pixels to the {horizontal} and {abs(y):.0f} {vertical}"
    sense = "counter-clockwise" if turn >= 0 else "clockwise"
    return f"{sentence}: it goes {shift}, turns {abs(turn):.0f}° {sense}, and ends {size:.2f} times as large."


def _animated_figure(animation: bytes, title: str, description: str) -> str:
    html = display.image(animation, description).replace("data:image/png", "data:image/gif", 1)
    # JupyterLab strips styles from what it does not trust, and sets the height of all images to auto.
    style = f"width='{IMAGE_WIDTH}' style='display:block;image-rendering:pixelated'"
    html = html.replace("<img ", f'<img title="{escape(description)}" {style} ', 1)
    return (
        f"<figure style='display:inline-block;margin:4px;vertical-align:top'>{html}"
        f"<figcaption style='text-align:center;max-width:{IMAGE_WIDTH}px'>{escape(title)}</figcaption>"
        f"</figure>"
    )


def _still_image(picture: bytes, description: str) -> str:
    return display.image(picture, description).replace("<img ", "<img style='image-rendering:pixelated' ", 1)


def _frame_strip(clip: Tensor) -> bytes:
    """Return the frames of a clip (T, C, H, W) from left to right, as a PNG."""
    file = io.BytesIO()
    to_images(side_by_side(clip[:, None], gap=1))[0].save(file, format="PNG", optimize=True)
    return file.getvalue()


def _short(title: str, max_length: int = 16) -> str:
    return title if len(title) <= max_length else f"{title[: max_length - 1]}…"
