"""Tables of numbers and words, which a notebook shows as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from gantutor._checks import checked, string
from gantutor._errors import InputError


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows as HTML, and that prints as text.

    Args:
        head: the titles of the columns.
        rows: the cells of each row, as texts, as many as ``head``.
        caption: a line above the table; an empty one is left out.

    >>> print(Table(("name", "share"), [("anna", "0.50")]))
    name  share
    anna  0.50
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def __str__(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([self.caption] * bool(self.caption) + text)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        head = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in self.head)
        rows = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table>{caption}<tr>{head}</tr>{rows}</table>"


@checked(corner=string(), caption=string(), digits=string())
def table(
    rows: Mapping[str, Sequence[str | float]],
    columns: Sequence[str],
    corner: str = "",
    caption: str = "",
    digits: str = ".3f",
) -> Table:
    """Make a table with one line for each key.

    Args:
        rows: the cells of each line by its name: texts, or numbers, which are formatted.
        columns: the titles of the cells, as many as each line has.
        corner: the title of the first column, which holds the names of the lines.
        caption: a line above the table; an empty one is left out.
        digits: the format of numbers, such as ``".3f"``.

    Returns:
        The table.

    Raises:
        InputError: if there are no lines, a line has more or fewer cells than ``columns``, or the format
            is not one of numbers.

    >>> print(table({"anna": [0.5]}, ["share"], corner="name"))
    name  share
    anna  0.500
    """
    if not isinstance(rows, Mapping) or not rows:
        raise InputError(f"rows must be a dict with at least one line, not {rows!r:.60}")
    if not isinstance(columns, list | tuple) or not all(isinstance(title, str) for title in columns):
        raise InputError(f"columns must be a list of texts, not {columns!r:.60}")
    if any(not isinstance(cells, list | tuple) or len(cells) != len(columns) for cells in rows.values()):
        raise InputError(f"each line must be a list of {len(columns)} cells, one for each title")
    try:
        lines = [
            (str(name), *(cell if isinstance(cell, str) else format(float(cell), digits) for cell in cells))
            for name, cells in rows.items()
        ]
    except (TypeError, ValueError):
        raise InputError(f"cells must be texts or numbers that {digits!r} can format") from None
    return Table((corner, *columns), lines, caption)
