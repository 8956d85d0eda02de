"""The Fréchet distance between two sets of features, each summarised by one Gaussian."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError
from gantutor.metrics.distances import Frame


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Return the Fréchet distance ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) between two sets of features.

    Heusel et al. 2017, arXiv:1706.08500. With Σ₁ = F₁ᵀ F₁ and Σ₂ = F₂ᵀ F₂, the trace of the matrix root is
    the sum of the singular values of F₁ F₂ᵀ. So neither a covariance nor its root is formed, no complex
    numbers arise, and the distance keeps the digits of double precision, at any offset and with singular
    covariances.

    Args:
        first: features (N₁, D), N₁ ≥ 2.
        second: features (N₂, D), N₂ ≥ 2.

    Returns:
        The distance, at least 0, in the squared unit of the features.

    Raises:
        InputError: for features of another shape, fewer than two of either, or values that are not finite or
            so large that their squares are not.

    >>> round(frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]])), 4)
    9.0
    """
    check_tensors(first=first, second=second)
    for features in (first, second):
        if (
            features.dim() != 2
            or len(features) < 2
            or features.shape[1] != first.shape[-1]
            or not features.shape[1]
        ):
            shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
            raise InputError(
                f"features must have shapes (N₁, D) and (N₂, D), at least two each, not {shapes}"
            )
    check_finite("features", first, second)
    frame = Frame(first, second)
    clouds = [frame.centred(features) for features in (first, second)]
    means = [cloud.mean(0) for cloud in clouds]
    factors = [_factor(cloud - mean) for cloud, mean in zip(clouds, means, strict=True)]
    cross = torch.linalg.svdvals(factors[0] @ factors[1].T).sum()
    spreads = sum(factor.square().sum() for factor in factors)
    distance = float((means[0] - means[1]).square().sum() + spreads - 2 * cross)
    if not math.isfinite(result := max(distance, 0.0) * frame.unit * frame.unit):
        raise InputError("the features are too large: their squares must be finite numbers: divide them")
    return result


def _factor(deviations: Tensor) -> Tensor:
    """A matrix F of at most D rows with Fᵀ F = Σ, the covariance of features whose mean is 0 (N, D)."""
    count, dimension = deviations.shape
    scaled = deviations / math.sqrt(count - 1)
    return torch.linalg.qr(scaled, mode="r").R if count > dimension else scaled
