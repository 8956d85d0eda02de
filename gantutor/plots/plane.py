"""Two-dimensional samples, and what the networks do in the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gantutor._checks import boolean, checked, function, integer, number, optional
from gantutor._user_errors import explain_mismatch
from gantutor.plots._checks import MAX_COUNT, check_points, check_run, matplotlib_axes
from gantutor.plots.style import GENERATED, GENERATOR, REAL, Figure, describe, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


REACH_RULE = number(above=0, high=1e6)
"""The rule for the distance from the centre of a plot to its edge."""


@checked(axes=optional(matplotlib_axes()), reach=optional(REACH_RULE), legend=boolean())
def points(
    real: Tensor,
    generated: Tensor | None = None,
    title: str = "",
    discriminator: Callable[[Tensor], Tensor] | None = None,
    axes: Axes | None = None,
    reach: float | None = None,
    legend: bool = True,
) -> Figure:
    """Draw real and generated points of the plane, with the discriminator's output as a background if given.

    Args:
        real: real points (N, 2); the first 1,000 are drawn.
        generated: generated points (N, 2), or None; the first 1,000 are drawn.
        title: the title of the panel.
        discriminator: a function that maps points (N, 2) to logits, or None; see ``shade``.
        axes: where to draw; None makes a new figure.
        reach: the plot covers [−reach, reach]²; None is 1.25 times the largest real coordinate.
        legend: whether to draw a legend.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if a tensor does not hold finite points (N, 2), or if the discriminator cannot take points
            of a plane.

    >>> points(torch.zeros(5, 2), torch.ones(5, 2), "two clouds").axes[0].get_title()
    'two clouds'
    """
    check_points(real=real, **({} if generated is None else {"generated": generated}))
    if axes is None:
        _, axes = figure(size=(4.2, 4.0))
    reach = reach or 1.25 * float(real.abs().max()) or 1.0
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
    kinds = "real points in blue" + (", generated points in vermilion" if generated is not None else "")
    behind = ", behind them the discriminator's output in grey" if discriminator is not None else ""
    describe(axes.figure, f"{str(title) or 'Points'}: {kinds}{behind}.")
    return axes.figure  # type: ignore[return-value]


@torch.no_grad()
@checked(axes=matplotlib_axes(), discriminator=function(), reach=REACH_RULE, side=integer(2, MAX_COUNT))
def shade(axes: Axes, discriminator: Callable[[Tensor], Tensor], reach: float, side: int = 80) -> None:
    """Draw D(x) = sigmoid(logit) as a grey background: light means real, dark means generated.

    Args:
        axes: where to draw.
        discriminator: a function that maps points (N, 2) to logits, one for each point.
        reach: the plot covers [−reach, reach]².
        side: the number of points along each side at which D is evaluated, 2 to 1,000.

    Raises:
        InputError: if the discriminator cannot take points of a plane, or if a number is out of range.
    """
    line = torch.linspace(-reach, reach, side)
    plane = torch.cartesian_prod(line, line)
    device = next(iter(discriminator.parameters())).device if isinstance(discriminator, nn.Module) else "cpu"
    with explain_mismatch("the discriminator cannot judge points of a plane"):
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


@checked(axes=matplotlib_axes(), count=integer(1, MAX_COUNT))
def gradient_arrows(run: Any, real: Tensor, axes: Axes, count: int = 60) -> Figure:
    """Draw the direction in which each generated point should move to look more real to the discriminator.

    The arrows are ∇ₓ log σ(D(x)) at points x that the run generates; D(x) is the logit of x.

    Args:
        run: a training whose samples are points (N, 2), with a network named "discriminator".
        real: real points (N, 2), drawn for comparison.
        axes: where to draw.
        count: the number of arrows, 1 to 1,000.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``run`` is not a Run or its samples are not points of the plane.
    """
    check_run(run)
    check_points(real=real)
    inputs = run.sample(count, seed=1)
    check_points(generated=inputs)
    inputs.requires_grad_(True)
    discriminator = run.gan.networks["discriminator"]
    log_probability = nn.functional.logsigmoid(discriminator(inputs.to(run.gan.device)))
    (gradients,) = torch.autograd.grad(log_probability.sum(), inputs)
    title = "Generated points and the gradients at them"
    points(real, None, title, discriminator, axes, legend=False)
    tails = inputs.detach()
    axes.scatter(
        tails[:, 0].numpy(), tails[:, 1].numpy(), s=8, color=GENERATED, linewidths=0, label="generated"
    )
    axes.quiver(*tails.T.numpy(), *gradients.T.numpy(), color=GENERATOR, width=0.004, label="∇ log σ(D)")
    _legend_below(axes)
    describe(axes.figure, "Arrows at generated points show the direction in which log σ(D) rises.")
    return axes.figure  # type: ignore[return-value]


@checked(axes=matplotlib_axes(), side=integer(2, MAX_COUNT), reach=REACH_RULE)
def warped_grid(run: Any, real: Tensor, axes: Axes, side: int = 25, reach: float = 2.5) -> Figure:
    """Draw a square grid of the two-dimensional latent space after the generator has mapped it to the plane.

    Args:
        run: a training whose generator maps latents (N, 2) to points (N, 2).
        real: real points (N, 2), drawn for comparison.
        axes: where to draw.
        side: the number of grid lines in each direction, 2 to 1,000.
        reach: the grid covers [−reach, reach]² of the latent space.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``run`` is not a Run, if its latents are not two-dimensional, or if its samples are not
            points of the plane.
    """
    check_run(run)
    check_points(real=real)
    line = torch.linspace(-reach, reach, side)
    generated = run.generate(torch.cartesian_prod(line, line))
    check_points(generated=generated)
    plane = generated.view(side, side, 2)
    points(real, None, "A grid of latents, mapped by the generator", axes=axes, legend=False)
    for lines in (plane, plane.transpose(0, 1)):  # (side, side, 2): rows, then columns
        for line_points in lines:
            axes.plot(*line_points.T.numpy(), color=GENERATED, linewidth=0.6, alpha=0.8)
    axes.lines[0].set_label("generated from a grid")
    _legend_below(axes)
    describe(axes.figure, "A square grid of latents is drawn where the generator puts it.")
    return axes.figure  # type: ignore[return-value]


def _legend_below(axes: Axes) -> None:
    """Put the legend below the panel, where it covers no points."""
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)
