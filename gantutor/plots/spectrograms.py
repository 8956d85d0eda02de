"""Spectrograms as pictures, with low frequencies at the bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib import colormaps
from torch import Tensor

from gantutor._checks import check_floats, checked, integer, optional
from gantutor._errors import InputError, type_name
from gantutor.data.spectrograms import BINS, HOP, MAX_DECIBELS, MIN_DECIBELS, WINDOW
from gantutor.plots._checks import PANEL_COUNT, figure_size
from gantutor.plots.style import WIDTH, Figure, describe, figure

COLORMAP = "magma"
"""One of matplotlib's perceptually uniform colour maps: quiet is dark, loud is light."""


def is_spectrogram(images: Tensor) -> bool:
    """Return whether images have the shape of the course's spectrograms, (N, 1, 128, T).

    Square ones, (N, 1, 128, 128), are taken for images.

    Args:
        images: a tensor of any shape.

    >>> is_spectrogram(torch.zeros(2, 1, 128, 64)), is_spectrogram(torch.zeros(2, 1, 128, 128))
    (True, False)
    """
    return images.dim() == 4 and images.shape[1:3] == (1, BINS) and images.shape[3] != BINS


def spectrograms_to_rgb(images: Tensor) -> Tensor:
    """Turn spectrograms into colour images with low frequencies at the bottom; return other images unchanged.

    Args:
        images: spectrograms (N, 1, 128, T) with values in [−1, 1], or images (N, C, H, W).

    Returns:
        Colour images (N, 3, 128, T) with values in [−1, 1], or ``images`` itself.

    Raises:
        InputError: if the tensor has not four axes, or if a value is not finite.

    >>> spectrograms_to_rgb(torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 3, 128, 64])
    >>> spectrograms_to_rgb(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 1, 28, 28])
    """
    check_floats(images=images)
    if images.dim() != 4:
        raise InputError(
            f"images must have shape (count, channels, height, width), not {tuple(images.shape)}"
        )
    if not is_spectrogram(images):
        return images
    levels = (images[:, 0].detach().float().cpu().clamp(-1, 1).flip(1) + 1) / 2
    colours = torch.from_numpy(colormaps[COLORMAP](levels.numpy())[..., :3])
    return colours.float().permute(0, 3, 1, 2) * 2 - 1


@checked(columns=PANEL_COUNT, rate=integer(1), size=optional(figure_size()))
def spectrograms(
    parts: Mapping[str, Tensor] | Tensor,
    titles: Sequence[str] | None = None,
    title: str = "",
    columns: int = 5,
    rate: int = 8000,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Plot spectrograms over seconds and kHz, with low frequencies at the bottom and a scale in decibels.

    A tensor is drawn row by row, each spectrogram under its title. A dict gets one row for each kind with its
    first ``columns`` spectrograms, and the titles stand above the columns. Decibels, window (256 samples) and
    hop (64 samples) are those of ``gantutor.data.spectrograms.spectrogram``.

    Args:
        parts: spectrograms (N, 1, 128, T) with values in [−1, 1], or several such tensors by name.
        titles: a title for each spectrogram, or for each column if ``parts`` is a dict; None draws no titles.
        title: the title of the figure; an empty one is left out.
        columns: the number of spectrograms in a row at most, 1 to 1,000.
        rate: samples per second of the sound.
        size: width and height of the figure in inches; None chooses them by the number of panels.

    Raises:
        InputError: if a tensor has another shape, if there is nothing to draw, or if titles are missing.

    >>> fig = spectrograms({"real": torch.zeros(5, 1, 128, 64), "generated": torch.zeros(5, 1, 128, 64)})
    >>> fig.alternative_text
    'Spectrograms: 0 to 4 kHz over 0.51 s, in decibels. Rows: real, generated.'
    >>> [axes.get_ylabel() for axes in fig.axes][:6:5], fig.axes[5].get_xlabel()
    (['real\\nkHz', 'generated\\nkHz'], 'seconds')
    """
    is_dict = isinstance(parts, Mapping)
    kinds = dict(parts) if isinstance(parts, Mapping) else {"": parts}
    for name, part in kinds.items():
        _check_spectrograms(part, name or "the spectrograms")
    if not kinds:
        raise InputError("there is nothing to draw: pass at least one kind of spectrograms")
    longest = max(len(part) for part in kinds.values())
    columns = min(columns, longest)
    needed = columns if is_dict else longest
    if titles is not None and not isinstance(titles, list | tuple):
        raise InputError(f"titles must be a list of texts, one above each picture, not {type_name(titles)}")
    if titles is not None and len(titles) < needed:
        raise InputError(f"there must be at least {needed} titles, one above each picture, not {len(titles)}")
    rows = len(kinds) if is_dict else -(-longest // columns)
    fig, panels = figure(
        rows,
        columns,
        size or (max(WIDTH, 0.9 * columns + 1.4), 1.6 * rows + 0.7),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for row, name in enumerate(kinds if is_dict else [""] * rows):
        row_spectrograms = (
            kinds[name][:columns] if is_dict else kinds[""][row * columns : (row + 1) * columns]
        )
        for column, panel in enumerate(panels[row]):
            panel.tick_params(labelsize=8)
            if column >= len(row_spectrograms):
                panel.set_axis_off()
                continue
            mesh = _draw_spectrogram(panel, row_spectrograms[column, 0], rate)
            index = column if is_dict else row * columns + column
            if titles is not None and not (is_dict and row):
                panel.set_title(titles[index], fontsize=10)
            if row == rows - 1 or (not is_dict and index + columns >= longest):
                panel.set_xlabel("seconds", fontsize=9)
                panel.tick_params(labelbottom=True)
        panels[row, 0].set_ylabel(f"{name}\nkHz" if name else "kHz", fontsize=9)
    fig.colorbar(mesh, ax=panels, label="decibels", shrink=0.9, aspect=25 * rows).ax.tick_params(labelsize=8)
    if str(title):
        fig.suptitle(title, fontsize=11)
    beginning = str(title) or "Spectrograms"
    names = f" Rows: {', '.join(kinds)}." if is_dict else ""
    above = f" {'Columns' if is_dict else 'Panels'}: {', '.join(map(str, titles))}." if titles else ""
    seconds = next(iter(kinds.values())).shape[3] * HOP / rate
    axes_words = f"0 to {BINS / WINDOW * rate / 1000:g} kHz over {seconds:.2f} s, in decibels"
    describe(fig, f"{beginning}: {axes_words}.{names}{above}")
    return fig


def _draw_spectrogram(panel: Any, spectrogram: Tensor, rate: int) -> Any:
    """Draw one spectrogram (128, T) over seconds and kHz."""
    return panel.imshow(
        _decibels(spectrogram),
        extent=(0, spectrogram.shape[1] * HOP / rate, 0, BINS / WINDOW * rate / 1000),
        origin="lower",
        aspect="auto",
        cmap=COLORMAP,
        vmin=MIN_DECIBELS,
        vmax=MAX_DECIBELS,
        interpolation="nearest",
    )


def _decibels(spectrogram: Tensor) -> object:
    return (
        (spectrogram.detach().float().cpu().clamp(-1, 1) + 1) / 2 * (MAX_DECIBELS - MIN_DECIBELS)
        + MIN_DECIBELS
    ).numpy()


def _check_spectrograms(part: object, name: str) -> None:
    is_valid = isinstance(part, Tensor) and part.dim() == 4 and part.shape[1:3] == (1, BINS) and part.numel()
    if not is_valid:
        shape = tuple(part.shape) if isinstance(part, Tensor) else type_name(part)
        raise InputError(f"{name} must be spectrograms of shape (count, 1, {BINS}, times), not {shape}")
    check_floats(**{name: part})
