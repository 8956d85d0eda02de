"""What a run makes, in the form that suits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gantutor._checks import check_floats, check_tensors, function, integer, optional, validate
from gantutor._conditions import rows
from gantutor._errors import InputError, first_line, type_name
from gantutor.plots._checks import MAX_PANELS, axes_or_none, check_trained
from gantutor.plots.images import grid
from gantutor.plots.series import as_series, cells
from gantutor.plots.spectrograms import is_spectrogram, upright
from gantutor.plots.style import GENERATED, Figure, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sample_page(
    made: Tensor,
    title: str = "",
    columns: int = 10,
    axes: Axes | None = None,
    show: Callable[[Tensor], str] | None = None,
) -> Figure:
    """A page of samples, row by row: images (N, 1 or 3, H, W), spectrograms (N, 1, 128, T) upright, series
    (N, L, F) as small curves to one scale, and, where ``show(sample)`` says what a sample reads, words.

    A picture is as wide as its pixels and one more; a curve or a word has a place of width 1. Raises
    InputError for other shapes.

    >>> import torch
    >>> sample_page(torch.zeros(4, 24, 2), "four series", columns=2).axes[0].get_title()
    'four series'
    """
    given = {"columns": columns, "axes": axes, "show": show}
    validate(given, columns=MAX_PANELS, axes=optional(axes_or_none()), show=optional(function()))
    check_tensors(made=made)
    if not made.dim() or not len(made):
        raise InputError(f"made must hold at least one sample, and is of shape {tuple(made.shape)}")
    if made.is_floating_point():
        check_floats(made=made)
    if show is None and made.dim() == 4:
        return grid(upright(made), title, columns, axes)
    rows = -(-len(made) // columns)
    if axes is None:
        _, axes = figure(size=(0.8 * columns + 0.3, 0.55 * rows + 0.4))
    if show is None:
        cells(axes, as_series(made), columns)
    for index, sample in enumerate(made if show is not None else ()):
        row, column = divmod(index, columns)
        word = _said(show, sample)
        axes.text(column + 0.5, -row - 0.5, word, ha="center", va="center", fontsize=8, parse_math=False)
    axes.set(xlim=(0, columns), ylim=(-rows, 0))
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    return axes.figure  # type: ignore[return-value]


def _said(show: Any, sample: Tensor) -> str:
    """What a sample reads."""
    try:
        word = show(sample)
    except Exception as error:
        raise InputError(f"show cannot say what a sample reads: {first_line(error)}") from error
    if not isinstance(word, str):
        raise InputError(f"show must give the text of one sample, not {type_name(word)}")
    return word


def samples(run: Any, axes: Axes, count: int = 500) -> Figure:
    """What the averaged generator makes of the run's fixed latents, in the form that suits their shape.

    Images (N, 1 or 3, H, W) as a page, spectrograms (N, 1, 128, T) as an upright one, clips (N, T, 1 or 3, H,
    W) as rows of frames; points (N, 2) in the plane; numbers (N, 1) as a histogram; series (N, T) or
    (N, T, C) and waveforms (N, 1 or 2, T) as lines over time. A run without fixed latents shows fresh ones.
    Raises InputError for other shapes.
    """
    check_trained(run)
    validate({"axes": axes, "count": count}, axes=axes_or_none(), count=integer(1))
    if run.gallery is None:
        made = run.sample(count)
    else:
        latents, conditions = run.gallery
        made = run.generate(latents[:count], rows(conditions, slice(count)))
    title = f"Generated, step {run.step:,}"
    if made.dim() == 5:  # clips (N, T, C, H, W): one row each
        return grid(made[:6].flatten(0, 1), title, columns=made.shape[1], axes=axes)
    if is_spectrogram(made):  # tall: fewer rows
        return grid(upright(made[:30]), title, columns=10, axes=axes)
    if made.dim() == 4 and made.shape[1] in (1, 3):
        return grid(made[:60], title, columns=10, axes=axes)
    if made.dim() == 4:
        shape = tuple(made.shape[1:])
        raise InputError(
            f"samples of shape {shape} have no picture of their own: give a view that draws them"
        )
    if made.shape[1:] == (2,):
        x, y = made.T.numpy()
        axes.scatter(x, y, s=6, color=GENERATED, linewidths=0, label="generated")
        axes.set_aspect("equal")
        label(axes, title, "x₁", "x₂")
    elif made.shape[1:] == (1,):
        axes.hist(made[:, 0].numpy(), bins=20, color=GENERATED)
        label(axes, title, "x", "number of samples")
    else:
        for sequence in as_series(made)[:8]:
            axes.plot(sequence.numpy(), color=GENERATED, linewidth=0.8, alpha=0.7)
        label(axes, title, "time step", "value")
    return axes.figure  # type: ignore[return-value]
