"""Nearest neighbours: the distances, and whether generated samples lie closer to the training data than new
ones do."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError


def nearest_neighbours(queries: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    """The Euclidean distance of each query (N, …) to its nearest of ``data`` (M, …), and which: shapes (N,),
    (N,).

    >>> nearest_neighbours(torch.tensor([[0.9]]), torch.tensor([[0.0], [1.0]]))[1]
    tensor([1])
    """
    check_tensors(queries=queries, data=data)
    alike = queries.dim() and data.dim() and queries.shape[1:] == data.shape[1:]
    if not alike or not len(queries) or not len(data):
        given = f"{tuple(queries.shape)} and {tuple(data.shape)}"
        raise InputError(f"queries and data must be samples of one shape, not {given}")
    check_finite("samples", queries, data)
    flat, asked = (part.float().reshape(len(part), -1) for part in (data, queries))
    parts = [torch.cdist(part, flat).min(1) for part in torch.split(asked, 1000)]
    return torch.cat([p.values for p in parts]), torch.cat([p.indices for p in parts])


def nearest_neighbour_ratio(generated: Tensor, train: Tensor, held_out: Tensor) -> float:
    """Median distance of generated samples to the training data, over that of held-out samples to the
    training data.

    Near 1: new samples are as far from the training data as real new ones. Near 0: copies. Above 1: farther
    than real ones, which noise is too, so that this ratio says nothing of quality.

    >>> train = torch.zeros(4, 2)
    >>> nearest_neighbour_ratio(train, train, torch.ones(4, 2))
    0.0
    """
    expected = nearest_neighbours(held_out, train)[0].median()
    if float(expected) == 0:
        raise InputError("the held-out samples are copies of the training data: no distance to compare with")
    return float(nearest_neighbours(generated, train)[0].median() / expected)
