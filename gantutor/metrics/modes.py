"""Scores of samples of a mixture of Gaussians: modes covered, share of high quality, reverse KL, spread."""

from __future__ import annotations

import math
from functools import cache
from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, checked, integer
from gantutor._errors import InputError
from gantutor.data.toy import Distribution, check_distribution
from gantutor.metrics.distances import pairwise_distances
from gantutor.metrics.score import Score, Scores

_UNITS = {
    "modes": ("modes", "higher"),
    "modes_strict": ("modes with ≥ ⅕ of their share", "higher"),
    "high_quality": ("share within 3σ", "higher"),
    "reverse_kl": ("nats", "lower"),
    "spread": ("of the true spread inside modes", "higher"),
}


@checked(seed=integer(0))
def mode_scores(samples: Tensor, distribution: Distribution, seed: int = 0) -> Scores:
    """Return the mode coverage, sample quality, reverse KL and spread of samples of a mixture of Gaussians.

    The protocol of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1) takes 2,500 samples. It calls a
    sample good within three standard deviations of its nearest mode, and a mode covered if it has one good
    sample. As this hides collapse, ``modes_strict`` counts the modes that get at least a fifth of their fair
    share.

    Args:
        samples: points (N, 2).
        distribution: a distribution with modes, such as ``toy.ring()`` or ``toy.grid()``.
        seed: the seed of the 20 draws of N real samples whose medians are the real-data values.

    Returns:
        ``modes`` and ``modes_strict``, as above; ``high_quality``, the share of good samples; ``reverse_kl``,
        Σ qᵢ log(K qᵢ) in nats, of the shares q of all samples by nearest mode, against K equal shares;
        ``spread``, the root mean square distance of good samples to their centre, divided by that of real
        samples cut at 3σ too: below 1 the samples concentrate inside the modes.

    Raises:
        InputError: for samples of another shape or not finite, and for a distribution without modes.

    >>> from gantutor.data import toy
    >>> print(mode_scores(toy.ring().sample(2500), toy.ring())["modes_strict"].value)
    8.0
    """
    check_distribution(distribution)
    if not distribution.modes:
        raise InputError(f"the {distribution.name} has no modes to count: use ring or grid")
    check_tensors(samples=samples)
    if samples.dim() != 2 or samples.shape[1] != 2 or not len(samples):
        raise InputError(f"samples must have shape (count, 2), not {tuple(samples.shape)}")
    check_finite("samples", samples)
    centres = tuple(map(tuple, distribution.centres.tolist()))
    real = _real_data_values(len(samples), centres, distribution.sigma, seed)
    values = measure_modes(samples.detach().to(distribution.centres.device), distribution)
    reference = f"the true density of the {distribution.name}"
    return Scores(
        {
            name: Score(value, real[name], *_UNITS[name], len(samples), reference)
            for name, value in values.items()
        }
    )


def measure_modes(samples: Tensor, distribution: Distribution) -> dict[str, float]:
    """Return the five numbers of ``mode_scores`` by name, without their real-data values.

    Args:
        samples: points (N, 2) on the device of the distribution's centres; they are not checked.
        distribution: a distribution with modes.

    >>> from gantutor.data import toy
    >>> measure_modes(toy.ring().centres, toy.ring())["modes"]
    8.0
    """
    count = len(distribution.centres)
    distances, nearest = pairwise_distances(samples, distribution.centres).min(1)
    good = distances <= 3 * distribution.sigma
    good_in_mode = nearest[good].bincount(minlength=count)
    shares = nearest.bincount(minlength=count) / len(samples)
    # E r² of a two-dimensional Gaussian cut at r = 3σ, over σ²: 2 − 9 e^(−9/2) / (1 − e^(−9/2)).
    cut = 2 - 9 * math.exp(-4.5) / (1 - math.exp(-4.5))
    rms = float(distances[good].square().mean().sqrt()) if bool(good.any()) else 0.0
    return {
        "modes": float((good_in_mode > 0).sum()),
        "modes_strict": float((good_in_mode >= len(samples) / count / 5).sum()),
        "high_quality": float(good.double().mean()),
        "reverse_kl": float(torch.xlogy(shares, shares * count).sum()),
        "spread": rms / (distribution.sigma * math.sqrt(cut)),
    }


@cache
def _real_data_values(
    count: int, centres: tuple[tuple[float, float], ...], sigma: float, seed: int
) -> dict[str, float]:
    distribution = Distribution("real", torch.tensor(centres), sigma)
    draws = [
        measure_modes(distribution.sample(count, seed=1_000 * (seed + 1) + i), distribution)
        for i in range(20)
    ]
    return {name: median(draw[name] for draw in draws) for name in draws[0]}
