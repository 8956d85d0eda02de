"""The kernel distance (KID): the maximum mean discrepancy of two clouds of features, without bias however few
there are."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, integer, validate
from gantutor._errors import InputError


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """The squared maximum mean discrepancy of features (N, D) and (M, D), with the kernel
    k(x, y) = (x·y / D + 1)³: Bińkowski et al. 2018, arXiv:1801.01401, section 4.

    E k(x, x') + E k(y, y') − 2 E k(x, y) over pairs of different samples (Gretton et al. 2012, lemma 6). Its
    expectation does not depend on N and M, as that of the Fréchet distance does, so that a few hundred
    samples will do; for equal distributions it is 0, and estimates lie on both sides of it. Raises InputError
    for other shapes, fewer than two samples, or features that are not finite.

    >>> draw = torch.Generator().manual_seed(0)
    >>> one, same, other = torch.randn(3, 500, 4, generator=draw)
    >>> abs(kernel_distance(one, same)) < 0.1, kernel_distance(one, other + 1) > 5
    (True, True)
    """
    _check(first, second)
    x, y = first.detach().cpu().double(), second.detach().cpu().double()
    return float(_within(x) + _within(y) - 2 * _kernel(x, y).mean())


def kernel_distances(
    first: Tensor, second: Tensor, size: int = 50, subsets: int = 100, seed: int = 0
) -> Tensor:
    """Kernel distances (``subsets``,), float64, of random parts of ``size`` features each: their mean is the
    distance, their spread says how far to trust it.

    Raises InputError for what ``kernel_distance`` refuses, and for a size that the smaller cloud has not.

    >>> cloud = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    >>> kernel_distances(cloud, cloud, size=30, subsets=5).shape
    torch.Size([5])
    """
    _check(first, second)
    few = min(len(first), len(second))
    given = {"size": size, "subsets": subsets, "seed": seed}
    validate(given, size=integer(2, few), subsets=integer(1), seed=integer(0))
    draw = torch.Generator().manual_seed(seed)
    x, y = first.detach().cpu(), second.detach().cpu()

    def some(cloud: Tensor) -> Tensor:
        return cloud[torch.randperm(len(cloud), generator=draw)[:size]]

    found = [kernel_distance(some(x), some(y)) for _ in range(subsets)]
    return torch.tensor(found, dtype=torch.float64)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    kernel: Tensor = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _within(x: Tensor) -> Tensor:
    """E k(x, x') over pairs of different samples."""
    kernel = _kernel(x, x)
    return (kernel.sum() - kernel.diagonal().sum()) / (len(x) * (len(x) - 1))


def _check(first: Tensor, second: Tensor) -> None:
    check_tensors(first=first, second=second)
    if first.dim() != 2 or second.dim() != 2 or first.shape[1] != second.shape[1] or not first.shape[1]:
        given = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise InputError(f"features must have shapes (N, D) and (M, D), not {given}")
    if min(len(first), len(second)) < 2:
        raise InputError(f"a kernel distance needs two samples of each, not {len(first)} and {len(second)}")
    check_finite("features", first, second)
