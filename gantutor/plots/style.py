"""The palette of the course, and the figures and panels that all plots are drawn on."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib.figure
from matplotlib.ticker import FuncFormatter

from gantutor._checks import checked
from gantutor._errors import InputError
from gantutor.metrics.score import format_number
from gantutor.plots._checks import PANEL_COUNT, figure_size, matplotlib_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

REAL = "#0072B2"
"""The colour of real data: blue. The palette is safe for colour-blind readers (Okabe & Ito 2008)."""

GENERATED = "#D55E00"
"""The colour of generated data: vermilion."""

GENERATOR = "#CC79A7"
"""The colour of the generator's own curves: reddish purple."""

DISCRIMINATOR = "#009E73"
"""The colour of the discriminator: bluish green."""

NEUTRAL = "#666666"
"""The colour of everything else: grey."""

GRADIENT = "#6A3D9A"
"""The colour of gradients in diagrams: violet."""

WIDTH = 6.4
"""The width of a figure in inches, unless the caller says otherwise."""

SCREEN_DPI = 100
"""Pixels of a page that an inch of a figure fills."""

OTHER_PLAYERS = ("#E69F00", "#56B4E9", "#000000", "#F0E442")
"""The colours of turns with any other name: orange, sky blue, black, yellow."""


def player_colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for each turn of a game.

    "generator" and "discriminator" have fixed colours; other names take four further colours in turn.

    Args:
        names: the names of the turns.

    Returns:
        The colours by name, as hexadecimal codes.

    Raises:
        InputError: if ``names`` is not a list of strings.

    >>> player_colours(["generator", "frames", "clips"])
    {'generator': '#CC79A7', 'frames': '#E69F00', 'clips': '#56B4E9'}
    """
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(f"names must be a list of the players' names, not {names!r:.60}")
    known, others = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}, cycle(OTHER_PLAYERS)
    return {name: known[name] if name in known else next(others) for name in names}


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that pyplot does not know.

    A notebook shows it once, where a cell returns it, and pyplot never draws it from another thread.

    Attributes:
        alternative_text: what the picture shows, for readers who cannot see it. A notebook saves it in the
            metadata of the output.
    """

    alternative_text: str = ""

    def _repr_png_(self) -> bytes:
        from IPython.core.pylabtools import print_figure

        # It is kept in the notebook: a tenth smaller for a few milliseconds more.
        picture: bytes = print_figure(self, "png", base64=False, pil_kwargs={"optimize": True})
        return picture

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the picture with its alternative text, if it has one; ``_repr_png_`` serves other figures.

        The width in the metadata keeps a figure of more dots an inch as large on the page as the others.
        """
        if not self.alternative_text:
            return {}, {}
        picture = self._repr_png_()
        (pixels,) = struct.unpack(">I", picture[16:20])  # of the header of a PNG
        metadata = {"alt": self.alternative_text, "width": round(pixels * SCREEN_DPI / self.dpi)}
        bundle = {"image/png": base64.b64encode(picture).decode("ascii"), "text/plain": self.alternative_text}
        return bundle, {"image/png": metadata}


@checked(rows=PANEL_COUNT, columns=PANEL_COUNT, size=figure_size())
def figure(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (WIDTH, 3.6), **options: Any
) -> tuple[Figure, Any]:
    """Make an empty figure and its axes.

    Args:
        rows: the number of rows of panels, 1 to 1,000.
        columns: the number of columns of panels, 1 to 1,000.
        size: width and height in inches, each at most 600.
        **options: further arguments of matplotlib's ``Figure.subplots``.

    Returns:
        The figure, and what ``Figure.subplots`` returns: one Axes, or an array of them.

    Raises:
        InputError: if a number is out of range.

    >>> figure(1, 2)[1].shape
    (2,)
    """
    fig = Figure(figsize=size, dpi=SCREEN_DPI, layout="constrained")
    return fig, fig.subplots(rows, columns, **options)


@checked(axes=matplotlib_axes())
def label(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Set the title and the axis labels of one panel, in the font sizes of the course.

    Args:
        axes: the panel.
        title: the title.
        x: the label of the x axis, with its unit.
        y: the label of the y axis, with its unit.

    Raises:
        InputError: if ``axes`` is not a matplotlib Axes.

    >>> axes = figure()[1]
    >>> label(axes, "Losses", "step", "nats"); axes.get_ylabel()
    'nats'
    """
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)


def plain_log_ticks(axis: Axis) -> None:
    """Write the ticks of a logarithmic axis as plain numbers: 1, 2 and 5 of each decade on a short one.

    Args:
        axis: with its final limits.
    """
    low, high = axis.get_view_interval()
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))

    def minor(value: float, _: int) -> str:
        leading = f"{value:e}"[0]
        return format_number(value) if high < 100 * low and leading in "25" else ""

    axis.set_minor_formatter(FuncFormatter(minor))
    axis.set_tick_params(which="minor", labelsize=8)


def describe(fig: Any, sentence: str) -> None:
    """Append a sentence to the alternative text of a figure.

    Args:
        fig: the figure.
        sentence: what one of its panels shows.

    >>> fig, _ = figure()
    >>> describe(fig, "Two curves."); describe(fig, "They cross."); fig.alternative_text
    'Two curves. They cross.'
    """
    before = getattr(fig, "alternative_text", "")
    fig.alternative_text = f"{before} {sentence}".strip()
