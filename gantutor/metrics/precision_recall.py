"""Improved precision and recall: how much of each cloud of features lies inside the other."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError


def precision_recall(real: Tensor, generated: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision and recall of features (N, D) and (M, D): Kynkäänniemi et al. 2019, arXiv:1904.06991,
    equation 2.

    A cloud's manifold is the union of balls around its points, each reaching to the point's k-th nearest
    neighbour in the cloud. Precision is the share of generated features inside the real manifold, recall the
    share of real ones inside the generated. The paper takes as many of each; with unequal numbers the larger
    cloud has smaller balls. Raises InputError for features of other shapes or not finite, and for a k that
    the smaller cloud has not.

    >>> cloud = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> precision_recall(cloud, cloud), precision_recall(cloud, cloud + 100)
    ((1.0, 1.0), (0.0, 0.0))
    """
    check_tensors(real=real, generated=generated)
    if real.dim() != 2 or generated.dim() != 2 or real.shape[1] != generated.shape[1]:
        given = f"{tuple(real.shape)} and {tuple(generated.shape)}"
        raise InputError(f"features must have shapes (N, D) and (M, D), not {given}")
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k < min(len(real), len(generated)):
        raise InputError(
            f"k must be a whole number from 1 to {min(len(real), len(generated)) - 1}, not {k!r}"
        )
    check_finite("features", real, generated)
    real, generated = real.double(), generated.double()
    return _share_inside(generated, real, k), _share_inside(real, generated, k)


def _share_inside(points: Tensor, cloud: Tensor, k: int) -> float:
    def distances(part: Tensor) -> Tensor:
        return torch.cdist(part, cloud)

    # The nearest neighbour of a point within its own cloud is itself, hence k + 1.
    radii = torch.cat([distances(part).kthvalue(k + 1).values for part in torch.split(cloud, 500)])
    inside = [(distances(part) <= radii).any(1) for part in torch.split(points, 500)]
    return float(torch.cat(inside).double().mean())
