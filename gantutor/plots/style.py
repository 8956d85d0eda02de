"""What every picture is drawn on: the palette, figures, and the words of a panel.

One palette for the whole course, safe for colour-blind readers (Okabe & Ito 2008): real, generated, generator
and discriminator keep their colours everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib.figure

from gantutor._checks import validate
from gantutor._errors import InputError
from gantutor.plots._checks import MAX_PANELS, axes_or_none, figure_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REAL = "#0072B2"
"""The colour of real data: blue."""

GENERATED = "#D55E00"
"""The colour of what was generated: vermilion."""

GENERATOR = "#CC79A7"
"""The colour of the generator's own curves: reddish purple."""

DISCRIMINATOR = "#009E73"
"""The colour of the discriminator: bluish green."""

NEUTRAL = "#666666"
"""The colour of all else: grey."""


OTHERS = ("#E69F00", "#56B4E9", "#000000", "#F0E442")
"""The colours of players with names of their own: orange, sky blue, black, yellow."""


def player_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each player of a game by name: generator and discriminator have theirs, others take turns.

    Raises InputError for what is no list of names.

    >>> player_colours(["generator", "frames", "clips"])
    {'generator': '#CC79A7', 'frames': '#E69F00', 'clips': '#56B4E9'}
    """
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(f"names must be a list of the players' names, not {names!r:.60}")
    known, others = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}, cycle(OTHERS)
    return {name: known[name] if name in known else next(others) for name in names}


class Figure(matplotlib.figure.Figure):
    """A figure that pyplot does not know of: it is shown once, where it is returned, and no other thread
    draws it while it is made."""

    def _repr_png_(self) -> bytes:
        from IPython.core.pylabtools import print_figure

        picture: bytes = print_figure(self, "png", base64=False)
        return picture


def figure(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 3.6), **options: Any
) -> tuple[Figure, Any]:
    """An empty figure of ``size`` inches and its axes; ``options`` are those of matplotlib's ``subplots``.

    Raises InputError for fewer than one row or column, more than 1,000, or a size that is none.

    >>> figure(1, 2)[1].shape
    (2,)
    """
    validate(
        {"rows": rows, "columns": columns, "size": size},
        rows=MAX_PANELS,
        columns=MAX_PANELS,
        size=figure_size(),
    )
    fig = Figure(figsize=size, dpi=100, layout="constrained")
    return fig, fig.subplots(rows, columns, **options)


def label(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Title and axis labels of one panel; raises InputError for what is no panel."""
    validate({"axes": axes}, axes=axes_or_none())
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
