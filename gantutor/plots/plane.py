"""Points of a plane: real, generated, and what the networks do there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gantutor._checks import boolean, function, integer, number, optional, validate
from gantutor._errors import InputError, first_line
from gantutor.plots._checks import MAX_POINTS, axes_or_none, check_points, check_trained
from gantutor.plots.style import GENERATED, GENERATOR, REAL, Figure, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


REACH = number(above=0, high=1e6)
"""The rule of how far from the middle a plane is drawn."""


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
    D(x).

    Raises InputError for what are no points, or a discriminator that cannot judge them.
    """
    check_points(real=real, **({} if generated is None else {"generated": generated}))
    given = {"axes": axes, "reach": reach, "legend": legend}
    validate(given, axes=optional(axes_or_none()), reach=optional(REACH), legend=boolean())
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
    return axes.figure  # type: ignore[return-value]


@torch.no_grad()
def shade(axes: Axes, discriminator: Callable[[Tensor], Tensor], reach: float, side: int = 80) -> None:
    """D(x) = sigmoid(logit) as a shade behind a plane: light where it says real, dark where it says
    generated. Raises InputError for a discriminator that cannot judge points."""
    given = {"axes": axes, "discriminator": discriminator, "reach": reach, "side": side}
    validate(given, axes=axes_or_none(), discriminator=function(), reach=REACH, side=integer(2, MAX_POINTS))
    line = torch.linspace(-reach, reach, side)
    plane = torch.cartesian_prod(line, line)
    device = next(iter(discriminator.parameters())).device if isinstance(discriminator, nn.Module) else "cpu"
    try:
        values = torch.sigmoid(discriminator(plane.to(device))).cpu().view(side, side).T
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"the discriminator cannot judge points of a plane: {first_line(error)}") from error
    axes.imshow(
        values.numpy(),
        extent=(-reach, reach, -reach, reach),
        origin="lower",
        cmap="Greys_r",
        vmin=-0.5,
        vmax=1,
        aspect="auto",
    )


def arrows(run: Any, real: Tensor, axes: Axes, count: int = 60) -> Figure:
    """At generated points, the direction ∇ log D(x) in which the discriminator would find them more real.
    Raises InputError for a run of anything but points of a plane."""
    check_trained(run)
    check_points(real=real)
    validate({"axes": axes, "count": count}, axes=axes_or_none(), count=integer(1, MAX_POINTS))
    inputs = run.sample(count, seed=1)
    check_points(generated=inputs)
    inputs.requires_grad_(True)
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
    """A square grid in a two-dimensional latent space, and where the generator puts its lines.
    Raises InputError for a run of anything but points of a plane from two latents."""
    check_trained(run)
    check_points(real=real)
    given = {"axes": axes, "side": side, "reach": reach}
    validate(given, axes=axes_or_none(), side=integer(2, MAX_POINTS), reach=REACH)
    line = torch.linspace(-reach, reach, side)
    made = run.generate(torch.cartesian_prod(line, line))
    check_points(generated=made)
    plane = made.view(side, side, 2)
    points(real, None, "A grid of latents, as the generator bends it", axes=axes)
    for lines in (plane, plane.transpose(0, 1)):
        for one in lines:
            axes.plot(*one.T.numpy(), color=GENERATED, linewidth=0.6, alpha=0.8)
    return axes.figure  # type: ignore[return-value]
