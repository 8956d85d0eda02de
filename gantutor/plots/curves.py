"""Curves over the steps of a training, and bar charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor._checks import boolean, checked, integer, optional, validate
from gantutor._errors import InputError
from gantutor.metrics.score import format_number
from gantutor.plots._checks import (
    bar_length,
    check_colours,
    check_dict,
    check_run,
    matplotlib_axes,
    to_float64,
)
from gantutor.plots.style import NEUTRAL, WIDTH, Figure, figure, label, player_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CURVE_POINTS = 300
"""The number of points that a curve is downsampled to, unless the caller says otherwise."""


@checked(window=integer(1))
def moving_average(values: Sequence[float], window: int) -> Tensor:
    """Return the moving average of a list of numbers, a tensor of the same length.

    Each value is replaced by the mean of the window around it; at both ends the window is shorter.
    A NaN counts as 0.

    Args:
        values: the numbers, in order; NaN is allowed.
        window: the number of values to average, at least 1.

    Returns:
        A float64 tensor of shape (N,).

    Raises:
        InputError: if ``values`` is not a list of numbers or ``window`` is out of range.

    >>> moving_average([1.0, 2.0, 6.0], window=3)
    tensor([1.5000, 3.0000, 4.0000], dtype=torch.float64)
    """
    series = to_float64(values)
    cumulative = torch.cat([series.new_zeros(1), series.nan_to_num().cumsum(0)])
    positions = torch.arange(len(series))
    low = (positions - window // 2).clamp(min=0)
    high = (positions + window // 2 + 1).clamp(max=len(series))
    return (cumulative[high] - cumulative[low]) / (high - low)


@checked(max_points=integer(1))
def downsample(
    steps: Sequence[int], values: Sequence[float], max_points: int = MAX_CURVE_POINTS
) -> tuple[list[float], list[float]]:
    """Reduce a curve to at most ``max_points`` points by averaging consecutive values.

    Args:
        steps: the x values.
        values: the y values, as many as ``steps``.
        max_points: the number of points to keep at most, at least 1.

    Returns:
        The mean step and the mean value of each group, as two lists.

    Raises:
        InputError: if the two lists differ in length or hold anything but numbers.

    >>> downsample([0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0], max_points=2)
    ([0.5, 2.5], [2.0, 6.0])
    """
    if len(to_float64(steps, "steps")) != len(to_float64(values)):
        raise InputError(f"steps and values must have the same length, not {len(steps)} and {len(values)}")
    size = math.ceil(len(values) / max_points) or 1
    starts = range(0, len(values), size)

    def means(numbers: Sequence[float]) -> list[float]:
        return [sum(chunk) / len(chunk) for chunk in (numbers[start : start + size] for start in starts)]

    return means(steps), means(values)


@checked(axes=optional(matplotlib_axes()))
def losses(run: Any, title: str = "Losses while training", axes: Axes | None = None) -> Figure:
    """Plot the losses of all turns over the steps of a run.

    Each curve is a moving average over a fiftieth of the run, with the raw values pale behind it. The dotted
    line is 2 log 2, the discriminator's cross-entropy when it cannot tell real from generated.

    Args:
        run: the training, as ``gantutor.train`` returns it.
        title: the title of the panel.
        axes: where to draw; None makes a new figure.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``run`` is not a Run or ``axes`` is not a matplotlib Axes.
    """
    check_run(run)
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
    """Plot named numbers as horizontal bars, each labelled with its value.

    A value that is not finite is labelled and gets no bar.

    Args:
        values: the numbers by name, drawn from top to bottom.
        title: the title of the panel.
        unit: the label of the x axis.
        colours: one colour for each bar; more are allowed. None draws all bars in grey.
        log: whether the x axis is logarithmic.

    Raises:
        InputError: if ``values`` is not a dict of numbers, if it is empty, or if there are too few colours.

    >>> bars({"real data": 1.0, "baseline": 2.5}, "Fréchet distance", "lower is better").axes[0].get_xlabel()
    'lower is better'
    """
    check_dict(values=values)
    to_float64(list(values.values()))
    rules = {"colours": optional(check_colours(len(values), allow_more=True)), "log": boolean()}
    validate({"colours": colours, "log": log}, **rules)
    fig, axes = figure(size=(WIDTH, 0.42 * len(values) + 1.0))
    names = list(values)
    lengths = [bar_length(value) for value in values.values()]
    rectangles = axes.barh(names, lengths, color=colours or [NEUTRAL] * len(names), log=log)
    axes.bar_label(rectangles, labels=[f" {format_number(value)}" for value in values.values()], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    label(axes, title, unit)
    return fig
