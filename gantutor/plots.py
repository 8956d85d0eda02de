"""Still pictures: each function returns a matplotlib Figure that a notebook shows when it ends a cell.

One palette for the whole course, safe for colour-blind readers (Okabe & Ito 2008): real, generated, generator
and discriminator keep their colours everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.figure
import torch
from torch import Tensor, nn

from gantutor.errors import InputError
from gantutor.metrics.score import short
from gantutor.parameters import validate, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REAL = "#0072B2"
GENERATED = "#D55E00"
GENERATOR = "#CC79A7"
DISCRIMINATOR = "#009E73"
NEUTRAL = "#666666"

POINTS = 300
"""A thinned curve is drawn with at most so many points."""


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
    """An empty figure and its axes."""
    fig = Figure(figsize=size, dpi=100, layout="constrained")
    return fig, fig.subplots(rows, columns, **options)


def label(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Title and axis labels of one panel."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)


def tile(images: Tensor, columns: int = 10) -> Tensor:
    """Images (N, 1 or 3, H, W) in [−1, 1] as one picture (rows · (H + 1), columns · (W + 1)[, 3]) in [0, 1].

    >>> tile(torch.zeros(4, 1, 28, 28), columns=2).shape
    torch.Size([58, 58])
    """
    if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise InputError(f"images must have shape (count, 1 or 3, height, width), not {tuple(images.shape)}")
    validate({"columns": columns}, columns=whole(1))
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    page = images.new_ones(rows * columns, channels, height + 1, width + 1)
    page[:count, :, :height, :width] = images.detach().clamp(-1, 1)
    page = page.view(rows, columns, channels, height + 1, width + 1).permute(0, 3, 1, 4, 2)
    picture = (page.reshape(rows * (height + 1), columns * (width + 1), channels).cpu() + 1) / 2
    return picture.squeeze(-1)


def grid(images: Tensor, title: str = "", columns: int = 10, axes: Axes | None = None) -> Figure:
    """A page of images, row by row.

    >>> grid(torch.zeros(20, 1, 28, 28), "twenty black squares").axes[0].get_title()
    'twenty black squares'
    """
    picture = tile(images, columns)
    if axes is None:
        _, axes = figure(size=(picture.shape[1] / 52, picture.shape[0] / 52 + 0.3))
    axes.imshow(picture.float().numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    return axes.figure  # type: ignore[return-value]


def samples(run: Any, axes: Axes, count: int = 500) -> Figure:
    """What the averaged generator makes of the run's fixed latents, in the form that suits their shape.

    Images (N, 1 or 3, H, W) as a page, clips (N, T, 1 or 3, H, W) as rows of frames; points (N, 2) in the
    plane; numbers (N, 1) as a histogram; series (N, T) or (N, T, C) and waveforms (N, 1 or 2, T) as lines
    over time. A run without fixed latents shows fresh ones. Raises InputError for other shapes.
    """
    if run.gallery is None:
        made = run.sample(count)
    else:
        latents, conditions = run.gallery
        some = tuple(c[:count] for c in conditions) if isinstance(conditions, tuple) else conditions
        made = run.generate(latents[:count], some[:count] if isinstance(some, Tensor) else some)
    title = f"Generated, step {run.step:,}"
    if made.dim() == 5:  # clips (N, T, C, H, W): one row each
        return grid(made[:6].flatten(0, 1), title, columns=made.shape[1], axes=axes)
    if made.dim() == 4 and made.shape[1] in (1, 3):
        return grid(made[:60], title, columns=10, axes=axes)
    if made.dim() == 4:
        shape = tuple(made.shape[1:])
        raise InputError(
            f"samples of shape {shape} have no picture of their own: give a view that draws them"
        )
    if made.dim() == 3 and made.shape[1] <= 2 < made.shape[2]:  # waveforms (N, channels, T)
        made = made.transpose(1, 2)
    if made.shape[1:] == (2,):
        x, y = made.T.numpy()
        axes.scatter(x, y, s=6, color=GENERATED, linewidths=0, label="generated")
        axes.set_aspect("equal")
        label(axes, title, "x₁", "x₂")
    elif made.shape[1:] == (1,):
        axes.hist(made[:, 0].numpy(), bins=20, color=GENERATED)
        label(axes, title, "x", "number of samples")
    else:
        for sequence in made[:8]:
            axes.plot(sequence.numpy(), color=GENERATED, linewidth=0.8, alpha=0.7)
        label(axes, title, "time step", "value")
    return axes.figure  # type: ignore[return-value]


def pages(parts: Mapping[str, Tensor], columns: int = 10, size: tuple[float, float] = (9.0, 3.2)) -> Figure:
    """Pages of images side by side, each under its name."""
    fig, axes = figure(1, len(parts), size, squeeze=False)
    for panel, (title, images) in zip(axes[0], parts.items(), strict=True):
        grid(images, title, columns, panel)
    return fig


def smoothed(values: Sequence[float], window: int) -> Tensor:
    """Running mean over ``window`` values, shorter at the ends: same length."""
    column = torch.tensor(values, dtype=torch.float64)
    total = torch.cat([column.new_zeros(1), column.nan_to_num().cumsum(0)])
    positions = torch.arange(len(column))
    low = (positions - window // 2).clamp(min=0)
    high = (positions + window // 2 + 1).clamp(max=len(column))
    return (total[high] - total[low]) / (high - low)


def thinned(
    steps: Sequence[int], values: Sequence[float], most: int = POINTS
) -> tuple[list[float], list[float]]:
    """The means of at most ``most`` equal stretches of a curve.

    >>> thinned([0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0], most=2)
    ([0.5, 2.5], [2.0, 6.0])
    """
    size = math.ceil(len(values) / most) or 1
    starts = range(0, len(values), size)

    def means(column: Sequence[float]) -> list[float]:
        return [sum(part) / len(part) for part in (column[start : start + size] for start in starts)]

    return means(steps), means(values)


def losses(run: Any, title: str = "Losses while training", axes: Axes | None = None) -> Figure:
    """The losses of all turns over the steps, smoothed over a fiftieth of the run, the raw values pale
    behind.

    The dotted line is 2 log 2, the discriminator's cross-entropy when it cannot tell real from generated.
    """
    if axes is None:
        _, axes = figure()
    colours = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}
    for name in (turn.name for turn in run.gan.turns):
        if name not in run.history.names:
            continue
        steps, values = run.history.column(name)
        colour = colours.get(name, NEUTRAL)
        axes.plot(steps, values, color=colour, alpha=0.15, linewidth=0.8)
        axes.plot(steps, smoothed(values, max(1, len(values) // 50)), color=colour, label=name)
    axes.axhline(2 * float(torch.tensor(2.0).log()), color=NEUTRAL, linestyle=":", linewidth=1)
    label(axes, title, "step", "loss (nats)")
    axes.legend(fontsize=8)
    return axes.figure  # type: ignore[return-value]


def points(
    real: Tensor,
    generated: Tensor | None = None,
    title: str = "",
    discriminator: Callable[[Tensor], Tensor] | None = None,
    axes: Axes | None = None,
    reach: float | None = None,
    legend: bool = True,
) -> Figure:
    """Two-dimensional samples (N, 2): real under generated, and behind them, if given, the discriminator's
    D(x)."""
    if axes is None:
        _, axes = figure(size=(4.2, 4.0))
    reach = reach or 1.25 * float(real.abs().max())
    if discriminator is not None:
        shade(axes, discriminator, reach)
    x, y = real[:1000].T.cpu().numpy()
    axes.scatter(x, y, s=4, color=REAL, alpha=0.5, label="real", linewidths=0)
    if generated is not None:
        x, y = generated[:1000].T.cpu().numpy()
        axes.scatter(
            x,
            y,
            s=4,
            color=GENERATED,
            alpha=0.7,
            label="generated",
            linewidths=0,
        )
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    label(axes, title, "x₁", "x₂")
    if legend:
        axes.legend(fontsize=8, loc="upper right", markerscale=3)
    return axes.figure  # type: ignore[return-value]


@torch.no_grad()
def shade(axes: Axes, discriminator: Callable[[Tensor], Tensor], reach: float, side: int = 80) -> None:
    """D(x) = sigmoid(logit) as a shade behind a plane: light where it says real, dark where it says
    generated."""
    line = torch.linspace(-reach, reach, side)
    plane = torch.cartesian_prod(line, line)
    device = next(iter(discriminator.parameters())).device if isinstance(discriminator, nn.Module) else "cpu"
    values = torch.sigmoid(discriminator(plane.to(device))).cpu().view(side, side).T
    axes.imshow(
        values.numpy(),
        extent=(-reach, reach, -reach, reach),
        origin="lower",
        cmap="Greys_r",
        vmin=-0.5,
        vmax=1,
        aspect="auto",
    )


def time_machine(
    run: Any, rows: int = 6, columns: int = 12, title: str = "The same latents over the training"
) -> Figure:
    """Snapshots of a run: one row a fixed latent, one column a moment, from the first to the last.

    Raises InputError for a run without snapshots, or whose samples are no images.
    """
    refuse_no_snapshots(run)
    validate({"rows": rows, "columns": columns}, rows=whole(1), columns=whole(1))
    count = len(run.snapshots)
    chosen = sorted({round(i * (count - 1) / max(1, columns - 1)) for i in range(columns)})
    picked = [run.snapshots[i] for i in chosen]
    rows = min(rows, len(picked[0].samples))
    fig, axes = figure(size=(len(picked) * 0.62 + 0.6, rows * 0.6 + 0.7))
    images = torch.stack([snapshot.samples[:rows] for snapshot in picked], 1).flatten(0, 1)
    grid(images, title, len(picked), axes)
    width = images.shape[3] + 1
    axes.set_axis_on()
    axes.set_yticks([])
    axes.set_xticks(
        [width * (i + 0.5) for i in range(len(picked))], [f"{s.step:,}" for s in picked], fontsize=8
    )
    axes.set_xlabel("step", fontsize=9)
    return fig


def refuse_no_snapshots(run: Any) -> None:
    """Raise InputError where a run has no snapshots, or snapshots that are no images."""
    if not run.snapshots:
        raise InputError("this run has no snapshots: train with snapshots= of at least 1")
    shape = tuple(run.snapshots[0].samples.shape)
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise InputError(f"the snapshots must be images to be shown so, not of shape {shape}")


def bars(
    values: Mapping[str, float],
    title: str,
    unit: str,
    colours: Sequence[str] | None = None,
    log: bool = False,
) -> Figure:
    """Numbers side by side, each written on its bar."""
    fig, axes = figure(size=(6.4, 0.42 * len(values) + 1.0))
    names = list(values)
    drawn = axes.barh(names, list(values.values()), color=colours or [NEUTRAL] * len(names), log=log)
    axes.bar_label(drawn, labels=[f" {short(value)}" for value in values.values()], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    label(axes, title, unit)
    return fig


def arrows(run: Any, real: Tensor, axes: Axes, count: int = 60) -> Figure:
    """At generated points, the direction ∇ log D(x) in which the discriminator would find them more real."""
    inputs = run.sample(count, seed=1).requires_grad_(True)
    discriminator = run.gan.networks["discriminator"]
    log_probability = nn.functional.logsigmoid(discriminator(inputs.to(run.gan.device)))
    (slope,) = torch.autograd.grad(log_probability.sum(), inputs)
    points(real, None, "Generated points and what they are told", discriminator, axes)
    at = inputs.detach()
    axes.scatter(at[:, 0].numpy(), at[:, 1].numpy(), s=8, color=GENERATED, linewidths=0, label="generated")
    axes.quiver(*at.T.numpy(), *slope.T.numpy(), color=GENERATOR, width=0.004, label="∇ log D")
    axes.legend(fontsize=8, loc="upper right")
    return axes.figure  # type: ignore[return-value]


def warped_grid(run: Any, real: Tensor, axes: Axes, side: int = 25, reach: float = 2.5) -> Figure:
    """A square grid in a two-dimensional latent space, and where the generator puts its lines."""
    line = torch.linspace(-reach, reach, side)
    plane = run.generate(torch.cartesian_prod(line, line)).view(side, side, 2)
    points(real, None, "A grid of latents, as the generator bends it", axes=axes)
    for lines in (plane, plane.transpose(0, 1)):
        for one in lines:
            axes.plot(*one.T.numpy(), color=GENERATED, linewidth=0.6, alpha=0.8)
    return axes.figure  # type: ignore[return-value]
