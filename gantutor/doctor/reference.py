"""The doctor's reference: a few hundred samples of the data, and their statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._errors import InputError, type_name
from gantutor.doctor.measures import (
    cluster_shares,
    flatten_samples,
    k_means,
    mean_pairwise_distance,
    values_of,
)

MAX_SAMPLES = 256
"""Samples of each kind in an examination: an area under the ROC curve is then known to ± 0.03."""

MAX_VALUES, MIN_SAMPLES = 2**22, 64
"""The number of large samples is limited so that together they have MAX_VALUES values, but at least
MIN_SAMPLES are taken."""

CLUSTERS = 10
"""Number of clusters of the training data; each has about 50 of the samples."""


@dataclass(frozen=True, eq=False)
class Subset:
    """Some samples and their conditions.

    Args:
        samples: shape (N, …).
        condition: their conditions, N rows, or None.
    """

    samples: Tensor
    condition: Any = None


@dataclass(frozen=True, eq=False)
class Reference:
    """Samples of the data, and statistics of the training samples.

    Args:
        train: a part of the training data, 512 samples at most.
        held_out: a part of the held-out data, or None.
        centres: the centres of clusters in the training samples, shape (K, D).
        shares: the share of the training samples in each cluster, shape (K,).
        spread: the root mean square distance of a sample from the mean.
        pairwise_distance: the mean distance between two samples.
        low: the 1 % quantile of all values.
        high: the 99 % quantile of all values.
        max_abs: the largest absolute value.
    """

    train: Subset
    held_out: Subset | None
    centres: Tensor
    shares: Tensor
    spread: float
    pairwise_distance: float
    low: float
    high: float
    max_abs: float


def sample_count(samples: Tensor) -> int:
    """Return how many generated samples of this size an examination looks at, 64 to 256.

    Args:
        samples: shape (N, …).

    >>> sample_count(torch.zeros(1, 1, 28, 28)), sample_count(torch.zeros(1, 3, 128, 128))
    (256, 85)
    """
    return min(MAX_SAMPLES, max(MIN_SAMPLES, MAX_VALUES // max(1, samples[0].numel())))


def tensors_of(name: str, data: Any) -> tuple[Tensor, ...]:
    """Return the samples and the conditions that a tensor or TensorDataset holds.

    Args:
        name: the name of the data in error messages.
        data: samples (N, …), or a TensorDataset of samples and conditions.

    Raises:
        InputError: if the data are of another type, fewer than two samples, not floating-point numbers or
            not finite.

    >>> [tuple(tensor.shape) for tensor in tensors_of("data", torch.zeros(5, 2))]
    [(5, 2)]
    """
    tensors = (data,) if isinstance(data, Tensor) else getattr(data, "tensors", None)
    if not (isinstance(data, Tensor | TensorDataset) and tensors):
        raise InputError(f"{name} must be a tensor or a TensorDataset, not {type_name(data)}")
    samples = tensors[0]
    if samples.dim() < 2 or len(samples) < 2 or not samples.is_floating_point():
        raise InputError(
            f"{name} must hold at least two samples of floating-point numbers in shape (count, …), "
            f"not {tuple(samples.shape)} of {str(samples.dtype).removeprefix('torch.')}"
        )
    if not bool(samples.isfinite().all()):
        raise InputError(
            f"{name} contains values that are not finite (NaN or infinity): remove or replace them"
        )
    return tuple(tensors)


def draw_subset(
    tensors: tuple[Tensor, ...], count: int, draw: torch.Generator, device: torch.device
) -> Subset:
    """Draw samples with their conditions without replacement.

    Args:
        tensors: the samples (N, …), then their conditions.
        count: how many to draw; all of them if there are fewer.
        draw: the source of the random numbers, on the CPU.
        device: where the drawn samples are put.

    >>> tensors = torch.zeros(5, 2), torch.arange(5)
    >>> draw_subset(tensors, 3, torch.Generator().manual_seed(0), torch.device("cpu")).condition.shape
    torch.Size([3])
    """
    chosen = torch.randperm(len(tensors[0]), generator=draw)[:count]
    samples, *conditions = (tensor[chosen.to(tensor.device)].to(device) for tensor in tensors)
    condition = tuple(conditions) if len(conditions) > 1 else conditions[0] if conditions else None
    return Subset(samples, condition)


def make_reference(
    data: tuple[Tensor, ...],
    held_out: tuple[Tensor, ...] | None,
    draw: torch.Generator,
    device: torch.device,
) -> Reference:
    """Draw samples of the data and compute their statistics.

    Args:
        data: the training samples (N, …), then their conditions.
        held_out: the held-out samples and their conditions, or None.
        draw: the source of the random numbers, on the CPU.
        device: where the samples are kept.

    >>> points = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
    >>> known = make_reference((points,), None, torch.Generator().manual_seed(0), torch.device("cpu"))
    >>> known.train.samples.shape, round(known.spread, 1)
    (torch.Size([512, 2]), 1.4)
    """
    count = sample_count(data[0])
    train = draw_subset(data, 2 * count, draw, device)
    flat = flatten_samples(train.samples)  # (N, D)
    centres = k_means(flat, CLUSTERS, draw)
    values = values_of(flat)
    return Reference(
        train=train,
        held_out=None if held_out is None else draw_subset(held_out, count, draw, device),
        centres=centres,
        shares=cluster_shares(flat, centres),
        spread=float((flat - flat.mean(0)).square().sum(1).mean().sqrt()),
        pairwise_distance=mean_pairwise_distance(flat),
        low=float(values.quantile(0.01)),
        high=float(values.quantile(0.99)),
        max_abs=float(flat.abs().max()),
    )
