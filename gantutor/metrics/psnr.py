"""The peak signal-to-noise ratio (PSNR): how close an image comes to its target."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, checked, number
from gantutor._errors import InputError
from gantutor.metrics.distances import result_dtype, to_double


@checked(peak=number(above=0, high=1e30))
def psnr(images: Tensor, targets: Tensor, peak: float = 2.0) -> Tensor:
    """Return the peak signal-to-noise ratio 10 log₁₀ (peak² / mean squared error) of each image, in decibels.

    It is infinite where image and target agree; a grey that is off by a tenth of the range has 20 dB.

    Args:
        images: images (N, …), of any real dtype.
        targets: what the images should be, of the same shape.
        peak: the largest possible difference, above 0; 2 for pixels in [−1, 1].

    Returns:
        Decibels (N,), float64 for images of float64 and float32 for others.

    Raises:
        InputError: for tensors of different shapes or without values, values that are not finite, or a peak
            out of range.

    >>> psnr(torch.full((1, 3, 3), 0.2), torch.zeros(1, 3, 3))
    tensor([20.])
    """
    check_tensors(images=images, targets=targets)
    if images.dim() < 2 or images.shape != targets.shape or not images.numel():
        shapes = f"{tuple(images.shape)} and {tuple(targets.shape)}"
        raise InputError(f"images and targets must be of one shape (N, …), not {shapes}")
    check_finite("images", images, targets)
    error = (to_double(images) - to_double(targets)).flatten(1)
    largest = error.abs().amax(1, keepdim=True)
    # Seen from the largest error, squares neither overflow nor vanish.
    rms = largest[:, 0] * (error / largest.clamp(min=torch.finfo(error.dtype).tiny)).square().mean(1).sqrt()
    decibels = 20 * (math.log10(peak) - rms.log10())
    return decibels.to(images.device, result_dtype(images, targets))
