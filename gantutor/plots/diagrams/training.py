"""Diagrams of what holds a training steady: averaged weights, and a penalty on the slope at real data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gantutor._checks import checked, integer, number
from gantutor.metrics.score import format_number
from gantutor.plots.diagrams.canvas import INK, SMALL_SIZE, TEXT_SIZE, Canvas
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, NEUTRAL, REAL, Figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked(steps=integer(10, 10_000), half_life=number(above=0, high=10_000), seed=integer(0))
def ema(steps: int = 160, half_life: float = 10.0, seed: int = 0) -> Figure:
    """Draw the path of two weights that circle around an optimum, and its exponential moving average.

    The path is computed, not trained: a spiral with noise. The right panel shows how much each past step
    counts, (1 − β) βᵏ for the step k steps ago.

    Args:
        steps: the number of steps, 10 to 10,000.
        half_life: the number of steps after which a step counts half, greater than 0; β is 0.5^(1/half_life).
        seed: the seed of the noise.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "half-life of 20 steps" in ema(half_life=20).alternative_text
    True
    """
    decay = 0.5 ** (1 / half_life)
    path = _spiral(steps, seed)
    mean = [path[0]]
    for weights in path[1:]:
        mean.append(decay * mean[-1] + (1 - decay) * weights)
    average = torch.stack(mean)
    canvas = Canvas(
        4.0,
        "Exponential moving average (EMA) of the weights",
        "Left: the path of two weights of G circles around an optimum with noise; its exponential moving "
        f"average with a half-life of {half_life:g} steps runs smoothly to the optimum. Right: how much each "
        f"past step counts; a step {half_life:g} steps ago counts half as much as the last one.",
    )
    axes = canvas.panel(0.75, 0.95, 2.4, 2.2)
    axes.plot(*path.T.numpy(), color=GENERATOR, lw=0.8, alpha=0.75)
    axes.plot(*average.T.numpy(), color=NEUTRAL, lw=2.2)
    axes.plot(*path[-1].numpy(), "o", color=GENERATOR, ms=6)
    axes.plot(*average[-1].numpy(), "o", color=NEUTRAL, ms=6)
    axes.plot(0, 0, "+", color="black", ms=11, mew=1.6)
    axes.set(xticks=[], yticks=[])
    label(axes, "Weights θ, and their average", "weight 1", "weight 2")
    ages = torch.arange(int(5 * half_life) + 1)
    panel = canvas.panel(4.1, 0.95, 2.0, 2.2)
    panel.plot(ages, (1 - decay) * decay**ages, ".", color=NEUTRAL, ms=4)
    panel.axvline(half_life, color=NEUTRAL, linestyle=":", lw=1)
    panel.text(1.15 * half_life, (1 - decay) * 0.9, "half-life", color=NEUTRAL, fontsize=SMALL_SIZE)
    panel.set_ylim(0, None)
    label(panel, "How much a past step counts", "steps ago", "share of the average")
    for x, words, colour in (
        (0.75, "weights θ", GENERATOR),
        (1.55, "average", NEUTRAL),
        (2.25, "+ optimum", INK),
    ):
        canvas.text(x, 0.32, words, colour, ha="left", va="baseline", weight="bold")
    update = r"\bar\theta \leftarrow \beta\,\bar\theta + (1-\beta)\,\theta"
    value = rf"\beta = 0.5^{{1/{half_life:g}}} = {decay:.3f}"
    canvas.text(6.1, 0.32, rf"${update},\quad {value}$", size=TEXT_SIZE, ha="right", va="baseline")
    return canvas.figure


def _spiral(steps: int, seed: int) -> Tensor:
    """Points (steps, 2) that circle around 0 ever closer, and keep trembling."""
    time = torch.linspace(0, 1, steps)
    radius, angle = 0.35 + 1.3 * (-4 * time).exp(), 12 * torch.pi * time + 2.5
    noise = torch.randn(steps, 2, generator=torch.Generator().manual_seed(seed))
    return radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1) + 0.06 * noise


@checked(gamma=number(above=0, high=1000))
def r1_picture(gamma: float = 1.0) -> Figure:
    """Draw a steep and a gentle discriminator over the same real points, and what R1 makes of their slopes.

    R1 is γ/2 · E ‖∇D(x)‖² over real x (Mescheder et al. 2018, arXiv:1801.04406, equation 9). Both penalties
    in the figure are computed, by differentiating the curves that are drawn.

    Args:
        gamma: the coefficient γ, greater than 0, at most 1,000.

    Returns:
        The figure.

    Raises:
        InputError: if ``gamma`` is out of range.

    >>> len(r1_picture().axes)
    3
    """
    real = torch.tensor([0.35, 0.6, 0.85, 1.1, 1.35])
    curves: dict[str, Callable[[Tensor], Tensor]] = {
        "Steep at real data": lambda x: 6 * torch.tanh(1.1 * (x - 0.9)),
        "Gentle at real data": lambda x: 1.2 * torch.tanh(0.5 * (x - 0.2)),
    }
    slopes = {name: _slope(curve, real) for name, curve in curves.items()}
    penalties = {name: gamma / 2 * float(slope.square().mean()) for name, slope in slopes.items()}
    steep, gentle = map(format_number, penalties.values())
    canvas = Canvas(
        4.0,
        "The R1 penalty: the slope of D at real data",
        "Two discriminators D over the same real points on a line, with their tangents at these points. The "
        f"steep one pays a penalty of {steep}, the gentle one of {gentle}. R1 is gamma over 2 times the "
        "mean squared gradient of D at real data; it does not look at the curve elsewhere.",
    )
    for index, (name, curve) in enumerate(curves.items()):
        axes = canvas.panel(0.75 + 2.9 * index, 0.98, 2.4, 2.15)
        _draw_slopes(axes, curve, real, slopes[name])
        label(axes, name, "x", "logit D(x)" if index == 0 else "")
        words = rf"$\frac{{\gamma}}{{2}}\,\mathrm{{E}}\,\|\nabla D(x)\|^2 = {format_number(penalties[name])}$"
        axes.text(-1.9, 6.0, words, fontsize=TEXT_SIZE, va="top")
    legend = (
        (0.75, "real points", REAL),
        (1.7, "generated points", GENERATED),
        (3.05, "curve of D", DISCRIMINATOR),
        (4.0, "tangents at real points", INK),
    )
    for x, words, colour in legend:
        canvas.text(x, 0.32, words, colour, ha="left", va="baseline", weight="bold")
    canvas.text(6.1, 0.32, rf"$\gamma = {gamma:g}$", size=TEXT_SIZE, ha="right", va="baseline")
    return canvas.figure


def _slope(curve: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    points = points.clone().requires_grad_(True)
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(curve(points).sum(), points)
    return slope


def _draw_slopes(axes: Axes, curve: Callable[[Tensor], Tensor], real: Tensor, slopes: Tensor) -> None:
    line = torch.linspace(-2, 2, 200)
    axes.plot(line, curve(line), color=DISCRIMINATOR, lw=1.8)
    for x, y, slope in torch.stack([real, curve(real), slopes], 1)[::2].tolist():
        reach = 0.5 / (1 + (0.23 * slope) ** 2) ** 0.5  # of one length on the page: 0.23 is the axes' scale
        axes.plot([x - reach, x + reach], [y - slope * reach, y + slope * reach], color="black", lw=1)
    axes.plot(real, curve(real), "o", color=REAL, ms=4)
    axes.plot(real, torch.full_like(real, -7), "|", color=REAL, ms=9, mew=1.5)
    generated = torch.tensor([-1.6, -1.3, -1.1, -0.95, -0.8, -0.5])
    axes.plot(generated, torch.full_like(generated, -7), "|", color=GENERATED, ms=9, mew=1.5)
    axes.set(xlim=(-2, 2), ylim=(-8, 7.5), xticks=[-1, 0, 1], yticks=[-5, 0, 5])
