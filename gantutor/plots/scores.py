"""Scores over steps, seconds or sample sizes: curves with separate x values, and levels to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from gantutor._checks import boolean, checked, one_of, optional, validate
from gantutor._errors import InputError
from gantutor.metrics.score import format_number
from gantutor.plots._checks import check_colours, check_dict, matplotlib_axes, numbers, to_float64
from gantutor.plots.style import (
    DISCRIMINATOR,
    GENERATED,
    GENERATOR,
    NEUTRAL,
    OTHER_PLAYERS,
    REAL,
    WIDTH,
    Figure,
    describe,
    figure,
    label,
    plain_log_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (GENERATED, REAL, DISCRIMINATOR, GENERATOR, *OTHER_PLAYERS[:3])
"""The colours of the curves in turn, unless the caller gives others."""

MARKERS = ("o", "s", "D", "^", "v", "X", "P")
"""The markers of the curves in turn, so that colour alone distinguishes none of them."""

LEVEL_STYLES = (":", "--", "-.")
"""The styles of the horizontal lines in turn."""


@checked(log=one_of("", "x", "y", "xy"), joined=boolean(), axes=optional(matplotlib_axes()))
def score_curves(
    curves: Mapping[str, Any],
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    levels: Mapping[str, float] | None = None,
    colours: Sequence[str] | None = None,
    log: str = "",
    joined: bool = True,
    axes: Axes | None = None,
) -> Figure:
    """Plot scores as curves with a marker at each value, beside the levels to compare them with.

    The legend stands beside the panel. A curve of one value is a point.

    Args:
        curves: for each name a pair: the x values, and as many y values.
        title: the title of the panel.
        x_label: the label of the x axis, with its unit.
        y_label: the label of the y axis, with its unit.
        levels: heights of horizontal lines by name, such as the value of real data.
        colours: one colour for each curve; more are allowed. None takes those of the palette in turn.
        log: the axes that are logarithmic: ``""``, ``"x"``, ``"y"`` or ``"xy"``.
        joined: whether a line joins the values of a curve.
        axes: where to draw; None makes a new figure.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``curves`` is not a dict of such pairs of numbers, or another argument is out of range.

    >>> made = score_curves({"generated": ([1, 2], [9.0, 4.0])}, "Distance", levels={"real data": 3.9})
    >>> made.alternative_text
    'Distance: generated from 9 to 4; real data at 3.9.'
    """
    check_dict(curves=curves)
    if levels is not None:
        check_dict(levels=levels)
        to_float64(list(levels.values()), "levels")
    validate({"colours": colours}, colours=optional(check_colours(len(curves), allow_more=True)))
    drawn = {name: _columns(name, curve) for name, curve in curves.items()}
    if axes is None:
        _, axes = figure(size=(WIDTH, 3.2))
    for (name, (xs, ys)), colour, marker in zip(
        drawn.items(), cycle(colours or COLOURS), cycle(MARKERS), strict=False
    ):
        line = "-" if joined else "none"
        axes.plot(
            xs, ys, linestyle=line, marker=marker, markersize=4, linewidth=1.3, color=colour, label=name
        )
    for (name, height), style in zip((levels or {}).items(), cycle(LEVEL_STYLES), strict=False):
        axes.axhline(height, color=NEUTRAL, linestyle=style, linewidth=1, label=name)
    if "x" in log:
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
    if "y" in log:
        axes.set_yscale("log")
        plain_log_ticks(axes.yaxis)
    label(axes, title, x_label, y_label)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, frameon=False)
    words = [_words(name, ys) for name, (_, ys) in drawn.items()]
    words += [f"{name} at {format_number(height)}" for name, height in (levels or {}).items()]
    describe(axes.figure, f"{str(title) or 'Scores'}: {'; '.join(words)}.")
    return axes.figure  # type: ignore[return-value]


def _columns(name: str, curve: Any) -> tuple[list[float], list[float]]:
    """Return the x and the y values of a curve; raise InputError if they are not equally many numbers."""
    if not isinstance(curve, tuple | list) or len(curve) != 2:
        raise InputError(f"the curve {name!r} must be a pair: its x values and its y values")
    xs, ys = (numbers(column, f"the values of {name!r}").tolist() for column in curve)
    if len(xs) != len(ys) or not xs:
        raise InputError(f"the curve {name!r} must have as many x as y values, not {len(xs)} and {len(ys)}")
    return xs, ys


def _words(name: str, ys: Sequence[float]) -> str:
    if len(ys) == 1:
        return f"{name} {format_number(ys[0])}"
    return f"{name} from {format_number(ys[0])} to {format_number(ys[-1])}"
