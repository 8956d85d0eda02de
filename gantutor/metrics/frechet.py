"""The Fréchet distance between two sets of features, each summarised by one Gaussian."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError
from gantutor.metrics.distances import BLOCK, Frame


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
    (mean, factor), (other_mean, other_factor) = (_mean_and_factor(part, frame) for part in (first, second))
    cross = torch.linalg.svdvals(factor @ other_factor.T).sum()
    spreads = factor.square().sum() + other_factor.square().sum()
    distance = float((mean - other_mean).square().sum() + spreads - 2 * cross)
    if not math.isfinite(result := max(distance, 0.0) * frame.unit * frame.unit):
        raise InputError(
            "the features are too large, because their squares are not finite: divide them by a constant"
        )
    return result


def _mean_and_factor(features: Tensor, frame: Frame) -> tuple[Tensor, Tensor]:
    """The mean of features (N, D), seen from the frame, and a matrix F of at most D rows with Fᵀ F = Σ.

    The features are converted to double precision in parts, so that 50,000 of them fit into the memory.
    """
    count, dimension = features.shape
    parts = torch.split(features, max(4 * dimension, BLOCK // dimension))
    mean = torch.stack([frame.centred(part).sum(0) for part in parts]).sum(0) / count
    factor = mean.new_zeros(0, dimension)
    for part in parts:
        factor = torch.cat([factor, (frame.centred(part) - mean) / math.sqrt(count - 1)])
        if len(factor) > dimension:
            factor = torch.linalg.qr(factor, mode="r").R
    return mean, factor
