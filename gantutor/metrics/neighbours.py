"""Nearest neighbours, and whether generated samples lie closer to the training data than held-out ones."""

from __future__ import annotations

from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError
from gantutor.metrics.distances import nearest


def nearest_neighbours(queries: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    """Return the Euclidean distance of each query to its nearest neighbour in the data, and its index.

    The distances have the digits of double precision, whatever the offset and the scale of the samples. A
    copy has the distance 0.

    Args:
        queries: samples (N, …), N ≥ 1.
        data: samples (M, …) of the same shape, M ≥ 1.

    Returns:
        Distances (N,), float64, or float32 on a device that has no other; and indices into ``data`` (N,), of
        several nearest ones the lowest.

    Raises:
        InputError: for samples of different shapes, no samples, or values that are not finite.

    >>> import torch
    >>> nearest_neighbours(torch.tensor([[0.9]]), torch.tensor([[0.0], [1.0]]))[1]
    tensor([1])
    """
    check_tensors(queries=queries, data=data)
    same_shape = queries.dim() and data.dim() and queries.shape[1:] == data.shape[1:]
    if not same_shape or not len(queries) or not len(data):
        shapes = f"{tuple(queries.shape)} and {tuple(data.shape)}"
        raise InputError(f"queries and data must be samples of the same shape, not {shapes}")
    check_finite("samples", queries, data)
    distances, index = (found[:, 0] for found in nearest(queries, data))
    if queries.device.type == "mps":
        distances = distances.float()
    return distances.to(queries.device), index.to(queries.device)


def nearest_neighbour_ratio(generated: Tensor, train: Tensor, held_out: Tensor) -> float:
    """Return how far generated samples lie from the training data, relative to held-out samples.

    The ratio divides the median distance of the generated samples to the training data by that of the
    held-out samples. Near 1, new samples are as far from the training data as real new ones. Near 0, they are
    copies. Above 1, they are farther than real ones; noise is too, so this ratio does not measure quality.

    Args:
        generated: samples (N, …).
        train: the samples (M, …) that the generator learned from.
        held_out: real samples (K, …) that it did not see.

    Raises:
        InputError: for samples that ``nearest_neighbours`` refuses, or where the median distance of the
            held-out samples is 0.

    >>> import torch
    >>> train = torch.zeros(4, 2)
    >>> nearest_neighbour_ratio(train, train, torch.ones(4, 2))
    0.0
    """
    expected = nearest_neighbours(held_out, train)[0].median()
    if float(expected) == 0:
        raise InputError(
            "the held-out samples are copies of the training data: their distance, 0, cannot be compared with"
        )
    return float(nearest_neighbours(generated, train)[0].median() / expected)
