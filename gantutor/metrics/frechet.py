"""The Fréchet distance between two clouds of features, each seen as one Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) of features (N₁, D) and (N₂, D): Heusel et al. 2017,
    arXiv:1706.08500.

    The trace of the root is the sum of the roots of the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric, so
    that no complex numbers arise. Raises InputError for features of another shape, fewer than two, or not
    finite.

    >>> round(frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]])), 4)
    9.0
    """
    check_tensors(first=first, second=second)
    for features in (first, second):
        if features.dim() != 2 or len(features) < 2 or features.shape[1] != first.shape[-1]:
            given = f"{tuple(first.shape)} and {tuple(second.shape)}"
            raise InputError(f"features must have shapes (N₁, D) and (N₂, D), not {given}")
    check_finite("features", first, second)
    first, second = first.double(), second.double()
    mean_gap = (first.mean(0) - second.mean(0)).square().sum()
    width = first.shape[1]
    covariances = [cloud.T.cov().reshape(width, width) for cloud in (first, second)]
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    return float(mean_gap + covariances[0].trace() + covariances[1].trace() - 2 * cross)
