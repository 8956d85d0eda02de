"""GAN inversion: find the latents from which a generator makes given images."""

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
from gantutor._errors import InputError, type_name
from gantutor._random import seeded
from gantutor._user_errors import explain_mismatch
from gantutor.training.run import Run, check_run

PYRAMID_LEVELS = 4
"""Number of sizes at which images are compared: full, and averaged over 2 × 2, 4 × 4 and 8 × 8 pixels."""

CHUNK_SIZE = 64
"""Latents that are optimised at once."""


@dataclass(frozen=True)
class Inversion:
    """The result of an inversion.

    Attributes:
        latents: the latents, (N, d).
        images: the images that the generator makes of them, (N, C, H, W).
        losses: the loss of each, (N,).
    """

    latents: Tensor
    images: Tensor
    losses: Tensor


def pyramid_loss(images: Tensor, targets: Tensor, levels: int = PYRAMID_LEVELS) -> Tensor:
    """Return the mean squared difference of images and targets, averaged over several sizes.

    Full-size pixels alone give almost no gradient when a nose is a few pixels off; smaller images do.

    Args:
        images: images of shape (N, C, H, W).
        targets: images of the same shape.
        levels: number of sizes, each half as large as the one before.

    Returns:
        One loss for each image, (N,).

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
    """Find the latents from which a run's averaged generator makes images closest to the targets.

    Gradient descent moves the latents, not the weights (Zhu et al. 2016, arXiv:1609.03552; Creswell & Bharath
    2018, arXiv:1802.05701), so a face outside the range of the generator comes back as the nearest one
    inside. For each target the best ``starts`` of ``candidates`` random latents are moved by Adam for a
    quarter of the steps, and then the best of them for the rest; in both phases the learning rate falls to 0.
    The loss is ``pyramid_loss`` + ``prior`` · ‖z‖² / d; without the second term, latents leave the region
    that the generator was trained on. A result does not depend on the other targets.

    Args:
        run: a trained run; its generator is not changed.
        targets: images of shape (N, C, H, W) in [−1, 1].
        steps: optimisation steps for each target.
        starts: latents that are optimised for each target in the first phase.
        candidates: random latents among which the starts are chosen, at least ``starts``.
        prior: weight of the second term of the loss, at least 0.
        learning_rate: Adam's initial learning rate, above 0.
        condition: one label for all, or one condition for each target, if the game has conditions.
        seed: seed of the random latents.
        progress: whether to show a progress bar.

    Returns:
        Latents, images and losses, in the order of the targets.

    Raises:
        InputError: if an argument has a wrong type, shape or range, or the generator's images cannot be
            compared with the targets.

    >>> import gantutor as gt
    >>> pair = gt.networks.ConvGenerator(4, size=8), gt.networks.ConvDiscriminator(size=8)
    >>> run = Run(gt.GAN(*pair, latent=4))
    >>> inversion = invert(run, run.sample(2), steps=20)
    >>> inversion.latents.shape, inversion.images.shape
    (torch.Size([2, 4]), torch.Size([2, 1, 8, 8]))
    """
    check_run(run)
    counts = {"steps": steps, "starts": starts, "candidates": candidates, "seed": seed, "progress": progress}
    numbers = {"prior": prior, "learning_rate": learning_rate}
    validate(
        counts | numbers,
        steps=integer(1),
        starts=integer(1),
        candidates=integer(starts if isinstance(starts, int) and starts > 0 else 1),
        seed=integer(0),
        progress=boolean(),
        prior=number(0, 1e9),
        learning_rate=number(above=0, high=1e9),
    )
    targets = _check_targets(targets)
    generator, device = run.generator, run.gan.device
    conditions = None if condition is None else expand_condition(condition, len(targets), device)
    rng = torch.Generator(device).manual_seed(seed)
    candidate_latents = run.gan.draw_latent(candidates, rng)
    targets_per_chunk = max(1, CHUNK_SIZE // starts)
    chunks = torch.split(torch.arange(len(targets)), targets_per_chunk)
    first_steps = max(1, steps // 4)
    results = []
    bar_options = {"file": sys.stdout, "disable": not progress, "delay": 2, "leave": False}
    with tqdm(total=len(chunks) * steps, desc="inversion", **bar_options) as bar:
        for chunk in chunks:
            chunk_targets = targets[chunk].to(device)  # (n, C, H, W)
            chunk_conditions = None if conditions is None else conditions[chunk.to(device)]
            search = _LatentSearch(
                generator, chunk_targets, chunk_conditions, prior, learning_rate, seed, bar
            )
            latents = search.start(candidate_latents, starts)
            latents, _ = search.descend(latents, first_steps, starts)
            results.append(search.descend(latents, steps - first_steps, 1))
    latents, losses = (torch.cat(tensors) for tensors in zip(*results, strict=True))
    return Inversion(latents.cpu(), run.generate(latents, conditions, seed=seed), losses.cpu())


class _LatentSearch:
    """The search for the latents of n targets, (n, C, H, W)."""

    def __init__(
        self,
        generator: nn.Module,
        targets: Tensor,
        condition: Any,
        prior: float,
        learning_rate: float,
        seed: int,
        bar: Any,
    ) -> None:
        self.seed = seed
        self.generator, self.targets, self.condition = generator, targets, condition
        self.prior, self.learning_rate, self.bar = prior, learning_rate, bar

    def loss(self, latents: Tensor, owners: Tensor) -> Tensor:
        """Return the loss (m,) of latents (m, d); ``owners`` (m,) are the indices of their targets."""
        condition = None if self.condition is None else self.condition[owners]
        with seeded(latents.device, self.seed):  # the noise that a generator draws itself stays the same
            images = apply(self.generator, latents, condition)
        distance = pyramid_loss(images, self.targets[owners])
        return distance + self.prior * latents.square().flatten(1).mean(1)

    @torch.no_grad()
    def start(self, candidates: Tensor, starts: int) -> Tensor:
        """Return the best ``starts`` candidates of each target, target by target: (n · starts, d)."""
        rows = []
        for index in range(len(self.targets)):
            owners = torch.full((len(candidates),), index, device=candidates.device)
            with explain_mismatch("what the generator makes cannot be compared with these targets"):
                losses = self.loss(candidates, owners)
            rows.append(candidates[losses.argsort()[:starts]])
        return torch.cat(rows)

    @torch.enable_grad()
    def descend(self, latents: Tensor, steps: int, starts: int) -> tuple[Tensor, Tensor]:
        """Move latents (n · starts, d); return the best latent of each target, (n, d), and its loss, (n,)."""
        owners = torch.arange(len(self.targets), device=latents.device).repeat_interleave(starts)
        current = latents.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([current], lr=self.learning_rate)
        best, best_losses = (
            current.detach().clone(),
            torch.full((len(current),), float("inf"), device=current.device),
        )
        for step in range(steps + 1):
            losses = self.loss(current, owners)
            better = losses.detach() < best_losses
            best_losses = torch.where(better, losses.detach(), best_losses)
            best[better] = current.detach()[better]
            if step == steps:
                break
            (current.grad,) = torch.autograd.grad(losses.sum(), current)
            optimizer.param_groups[0]["lr"] = self.learning_rate * (1 - step / steps)
            optimizer.step()
            self.bar.update(1)
        winner = best_losses.view(-1, starts).argmin(1) + starts * torch.arange(
            len(self.targets), device=best_losses.device
        )
        return best[winner], best_losses[winner]


def _check_targets(targets: Any) -> Tensor:
    if not isinstance(targets, Tensor) or targets.dim() != 4 or not targets.is_floating_point():
        shape = tuple(targets.shape) if isinstance(targets, Tensor) else type_name(targets)
        raise InputError(f"targets must be floats of shape (N, C, H, W), not {shape}")
    if not len(targets):
        raise InputError("there are no targets: pass at least one picture")
    check_finite("targets", targets)
    if float(targets.abs().max()) > 1 + 1e-4:
        raise InputError("targets must lie in [-1, 1]")
    return targets.detach()
