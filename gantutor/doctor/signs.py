"""The signs of one examination: measurements of a run that do not change it."""

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
from gantutor.doctor.measures import (
    cluster_shares,
    energy_coefficient,
    flatten_samples,
    mean_pairwise_distance,
    perplexity,
    separation,
    values_of,
)
from gantutor.doctor.reference import Reference, Subset
from gantutor.doctor.units import measure_dead_units
from gantutor.games.classical import generator_loss
from gantutor.games.gan import GAN
from gantutor.objectives import Objective, discriminator_cross_entropy
from gantutor.training.ema import frozen_copy
from gantutor.training.run import Run

NETWORK_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""Errors of a network that its game calls in another way than the doctor does: it is skipped."""

MIN_HELD_OUT = 30
"""Smallest number of training and of held-out samples whose difference is measured."""

MAX_MEAN_VALUES = 4096
"""Largest number of values of the mean that are kept; of larger samples, evenly spaced ones."""

OUTSIDE_MARGIN = 0.1
"""A value is outside the data's range if it lies beyond their 1 % or 99 % quantile by this fraction of the
distance between the two."""

COVERED_SHARE = 0.2
"""Generated samples reach a cluster if their share in it is at least this fraction of the data's share."""


@dataclass(frozen=True, eq=False)
class Signs:
    """The measurements of one examination; None, or empty, where something could not be measured.

    Args:
        step: the training step.
        progress: the share of the budget that is spent, 0 to 1.
        losses: the mean absolute loss since the last examination, by turn.
        not_finite: the names of losses that stopped being finite.
        loss_peaks: the second-largest absolute loss since the last examination, by turn; of a single step its
            own. One step alone, such as one with a penalty, makes no peak.
        real_logit: the mean of D(x) over real samples, before any sigmoid.
        fake_logit: the mean of D(G(z)), before any sigmoid.
        separation: the probability that D gives a real sample a larger logit than a generated one, 0 to 1.
        doubt: the means of 1 − D(x) and of D(G(z)) as probabilities; only for cross-entropy.
        gradient: how much the generator's loss would fall if a sample moved by the data's spread.
        gap: (E D(train) − E D(held out)) / (E D(train) − E D(fake)), Karras et al. 2020 (arXiv:2006.06676),
            equation 1.
        memorised: the probability that D gives a training sample a larger logit than a held-out one, 0 to 1.
        variety: the effective number of data clusters among the generated samples, divided by that among
            real ones.
        clusters_reached: how many clusters have at least a fifth of their share of the data.
        clusters: how many clusters the data have.
        pairwise_distance: the mean distance of two generated samples, divided by that of two real ones.
        energy_coefficient: see ``measures.energy_coefficient``, of generated and real samples.
        mean: of the generated samples, in units of the data's spread, shape (D,); of large samples every n-th
            value, times √n.
        outside: the share of generated values outside the data's range, 0 to 1.
        range_ratio: the range between the 1 % and 99 % quantiles of generated values, divided by that of the
            data.
        quantiles: the 1 % and 99 % quantiles of generated values, then those of the data.
        max_abs: the largest absolute value of the generated samples.
        dead_units: the share of dead units in the worst layer, by network.
        update: ‖Δθ‖/‖θ‖ of the last step, by network.
        distance_from_start: ‖θ − θ₀‖/‖θ₀‖ since the start, by network.
        outputs: the names of the networks that make samples.
    """

    step: int
    progress: float
    losses: dict[str, float] = field(default_factory=dict)
    not_finite: tuple[str, ...] = ()
    loss_peaks: dict[str, float] = field(default_factory=dict)
    real_logit: float | None = None
    fake_logit: float | None = None
    separation: float | None = None
    doubt: tuple[float, float] | None = None
    gradient: float | None = None
    gap: float | None = None
    memorised: float | None = None
    variety: float | None = None
    clusters_reached: int | None = None
    clusters: int | None = None
    pairwise_distance: float | None = None
    energy_coefficient: float | None = None
    mean: Tensor | None = None
    outside: float | None = None
    range_ratio: float | None = None
    quantiles: tuple[float, float, float, float] | None = None
    max_abs: float | None = None
    dead_units: dict[str, float] = field(default_factory=dict)
    update: dict[str, float] = field(default_factory=dict)
    distance_from_start: dict[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("generator",)

    @property
    def output_distance(self) -> float:
        """The smallest relative change of an output network since the start; 1 if it was not measured."""
        return min((self.distance_from_start.get(name, 1.0) for name in self.outputs), default=1.0)


def signs_of_history(run: Run, since: int) -> dict[str, Any]:
    """Return the signs in the recorded losses: mean absolute values, peaks, and which are not finite.

    Args:
        run: the run, with its history.
        since: the step from which on losses count.
    """
    losses, loss_peaks, not_finite = {}, {}, []
    players = {turn.name for turn in run.gan.turns}
    for name in run.history.names:
        steps, values = run.history.column(name)
        recent = values[bisect_left(steps, since) :]
        finite = [abs(value) for value in recent if math.isfinite(value)]
        if len(finite) < len(recent):
            not_finite.append(name)
        if name in players and finite:
            losses[name] = sum(finite) / len(finite)
            loss_peaks[name] = sorted(finite)[-2:][0]
    return {"losses": losses, "loss_peaks": loss_peaks, "not_finite": tuple(not_finite)}


def signs_of_networks(gan: GAN, known: Reference | None, latents: Subset) -> dict[str, Any]:
    """Return the signs in the generated samples and in the discriminator's logits; works on copies.

    Args:
        gan: the game; of one without a generator and a discriminator only a part is measured, or nothing.
        known: what is known of the data, or None.
        latents: the latents (N, …) to generate from, and their conditions.
    """
    signs: dict[str, Any] = {"outputs": gan.outputs}
    if not gan.outputs:
        return signs
    with suppress(*NETWORK_ERRORS):
        parts, dead_units = [], dict[str, float]()
        for index, name in enumerate(gan.outputs):  # of several outputs each makes an equal share
            network, share = frozen_copy(gan.networks[name]), slice(index, None, len(gan.outputs))
            part, dead = measure_dead_units(
                network,
                partial(
                    _apply_without_gradient,
                    network,
                    latents.samples[share],
                    rows(latents.condition, share),
                ),
            )
            if not isinstance(part, Tensor) or not part.is_floating_point():
                return signs
            parts.append(part)
            dead_units |= {} if dead is None else {name: dead}
        samples = torch.cat(parts)
        signs |= {"max_abs": float(samples.abs().max()), "dead_units": dead_units}
        if not bool(samples.isfinite().all()):
            return signs
        if known is not None and samples.shape[1:] == known.train.samples.shape[1:]:
            signs |= signs_of_samples(flatten_samples(samples), known)
        else:
            known = None
        if "discriminator" in gan.networks and len(parts) == 1:
            signs |= signs_of_discriminator(gan, Subset(samples, latents.condition), known, dead_units)
    return signs


def signs_of_samples(samples: Tensor, known: Reference) -> dict[str, Any]:
    """Return the variety, distance and range of generated samples, compared with the data.

    Args:
        samples: shape (N, D).
        known: what is known of the data.
    """
    real = flatten_samples(known.train.samples)  # (M, D)
    shares = cluster_shares(samples, known.centres)
    values = values_of(samples)
    low, high = float(values.quantile(0.01)), float(values.quantile(0.99))
    stride = samples.shape[1] // MAX_MEAN_VALUES + 1
    mean = samples.mean(0)[::stride]
    real_range = max(known.high - known.low, 1e-12)
    margin = OUTSIDE_MARGIN * real_range
    outside = (values < known.low - margin) | (values > known.high + margin)
    return {
        "variety": perplexity(shares) / perplexity(known.shares),
        "clusters_reached": int((shares >= COVERED_SHARE * known.shares).sum()),
        "clusters": len(known.centres),
        "pairwise_distance": mean_pairwise_distance(samples) / max(known.pairwise_distance, 1e-12),
        "energy_coefficient": energy_coefficient(samples, real[: len(samples)]),
        "mean": (mean * math.sqrt(stride) / max(known.spread, 1e-12)).cpu(),
        "outside": float(outside.cpu().double().mean()),
        "range_ratio": (high - low) / real_range,
        "quantiles": (low, high, known.low, known.high),
    }


def signs_of_discriminator(
    gan: GAN, fake: Subset, known: Reference | None, dead_units: dict[str, float]
) -> dict[str, Any]:
    """Return the signs in the logits of real, generated and held-out samples, and in their gradient.

    Args:
        gan: the game.
        fake: the generated samples (N, …) and their conditions.
        known: what is known of the data, or None.
        dead_units: the share of dead units by network; the discriminator's is added to it.
    """
    discriminator = frozen_copy(gan.networks["discriminator"])
    signs: dict[str, Any] = {}
    with torch.enable_grad():
        samples = fake.samples.detach().requires_grad_(True)
        logits, share = measure_dead_units(
            discriminator, lambda: _logits(apply(discriminator, samples, fake.condition))
        )
    if share is not None:
        dead_units["discriminator"] = share
    fake_logits = logits.detach()
    signs["fake_logit"] = float(fake_logits.mean())
    conditional = fake.condition is not None
    if known is None or conditional != (known.train.condition is not None):
        return signs
    count = len(fake.samples)
    train = Subset(known.train.samples[:count], rows(known.train.condition, slice(count)))
    real_logits = _logits(_apply_without_gradient(discriminator, train.samples, train.condition))
    signs |= {"real_logit": float(real_logits.mean()), "separation": separation(real_logits, fake_logits)}
    objective = _objective(gan)
    if objective is not None:
        if objective.discriminator is discriminator_cross_entropy:
            signs["doubt"] = (
                float((-real_logits).sigmoid().mean()),
                float(fake_logits.sigmoid().mean()),
            )
        with torch.enable_grad():
            rows_of_real = torch.arange(len(fake_logits), device=real_logits.device) % len(real_logits)
            loss = objective.generator(real_logits[rows_of_real], logits)
            (gradient,) = torch.autograd.grad(loss, samples)
        # The loss is a mean over the samples: times N it is the gradient of each sample's own loss.
        signs["gradient"] = float(gradient.flatten(1).norm(dim=1).mean()) * len(fake_logits) * known.spread
    held_out = known.held_out
    usable = held_out is not None and conditional == (held_out.condition is not None)
    if held_out is not None and usable and min(len(held_out.samples), len(real_logits)) >= MIN_HELD_OUT:
        new_logits = _logits(_apply_without_gradient(discriminator, held_out.samples, held_out.condition))
        margin = float(real_logits.mean() - fake_logits.mean())
        signs["memorised"] = separation(real_logits, new_logits)
        signs["gap"] = float(real_logits.mean() - new_logits.mean()) / margin if margin > 0 else None
    return signs


def _objective(gan: GAN) -> Objective | None:
    """The objective of a classical game; None for other games, whose losses are not called."""
    for turn in gan.turns:
        loss = turn.loss
        if isinstance(loss, partial) and loss.func is generator_loss and loss.args:
            return loss.args[0] if isinstance(loss.args[0], Objective) else None
    return None


@torch.no_grad()
def _apply_without_gradient(network: nn.Module, samples: Any, condition: Any) -> Any:
    return apply(network, samples, condition)


def _logits(outputs: Any) -> Tensor:
    """One logit per sample, shape (N,): the mean over heads and positions where there are several."""
    heads = outputs if isinstance(outputs, tuple) else (outputs,)
    return torch.cat(
        [head.float().flatten(1) if head.dim() > 1 else head.float()[:, None] for head in heads], 1
    ).mean(1)
