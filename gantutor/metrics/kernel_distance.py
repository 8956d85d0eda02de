"""The kernel distance (KID): an unbiased estimate of the maximum mean discrepancy of two sets of features."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, integer, validate
from gantutor._errors import InputError


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Return the squared maximum mean discrepancy of two sets of features (the kernel distance, KID).

    E k(x, x') + E k(y, y') − 2 E k(x, y) over pairs of different samples (Gretton et al. 2012, lemma 6), with
    the kernel k(x, y) = (x·y / D + 1)³ (Bińkowski et al. 2018, arXiv:1801.01401, section 4). Its expectation
    does not depend on N and M, as that of the Fréchet distance does, so a few hundred samples are enough. For
    equal distributions the expectation is 0, and estimates lie on both sides of it.

    Args:
        first: features x (N, D), N ≥ 2.
        second: features y (M, D), M ≥ 2.

    Raises:
        InputError: for features of another shape, fewer than two of either, or values that are not finite.

    >>> rng = torch.Generator().manual_seed(0)
    >>> first, same, shifted = torch.randn(3, 500, 4, generator=rng)
    >>> abs(kernel_distance(first, same)) < 0.1, kernel_distance(first, shifted + 1) > 5
    (True, True)
    """
    _check(first, second)
    x, y = first.detach().cpu().double(), second.detach().cpu().double()
    return float(_mean_within(x) + _mean_within(y) - 2 * _kernel(x, y).mean())


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
        return features[torch.randperm(len(features), generator=rng)[:size]]

    distances = [kernel_distance(subset(x), subset(y)) for _ in range(subsets)]
    return torch.tensor(distances, dtype=torch.float64)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    kernel: Tensor = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _mean_within(x: Tensor) -> Tensor:
    """E k(x, x') over pairs of different samples."""
    kernel = _kernel(x, x)
    return (kernel.sum() - kernel.diagonal().sum()) / (len(x) * (len(x) - 1))


def _check(first: Tensor, second: Tensor) -> None:
    check_tensors(first=first, second=second)
    if first.dim() != 2 or second.dim() != 2 or first.shape[1] != second.shape[1] or not first.shape[1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise InputError(f"features must have shapes (N, D) and (M, D), not {shapes}")
    if min(len(first), len(second)) < 2:
        raise InputError(f"a kernel distance needs two samples of each, not {len(first)} and {len(second)}")
    check_finite("features", first, second)
