"""The layers of the plane as tensors: points, the discriminator's shade, the warped grid, gradient arrows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gantutor._calling import evaluation_mode
from gantutor.live.lab.game import Game
from gantutor.live.lab.settings import RELATIVE_LOSSES

REAL, GENERATED, SHADE, GRID, ARROWS, DENSITY = (
    "real",
    "generated",
    "discriminator",
    "warped grid",
    "gradient arrows",
    "density",
)
LAYERS = (REAL, GENERATED, SHADE, GRID, ARROWS, DENSITY)
"""The names of all layers."""
FIRST_LAYERS = frozenset(LAYERS) - {DENSITY}
"""The layers that are drawn at first; the density covers the discriminator's colours."""
SHADE_SIZE = 48
"""Points along each side of the shade and of the density."""
BLUR = (0.05, 0.25, 0.4, 0.25, 0.05)
"""Weights of neighbouring cells in the density, which smooth its histogram."""

GRID_LINES, GRID_POINTS = 17, 33
"""Lines of the latent grid in each direction, and points along each line; they run from −2.5 to 2.5."""

ARROW_COUNT = 60
"""The number of gradient arrows."""
HALF_LENGTH_GRADIENT, MAX_ARROW_LENGTH = 0.1, 0.3
"""The gradient norm at half the longest arrow, and the longest arrow as a share of half the plane's side."""


@dataclass
class Layers:
    """The layers that are shown; those that are not are empty.

    Attributes:
        real: real points (N, 2).
        generated: generated points (N, 2).
        shade: σ(D(x)) on a grid (48, 48), values in [0, 1], the second coordinate first.
        lines: the warped grid, L lines of P points (L, P, 2).
        tails: where the arrows begin (A, 2), with A at most 60.
        arrows: the arrows (A, 2).
        density: the generator's density on the same grid as the shade (48, 48), its maximum 1.
    """

    real: Tensor
    generated: Tensor
    shade: Tensor
    lines: Tensor
    tails: Tensor
    arrows: Tensor
    density: Tensor


def compute_layers(game: Game, shown: frozenset[str]) -> Layers:
    """Compute the layers of a game in its present state; the game is not changed.

    Args:
        game: the game.
        shown: the names of the layers to compute.

    >>> from gantutor.live.lab.settings import Settings, plane_of
    >>> layers = compute_layers(Game(Settings(), plane_of("ring")), frozenset({GRID, SHADE}))
    >>> layers.lines.shape, layers.shade.shape, len(layers.generated)
    (torch.Size([34, 33, 2]), torch.Size([48, 48]), 0)
    """
    no_points = torch.zeros(0, 2)
    real = game.plane.points[: len(game.latents)]
    generated = game.points(game.latents) if {GENERATED, ARROWS} & shown else no_points
    tails = finite_points(generated[:ARROW_COUNT]) if ARROWS in shown else no_points
    return Layers(
        real if REAL in shown else no_points,
        finite_points(generated) if GENERATED in shown else no_points,
        shade(game) if SHADE in shown else torch.zeros(0, 0),
        warped_grid(game) if GRID in shown else torch.zeros(0, 0, 2),
        tails,
        arrows(game, tails, real) if len(tails) else no_points,
        density(game) if DENSITY in shown else torch.zeros(0, 0),
    )


def finite_points(points: Tensor) -> Tensor:
    """Return the points whose coordinates are finite."""
    return points[points.isfinite().all(1)]


def mean_logits(discriminator: nn.Module, points: Tensor) -> Tensor:
    """Return one logit for each point (N,): the mean over heads and outputs if there are several."""
    heads = discriminator(points)
    heads = heads if isinstance(heads, tuple) else (heads,)
    return torch.stack([head.reshape(len(points), -1).mean(1) for head in heads]).mean(0)


@torch.no_grad()
def shade(game: Game) -> Tensor:
    """Return the probability σ(D(x)) on a grid over the plane, shape (48, 48).

    Some losses depend on differences of logits only. For these, ½ lies midway between the mean logits of real
    and generated points.
    """
    (x, y), reach = game.plane.centre, game.plane.reach
    line = (torch.arange(SHADE_SIZE) + 0.5) * (2 * reach / SHADE_SIZE) - reach
    cells = torch.cartesian_prod(line + y, line + x).flip(1)
    discriminator = game.gan.networks["discriminator"]
    middle = torch.zeros(())
    with evaluation_mode(game.gan):
        logits = mean_logits(discriminator, cells)
        if game.settings.loss in RELATIVE_LOSSES:
            generated = game.points(game.latents)
            pair = game.plane.points[: len(generated)], generated
            middle = torch.stack([mean_logits(discriminator, points).mean() for points in pair]).mean()
    return torch.sigmoid(logits - middle).nan_to_num(0.5).view(SHADE_SIZE, SHADE_SIZE)


@torch.no_grad()
def density(game: Game) -> Tensor:
    """Return the density of generated points, a smoothed histogram over the plane with maximum 1: (48, 48).

    Points outside of the plane are not counted.
    """
    (x, y), reach = game.plane.centre, game.plane.reach
    shares = (game.points(game.scored) - torch.tensor([x - reach, y - reach])) / (2 * reach)
    cells = (shares[shares.isfinite().all(1)] * SHADE_SIZE).floor().clamp(-1, SHADE_SIZE).long()
    columns, rows = cells[((cells >= 0) & (cells < SHADE_SIZE)).all(1)].T
    counts = torch.bincount(rows * SHADE_SIZE + columns, minlength=SHADE_SIZE**2).float()
    weights = torch.tensor(BLUR)
    smooth = functional.conv2d(
        counts.view(1, 1, SHADE_SIZE, SHADE_SIZE), torch.outer(weights, weights)[None, None], padding="same"
    )[0, 0]
    return smooth / smooth.max().clamp(min=1e-9)


def latent_grid(dimensions: int) -> Tensor:
    """Return the latents of the grid, shape (L, P, d).

    For d = 1 it is one line. For more, there are lines in both directions of the first two axes, and all
    other coordinates are 0.

    Args:
        dimensions: the dimension d of the latent space.

    >>> latent_grid(5).shape, latent_grid(1).shape
    (torch.Size([34, 33, 5]), torch.Size([1, 33, 1]))
    """
    fine = torch.linspace(-2.5, 2.5, GRID_POINTS)
    if dimensions == 1:
        return fine[None, :, None]
    coarse = torch.linspace(-2.5, 2.5, GRID_LINES)
    one_way = torch.cartesian_prod(coarse, fine).view(GRID_LINES, GRID_POINTS, 2)
    lines = torch.cat([one_way, one_way.flip(2)])
    return torch.cat([lines, torch.zeros(2 * GRID_LINES, GRID_POINTS, dimensions - 2)], 2)


def warped_grid(game: Game) -> Tensor:
    """Return the finite lines of the latent grid, mapped to the plane by the generator: shape (L, P, 2)."""
    grid = latent_grid(game.settings.latent)
    lines = game.points(grid.flatten(0, 1)).view(*grid.shape[:2], 2)
    return lines[lines.isfinite().flatten(1).all(1)]


def arrows(game: Game, tails: Tensor, real: Tensor) -> Tensor:
    """Return the direction in which the generator's loss falls at each point, −∂L/∂x: shape (A, 2).

    For the non-saturating loss this is ∇ log σ(D(x)). Gradients are shortened, g ↦ g / (0.1 + ‖g‖), so that
    weak and strong ones can be seen side by side.

    Args:
        game: the game.
        tails: the generated points (A, 2).
        real: real points, which relativistic losses pair with the generated ones.
    """
    discriminator = game.gan.networks["discriminator"]
    points_at = tails.detach().clone().requires_grad_(True)
    with evaluation_mode(game.gan), torch.enable_grad():
        paired = real[torch.arange(len(points_at)) % len(real)]
        loss = game.settings.objective().generator(
            mean_logits(discriminator, paired), mean_logits(discriminator, points_at)
        )
        (gradient,) = torch.autograd.grad(loss * len(points_at), points_at)
    downhill = -gradient.nan_to_num()
    shortened: Tensor = downhill / (HALF_LENGTH_GRADIENT + downhill.norm(dim=1, keepdim=True))
    return MAX_ARROW_LENGTH * game.plane.reach * shortened
