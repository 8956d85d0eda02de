"""Clips on the page: each plays under its title, and its frames stand still beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gantutor import plots
from gantutor._checks import number, validate
from gantutor._errors import InputError, type_name
from gantutor.data.clips import check_clips, save_animation, side_by_side, to_images
from gantutor.live import display
from gantutor.live.players import small_png
from gantutor.metrics.motion_estimation import measure_motion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST, FRAMES = 16, 400
"""So many clips, and frames of all of them, at most: what a notebook holds is saved with it."""

SIDE = 96
"""Width of a moving picture on the page, in CSS pixels."""


class Clips:
    """Clips (N, T, C, H, W) in [−1, 1] under their ``titles``: a notebook shows them moving, ``fps`` frames a
    second, and ``still()`` is their frames, a clip a row.

    Raises InputError for other shapes or values, more than 16 clips or 400 frames, or another number of
    titles.
    """

    def __init__(self, clips: Tensor, titles: Sequence[str] | None = None, fps: float = 8) -> None:
        validate({"fps": fps}, fps=number(1, 50))
        self.clips, self.fps = check_clips(clips), fps
        count, frames = self.clips.shape[:2]
        if count > MOST or count * frames > FRAMES:
            raise InputError(
                f"there may be {MOST} clips and {FRAMES} frames at most, as the notebook keeps them, not "
                f"{count} and {count * frames}"
            )
        if titles is not None and not isinstance(titles, Sequence):
            raise InputError(f"titles must be a list of texts, one for each clip, not {type_name(titles)}")
        self.titles = [f"clip {i + 1}" for i in range(count)] if titles is None else [str(t) for t in titles]
        if len(self.titles) != count:
            raise InputError(f"titles must be {count}, one for each clip, not {len(self.titles)}")

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        what = "a clip" if len(self) == 1 else f"{len(self)} clips"
        frames = self.clips.shape[1]
        return f"Clips: {what} of {frames} frames, {self.fps:g} a second: {', '.join(self.titles)}"

    def html(self) -> str:
        """The moving pictures, in a box that closes to stop them, and their frames: HTML that needs nothing
        else."""
        words = [describe(clip, title) for clip, title in zip(self.clips, self.titles, strict=True)]
        moving = "".join(
            _moving(gif(clip, self.fps), title, said)
            for clip, title, said in zip(self.clips, self.titles, words, strict=True)
        )
        strips = "".join(
            f"<div>{_still(_strip(clip), f'The frames of {title}, from left to right')} {escape(title)}</div>"
            for clip, title in zip(self.clips, self.titles, strict=True)
        )
        return (
            f"<div class='gt-clips' role='group'><details open='open'>"
            f"<summary>Moving (close to stop)</summary>{moving}</details>"
            f"<details><summary>Frame by frame</summary>{strips}</details></div>"
        )

    def still(self) -> Figure:
        """The frames, a clip a row, its title before it."""
        count, frames, _, height, width = self.clips.shape
        picture = plots.tile(self.clips.flatten(0, 1), columns=frames).float().numpy()
        wide = 0.46 * frames
        fig = plots.Figure(
            figsize=(wide + 1.2, (wide / frames) * count * height / width + 0.15),
            dpi=80,
            layout="constrained",
        )
        axes = fig.subplots()
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        places = [(row + 0.5) * (height + 1) for row in range(count)]
        shown = axes.set_yticks(places, [_short(title) for title in self.titles], fontsize=7)
        for tick in shown:
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
    """Clips to look at: (N, T, C, H, W) or (T, C, H, W) in [−1, 1], at most 16 of 400 frames in all, each
    under its title; end a cell with it.

    They move until the box around them is closed, and are kept in the notebook, where they move when it is
    opened again; a code host that shows no HTML shows their frames. Raises InputError for what is no clip, or
    too much of it.

    >>> import torch
    >>> play(torch.zeros(2, 16, 1, 32, 32), ["one", "another"])
    Clips: 2 clips of 16 frames, 8 a second: one, another
    """
    return Clips(clips, titles, fps)


def gif(clip: Tensor, fps: float) -> bytes:
    """A clip (T, C, H, W) in [−1, 1] as the bytes of an animated GIF that plays again and again.

    >>> import torch
    >>> gif(torch.zeros(16, 1, 32, 32), 8)[:6]
    b'GIF89a'
    """
    file = io.BytesIO()
    save_animation(file, clip, "GIF", fps)
    return file.getvalue()


def describe(clip: Tensor, title: str) -> str:
    """A clip (T, C, H, W) in one sentence, with how its ink moves where it is grey and square.

    >>> import torch
    >>> describe(torch.zeros(16, 3, 32, 32), "a film")
    'Moving picture of a film, 16 frames.'
    """
    words = f"Moving picture of {title}, {len(clip)} frames"
    if clip.shape[1] != 1 or clip.shape[2] != clip.shape[3] or len(clip) < 2:
        return f"{words}."
    motion = measure_motion(clip[None])
    (x, y), turn, size = motion.shift[0, -1].tolist(), float(motion.turn[0, -1]), float(motion.growth[0, -1])
    aside, along = "right" if x >= 0 else "left", "down" if y >= 0 else "up"
    where = f"{abs(x):.0f} pixels to the {aside} and {abs(y):.0f} {along}"
    way = "counter-clockwise" if turn >= 0 else "clockwise"
    return f"{words}: it goes {where}, turns {abs(turn):.0f}° {way}, and ends {size:.2f} times as large."


def _moving(film: bytes, title: str, description: str) -> str:
    shown = display.image(film, description).replace("data:image/png", "data:image/gif", 1)
    # JupyterLab strips styles from what it does not trust, and sets the height of all images to auto.
    look = f"width='{SIDE}' style='display:block;image-rendering:pixelated'"
    shown = shown.replace("<img ", f'<img title="{escape(description)}" {look} ', 1)
    return (
        f"<figure style='display:inline-block;margin:4px;vertical-align:top'>{shown}"
        f"<figcaption style='text-align:center;max-width:{SIDE}px'>{escape(title)}</figcaption></figure>"
    )


def _still(picture: bytes, description: str) -> str:
    return display.image(picture, description).replace("<img ", "<img style='image-rendering:pixelated' ", 1)


def _strip(clip: Tensor) -> bytes:
    """The frames of a clip (T, C, H, W) from left to right, as a PNG."""
    file = io.BytesIO()
    to_images(side_by_side(clip[:, None], gap=1))[0].save(file, format="PNG", optimize=True)
    return file.getvalue()


def _short(title: str, most: int = 16) -> str:
    return title if len(title) <= most else f"{title[: most - 1]}…"
