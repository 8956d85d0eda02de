"""Comparisons: curves with a common axis, numbers side by side, and clouds of points over a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gantutor._checks import boolean, check_floats, checked, optional, validate
from gantutor._errors import InputError
from gantutor.metrics.score import format_number
from gantutor.plots._checks import (
    PANEL_COUNT,
    check_colours,
    check_dict,
    check_points,
    matplotlib_axes,
    numbers,
)
from gantutor.plots.plane import REACH_RULE
from gantutor.plots.style import (
    GENERATED,
    NEUTRAL,
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

LINE_STYLES = ("-", "--", ":", "-.")
"""The styles of the curves of one panel, so that colour alone distinguishes none of them."""

MARKERS = ("o", "s", "D", "^", "v")
"""The markers of the rows of ``dots``."""

CLOUD_POINTS = 1000
"""The number of points that a panel of ``clouds`` draws of each kind."""


@checked(axes=optional(matplotlib_axes()), log=boolean())
def lines(
    x: Any,
    curves: Mapping[str, Any],
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    colours: Sequence[str] | None = None,
    axes: Axes | None = None,
    log: bool = False,
) -> Figure:
    """Draw several curves over one axis, each with its own line style.

    Args:
        x: the x values: a list of N numbers or a tensor (N,).
        curves: the y values of each curve by its name, likewise.
        title: the title of the panel.
        x_label: the label of the x axis, with its unit.
        y_label: the label of the y axis, with its unit.
        colours: one colour for each curve; more are allowed. None draws all curves in grey.
        axes: where to draw; None makes a new figure.
        log: whether the y axis is logarithmic.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``curves`` is not a dict of as many numbers as ``x``, or if there are too few colours.

    >>> lines([0, 1], {"p": [0.2, 0.8], "q": [0.5, 0.5]}, "Two densities").alternative_text
    'Two densities: p between 0.2 and 0.8; q between 0.5 and 0.5.'
    """
    check_dict(curves=curves)
    validate({"colours": colours}, colours=optional(check_colours(len(curves), allow_more=True)))
    places = numbers(x, "x")
    drawn = {name: numbers(values, f"the curve {name!r}") for name, values in curves.items()}
    for name, values in drawn.items():
        if len(values) != len(places):
            raise InputError(f"the curve {name!r} must be as long as x, {len(places)}, not {len(values)}")
    if axes is None:
        _, axes = figure()
    for index, (name, values) in enumerate(drawn.items()):
        style = LINE_STYLES[index % len(LINE_STYLES)]
        axes.plot(places, values, style, color=colours[index] if colours else NEUTRAL, label=name)
    if log:
        axes.set_yscale("log")
        plain_log_ticks(axes.yaxis)
    label(axes, title, x_label, y_label)
    alone = len(axes.figure.axes) == 1  # below the panel, a legend covers no curve
    axes.legend(
        fontsize=8,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=len(drawn) if alone else 1,
        frameon=False,
    )
    ranges = "; ".join(f"{name} between {_range_words(values)}" for name, values in drawn.items())
    describe(axes.figure, f"{str(title) or 'Curves'}: {ranges}.")
    return axes.figure  # type: ignore[return-value]


@checked(axes=optional(matplotlib_axes()), log=boolean())
def dots(
    values: Mapping[str, Any],
    title: str = "",
    unit: str = "",
    colours: Sequence[str] | None = None,
    log: bool = False,
    axes: Axes | None = None,
) -> Figure:
    """Draw numbers as points, one row for each name; of several numbers the median is marked and written.

    Points compare numbers on a logarithmic axis too, where the length of a bar would mean nothing.

    Args:
        values: a number, or the list of numbers of several runs, by name; drawn from top to bottom.
        title: the title of the panel.
        unit: the label of the x axis.
        colours: one colour for each row; more are allowed. None draws all points in grey.
        log: whether the x axis is logarithmic; numbers that are not positive are left out then.
        axes: where to draw; None makes a new figure.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``values`` is not a dict of finite numbers, or if there are too few colours.

    >>> dots({"real data": 3.9, "generated": [20, 24, 22]}, "Distance").alternative_text
    'Distance: real data 3.9; generated 22, from 20 to 24 in 3 runs.'
    """
    check_dict(values=values)
    validate({"colours": colours}, colours=optional(check_colours(len(values), allow_more=True)))
    rows = {name: _row(name, value) for name, value in values.items()}
    if axes is None:
        _, axes = figure(size=(WIDTH, 0.42 * len(rows) + 1.0))
    for index, row in enumerate(rows.values()):
        colour, marker = colours[index] if colours else NEUTRAL, MARKERS[index % len(MARKERS)]
        middle, shown = float(row.quantile(0.5)), [float(v) for v in row if v > 0 or not log]
        if len(row) > 1 and (middle > 0 or not log):
            axes.plot([middle] * 2, [index - 0.32, index + 0.32], color=colour, linewidth=2)
        spread = [index + 0.22 * math.sin(2.4 * i) * (len(shown) > 1) for i in range(len(shown))]
        axes.plot(shown, spread, marker, color=colour, alpha=0.65 if len(row) > 1 else 1, markersize=6)
        axes.annotate(
            f"{'median ' if len(row) > 1 else ''}{format_number(middle)}",
            (1.01, index),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
    axes.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.5))
    axes.margins(x=0.08)
    if log:
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
    axes.grid(axis="x", alpha=0.3)
    label(axes, title, unit)
    describe(axes.figure, f"{str(title) or 'Numbers'}: {'; '.join(map(_row_words, rows.items()))}.")
    return axes.figure  # type: ignore[return-value]


@checked(columns=optional(PANEL_COUNT), reach=optional(REACH_RULE))
def clouds(
    real: Tensor,
    parts: Mapping[str, Tensor],
    title: str = "",
    columns: int | None = None,
    reach: float | None = None,
) -> Figure:
    """Draw clouds of generated points in panels of one scale, with the real points behind each.

    Args:
        real: real points (N, 2); the first 1,000 are drawn.
        parts: generated points (N, 2) by the title of their panel; the first 1,000 are drawn.
        title: the title of the figure.
        columns: the number of panels in a row; None puts all into one.
        reach: every panel covers [−reach, reach]²; None is 1.25 times the largest real coordinate.

    Raises:
        InputError: if a tensor does not hold finite points (N, 2), or if ``parts`` is not a dict or is empty.

    >>> import torch
    >>> clouds(torch.zeros(5, 2), {"early": torch.ones(5, 2), "late": torch.zeros(5, 2)}).alternative_text
    'Real points in blue, generated points in vermilion. Panels: early; late.'
    """
    check_points(real=real)
    check_dict(parts=parts)
    for name, points in parts.items():
        check_points(**{name: points})
    columns = min(columns or len(parts), len(parts))
    rows = -(-len(parts) // columns)
    reach = reach or 1.25 * float(real.abs().max()) or 1.0
    side = WIDTH / columns
    fig, axes = figure(rows, columns, (WIDTH, rows * (side + 0.15) + 0.4), squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, (name, points) in zip(axes.flat, parts.items(), strict=False):
        panel.set_axis_on()
        for cloud, colour, words in ((real, REAL, "real"), (points, GENERATED, "generated")):
            x, y = cloud[:CLOUD_POINTS].detach().cpu().T.numpy()
            panel.scatter(x, y, s=3, color=colour, alpha=0.6, linewidths=0, label=words)
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
        label(panel, name)
        panel.title.set_fontsize(10 if columns < 4 else 8)
    handles, names = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8, markerscale=3)
    if str(title):
        fig.suptitle(title, fontsize=10)
    beginning = f"{title}. " if str(title) else ""
    describe(
        fig,
        f"{beginning}Real points in blue, generated points in vermilion. Panels: {'; '.join(parts)}.",
    )
    return fig


@checked(axes=optional(matplotlib_axes()))
def mode_history(steps: Sequence[int], shares: Tensor, title: str = "", axes: Axes | None = None) -> Figure:
    """Draw over the training which share of the samples each mode gets: one row a mode, one column a moment.

    A row that stays dark is a mode that is lost; a row that flashes is one that is visited in turn.

    Args:
        steps: the step of each moment, in order.
        shares: the share of each mode at each moment, shape (moments, modes), each from 0 to 1.
        title: the title of the panel.
        axes: where to draw; None makes a new figure.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``shares`` does not have one row of finite shares for each step.

    >>> import torch
    >>> mode_history([0, 100], torch.tensor([[1.0, 0.0], [0.5, 0.5]]), "Two modes").alternative_text
    'Two modes: at the last moment, step 100, the 2 modes get 50 %, 50 % of the samples.'
    """
    check_floats(shares=shares)
    moments = numbers(steps, "steps")
    if not bool(moments.isfinite().all()):
        raise InputError(f"steps must be finite numbers, not {steps!r:.60}")
    if shares.dim() != 2 or len(shares) != len(moments) or not shares.numel():
        expected = f"({len(moments)}, modes)"
        raise InputError(f"shares must have one row for each step, {expected}, not {tuple(shares.shape)}")
    modes = shares.shape[1]
    if axes is None:
        _, axes = figure(size=(WIDTH, 0.2 * modes + 1.2))
    edges = (float(moments[0]), float(moments[-1]) or 1.0, modes + 0.5, 0.5)
    picture = axes.imshow(
        shares.detach().cpu().T.numpy(),
        extent=edges,
        aspect="auto",
        interpolation="nearest",
        cmap="inferno",
        vmin=0,
        vmax=max(2 / modes, 0.01),
    )
    axes.set_yticks(range(1, modes + 1, 1 if modes <= 10 else 5))
    label(axes, title, "step", "mode")
    bar = axes.figure.colorbar(picture, ax=axes, extend="max", pad=0.01)
    bar.set_label("share of samples", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    last = ", ".join(f"{share:.0%}".replace("%", " %") for share in shares[-1].tolist())
    describe(
        axes.figure,
        f"{str(title) or 'Shares'}: at the last moment, step {int(moments[-1]):,}, the {modes} modes get "
        f"{last} of the samples.",
    )
    return axes.figure  # type: ignore[return-value]


def _range_words(values: Tensor) -> str:
    finite = values[values.isfinite()]
    if not len(finite):
        return "no finite values"
    low, high = float(finite.min()), float(finite.max())
    low = 0.0 if abs(low) < 1e-4 * abs(high) else low
    return f"{format_number(low)} and {format_number(high)}"


def _row(name: str, value: Any) -> Tensor:
    row = numbers(value if isinstance(value, Sequence) else [value], name)
    if not len(row) or not bool(row.isfinite().all()):
        raise InputError(f"{name} must be finite numbers, at least one, not {value!r:.60}")
    return row


def _row_words(item: tuple[str, Tensor]) -> str:
    name, row = item
    words = f"{name} {format_number(float(row.quantile(0.5)))}"
    if len(row) == 1:
        return words
    low, high = format_number(float(row.min())), format_number(float(row.max()))
    return f"{words}, from {low} to {high} in {len(row)} runs"
