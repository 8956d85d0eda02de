"""Sound as pictures: spectrograms upright, low frequencies at the bottom, in a perceptually uniform map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib import colormaps
from torch import Tensor

from gantutor._checks import check_floats, integer, optional, validate
from gantutor._errors import InputError, type_name
from gantutor.data.spectrograms import BINS, HIGH, HOP, LOW, WINDOW
from gantutor.plots._checks import MAX_PANELS, figure_size
from gantutor.plots.style import Figure, figure

COLOURS = "magma"
"""Of matplotlib's perceptually uniform maps: quiet is dark, loud is light."""


def is_spectrogram(images: Tensor) -> bool:
    """Whether images (N, C, H, W) have the shape of this course's spectrograms, (N, 1, 128, T); square ones
    are taken for images.

    >>> is_spectrogram(torch.zeros(2, 1, 128, 64)), is_spectrogram(torch.zeros(2, 1, 128, 128))
    (True, False)
    """
    return images.dim() == 4 and images.shape[1:3] == (1, BINS) and images.shape[3] != BINS


def upright(images: Tensor) -> Tensor:
    """Spectrograms (N, 1, 128, T) in [−1, 1] as colour images (N, 3, 128, T) in [−1, 1] with the low
    frequencies at the bottom; images of other shapes as they are. Raises InputError for what are no
    images, or numbers that are not finite.

    >>> upright(torch.zeros(2, 1, 128, 64)).shape, upright(torch.zeros(2, 1, 28, 28)).shape
    (torch.Size([2, 3, 128, 64]), torch.Size([2, 1, 28, 28]))
    """
    check_floats(images=images)
    if images.dim() != 4:
        raise InputError(
            f"images must have shape (count, channels, height, width), not {tuple(images.shape)}"
        )
    if not is_spectrogram(images):
        return images
    heights = (images[:, 0].detach().float().cpu().clamp(-1, 1).flip(1) + 1) / 2
    colours = torch.from_numpy(colormaps[COLOURS](heights.numpy())[..., :3])
    return colours.float().permute(0, 3, 1, 2) * 2 - 1


def spectrograms(
    parts: Mapping[str, Tensor] | Tensor,
    titles: Sequence[str] | None = None,
    title: str = "",
    columns: int = 5,
    rate: int = 8000,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Spectrograms (N, 1, 128, T) in [−1, 1] over seconds and kHz, low frequencies at the bottom.

    A tensor is drawn row by row, ``columns`` in a row, each under its title; of several kinds by name each
    gets a row with its first ``columns``, and ``titles`` stand above the columns. The colours are decibels as
    ``gantutor.data.spectrograms.spectrogram`` counts them, for sound of ``rate`` samples a second, a window of
    256 samples every 64. Raises InputError for other shapes or too few titles.

    >>> fig = spectrograms({"real": torch.zeros(5, 1, 128, 64), "generated": torch.zeros(5, 1, 128, 64)})
    >>> [axes.get_ylabel() for axes in fig.axes][:6:5], fig.axes[5].get_xlabel()
    (['real\\nkHz', 'generated\\nkHz'], 'seconds')
    """
    given = {"columns": columns, "rate": rate, "size": size}
    validate(given, columns=MAX_PANELS, rate=integer(1), size=optional(figure_size()))
    named = isinstance(parts, Mapping)
    kinds = dict(parts) if isinstance(parts, Mapping) else {"": parts}
    for name, part in kinds.items():
        _refuse_others(part, name or "the spectrograms")
    if not kinds:
        raise InputError("there is nothing to draw: give at least one kind of spectrograms")
    most = max(len(part) for part in kinds.values())
    columns = min(columns, most)
    needed = columns if named else most
    if titles is not None and not isinstance(titles, list | tuple):
        raise InputError(f"titles must be a list of texts, one above each picture, not {type_name(titles)}")
    if titles is not None and len(titles) < needed:
        raise InputError(f"titles must be at least {needed}, one above each picture, not {len(titles)}")
    rows = len(kinds) if named else -(-most // columns)
    fig, panels = figure(
        rows,
        columns,
        size or (1.5 * columns + 1.4, 1.6 * rows + 0.7),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for row, name in enumerate(kinds if named else [""] * rows):
        shown = kinds[name][:columns] if named else kinds[""][row * columns : (row + 1) * columns]
        for column, panel in enumerate(panels[row]):
            panel.tick_params(labelsize=8)
            if column >= len(shown):
                panel.set_axis_off()
                continue
            picture = _drawn(panel, shown[column, 0], rate)
            index = column if named else row * columns + column
            if titles is not None and not (named and row):
                panel.set_title(titles[index], fontsize=10)
            if row == rows - 1 or (not named and index + columns >= most):
                panel.set_xlabel("seconds", fontsize=9)
                panel.tick_params(labelbottom=True)
        panels[row, 0].set_ylabel(f"{name}\nkHz" if name else "kHz", fontsize=9)
    fig.colorbar(picture, ax=panels, label="decibels", shrink=0.9, aspect=25 * rows).ax.tick_params(
        labelsize=8
    )
    if str(title):
        fig.suptitle(title, fontsize=11)
    return fig


def _drawn(panel: Any, spectrogram: Tensor, rate: int) -> Any:
    """One spectrogram (128, T) over seconds and kHz."""
    return panel.imshow(
        _decibels(spectrogram),
        extent=(0, spectrogram.shape[1] * HOP / rate, 0, BINS / WINDOW * rate / 1000),
        origin="lower",
        aspect="auto",
        cmap=COLOURS,
        vmin=LOW,
        vmax=HIGH,
        interpolation="nearest",
    )


def _decibels(spectrogram: Tensor) -> object:
    return ((spectrogram.detach().float().cpu().clamp(-1, 1) + 1) / 2 * (HIGH - LOW) + LOW).numpy()


def _refuse_others(part: object, name: str) -> None:
    right = isinstance(part, Tensor) and part.dim() == 4 and part.shape[1:3] == (1, BINS) and part.numel()
    if not right:
        shape = tuple(part.shape) if isinstance(part, Tensor) else type_name(part)
        raise InputError(f"{name} must be spectrograms of shape (count, 1, {BINS}, times), not {shape}")
    check_floats(**{name: part})
