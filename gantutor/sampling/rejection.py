"""Discriminator rejection sampling: keep generated samples in the proportion of the real data."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from gantutor._calling import apply, evaluation_mode
from gantutor._checks import boolean, check_floats, checked, integer, number, optional, validate
from gantutor._errors import InputError, type_name
from gantutor._random import seeded
from gantutor.metrics.distances import to_double
from gantutor.training.run import Run, check_run

Sampler = Callable[[int, torch.Generator], Tensor]
"""``draw(count, generator)`` returns new samples, (count, …)."""

LogitFunction = Callable[[Tensor], Tensor]
"""Returns the logits (N,) of samples (N, …)."""

CHUNK_SIZE = 64
"""Samples drawn at once; a discriminator that compares samples in groups sees groups of generated samples."""

MAX_TRIES_PER_SAMPLE = 1000
"""Samples tried for each one that is kept, before the attempt is given up."""


@dataclass(frozen=True)
class Accepted:
    """The result of rejection sampling.

    Attributes:
        samples: the samples that were kept, (count, …).
        rate: fraction of the tried samples that were kept, from 0 to 1.
        tried: number of samples that were tried.
        max_logit: largest logit seen, log M.
        gamma: the γ that was used.
    """

    samples: Tensor
    rate: float
    tried: int
    max_logit: float
    gamma: float


@checked(max_logit=number(), gamma=number(), epsilon=number(above=0))
def acceptance(logits: Tensor, max_logit: float, gamma: float = 0.0, epsilon: float = 1e-8) -> Tensor:
    """Return the probability of keeping samples with the given logits.

    sigmoid(F) with F = d̃ − d̃_max − log(1 − exp(d̃ − d̃_max − ε)) − γ (Azadi et al. 2019, arXiv:1810.06758).
    With γ = 0 this is exp(d̃ − d̃_max), the density ratio over its maximum. In many dimensions nearly all of
    these are close to 0: γ < 0 keeps more samples, in a less exact proportion.

    Args:
        logits: the logits d̃ of the samples, (N,); −∞ is allowed, and a logit above ``max_logit`` counts as
            that.
        max_logit: the largest logit there is, d̃_max.
        gamma: γ, which is subtracted.
        epsilon: ε, above 0, which keeps the logarithm finite.

    Returns:
        Probabilities from 0 to 1, (N,).

    Raises:
        InputError: if the logits are not floats of shape (N,), or a number is out of range.

    >>> acceptance(torch.log(torch.tensor([0.1, 0.5, 2.0])), max_logit=math.log(2.0))
    tensor([0.0500, 0.2500, 1.0000])
    """
    # A logit of −∞ is a density ratio of 0, which is allowed.
    is_float = isinstance(logits, Tensor) and logits.is_floating_point()
    check_floats(logits=logits.clamp(min=-1e38) if is_float else logits)
    if logits.dim() != 1:
        raise InputError(f"logits must have shape (count,), one for each sample, not {tuple(logits.shape)}")
    return _acceptance(logits, max_logit, gamma, epsilon).to(logits.device, logits.dtype)


def _acceptance(logits: Tensor, max_logit: float, gamma: float, epsilon: float = 1e-8) -> Tensor:
    return torch.sigmoid(_rejection_score(logits, max_logit, epsilon) - gamma)


def _rejection_score(logits: Tensor, max_logit: float, epsilon: float = 1e-8) -> Tensor:
    log_ratio = (to_double(logits) - max_logit).clamp(max=0.0)
    return log_ratio - torch.log(-torch.expm1(log_ratio - epsilon))


@torch.no_grad()
def reject_from(
    draw: Sampler,
    discriminator: LogitFunction,
    count: int,
    gamma: float = 0.0,
    quantile: float | None = None,
    burn_in: int = 1024,
    seed: int = 0,
    progress: bool = True,
) -> Accepted:
    """Keep samples of a distribution by the logits of a discriminator, until ``count`` are kept.

    Discriminator rejection sampling (Azadi et al. 2019, arXiv:1810.06758). The logit of an optimal
    discriminator is log p_data(x) / p_generator(x) (Goodfellow et al. 2014). Keeping x with the probability
    of this ratio over its maximum turns samples of the generator into samples of the data, as far as the
    generator reaches (rejection sampling, von Neumann 1951).

    A trained discriminator is not optimal. It must have been trained with the cross-entropy, as in
    ``objectives.non_saturating``: the logits of other losses are not log density ratios. A penalty keeps
    logits small, so that the ratio is underestimated; with augmentation the discriminator has learnt about
    augmented samples; and with few real samples it has memorised them, and would keep copies. So measure
    before and after, with something other than the discriminator.

    Args:
        draw: draws samples: ``draw(count, generator)`` returns (count, …).
        discriminator: a network or function that returns the logits (N,) of samples (N, …).
        count: number of samples to keep.
        gamma: γ of ``acceptance``.
        quantile: if given, γ is this quantile of F over the burn-in, as in the paper, so that a sample at the
            quantile is kept with probability ½: 0.8 keeps about a fifth and 0 nearly all, however long the
            tail of the logits is.
        burn_in: samples that estimate the maximum and are then discarded; the maximum still grows later.
        seed: seed of the samples and of the decisions.
        progress: whether to show a progress bar.

    Returns:
        The samples that were kept, and how many were tried.

    Raises:
        InputError: if an argument is out of range, the logits are not one a sample or not finite, or fewer
            than one in 1,000 samples is kept.

    >>> def draw(count, generator): return torch.rand(count, generator=generator)
    >>> accepted = reject_from(draw, torch.log, 500)  # density 1, ratio x: accepted samples have density 2x
    >>> abs(accepted.rate - 0.5) < 0.05, abs(float(accepted.samples.mean()) - 2 / 3) < 0.03
    (True, True)
    """
    numbers = {"count": count, "burn_in": burn_in, "seed": seed, "gamma": gamma, "quantile": quantile}
    validate(
        numbers | {"progress": progress},
        progress=boolean(),
        count=integer(1),
        burn_in=integer(1),
        seed=integer(0),
        gamma=number(),
        quantile=optional(number(0, 1)),
    )
    for name, function in (("draw", draw), ("discriminator", discriminator)):
        if not callable(function):
            raise InputError(f"{name} must be a function, not {type_name(function)}")
    rng = torch.Generator().manual_seed(seed)
    burn_in_logits = [
        _sample_with_logits(draw, discriminator, rng)[1] for _ in range(math.ceil(burn_in / CHUNK_SIZE))
    ]
    logits = torch.cat(burn_in_logits)[:burn_in]
    max_logit = float(logits.max())
    if quantile is not None:
        gamma = float(_rejection_score(logits, max_logit).quantile(quantile))
    accepted: list[Tensor] = []
    count_accepted = tried = 0
    bar_options = {"file": sys.stdout, "disable": not progress, "delay": 2, "leave": False}
    with tqdm(total=count, desc="samples kept", **bar_options) as bar:
        while count_accepted < count:
            if (
                tried >= MAX_TRIES_PER_SAMPLE * max(count_accepted, 1)
                and tried >= MAX_TRIES_PER_SAMPLE * CHUNK_SIZE
            ):
                raise InputError(
                    f"only {count_accepted:,} of {tried:,} samples were kept, "
                    f"fewer than one in {MAX_TRIES_PER_SAMPLE:,}: "
                    "choose a lower gamma, or a quantile such as 0.8"
                )
            samples, logits = _sample_with_logits(draw, discriminator, rng)
            max_logit = max(max_logit, float(logits.max()))
            uniform = torch.rand(len(logits), generator=rng, dtype=torch.float64)
            indices = (uniform < _acceptance(logits, max_logit, gamma)).nonzero().flatten()
            last = (
                int(indices[count - count_accepted - 1]) + 1
                if count_accepted + len(indices) >= count
                else len(logits)
            )
            accepted.append(samples[indices[indices < last]])
            count_accepted, tried = count_accepted + len(accepted[-1]), tried + last
            bar.update(len(accepted[-1]))
    return Accepted(torch.cat(accepted), count_accepted / tried, tried, max_logit, gamma)


def reject(
    run: Run,
    count: int,
    gamma: float = 0.0,
    quantile: float | None = None,
    burn_in: int = 1024,
    seed: int = 0,
    progress: bool = True,
) -> Accepted:
    """Keep samples of a run's averaged generator by the logits of its discriminator.

    See ``reject_from``, also for when this works. The discriminator is used in evaluation mode, without
    augmentation, and left as it was. It was trained against the generator itself, of which the averaged one
    is the moving average.

    Args:
        run: a trained run of a game with generator and discriminator.
        count: number of samples to keep.
        gamma: γ of ``acceptance``.
        quantile: if given, the quantile that chooses γ.
        burn_in: samples that estimate the maximum and are then discarded.
        seed: seed of the samples and of the decisions.
        progress: whether to show a progress bar.

    Returns:
        The samples that were kept, and how many were tried.

    Raises:
        InputError: if the game has no discriminator or has conditions, or for the reasons of ``reject_from``.
    """
    check_run(run)
    networks = run.gan.networks
    if "discriminator" not in networks or run.conditions is not None:
        raise InputError("rejection needs a game without conditions that has a network called discriminator")
    discriminator, device = networks["discriminator"], run.gan.device

    def draw(count: int, rng: torch.Generator) -> Tensor:
        generator = torch.Generator(device).manual_seed(int(torch.randint(2**31, (), generator=rng)))
        return run.generate(run.gan.draw_latent(count, generator))

    def logit_function(samples: Tensor) -> Tensor:
        with seeded(device, seed):
            logits: Any = apply(discriminator, samples.to(device))
        if not isinstance(logits, Tensor):
            raise InputError("rejection needs a discriminator with one output, but this one has several")
        return logits.reshape(len(samples), -1).squeeze(1).cpu()

    with evaluation_mode(discriminator):
        return reject_from(draw, logit_function, count, gamma, quantile, burn_in, seed, progress)


def _sample_with_logits(
    draw: Sampler, discriminator: LogitFunction, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    samples = draw(CHUNK_SIZE, rng)
    logits = discriminator(samples)
    if logits.shape != (CHUNK_SIZE,):
        raise InputError(
            f"there must be one logit for each sample, ({CHUNK_SIZE},), not {tuple(logits.shape)}"
        )
    if not bool((logits < math.inf).all()) or float(logits.max()) == -math.inf:
        raise InputError(
            "the logits are not finite (NaN or infinity): the discriminator cannot be used for rejection"
        )
    return samples, logits
