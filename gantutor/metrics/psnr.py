"""How near a picture comes to the one that it should be."""

from __future__ import annotations

from torch import Tensor

from gantutor._checks import check_finite, check_tensors, number, validate
from gantutor._errors import InputError


def psnr(images: Tensor, targets: Tensor, peak: float = 2.0) -> Tensor:
    """The peak signal-to-noise ratio of images (N, …) to targets (N, …), in decibels: 10 log₁₀ (peak² /
    mean squared error) of each, shape (N,).

    ``peak`` is the largest difference that there can be, 2 for pixels in [−1, 1]. Infinite where they agree;
    a grey that is off by a tenth of the range has 20. Raises InputError for other shapes and values that are
    not finite.

    >>> import torch
    >>> psnr(torch.full((1, 3, 3), 0.2), torch.zeros(1, 3, 3))
    tensor([20.])
    """
    validate({"peak": peak}, peak=number(above=0, high=1e30))
    check_tensors(images=images, targets=targets)
    if images.dim() < 2 or images.shape != targets.shape or not images.numel():
        given = f"{tuple(images.shape)} and {tuple(targets.shape)}"
        raise InputError(f"images and targets must be of one shape (N, …), not {given}")
    check_finite("images", images, targets)
    error = (images.double() - targets.double()).square().flatten(1).mean(1)
    return (10 * (peak**2 / error).log10()).to(images.dtype)
