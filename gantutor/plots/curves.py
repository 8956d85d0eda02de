"""Numbers over the steps of a training, and numbers side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor._checks import boolean, integer, optional, validate
from gantutor._errors import InputError
from gantutor.metrics.score import format_number
from gantutor.plots._checks import (
    axes_or_none,
    check_colours,
    check_named,
    check_trained,
    drawable,
    to_column,
)
from gantutor.plots.style import NEUTRAL, Figure, figure, label, player_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 300
"""A thinned curve is drawn with at most so many points."""


def moving_average(values: Sequence[float], window: int) -> Tensor:
    """Running mean over ``window`` values, shorter at the ends: same length. Raises InputError for what is no
    list of numbers."""
    column = to_column(values)
    validate({"window": window}, window=integer(1))
    total = torch.cat([column.new_zeros(1), column.nan_to_num().cumsum(0)])
    positions = torch.arange(len(column))
    low = (positions - window // 2).clamp(min=0)
    high = (positions + window // 2 + 1).clamp(max=len(column))
    return (total[high] - total[low]) / (high - low)


def downsample(
    steps: Sequence[int], values: Sequence[float], most: int = POINTS
) -> tuple[list[float], list[float]]:
    """The means of at most ``most`` equal stretches of a curve. Raises InputError for lists of different
    lengths, or of anything but numbers.

    >>> downsample([0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0], most=2)
    ([0.5, 2.5], [2.0, 6.0])
    """
    validate({"most": most}, most=integer(1))
    if len(to_column(steps, "steps")) != len(to_column(values)):
        raise InputError(f"steps and values must be as many, not {len(steps)} and {len(values)}")
    size = math.ceil(len(values) / most) or 1
    starts = range(0, len(values), size)

    def means(column: Sequence[float]) -> list[float]:
        return [sum(part) / len(part) for part in (column[start : start + size] for start in starts)]

    return means(steps), means(values)


def losses(run: Any, title: str = "Losses while training", axes: Axes | None = None) -> Figure:
    """The losses of all turns over the steps, smoothed over a fiftieth of the run, the raw values pale
    behind.

    The dotted line is 2 log 2, the discriminator's cross-entropy when it cannot tell real from generated.
    Raises InputError for what is no Run.
    """
    check_trained(run)
    validate({"axes": axes}, axes=optional(axes_or_none()))
    if axes is None:
        _, axes = figure()
    recorded = [turn.name for turn in run.gan.turns if turn.name in run.history.names]
    for name, colour in player_colours(recorded).items():
        steps, values = run.history.column(name)
        axes.plot(steps, values, color=colour, alpha=0.15, linewidth=0.8)
        axes.plot(steps, moving_average(values, max(1, len(values) // 50)), color=colour, label=name)
    axes.axhline(2 * float(torch.tensor(2.0).log()), color=NEUTRAL, linestyle=":", linewidth=1)
    label(axes, title, "step", "loss (nats)")
    axes.legend(fontsize=8)
    return axes.figure  # type: ignore[return-value]


def bars(
    values: Mapping[str, float],
    title: str,
    unit: str,
    colours: Sequence[str] | None = None,
    log: bool = False,
) -> Figure:
    """Numbers side by side, each written on its bar; one that is not finite has none. Raises InputError for
    what is no dict of numbers, or another number of colours."""
    check_named(values=values)
    to_column(list(values.values()))
    rules = {"colours": optional(check_colours(len(values), spare=True)), "log": boolean()}
    validate({"colours": colours, "log": log}, **rules)
    fig, axes = figure(size=(6.4, 0.42 * len(values) + 1.0))
    names = list(values)
    lengths = [drawable(value) for value in values.values()]
    drawn = axes.barh(names, lengths, color=colours or [NEUTRAL] * len(names), log=log)
    axes.bar_label(drawn, labels=[f" {format_number(value)}" for value in values.values()], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    label(axes, title, unit)
    return fig
