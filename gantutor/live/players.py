"""Sounds in a notebook: a spectrogram, a title and a player for each."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gantutor import plots
from gantutor._checks import checked, describe_value, integer
from gantutor._errors import InputError, type_name
from gantutor.data.spectrograms import HOP, MAX_DECIBELS, MIN_DECIBELS, WINDOW, spectrogram
from gantutor.live import display
from gantutor.plots.spectrograms import COLORMAP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_SOUNDS = 20
"""Largest number of players: they are saved in the notebook."""

MAX_SAMPLES = 480_000
"""Largest number of samples of all sounds together: a minute at 8 kHz, 1.3 MB in the notebook."""

IMAGE_WIDTH, IMAGE_HEIGHT = 190, 128
"""Width and height of a picture on the page, in CSS pixels."""

STILL_COLUMNS, STILL_PANEL = 5, 1.3
"""The number of pictures in a row of the still figure, and the smallest width of each in inches."""

SHORT, MAX_STRETCH = 0.6, 3.0
"""The seconds of a sound up to which its picture has the smallest width, and how much wider one gets."""

PALETTE_SIZE = 48
"""The number of colours of the picture that is shown where HTML is not."""


class Players:
    """Sounds that a notebook shows as players, each with its spectrogram and title.

    A sound that exceeds ±1 is scaled down to a peak of 1.

    Args:
        waves: shape (N, L) or (L,), values in [−1, 1]; at most 20 sounds and 480,000 samples in all (a minute
            at 8 kHz).
        titles: one title for each sound; None numbers them.
        rate: samples per second, 1,000 to 192,000.

    Raises:
        InputError: if the shape is another, if a value is not finite, if there are too many sounds or
            samples, or if the number of titles differs from the number of sounds.

    Attributes:
        waves: the sounds, shape (N, L).
        titles: the titles, as strings.
        rate: samples per second.
    """

    @checked(rate=integer(1000, 192_000))
    def __init__(self, waves: Tensor, titles: Sequence[str] | None = None, rate: int = 8000) -> None:
        self.waves, self.rate = _check_waves(waves), rate
        count = len(self.waves)
        if titles is not None and not isinstance(titles, Sequence):
            raise InputError(f"titles must be a list of texts, one for each sound, not {type_name(titles)}")
        self.titles = [f"sound {i + 1}" for i in range(count)] if titles is None else [str(t) for t in titles]
        if len(self.titles) != count:
            raise InputError(f"there must be {count} titles, one for each sound, not {len(self.titles)}")

    def __len__(self) -> int:
        return len(self.waves)

    def __repr__(self) -> str:
        seconds = self.waves.shape[1] / self.rate
        noun = "a sound" if len(self) == 1 else f"{len(self)} sounds"
        return (
            f"Players: {noun} of {seconds:.2f} s at {self.rate:,} samples a second: {', '.join(self.titles)}"
        )

    def html(self) -> str:
        """Return the players as self-contained HTML."""
        pictures = spectrogram_jpegs(self.waves)
        parts = [
            _player(
                wav(waveform, self.rate),
                picture,
                title,
                describe(waveform, title, self.rate),
                (self.rate / 2000, self.waves.shape[1] / self.rate),
            )
            for waveform, picture, title in zip(self.waves, pictures, self.titles, strict=True)
        ]
        key = f"<div style='opacity:.75;font-size:90%'>{escape(self.key())}</div>"
        return f"<div class='gt-players' role='group'>{''.join(parts)}{key}</div>"

    def key(self) -> str:
        """Return the sentence that says what the axes and the colours of the spectrograms are.

        >>> Players(torch.zeros(4000)).key()
        'Spectrograms: frequency upwards, 0 to 4 kHz; time to the right, 0 to 0.50 s; ...'
        """
        top, length = self.rate / 2000, self.waves.shape[1] / self.rate
        return (
            f"Spectrograms: frequency upwards, 0 to {top:g} kHz; time to the right, 0 to {length:.2f} s; "
            f"dark is quiet ({MIN_DECIBELS:.0f} dB), bright is loud ({MAX_DECIBELS:.0f} dB)."
        )

    def still(self) -> Figure:
        """Return a figure of the spectrograms under their titles, with axes in kHz, seconds and decibels."""
        columns = min(len(self), STILL_COLUMNS)
        rows = -(-len(self) // columns)
        length = self.waves.shape[1] / self.rate
        panel_width = min(STILL_PANEL * max(1.0, length / SHORT), STILL_PANEL * STILL_COLUMNS / columns)
        size = (panel_width * columns + 1.0, 1.55 * rows + 0.25)
        fig = plots.Figure(figsize=size, dpi=100, layout="constrained")
        panels = fig.subplots(rows, columns, squeeze=False)
        levels = padded_spectrogram(self.waves)[:, 0].clamp(-1, 1)
        decibels = (levels + 1) / 2 * (MAX_DECIBELS - MIN_DECIBELS) + MIN_DECIBELS
        top = self.rate / 2000
        for index, panel in enumerate(panels.flat):
            if index >= len(self):
                panel.set_axis_off()
                continue
            panel.set_title(_short(self.titles[index]), fontsize=9, parse_math=False)
            mesh = panel.imshow(
                decibels[index].numpy(),
                extent=(0, length, 0, top),
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                cmap=COLORMAP,
                vmin=MIN_DECIBELS,
                vmax=MAX_DECIBELS,
            )
            column = index % columns
            ticks = [top * part / 4 for part in range(5)]
            panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks] if column == 0 else [""] * 5)
            is_lowest = index + columns >= len(self)
            panel.set_xticks([0, length], ["0", f"{length:.2g}"] if is_lowest else ["", ""])
            panel.tick_params(labelsize=8, length=2, pad=1)
            if column == 0:
                panel.set_ylabel("kHz", fontsize=8, labelpad=1)
            if is_lowest:
                panel.set_xlabel("s", fontsize=8, labelpad=-4)
        bar = fig.colorbar(mesh, ax=panels, shrink=0.9, aspect=14 * rows, pad=0.02)
        bar.set_label("dB", fontsize=8)
        bar.ax.tick_params(labelsize=8)
        return fig

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        still = base64.b64encode(small_png(display.png(self.still()))).decode("ascii")
        bundle = {"text/html": self.html(), "text/plain": repr(self), "image/png": still}
        return bundle, {"image/png": {"alt": repr(self)}}


def listen(waves: Tensor, titles: Sequence[str] | None = None, rate: int = 8000) -> Players:
    """Show players for sounds, each with its title and log-magnitude spectrogram; end a cell with it.

    The sounds are saved in the notebook and can be played when it is opened again. A sound that exceeds ±1 is
    scaled down to a peak of 1.

    Args:
        waves: shape (N, L) or (L,), values in [−1, 1]; at most 20 sounds and 480,000 samples in all (a minute
            at 8 kHz).
        titles: one title for each sound; None numbers them.
        rate: samples per second, 1,000 to 192,000.

    Raises:
        InputError: if the shape is another, if a value is not finite, if there are too many sounds or
            samples, or if the number of titles differs from the number of sounds.

    >>> time = torch.arange(4000) / 8000
    >>> listen((2 * torch.pi * 440 * time).sin(), ["a tone of 440 Hz"])
    Players: a sound of 0.50 s at 8,000 samples a second: a tone of 440 Hz
    """
    return Players(waves, titles, rate)


def wav(waveform: Tensor, rate: int) -> bytes:
    """Encode a sound as a 16-bit WAV file.

    Args:
        waveform: shape (L,), values in [−1, 1].
        rate: samples per second.

    Returns:
        The bytes of the file.

    >>> len(wav(torch.zeros(100), 8000))
    244
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes((waveform * 32767).round().to(torch.int16).numpy().astype("<i2").tobytes())
    return file.getvalue()


def padded_spectrogram(waves: Tensor) -> Tensor:
    """Return the spectrograms (N, 1, 128, T) of waves (N, L) of any length, with silence added at the end."""
    return spectrogram(F.pad(waves, (0, -waves.shape[1] % HOP)))


def spectrogram_jpegs(waves: Tensor) -> list[bytes]:
    """Return a small JPEG of the spectrogram of each wave (N, L), with low frequencies at the bottom."""
    from PIL import Image

    levels = (plots.spectrograms_to_rgb(padded_spectrogram(waves)) + 1) * 127.5
    jpegs = []
    for picture in levels.round().to(torch.uint8).permute(0, 2, 3, 1).numpy():
        file = io.BytesIO()
        image = Image.fromarray(picture)
        image = image.resize((min(image.width, 3 * IMAGE_WIDTH), IMAGE_HEIGHT), Image.Resampling.BOX)
        image.save(file, format="JPEG", quality=70)
        jpegs.append(file.getvalue())
    return jpegs


def small_png(picture: bytes) -> bytes:
    """Reduce a PNG to 48 colours, which makes it about a third of its size."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(PALETTE_SIZE).save(
        file, format="PNG", optimize=True
    )
    return file.getvalue()


def describe(waveform: Tensor, title: str, rate: int) -> str:
    """Describe the spectrogram of a sound in one sentence, for screen readers.

    Args:
        waveform: shape (L,), values in [−1, 1].
        title: what the sound is.
        rate: samples per second.

    >>> describe((2 * torch.pi * 1000 * torch.arange(4000) / 8000).sin(), "a tone", 8000)
    'Spectrogram of a tone: 0.50 s, loudest near 1,000 Hz after ... s.'
    """
    levels = padded_spectrogram(waveform[None])[0, 0]
    length = f"Spectrogram of {title}: {len(waveform) / rate:.2f} s"
    if float(levels.max()) <= -1:
        return f"{length}, silent."
    frequency, moment = divmod(int(levels.argmax()), levels.shape[1])
    return f"{length}, loudest near {frequency * rate / WINDOW:,.0f} Hz after {moment * HOP / rate:.2f} s."


def _player(sound: bytes, picture: bytes, title: str, description: str, ends: tuple[float, float]) -> str:
    """One figure: the picture between the ends of its axes in kHz and seconds, the title, and the player."""
    top, length = ends
    picture_width = round(IMAGE_WIDTH * min(max(1.0, length / SHORT), MAX_STRETCH))
    width = picture_width + 38
    name = escape(f"Play {title}")
    html = display.image(picture, description).replace(
        "<img ", f"<img style='display:block;width:{picture_width}px;height:{IMAGE_HEIGHT}px' ", 1
    )
    data = base64.b64encode(sound).decode("ascii")
    spread = "display:flex;justify-content:space-between;font-size:75%"
    upright = f"<div style='{spread};flex-direction:column;text-align:right;width:34px'>"
    upright += f"<span>{top:g} kHz</span><span>0</span></div>"
    along = f"<div style='{spread};margin-left:38px'><span>0 s</span><span>{length:.2f} s</span></div>"
    framed = f"<div style='display:flex;gap:4px'>{upright}{html}</div>{along}"
    # JupyterLab strips aria-label from what it does not trust, and leaves the title.
    return (
        f"<figure style='display:inline-block;margin:4px;width:{width}px;vertical-align:top'>{framed}"
        f"<figcaption style='text-align:center'>{escape(title)}</figcaption>"
        f'<audio controls=\'controls\' title="{name}" aria-label="{name}" '
        f"style='width:{width}px;height:32px' src='data:audio/wav;base64,{data}'></audio></figure>"
    )


def _short(title: str, max_length: int = 20) -> str:
    return title if len(title) <= max_length else f"{title[: max_length - 1]}…"


def _check_waves(waves: Any) -> Tensor:
    is_valid = (
        isinstance(waves, Tensor) and waves.dim() in (1, 2) and waves.is_floating_point() and waves.numel()
    )
    if not is_valid:
        description = describe_value(waves)
        raise InputError(f"sounds must be floats of shape (count, length) or (length,), not {description}")
    waves = waves.detach().float().cpu().reshape(-1, waves.shape[-1])
    if len(waves) > MAX_SOUNDS or waves.numel() > MAX_SAMPLES:
        raise InputError(
            f"there may be {MAX_SOUNDS} sounds and {MAX_SAMPLES:,} samples at most, "
            f"because they are saved in the notebook, not {len(waves)} sounds of {waves.shape[1]:,} samples"
        )
    if not bool(waves.isfinite().all()):
        raise InputError("the sounds contain values that are not finite (NaN or infinity)")
    scaled: Tensor = waves / waves.abs().amax(1, keepdim=True).clamp(min=1.0)
    return scaled
