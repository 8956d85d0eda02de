"""What the doctor knows of the data before the training: a few hundred samples, their clusters and their
size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._errors import InputError, type_name
from gantutor.doctor.measures import k_means, shares, values_of, within

SAMPLES = 256
"""Samples of each kind an examination looks at: an area under the ROC curve is then known to ± 0.03."""

VALUES, LEAST = 2**22, 64
"""Of large samples only so many are looked at as hold that many values together, but not fewer than LEAST."""

CLUSTERS = 10
"""Groups the training data are divided into; each then holds some 50 of the samples that are looked at."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some samples (N, …) and their conditions, or None."""

    samples: Tensor
    condition: Any = None


@dataclass(frozen=True, eq=False)
class Reference:
    """A part of the training data (512 of them at most), a part of the held-out data, and what the
    former look like.

    ``spread`` is the root mean square distance from the mean, ``pairs`` the mean distance of two samples,
    ``low`` and ``high`` the 1 % and 99 % quantiles of all values, ``size`` the largest absolute value.
    """

    train: Part
    held_out: Part | None
    centres: Tensor
    shares: Tensor
    spread: float
    pairs: float
    low: float
    high: float
    size: float


def how_many(samples: Tensor) -> int:
    """How many generated samples of the size of these (N, …) an examination looks at.

    >>> how_many(torch.zeros(1, 1, 28, 28)), how_many(torch.zeros(1, 3, 128, 128))
    (256, 85)
    """
    return min(SAMPLES, max(LEAST, VALUES // max(1, samples[0].numel())))


def tensors_of(name: str, data: Any) -> tuple[Tensor, ...]:
    """The samples and conditions in a tensor or TensorDataset; raises InputError for anything else.

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
        raise InputError(f"{name} contains values that are not finite (NaN or infinity)")
    return tuple(tensors)


def some(tensors: tuple[Tensor, ...], count: int, draw: torch.Generator, device: torch.device) -> Part:
    """``count`` of the samples with their conditions, or all where there are fewer, drawn without
    replacement."""
    chosen = torch.randperm(len(tensors[0]), generator=draw)[:count]
    samples, *conditions = (tensor[chosen.to(tensor.device)].to(device) for tensor in tensors)
    condition = tuple(conditions) if len(conditions) > 1 else conditions[0] if conditions else None
    return Part(samples, condition)


def reference(
    data: tuple[Tensor, ...],
    held_out: tuple[Tensor, ...] | None,
    draw: torch.Generator,
    device: torch.device,
) -> Reference:
    """What is kept of the data; ``draw`` lives on the CPU.

    >>> points = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
    >>> kept = reference((points,), None, torch.Generator().manual_seed(0), torch.device("cpu"))
    >>> kept.train.samples.shape, round(kept.spread, 1)
    (torch.Size([512, 2]), 1.4)
    """
    count = how_many(data[0])
    train = some(data, 2 * count, draw, device)
    flat = train.samples.flatten(1).float()
    centres = k_means(flat, CLUSTERS, draw)
    values = values_of(flat)
    return Reference(
        train=train,
        held_out=None if held_out is None else some(held_out, count, draw, device),
        centres=centres,
        shares=shares(flat, centres),
        spread=float((flat - flat.mean(0)).square().sum(1).mean().sqrt()),
        pairs=within(flat),
        low=float(values.quantile(0.01)),
        high=float(values.quantile(0.99)),
        size=float(flat.abs().max()),
    )
