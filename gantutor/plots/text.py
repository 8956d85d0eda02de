"""Generated texts as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gantutor._checks import checked, optional
from gantutor._errors import InputError
from gantutor.plots._checks import PANEL_COUNT, matplotlib_axes
from gantutor.plots.style import Figure, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_FONT_SIZE = 11.0
"""Font size in points; texts that would overlap are drawn smaller."""


@checked(columns=PANEL_COUNT, axes=optional(matplotlib_axes()))
def texts(lines: Sequence[str], title: str = "", axes: Axes | None = None, columns: int = 4) -> Figure:
    """Draw short texts in a grid, row by row.

    Args:
        lines: the texts, at least one.
        title: the title of the panel.
        axes: where to draw; None makes a new figure.
        columns: the number of texts in a row, 1 to 1,000.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``lines`` is not a list of strings or is empty.

    >>> fig = texts(["anna", "bert", "carl"], "three names", columns=2)
    >>> [word.get_text() for word in fig.axes[0].texts]
    ['anna', 'bert', 'carl']
    """
    is_list = isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines)
    if not is_list or not lines:
        raise InputError(f"lines must be texts, at least one, not {lines!r}")
    rows = -(-len(lines) // columns)
    if axes is None:
        _, axes = figure(size=(1.5 * columns + 0.4, 0.24 * rows + 0.5))
    height = axes.get_position().height * axes.get_figure().get_size_inches()[1] * 72  # type: ignore[union-attr]
    font_size = min(MAX_FONT_SIZE, 0.75 * height / rows)
    axes.set(xlim=(0, columns), ylim=(-rows, 0))
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
    for index, line in enumerate(lines):
        row, column = divmod(index, columns)
        axes.text(column + 0.05, -row - 0.5, line, va="center", fontsize=font_size, parse_math=False)
    return axes.figure  # type: ignore[return-value]
