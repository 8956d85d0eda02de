"""The kernel distance (KID): an unbiased estimate of the maximum mean discrepancy of two sets of features."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, integer, validate
from gantutor._errors import InputError

BLOCK = 2**18
"""Pairs of samples that are processed together, few enough for the cache of a processor."""


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Return the squared maximum mean discrepancy of two sets of features (the kernel distance, KID).

    E k(x, x') + E k(y, y') − 2 E k(x, y) over pairs of different samples (Gretton et al. 2012, lemma 6), with
    the kernel k(x, y) = (x·y / D + 1)³ (Bińkowski et al. 2018, arXiv:1801.01401, section 4). Its expectation
    does not depend on N and M, as that of the Fréchet distance does, so a few hundred samples are enough. For
    equal distributions the expectation is 0, and estimates lie on both sides of it. Features far from the
    origin make k large, and what is large in it cancels: these terms are left out beforehand, so that the
    distance keeps the digits of double precision.

    Args:
        first: features x (N, D), N ≥ 2.
        second: features y (M, D), M ≥ 2.

    Raises:
        InputError: for features of another shape, fewer than two of either, or values that are not finite or
            so large that their sixth powers are not.

    >>> rng = torch.Generator().manual_seed(0)
    >>> first, same, shifted = torch.randn(3, 500, 4, generator=rng)
    >>> abs(kernel_distance(first, same)) < 0.1, kernel_distance(first, shifted + 1) > 5
    (True, True)
    """
    _check(first, second)
    return _distance(first.detach().cpu().double(), second.detach().cpu().double())


def kernel_distances(
    first: Tensor, second: Tensor, size: int = 50, subsets: int = 100, seed: int = 0
) -> Tensor:
    """Return the kernel distances of random subsets of two sets of features.

    Their mean estimates the distance, and their spread says how far to trust it.

    Args:
        first: features (N, D).
        second: features (M, D).
        size: features in each subset, from 2 to the smaller of N and M.
        subsets: how many pairs of subsets are drawn.
        seed: the seed of the draws.

    Returns:
        Kernel distances (``subsets``,), float64.

    Raises:
        InputError: for features that ``kernel_distance`` refuses, or a number out of range.

    >>> features = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    >>> kernel_distances(features, features, size=30, subsets=5).shape
    torch.Size([5])
    """
    _check(first, second)
    max_size = min(len(first), len(second))
    settings = {"size": size, "subsets": subsets, "seed": seed}
    validate(settings, size=integer(2, max_size), subsets=integer(1), seed=integer(0))
    rng = torch.Generator().manual_seed(seed)
    x, y = first.detach().cpu(), second.detach().cpu()

    def subset(features: Tensor) -> Tensor:
        return features[torch.randperm(len(features), generator=rng)[:size]].double()

    return torch.tensor([_distance(subset(x), subset(y)) for _ in range(subsets)], dtype=torch.float64)


def _distance(x: Tensor, y: Tensor) -> float:
    """The distance of features (N, D) and (M, D) in double precision, by the cubes without what cancels.

    With the common mean c, x = c + u and y = c + v: k = (a + p + q + s)³, where a = |c|² / D + 1 is a
    constant, p = c·u / D and q = c·v / D depend on one sample only, and s = u·v / D on both. A sum of f of
    one sample and f of the other contributes nothing to E k(x, x') + E k(y, y') − 2 E k(x, y). So k may be
    replaced by k − (a + p)³ − (a + q)³ + a³ = s (3 b² + 3 b s + s²) + 3 p q (a + b), where b = a + p + q.
    """
    dimension, total = x.shape[1], len(x) + len(y)
    start = torch.cat([x[:1], y[:1]]).mean(0)  # a sum of numbers far from the origin would lose digits
    centre = start + ((x - start).sum(0) + (y - start).sum(0)) / total
    u, v = x - centre, y - centre
    a = float(centre.square().sum()) / dimension + 1
    p, q = u @ centre / dimension, v @ centre / dimension

    def kernel_sum(u: Tensor, v: Tensor, p: Tensor, q: Tensor) -> float:
        """The sum of the reduced kernel over pairs; over pairs of different samples if both are the same."""
        total, size = 0.0, max(1, BLOCK // len(v))
        for start in range(0, len(u), size):
            rows = slice(start, start + size)
            s = u[rows] @ v.T / dimension
            b = (a + p[rows])[:, None] + q
            # s (3 b² + 3 b s + s²) + 3 p q (a + b), in few operations
            kernel = (b + s).mul_(b).mul_(3).addcmul_(s, s).mul_(s)
            kernel += (3 * p[rows, None] * q).mul_(b.add_(a))
            if u is v:
                kernel.diagonal(start).zero_()
            total += float(kernel.sum())
        return total

    def mean_within(u: Tensor, p: Tensor) -> float:
        return kernel_sum(u, u, p, p) / (len(u) * (len(u) - 1))

    across = kernel_sum(u, v, p, q) / (len(u) * len(v))
    distance = mean_within(u, p) + mean_within(v, q) - 2 * across
    if not math.isfinite(distance):
        raise InputError(
            "the features are too large, because their sixth powers are not finite: divide them by "
            f"{float(max(x.abs().max(), y.abs().max())):.3g}"
        )
    return distance


def _check(first: Tensor, second: Tensor) -> None:
    check_tensors(first=first, second=second)
    if first.dim() != 2 or second.dim() != 2 or first.shape[1] != second.shape[1] or not first.shape[1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise InputError(f"features must have shapes (N, D) and (M, D), not {shapes}")
    if min(len(first), len(second)) < 2:
        raise InputError(
            f"a kernel distance needs at least two samples of each set, not {len(first)} and {len(second)}"
        )
    check_finite("features", first, second)
