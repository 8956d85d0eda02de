"""The Fréchet distance between two sets of features, each summarised by one Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Return the Fréchet distance ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) between two sets of features.

    Heusel et al. 2017, arXiv:1706.08500. The trace of the matrix root is the sum of the square roots of the
    eigenvalues of Σ₁^½ Σ₂ Σ₁^½. This matrix is symmetric, so no complex numbers arise.

    Args:
        first: features (N₁, D), N₁ ≥ 2.
        second: features (N₂, D), N₂ ≥ 2.

    Raises:
        InputError: for features of another shape, fewer than two of either, or values that are not finite.

    >>> round(frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]])), 4)
    9.0
    """
    check_tensors(first=first, second=second)
    for features in (first, second):
        if features.dim() != 2 or len(features) < 2 or features.shape[1] != first.shape[-1]:
            shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
            raise InputError(f"features must have shapes (N₁, D) and (N₂, D), not {shapes}")
    check_finite("features", first, second)
    first, second = first.double(), second.double()
    mean_gap = (first.mean(0) - second.mean(0)).square().sum()
    dimension = first.shape[1]
    covariances = [features.T.cov().reshape(dimension, dimension) for features in (first, second)]
    eigenvalues, eigenvectors = torch.linalg.eigh(covariances[0])
    root = eigenvectors @ torch.diag(eigenvalues.clamp(min=0).sqrt()) @ eigenvectors.T
    cross = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    return float(mean_gap + covariances[0].trace() + covariances[1].trace() - 2 * cross)
