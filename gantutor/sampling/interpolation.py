"""Moving about in latent space: paths between two latents, and the directions that change a sample most."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_floats, integer, validate
from gantutor._errors import InputError


def linear_interpolation(first: Tensor, last: Tensor, count: int = 10) -> Tensor:
    """``count`` latents on the straight line from ``first`` to ``last``, both of shape (…): shape (count, …).

    In many dimensions the middle of the line lies nearer to 0 than latents ever do. Raises InputError for
    latents of different shapes or a count below 2.

    >>> linear_interpolation(torch.tensor([0.0, 2.0]), torch.tensor([2.0, 0.0]), 3)[1]
    tensor([1., 1.])
    """
    part = _parts(first, last, count)
    return (1 - part) * first + part * last


def spherical_interpolation(first: Tensor, last: Tensor, count: int = 10) -> Tensor:
    """``count`` latents on the great arc from ``first`` to ``last``, both of shape (…): shape (count, …).

    Shoemake 1985, doi:10.1145/325334.325242: sin((1 − t) ω) / sin ω · first + sin(t ω) / sin ω · last, where
    ω is the angle between them; a straight line where they point the same way. Raises InputError for latents
    of different shapes, a count below 2, or opposite directions, between which there is no one shortest arc.

    >>> spherical_interpolation(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 3)[1]
    tensor([0.7071, 0.7071])
    """
    part = _parts(first, last, count)
    cosine = torch.nn.functional.cosine_similarity(first.double().flatten(), last.double().flatten(), dim=0)
    angle = torch.acos(cosine.clamp(-1, 1)).to(first.dtype)
    if float(torch.sin(angle)) < 1e-4:
        if float(cosine) < 0:
            raise InputError(
                "the two latents point in opposite directions: no arc between them is the shortest"
            )
        return linear_interpolation(first, last, count)
    return (torch.sin((1 - part) * angle) * first + torch.sin(part * angle) * last) / torch.sin(angle)


def latent_directions(latents: Tensor, samples: Tensor, count: int = 4) -> Tensor:
    """The ``count`` unit directions in latent space along which samples vary most together: shape (count, d).

    ``latents`` (N, d) and the ``samples`` (N, …) made of them; the directions are the left singular vectors
    of their cross-covariance. Raises InputError for other shapes, or more directions than dimensions.

    >>> latents = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> latent_directions(latents, 5 * latents[:, 1:2], count=1).abs().round()
    tensor([[0., 1., 0.]])
    """
    check_floats(latents=latents, samples=samples)
    if latents.dim() != 2 or not samples.dim() or len(samples) != len(latents) or len(latents) < 2:
        given = f"{tuple(latents.shape)} and {tuple(samples.shape)}"
        raise InputError(f"latents and samples must have shapes (count, d) and (count, …), not {given}")
    validate({"count": count}, count=integer(1, latents.shape[1]))
    flat = samples.flatten(1).double()
    covariance = (latents.double() - latents.double().mean(0)).T @ (flat - flat.mean(0)) / len(flat)
    left, _, _ = torch.linalg.svd(covariance, full_matrices=False)
    if left.shape[1] < count:
        raise InputError(f"samples of {flat.shape[1]} numbers have at most {left.shape[1]} such directions")
    found: Tensor = left[:, :count].T.to(latents.dtype)
    return found


def _parts(first: Tensor, last: Tensor, count: int) -> Tensor:
    check_floats(first=first, last=last)
    if first.shape != last.shape or not first.dim():
        given = f"{tuple(first.shape)} and {tuple(last.shape)}"
        raise InputError(f"the two latents must have the same shape, (d,), not {given}")
    validate({"count": count}, count=integer(2))
    return torch.linspace(0, 1, count, device=first.device).view(-1, *[1] * first.dim())
