"""The signs of one examination: what can be measured of a run at one moment, without moving it."""

from __future__ import annotations

import math
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import apply
from gantutor._conditions import rows
from gantutor.doctor.measures import difference, perplexity, separation, shares, values_of, within
from gantutor.doctor.reference import Part, Reference
from gantutor.doctor.units import watching_units
from gantutor.games.classical import generator_loss, paired_generator_loss
from gantutor.games.gan import GAN
from gantutor.objectives import Objective, discriminator_cross_entropy
from gantutor.training.ema import frozen_copy
from gantutor.training.run import Run

STRANGE = (RuntimeError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, AssertionError)
"""What a network may raise that is called in another way in its game than it is here: it stays unseen."""

FEW = 30
"""Training and held-out samples below which nothing is said of the difference between them."""

MEAN_VALUES = 4096
"""Of the mean of large samples evenly spaced values are kept, that many or fewer."""

BEYOND = 0.1
"""A value counts as outside the data where it lies beyond their 1 % or 99 % quantile by this share of what is
between the two."""


@dataclass(frozen=True, eq=False)
class Signs:
    """What one examination measured; None is what it could not see.

    ``spent``: the share of the budget. ``losses``: the mean absolute value of each player's loss since the
    last examination, and ``broken`` those that stopped being finite. ``separation``: the chance that D gives
    a real sample more than a generated one; ``doubt``: the mean of 1 − D(x) and of D(G(z)), for
    cross-entropy; ``pull``: how much the generator's loss would fall if a sample moved by the data's spread;
    ``gap``: (E D(train) − E D(held out)) / (E D(train) − E D(fake)), Karras et al. 2020 (arXiv:2006.06676),
    equation 1, and ``remembered``: the chance that a training sample gets more than a held-out one.
    ``variety``: the effective number of data clusters among the generated samples over that among real ones;
    ``reached``: how many clusters have at least a fifth of their share, of ``clusters``; ``pairs``: the mean
    distance of two generated samples over that of two real ones; ``difference``: see ``measures``. ``mean``:
    of the generated samples, in units of the data's spread (every n-th value of large ones, times √n).
    ``outside``: the share of generated values beyond the data's; ``width``: the range between the 1 % and 99
    % quantiles over that of the data. ``dead``: the share of dead units in the worst layer; ``update``:
    ‖Δθ‖/‖θ‖ of the last step, and ``travelled``: the same since the start, by network.
    """

    step: int
    spent: float
    losses: dict[str, float] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    real_logit: float | None = None
    fake_logit: float | None = None
    separation: float | None = None
    doubt: tuple[float, float] | None = None
    pull: float | None = None
    gap: float | None = None
    remembered: float | None = None
    variety: float | None = None
    reached: int | None = None
    clusters: int | None = None
    pairs: float | None = None
    difference: float | None = None
    mean: Tensor | None = None
    outside: float | None = None
    width: float | None = None
    low_high: tuple[float, float, float, float] | None = None
    size: float | None = None
    dead: dict[str, float] = field(default_factory=dict)
    update: dict[str, float] = field(default_factory=dict)
    travelled: dict[str, float] = field(default_factory=dict)


def from_history(run: Run, since: int) -> dict[str, Any]:
    """The players' losses from step ``since`` on: their mean absolute value, and which are not finite."""
    losses, broken = {}, []
    players = {turn.name for turn in run.gan.turns}
    for name in run.history.names:
        steps, values = run.history.column(name)
        recent = values[bisect_left(steps, since) :]
        finite = [abs(value) for value in recent if math.isfinite(value)]
        if len(finite) < len(recent):
            broken.append(name)
        if name in players and finite:
            losses[name] = sum(finite) / len(finite)
    return {"losses": losses, "broken": tuple(broken)}


def from_networks(gan: GAN, known: Reference | None, latents: Part) -> dict[str, Any]:
    """What the generator makes of ``latents`` and what the discriminator says of it; works on copies.

    Anything that is no generator with a discriminator gives what can be seen of it, or nothing.
    """
    networks, found = gan.networks, dict[str, Any]()
    if "generator" not in networks:
        return found
    with suppress(*STRANGE):
        generator = frozen_copy(networks["generator"])
        made, share = watching_units(
            generator, lambda: _no_grad(generator, latents.samples, latents.condition)
        )
        if not isinstance(made, Tensor) or not made.is_floating_point():
            return found
        dead = {} if share is None else {"generator": share}
        found |= {"size": float(made.abs().max()), "dead": dead}
        if not bool(made.isfinite().all()):
            return found
        if known is not None and made.shape[1:] == known.train.samples.shape[1:]:
            found |= of_samples(made.flatten(1).float(), known)
        else:
            known = None
        if "discriminator" in networks:
            found |= of_discriminator(gan, Part(made, latents.condition), known, dead)
    return found


def of_samples(made: Tensor, known: Reference) -> dict[str, Any]:
    """Variety, distance and range of generated samples (N, D) beside those of the data."""
    real = known.train.samples.flatten(1).float()
    share = shares(made, known.centres)
    values = values_of(made)
    low, high = float(values.quantile(0.01)), float(values.quantile(0.99))
    thin = made.shape[1] // MEAN_VALUES + 1
    mean = made.mean(0)[::thin]
    reach = max(known.high - known.low, 1e-12)
    beyond = (values < known.low - BEYOND * reach) | (values > known.high + BEYOND * reach)
    return {
        "variety": perplexity(share) / perplexity(known.shares),
        "reached": int((share >= 0.2 * known.shares).sum()),
        "clusters": len(known.centres),
        "pairs": within(made) / max(known.pairs, 1e-12),
        "difference": difference(made, real[: len(made)]),
        "mean": (mean * math.sqrt(thin) / max(known.spread, 1e-12)).cpu(),
        "outside": float(beyond.double().mean()),
        "width": (high - low) / reach,
        "low_high": (low, high, known.low, known.high),
    }


def of_discriminator(gan: GAN, fake: Part, known: Reference | None, dead: dict[str, float]) -> dict[str, Any]:
    """What the discriminator says of real, generated and held-out samples, and how it pulls the generator."""
    discriminator = frozen_copy(gan.networks["discriminator"])
    found: dict[str, Any] = {}
    with torch.enable_grad():
        made = fake.samples.detach().requires_grad_(True)
        logits, share = watching_units(
            discriminator, lambda: _logits(apply(discriminator, made, fake.condition))
        )
    if share is not None:
        dead["discriminator"] = share
    fakes = logits.detach()
    found["fake_logit"] = float(fakes.mean())
    conditional = fake.condition is not None
    if known is None or conditional != (known.train.condition is not None):
        return found
    count = len(fake.samples)
    train = Part(known.train.samples[:count], rows(known.train.condition, slice(count)))
    reals = _logits(_no_grad(discriminator, train.samples, train.condition))
    found |= {"real_logit": float(reals.mean()), "separation": separation(reals, fakes)}
    objective = _objective(gan)
    if objective is not None:
        if objective.discriminator is discriminator_cross_entropy:
            found["doubt"] = float((-reals).sigmoid().mean()), float(fakes.sigmoid().mean())
        with torch.enable_grad():
            paired = reals[torch.arange(len(fakes), device=reals.device) % len(reals)]
            loss = objective.generator(paired, logits)
            (slope,) = torch.autograd.grad(loss, made)
        found["pull"] = float(slope.flatten(1).norm(dim=1).mean()) * len(fakes) * known.spread
    new = known.held_out
    alike = new is not None and conditional == (new.condition is not None)
    if new is not None and alike and min(len(new.samples), len(reals)) >= FEW:
        others = _logits(_no_grad(discriminator, new.samples, new.condition))
        margin = float(reals.mean() - fakes.mean())
        found["remembered"] = separation(reals, others)
        found["gap"] = float(reals.mean() - others.mean()) / margin if margin > 0 else None
    return found


def _objective(gan: GAN) -> Objective | None:
    """The objective of a classical game; None for games of one's own, whose losses are not called."""
    for turn in gan.turns:
        loss = turn.loss
        if isinstance(loss, partial) and loss.func in (generator_loss, paired_generator_loss) and loss.args:
            return loss.args[0] if isinstance(loss.args[0], Objective) else None
    return None


@torch.no_grad()
def _no_grad(network: nn.Module, samples: Any, condition: Any) -> Any:
    return apply(network, samples, condition)


def _logits(given: Any) -> Tensor:
    """One logit a sample, shape (N,): the mean over heads and over places where there are several."""
    heads = given if isinstance(given, tuple) else (given,)
    return torch.cat(
        [head.float().flatten(1) if head.dim() > 1 else head.float()[:, None] for head in heads], 1
    ).mean(1)
