"""The way back: the latents of which a generator makes the pictures that come nearest to given ones.

It moves the latents and not the weights, down the gradient of the difference (Zhu et al. 2016,
arXiv:1609.03552; Creswell & Bharath 2018, arXiv:1802.05701). The whole range of a generator is what it has
learnt: a face that it cannot make comes back as the nearest that it can.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from gantutor._calling import apply
from gantutor._checks import boolean, check_finite, integer, number, validate
from gantutor._conditions import expand_condition
from gantutor._errors import InputError, first_line, type_name
from gantutor.training.run import Run, check_run

LEVELS = 4
"""Sizes at which pictures are compared: as they are, and averaged over 2, 4 and 8 pixels."""

CHUNK = 64
"""Latents worked on at once."""


@dataclass(frozen=True)
class Inversion:
    """``latents`` (N, d), the ``images`` (N, C, H, W) that the generator makes of them, and the ``losses``
    (N,)."""

    latents: Tensor
    images: Tensor
    losses: Tensor


def pyramid_loss(images: Tensor, targets: Tensor, levels: int = LEVELS) -> Tensor:
    """The mean squared difference of images (N, C, H, W) to targets, averaged over ``levels`` sizes, each
    half as large as the one before: (N,).

    Pixels alone have next to no slope where a nose is a few pixels off; smaller pictures have.

    >>> pyramid_loss(torch.ones(2, 1, 8, 8), torch.zeros(2, 1, 8, 8))
    tensor([1., 1.])
    """
    losses = []
    for level in range(levels):
        if level:
            if min(images.shape[2:]) < 2:
                break
            images, targets = F.avg_pool2d(images, 2), F.avg_pool2d(targets, 2)
        losses.append((images - targets).square().mean((1, 2, 3)))
    return torch.stack(losses).mean(0)


def invert(
    run: Run,
    targets: Tensor,
    steps: int = 300,
    starts: int = 4,
    candidates: int = 256,
    prior: float = 1e-3,
    learning_rate: float = 0.1,
    condition: Any = None,
    seed: int = 0,
    progress: bool = True,
) -> Inversion:
    """The latents of which a run's averaged generator makes what comes nearest to ``targets`` (N, C, H, W) in
    [−1, 1].

    For each target, of ``candidates`` random latents the best ``starts`` begin; Adam moves them for a quarter
    of the ``steps``, and the best of them for the rest, while the learning rate falls to 0. What falls is
    ``pyramid_loss`` + ``prior`` · ‖z‖² / d: without the last, latents wander to where the generator has never
    been. ``condition``: one label for all, or one for each target, where the game has them. The generator
    stays as it is, a result does not depend on the other targets, and ``seed`` repeats it. Raises InputError
    for other shapes or ranges.

    >>> import gantutor as gt
    >>> pair = gt.networks.ConvGenerator(4, size=8), gt.networks.ConvDiscriminator(size=8)
    >>> run = Run(gt.GAN(*pair, latent=4))
    >>> found = invert(run, run.sample(2), steps=20)
    >>> found.latents.shape, found.images.shape
    (torch.Size([2, 4]), torch.Size([2, 1, 8, 8]))
    """
    check_run(run)
    given = {"steps": steps, "starts": starts, "candidates": candidates, "seed": seed, "progress": progress}
    numbers = {"prior": prior, "learning_rate": learning_rate}
    validate(
        given | numbers,
        steps=integer(1),
        starts=integer(1),
        candidates=integer(starts if isinstance(starts, int) and starts > 0 else 1),
        seed=integer(0),
        progress=boolean(),
        prior=number(0, 1e9),
        learning_rate=number(above=0, high=1e9),
    )
    targets = _checked(targets)
    generator, device = run.generator, run.gan.device
    conditions = None if condition is None else expand_condition(condition, len(targets), device)
    draw = torch.Generator(device).manual_seed(seed)
    first = run.gan.draw_latent(candidates, draw)
    count = max(1, CHUNK // starts)
    parts = torch.split(torch.arange(len(targets)), count)
    early = max(1, steps // 4)
    found = []
    shown = {"file": sys.stdout, "disable": not progress, "delay": 2, "leave": False}
    with tqdm(total=len(parts) * steps, desc="inversion", **shown) as bar:
        for part in parts:
            goal = targets[part].to(device)
            some = None if conditions is None else conditions[part.to(device)]
            search = _Search(generator, goal, some, prior, learning_rate, bar)
            latents = search.begin(first, starts)
            latents, _ = search.descend(latents, early, starts)
            found.append(search.descend(latents, steps - early, 1))
    latents, losses = (torch.cat(each) for each in zip(*found, strict=True))
    return Inversion(latents.cpu(), run.generate(latents, conditions), losses.cpu())


class _Search:
    """The search for the latents of some targets, (n, C, H, W)."""

    def __init__(
        self, generator: nn.Module, goal: Tensor, condition: Any, prior: float, rate: float, bar: Any
    ) -> None:
        self.generator, self.goal, self.condition = generator, goal, condition
        self.prior, self.rate, self.bar = prior, rate, bar

    def loss(self, latents: Tensor, which: Tensor) -> Tensor:
        """What each of the latents (m, d) is worth for its target, (m,)."""
        condition = None if self.condition is None else self.condition[which]
        images = apply(self.generator, latents, condition)
        distance = pyramid_loss(images, self.goal[which])
        return distance + self.prior * latents.square().flatten(1).mean(1)

    @torch.no_grad()
    def begin(self, candidates: Tensor, starts: int) -> Tensor:
        """The best ``starts`` candidates for each target, target by target: (n · starts, d)."""
        rows = []
        for index in range(len(self.goal)):
            which = torch.full((len(candidates),), index, device=candidates.device)
            try:
                worth = self.loss(candidates, which)
            except (RuntimeError, TypeError, ValueError, IndexError) as error:
                raise InputError(
                    f"what the generator makes cannot be compared with these targets: {first_line(error)}"
                ) from error
            rows.append(candidates[worth.argsort()[:starts]])
        return torch.cat(rows)

    @torch.enable_grad()
    def descend(self, latents: Tensor, steps: int, starts: int) -> tuple[Tensor, Tensor]:
        """Move latents (n · starts, d) for so many steps: the best of each target, (n, d), and its loss."""
        which = torch.arange(len(self.goal), device=latents.device).repeat_interleave(starts)
        moving = latents.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([moving], lr=self.rate)
        best, least = moving.detach().clone(), torch.full((len(moving),), float("inf"), device=moving.device)
        for step in range(steps + 1):
            losses = self.loss(moving, which)
            better = losses.detach() < least
            least = torch.where(better, losses.detach(), least)
            best[better] = moving.detach()[better]
            if step == steps:
                break
            (moving.grad,) = torch.autograd.grad(losses.sum(), moving)
            optimizer.param_groups[0]["lr"] = self.rate * (1 - step / steps)
            optimizer.step()
            self.bar.update(1)
        winner = least.view(-1, starts).argmin(1) + starts * torch.arange(len(self.goal), device=least.device)
        return best[winner], least[winner]


def _checked(targets: Any) -> Tensor:
    if not isinstance(targets, Tensor) or targets.dim() != 4 or not targets.is_floating_point():
        given = tuple(targets.shape) if isinstance(targets, Tensor) else type_name(targets)
        raise InputError(f"targets must be floats of shape (N, C, H, W), not {given}")
    if not len(targets):
        raise InputError("there are no targets: give at least one picture")
    check_finite("targets", targets)
    if float(targets.abs().max()) > 1 + 1e-4:
        raise InputError("targets must lie in [-1, 1]")
    return targets.detach()
