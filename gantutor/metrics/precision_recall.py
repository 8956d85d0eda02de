"""Improved precision and recall: how much of each set of features lies inside the other's manifold."""

from __future__ import annotations

from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError
from gantutor.metrics.distances import inside_balls, nearest


def precision_recall(real: Tensor, generated: Tensor, k: int = 3) -> tuple[float, float]:
    """Return the precision and the recall of generated features.

    Kynkäänniemi et al. 2019, arXiv:1904.06991, equation 2. The manifold of a set of features is the union of
    balls around its points; each ball reaches to the point's k-th nearest neighbour in the set. Precision is
    the share of generated features inside the real manifold, recall the share of real features inside the
    generated manifold. The paper takes equal numbers of both, because the larger of two sets has smaller
    balls.

    Args:
        real: features (N, D).
        generated: features (M, D).
        k: which neighbour sets the radius, from 1 to min(N, M) − 1; the paper uses 3.

    Returns:
        Precision and recall, each from 0 to 1.

    Raises:
        InputError: for features of another shape, values that are not finite, or a k out of range.

    >>> import torch
    >>> features = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> precision_recall(features, features), precision_recall(features, features + 100)
    ((1.0, 1.0), (0.0, 0.0))
    """
    check_tensors(real=real, generated=generated)
    if real.dim() != 2 or generated.dim() != 2 or real.shape[1] != generated.shape[1] or not real.shape[1]:
        shapes = f"{tuple(real.shape)} and {tuple(generated.shape)}"
        raise InputError(f"features must have shapes (N, D) and (M, D), not {shapes}")
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k < min(len(real), len(generated)):
        raise InputError(
            f"k must be a whole number from 1 to {min(len(real), len(generated)) - 1}, not {k!r}"
        )
    check_finite("features", real, generated)
    return _share_inside(generated, real, k), _share_inside(real, generated, k)


def _share_inside(points: Tensor, features: Tensor, k: int) -> float:
    """The share of the points (N, D) inside the manifold of the features (M, D)."""
    # The nearest neighbour of a point within its own set is itself, hence k + 1.
    radii = nearest(features, features, k + 1)[0][:, -1]
    return float(inside_balls(points, features, radii).double().mean())
