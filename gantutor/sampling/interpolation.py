"""Interpolation between latents, and the latent directions that change samples most."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_floats, checked, integer, validate
from gantutor._errors import InputError
from gantutor.metrics.distances import to_double


def linear_interpolation(first: Tensor, last: Tensor, count: int = 10) -> Tensor:
    """Return latents at equal distances on the straight line between two latents.

    In many dimensions the middle of the line lies nearer to 0 than latents usually do.

    Args:
        first: latent of shape (…).
        last: latent of the same shape.
        count: number of latents, the two ends included; at least 2.

    Returns:
        The latents, of shape (count, …).

    Raises:
        InputError: if the shapes differ, or count is below 2.

    >>> linear_interpolation(torch.tensor([0.0, 2.0]), torch.tensor([2.0, 0.0]), 3)[1]
    tensor([1., 1.])
    """
    t = _fractions(first, last, count)
    return (1 - t) * first + t * last


def spherical_interpolation(first: Tensor, last: Tensor, count: int = 10) -> Tensor:
    """Return latents at equal angles on the great arc between two latents.

    sin((1 − t) ω) / sin ω · first + sin(t ω) / sin ω · last, where ω is the angle between the two (Shoemake
    1985, doi:10.1145/325334.325242). If both point in the same direction, this is a straight line.

    Args:
        first: latent of shape (…).
        last: latent of the same shape.
        count: number of latents, the two ends included; at least 2.

    Returns:
        The latents, of shape (count, …).

    Raises:
        InputError: if the shapes differ, count is below 2, or the directions are opposite, so that there is
            no shortest arc.

    >>> spherical_interpolation(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 3)[1]
    tensor([0.7071, 0.7071])
    """
    t = _fractions(first, last, count)
    start, end = (to_double(latent).flatten() for latent in (first, last))
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=0)
    angle = torch.acos(cosine.clamp(-1, 1)).to(first.device, first.dtype)
    if float(torch.sin(angle)) < 1e-4:
        if float(cosine) < 0:
            raise InputError(
                "the two latents point in opposite directions: there is no unique shortest arc between them"
            )
        return linear_interpolation(first, last, count)
    return (torch.sin((1 - t) * angle) * first + torch.sin(t * angle) * last) / torch.sin(angle)


def latent_directions(latents: Tensor, samples: Tensor, count: int = 4) -> Tensor:
    """Return the unit directions in latent space along which samples vary most.

    They are the left singular vectors of the cross-covariance of latents and samples.

    Args:
        latents: latents of shape (N, d).
        samples: the samples made of them, of shape (N, …).
        count: number of directions, from 1 to d.

    Returns:
        The directions, of shape (count, d), the most important one first.

    Raises:
        InputError: if the shapes do not fit, or there are fewer than ``count`` such directions.

    >>> latents = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> latent_directions(latents, 5 * latents[:, 1:2], count=1).abs().round()
    tensor([[0., 1., 0.]])
    """
    check_floats(latents=latents, samples=samples)
    if latents.dim() != 2 or not samples.dim() or len(samples) != len(latents) or len(latents) < 2:
        shapes = f"{tuple(latents.shape)} and {tuple(samples.shape)}"
        raise InputError(f"latents and samples must have shapes (count, d) and (count, …), not {shapes}")
    validate({"count": count}, count=integer(1, latents.shape[1]))
    flat, points = to_double(samples).flatten(1), to_double(latents)
    covariance = (points - points.mean(0)).T @ (flat - flat.mean(0)) / len(flat)
    left, _, _ = torch.linalg.svd(covariance, full_matrices=False)
    if left.shape[1] < count:
        raise InputError(f"samples of {flat.shape[1]} numbers have at most {left.shape[1]} such directions")
    directions: Tensor = left[:, :count].T.to(latents.device, latents.dtype)
    return directions


@checked(count=integer(2))
def _fractions(first: Tensor, last: Tensor, count: int) -> Tensor:
    """Return ``count`` numbers from 0 to 1, shaped to multiply latents."""
    check_floats(first=first, last=last)
    if first.shape != last.shape or not first.dim():
        shapes = f"{tuple(first.shape)} and {tuple(last.shape)}"
        raise InputError(f"the two latents must have the same shape, (d,), not {shapes}")
    return torch.linspace(0, 1, count, device=first.device).view(-1, *[1] * first.dim())
