"""Words as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gantutor._checks import optional, validate
from gantutor._errors import InputError
from gantutor.plots._checks import MAX_PANELS, axes_or_none
from gantutor.plots.style import Figure, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST = 11.0
"""Points of a letter; words that would stand too close are written smaller."""


def texts(lines: Sequence[str], title: str = "", axes: Axes | None = None, columns: int = 4) -> Figure:
    """Words in ``columns``, row by row, written into ``axes`` or a figure of their own.

    Raises InputError for anything but a sequence of strings with at least one in it.

    >>> fig = texts(["anna", "bert", "carl"], "three names", columns=2)
    >>> [word.get_text() for word in fig.axes[0].texts]
    ['anna', 'bert', 'carl']
    """
    validate({"columns": columns, "axes": axes}, columns=MAX_PANELS, axes=optional(axes_or_none()))
    right = isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines)
    if not right or not lines:
        raise InputError(f"lines must be texts, at least one, not {lines!r}")
    rows = -(-len(lines) // columns)
    if axes is None:
        _, axes = figure(size=(1.5 * columns + 0.4, 0.24 * rows + 0.5))
    height = axes.get_position().height * axes.get_figure().get_size_inches()[1] * 72  # type: ignore[union-attr]
    letters = min(LARGEST, 0.75 * height / rows)
    axes.set(xlim=(0, columns), ylim=(-rows, 0))
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
    for index, line in enumerate(lines):
        row, column = divmod(index, columns)
        axes.text(column + 0.05, -row - 0.5, line, va="center", fontsize=letters, parse_math=False)
    return axes.figure  # type: ignore[return-value]
