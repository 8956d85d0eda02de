"""Reverse KL and Jensen–Shannon divergence of points from a known density, on a grid of cells."""

from __future__ import annotations

import math
from functools import cache
from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, checked, integer
from gantutor._errors import InputError
from gantutor.data.toy import Distribution, check_distribution
from gantutor.metrics.score import Score, Scores

_UNITS = {"reverse_kl_cells": "nats", "js_cells": "nats"}
_Centres = tuple[tuple[float, float], ...]


@checked(side=integer(1), seed=integer(0))
def divergence_scores(samples: Tensor, distribution: Distribution, side: int = 32, seed: int = 0) -> Scores:
    """Return the reverse KL and the Jensen–Shannon divergence of samples from a density, on a grid of cells.

    q is the share of the samples in each of side² equal cells, and outside of the grid as one further cell,
    so that the shares add up to 1. p, the probability of each cell under the density, is exact. It is kept as
    a logarithm, so cells far from every mode count with their own tiny probability and nothing is rounded to
    0. Binning can only make a divergence smaller (data-processing inequality), while a histogram of N samples
    makes it larger by about (occupied cells − 1) / 2N: the real-data value shows how much.

    Args:
        samples: points (N, 2).
        distribution: the distribution with the density.
        side: cells along each axis, at least 1.
        seed: the seed of the 20 draws of N real samples whose medians are the real-data values.

    Returns:
        ``reverse_kl_cells``, KL(q‖p), and ``js_cells``, JS(p, q), which is at most log 2; both in nats.

    Raises:
        InputError: for samples of another shape or not finite, an unknown kind of distribution, or a number
            out of range.

    >>> from gantutor.data import toy
    >>> scores = divergence_scores(toy.ring().sample(2000), toy.ring())
    >>> scores["js_cells"].value < 1.5 * scores["js_cells"].real
    True
    """
    check_distribution(distribution)
    check_tensors(samples=samples)
    if samples.dim() != 2 or samples.shape[1] != 2 or not len(samples):
        raise InputError(f"samples must have shape (count, 2), not {tuple(samples.shape)}")
    check_finite("samples", samples)
    values = measure_divergence(samples, distribution, side)
    real = _real_data_values(len(samples), _key(distribution), distribution.sigma, side, seed)
    reference = f"the true density of the {distribution.name} in {side}² cells"
    return Scores(
        {
            name: Score(values[name], real[name], unit, "lower", len(samples), reference)
            for name, unit in _UNITS.items()
        }
    )


def measure_divergence(samples: Tensor, distribution: Distribution, side: int = 32) -> dict[str, float]:
    """Return the two numbers of ``divergence_scores`` by name, without their real-data values.

    Args:
        samples: points (N, 2); they are not checked.
        distribution: the distribution with the density.
        side: cells along each axis.

    >>> from gantutor.data import toy
    >>> measure_divergence(toy.ring().sample(100), toy.ring())["js_cells"] < 0.6931
    True
    """
    edges, log_p = _cells(_key(distribution), distribution.sigma, side)
    q = cell_shares(samples, edges)
    return {"reverse_kl_cells": reverse_kl(q, log_p), "js_cells": jensen_shannon(q, log_p)}


def cell_edges(distribution: Distribution, side: int = 32) -> Tensor:
    """Return the edges of equal cells along both axes, of a square around all modes of a distribution.

    The square reaches 4σ, and a tenth of the width of the centres, beyond the outermost centres.

    Args:
        distribution: the distribution to cover.
        side: cells along each axis.

    Returns:
        Edges (2, side + 1), float64.

    >>> cell_edges(Distribution("one", torch.zeros(1, 2), 0.25), 2).tolist()
    [[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]
    """
    low, high = distribution.centres.double().min(0).values, distribution.centres.double().max(0).values
    reach = 0.6 * float((high - low).max()) + 4 * distribution.sigma
    return ((low + high) / 2)[:, None] + torch.linspace(-reach, reach, side + 1, dtype=torch.float64)


def cell_log_probabilities(distribution: Distribution, edges: Tensor) -> Tensor:
    """Return the logarithm of the exact probability of each cell, and of everything outside the grid.

    Of each Gaussian a cell holds [Φ(b₁) − Φ(a₁)] · [Φ(b₂) − Φ(a₂)], with a and b its standardised edges and Φ
    the normal distribution function.

    Args:
        distribution: the mixture of Gaussians.
        edges: the edges of the cells along both axes (2, side + 1), float64.

    Returns:
        Log probabilities (side² + 1,), float64: first the cells, row by row of the first axis, then the
        outside.

    >>> one = Distribution("one", torch.zeros(1, 2), 1.0)
    >>> cell_log_probabilities(one, torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]).double()).exp().round(decimals=4)
    tensor([0.4661, 0.5339], dtype=torch.float64)
    """
    centres = distribution.centres.double()
    standard = (edges[:, None, :] - centres.T[:, :, None]) / distribution.sigma  # (2, K, side + 1)
    inside = _log_interval(standard[..., :-1], standard[..., 1:])  # (2, K, side)
    cells = (inside[0][:, :, None] + inside[1][:, None, :]).logsumexp(0).flatten()
    beyond = torch.logaddexp(
        torch.special.log_ndtr(standard[..., 0]), torch.special.log_ndtr(-standard[..., -1])
    )
    # Outside along the first axis, or inside along the first and outside along the second.
    outside = torch.logaddexp(beyond[0], inside[0].logsumexp(1) + beyond[1]).logsumexp(0, keepdim=True)
    return torch.cat([cells, outside]) - math.log(len(centres))


def _log_interval(low: Tensor, high: Tensor) -> Tensor:
    """log(Φ(high) − Φ(low)), computed in the lower tail, where no digits cancel."""
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    log_low, log_high = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
    interval: Tensor = log_high + torch.log(-torch.expm1(log_low - log_high))
    return interval


def cell_shares(samples: Tensor, edges: Tensor) -> Tensor:
    """Return the share of the samples in each cell and, last, outside the grid.

    Args:
        samples: points (N, 2).
        edges: the edges of the cells along both axes (2, side + 1), float64.

    Returns:
        Shares (side² + 1,), float64, in the order of ``cell_log_probabilities``.

    >>> edges = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]).double()
    >>> cell_shares(torch.tensor([[-0.5, 0.5], [9.0, 0.0]]), edges).tolist()
    [0.0, 0.5, 0.0, 0.0, 0.5]
    """
    points, side = samples.detach().cpu().double(), edges.shape[1] - 1
    index = torch.stack(
        [torch.bucketize(points[:, axis].contiguous(), edges[axis], right=True) - 1 for axis in (0, 1)]
    )
    inside = ((index >= 0) & (index < side)).all(0)
    cell = torch.where(inside, index[0] * side + index[1], side * side)
    return cell.bincount(minlength=side * side + 1).double() / len(points)


def reverse_kl(q: Tensor, log_p: Tensor) -> float:
    """Return the reverse KL divergence KL(q‖p) = Σ q log(q / p), in nats.

    Args:
        q: shares of samples (K,), which add up to 1.
        log_p: logarithms of probabilities (K,).

    >>> round(reverse_kl(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5]).log()), 4)
    0.6931
    """
    occupied = q > 0
    return float((q[occupied] * (q[occupied].log() - log_p[occupied])).sum())


def jensen_shannon(q: Tensor, log_p: Tensor) -> float:
    """Return the Jensen–Shannon divergence ½ KL(p‖m) + ½ KL(q‖m) with m = ½ (p + q), in nats.

    Args:
        q: shares of samples (K,), which add up to 1.
        log_p: logarithms of probabilities (K,).

    >>> round(jensen_shannon(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]).log()), 4)
    0.6931
    """
    p = log_p.exp()
    mixture = ((p + q) / 2).clamp(min=1e-300)
    return float(sum(torch.xlogy(shares, shares / mixture).sum() for shares in (p, q))) / 2


def _key(distribution: Distribution) -> _Centres:
    return tuple(map(tuple, distribution.centres.tolist()))


@cache
def _cells(centres: _Centres, sigma: float, side: int) -> tuple[Tensor, Tensor]:
    distribution = Distribution("real", torch.tensor(centres), sigma)
    edges = cell_edges(distribution, side)
    return edges, cell_log_probabilities(distribution, edges)


@cache
def _real_data_values(count: int, centres: _Centres, sigma: float, side: int, seed: int) -> dict[str, float]:
    distribution = Distribution("real", torch.tensor(centres), sigma)
    draws = [
        measure_divergence(distribution.sample(count, seed=1_000 * (seed + 1) + i), distribution, side)
        for i in range(20)
    ]
    return {name: median(draw[name] for draw in draws) for name in _UNITS}
