"""What the layers of the plane show, as tensors: points, the discriminator's shade, the bent grid, arrows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gantutor.live.lab.game import Game, at_rest
from gantutor.live.lab.settings import WITHOUT_ZERO

REAL, GENERATED, SHADE, GRID, ARROWS = (
    "real",
    "generated",
    "discriminator",
    "warped grid",
    "gradient arrows",
)
LAYERS = (REAL, GENERATED, SHADE, GRID, ARROWS)
SIDE = 48
"""Points along each side of the shade."""

LINES, FINE = 17, 33
"""Lines of the latent grid each way, and points along each line; they run from −2.5 to 2.5."""

POINTERS = 60
HALF, LONGEST = 0.1, 0.3
"""The gradient whose arrow is half as long as the longest, and the longest as a share of half the plane's
side."""


@dataclass
class Layers:
    """The layers that are on; one that is off is empty.

    ``real`` and ``generated`` (N, 2); ``shade`` (SIDE, SIDE) in [0, 1], the second coordinate first;
    ``lines`` (L, P, 2); ``tails`` and ``arrows`` (POINTERS, 2).
    """

    real: Tensor
    generated: Tensor
    shade: Tensor
    lines: Tensor
    tails: Tensor
    arrows: Tensor


def look(game: Game, shown: frozenset[str]) -> Layers:
    """The layers ``shown`` of a game as it stands; the game is not changed.

    >>> from gantutor.live.lab.settings import Settings, plane_of
    >>> layers = look(Game(Settings(), plane_of("ring")), frozenset({GRID, SHADE}))
    >>> layers.lines.shape, layers.shade.shape, len(layers.generated)
    (torch.Size([34, 33, 2]), torch.Size([48, 48]), 0)
    """
    none = torch.zeros(0, 2)
    real = game.plane.points[: len(game.latents)]
    made = game.points(game.latents) if {GENERATED, ARROWS} & shown else none
    tails = finite(made[:POINTERS]) if ARROWS in shown else none
    return Layers(
        real if REAL in shown else none,
        finite(made) if GENERATED in shown else none,
        shade(game) if SHADE in shown else torch.zeros(0, 0),
        bent_grid(game) if GRID in shown else torch.zeros(0, 0, 2),
        tails,
        arrows(game, tails, real) if len(tails) else none,
    )


def finite(points: Tensor) -> Tensor:
    """The points that can be drawn."""
    return points[points.isfinite().all(1)]


def logits_of(discriminator: nn.Module, points: Tensor) -> Tensor:
    """One logit a point (N,): the mean over heads and outputs where there are several."""
    heads = discriminator(points)
    heads = heads if isinstance(heads, tuple) else (heads,)
    return torch.stack([head.reshape(len(points), -1).mean(1) for head in heads]).mean(0)


@torch.no_grad()
def shade(game: Game) -> Tensor:
    """D(x) = sigmoid(logit) over the plane, (SIDE, SIDE).

    Where only differences of logits count, ½ lies midway between the mean logits of real and generated
    points.
    """
    (x, y), reach = game.plane.centre, game.plane.reach
    line = (torch.arange(SIDE) + 0.5) * (2 * reach / SIDE) - reach
    rows = torch.cartesian_prod(line + y, line + x).flip(1)
    discriminator = game.gan.networks["discriminator"]
    middle = torch.zeros(())
    with at_rest(game.gan):
        logits = logits_of(discriminator, rows)
        if game.settings.loss in WITHOUT_ZERO:
            made = game.points(game.latents)
            pair = game.plane.points[: len(made)], made
            middle = torch.stack([logits_of(discriminator, each).mean() for each in pair]).mean()
    return torch.sigmoid(logits - middle).nan_to_num(0.5).view(SIDE, SIDE)


def latent_grid(dimensions: int) -> Tensor:
    """The latents of the grid, (L, P, d): lines both ways over the first two axes, all others 0; of one axis,
    that axis.

    >>> latent_grid(5).shape, latent_grid(1).shape
    (torch.Size([34, 33, 5]), torch.Size([1, 33, 1]))
    """
    fine = torch.linspace(-2.5, 2.5, FINE)
    if dimensions == 1:
        return fine[None, :, None]
    coarse = torch.linspace(-2.5, 2.5, LINES)
    one_way = torch.cartesian_prod(coarse, fine).view(LINES, FINE, 2)
    lines = torch.cat([one_way, one_way.flip(2)])
    return torch.cat([lines, torch.zeros(2 * LINES, FINE, dimensions - 2)], 2)


def bent_grid(game: Game) -> Tensor:
    """Where the generator puts the grid of latents, (L, P, 2)."""
    grid = latent_grid(game.settings.latent)
    lines = game.points(grid.flatten(0, 1)).view(*grid.shape[:2], 2)
    return lines[lines.isfinite().flatten(1).all(1)]


def arrows(game: Game, tails: Tensor, real: Tensor) -> Tensor:
    """At generated points, the direction in which the generator's loss falls, −∂L/∂x of each point alone.

    For the non-saturating loss this is ∇ log D(x). Long gradients are shortened, g ↦ g / (HALF + ‖g‖), so
    that faint and strong ones can be seen side by side.
    """
    discriminator = game.gan.networks["discriminator"]
    at = tails.detach().clone().requires_grad_(True)
    with at_rest(game.gan), torch.enable_grad():
        paired = real[torch.arange(len(at)) % len(real)]
        loss = game.settings.objective().generator(
            logits_of(discriminator, paired), logits_of(discriminator, at)
        )
        (slope,) = torch.autograd.grad(loss * len(at), at)
    downhill = -slope.nan_to_num()
    shortened: Tensor = downhill / (HALF + downhill.norm(dim=1, keepdim=True))
    return LONGEST * game.plane.reach * shortened
