"""Sounds on the page: a picture, a title and a player for each, in the live notebook and in the saved one."""

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
from gantutor._checks import describe_value, integer, validate
from gantutor._errors import InputError, type_name
from gantutor.data.spectrograms import HOP, WINDOW, spectrogram
from gantutor.live import display

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 20
"""So many players at most: what a notebook holds is saved with it."""

SAMPLES = 480_000
"""So many samples at most in all of them: a minute at 8 kHz, 1.3 MB in the notebook."""

WIDE, HIGH = 120, 96
"""Size of a picture on the page, in CSS pixels."""

COLOURS = 64
"""Of the picture that stands where no HTML is shown."""


class Players:
    """Sounds ``waves`` (N, L) in [−1, 1] of ``rate`` samples a second under their ``titles``: what a notebook
    shows of them can be played, and ``still()`` is their spectrograms.

    A sound that goes beyond ±1 is scaled down to it. Raises InputError for other shapes, more than 20 sounds
    or a minute of 8 kHz in all, values that are not finite, or another number of titles.
    """

    def __init__(self, waves: Tensor, titles: Sequence[str] | None = None, rate: int = 8000) -> None:
        validate({"rate": rate}, rate=integer(1000, 192_000))
        self.waves, self.rate = _checked(waves), rate
        count = len(self.waves)
        if titles is not None and not isinstance(titles, Sequence):
            raise InputError(f"titles must be a list of texts, one for each sound, not {type_name(titles)}")
        self.titles = [f"sound {i + 1}" for i in range(count)] if titles is None else [str(t) for t in titles]
        if len(self.titles) != count:
            raise InputError(f"titles must be {count}, one for each sound, not {len(self.titles)}")

    def __len__(self) -> int:
        return len(self.waves)

    def __repr__(self) -> str:
        seconds = self.waves.shape[1] / self.rate
        what = "a sound" if len(self) == 1 else f"{len(self)} sounds"
        return (
            f"Players: {what} of {seconds:.2f} s at {self.rate:,} samples a second: {', '.join(self.titles)}"
        )

    def html(self) -> str:
        """The players as a piece of HTML that needs nothing else."""
        pictures = pictures_of(self.waves)
        parts = [
            _player(wav(one, self.rate), picture, title, describe(one, title, self.rate))
            for one, picture, title in zip(self.waves, pictures, self.titles, strict=True)
        ]
        return f"<div class='gt-players' role='group'>{''.join(parts)}</div>"

    def still(self) -> Figure:
        """The spectrograms alone, under their titles."""
        columns = min(len(self), 10)
        rows = -(-len(self) // columns)
        fig = plots.Figure(figsize=(0.85 * columns + 0.1, 1.05 * rows + 0.1), dpi=90, layout="constrained")
        panels = fig.subplots(rows, columns, squeeze=False)
        images = plots.upright(padded_spectrogram(self.waves))
        for index, panel in enumerate(panels.flat):
            panel.set_axis_off()
            if index < len(self):
                panel.set_title(_short(self.titles[index]), fontsize=7, parse_math=False)
                picture = ((images[index].permute(1, 2, 0) + 1) / 2).numpy()
                panel.imshow(picture, aspect="auto", interpolation="nearest")
        return fig

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        still = base64.b64encode(small_png(display.png(self.still()))).decode("ascii")
        bundle = {"text/html": self.html(), "text/plain": repr(self), "image/png": still}
        return bundle, {"image/png": {"alt": repr(self)}}


def listen(waves: Tensor, titles: Sequence[str] | None = None, rate: int = 8000) -> Players:
    """Sounds to listen to: (N, L) or (L,) in [−1, 1], at most 20, ``rate`` samples a second, each under its
    title with a small picture of its log-magnitude spectrogram; end a cell with it.

    The sounds are kept in the notebook and play there when it is opened again. A sound that goes beyond ±1 is
    scaled down to it. Raises InputError for what is no sound, or too much of it.

    >>> time = torch.arange(4000) / 8000
    >>> listen((2 * torch.pi * 440 * time).sin(), ["a tone of 440 Hz"])
    Players: a sound of 0.50 s at 8,000 samples a second: a tone of 440 Hz
    """
    return Players(waves, titles, rate)


def wav(one: Tensor, rate: int) -> bytes:
    """A sound (L,) in [−1, 1] as the bytes of a 16-bit WAV file.

    >>> len(wav(torch.zeros(100), 8000))
    244
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes((one * 32767).round().to(torch.int16).numpy().astype("<i2").tobytes())
    return file.getvalue()


def padded_spectrogram(waves: Tensor) -> Tensor:
    """Spectrograms (N, 1, 128, T) of waves (N, L) of any length: silence fills the last window's step."""
    return spectrogram(F.pad(waves, (0, -waves.shape[1] % HOP)))


def pictures_of(waves: Tensor) -> list[bytes]:
    """A small JPEG of the spectrogram of each of the waves (N, L), low frequencies at the bottom."""
    from PIL import Image

    levels = (plots.upright(padded_spectrogram(waves)) + 1) * 127.5
    found = []
    for picture in levels.round().to(torch.uint8).permute(0, 2, 3, 1).numpy():
        file = io.BytesIO()
        image = Image.fromarray(picture)
        image = image.resize((min(image.width, 2 * WIDE), HIGH), Image.Resampling.BOX)
        image.save(file, format="JPEG", quality=70)
        found.append(file.getvalue())
    return found


def small_png(picture: bytes) -> bytes:
    """A PNG in few colours: a third of its size."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(file, format="PNG", optimize=True)
    return file.getvalue()


def describe(one: Tensor, title: str, rate: int) -> str:
    """The spectrogram of a sound (L,) in one sentence.

    >>> describe((2 * torch.pi * 1000 * torch.arange(4000) / 8000).sin(), "a tone", 8000)
    'Spectrogram of a tone: 0.50 s, loudest near 1,000 Hz after ... s.'
    """
    levels = padded_spectrogram(one[None])[0, 0]
    length = f"Spectrogram of {title}: {len(one) / rate:.2f} s"
    if float(levels.max()) <= -1:
        return f"{length}, silent."
    frequency, moment = divmod(int(levels.argmax()), levels.shape[1])
    return f"{length}, loudest near {frequency * rate / WINDOW:,.0f} Hz after {moment * HOP / rate:.2f} s."


def _player(sound: bytes, picture: bytes, title: str, description: str) -> str:
    name = escape(f"Play {title}")
    shown = display.image(picture, description).replace(
        "<img ", f"<img style='display:block;width:{WIDE}px;height:{HIGH}px' ", 1
    )
    data = base64.b64encode(sound).decode("ascii")
    # JupyterLab strips aria-label from what it does not trust, and leaves the title.
    return (
        f"<figure style='display:inline-block;margin:4px;width:{WIDE}px;vertical-align:top'>{shown}"
        f"<figcaption style='text-align:center'>{escape(title)}</figcaption>"
        f'<audio controls=\'controls\' title="{name}" aria-label="{name}" '
        f"style='width:{WIDE}px;height:32px' src='data:audio/wav;base64,{data}'></audio></figure>"
    )


def _short(title: str, most: int = 14) -> str:
    return title if len(title) <= most else f"{title[: most - 1]}…"


def _checked(waves: Any) -> Tensor:
    right = (
        isinstance(waves, Tensor) and waves.dim() in (1, 2) and waves.is_floating_point() and waves.numel()
    )
    if not right:
        what = describe_value(waves)
        raise InputError(f"sounds must be floats of shape (count, length) or (length,), not {what}")
    waves = waves.detach().float().cpu().reshape(-1, waves.shape[-1])
    if len(waves) > MOST or waves.numel() > SAMPLES:
        raise InputError(
            f"there may be {MOST} sounds and {SAMPLES:,} samples at most, as the notebook keeps them, not "
            f"{len(waves)} sounds of {waves.shape[1]:,} samples"
        )
    if not bool(waves.isfinite().all()):
        raise InputError("the sounds contain values that are not finite (NaN or infinity)")
    scaled: Tensor = waves / waves.abs().amax(1, keepdim=True).clamp(min=1.0)
    return scaled
