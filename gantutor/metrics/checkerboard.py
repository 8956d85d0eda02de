"""The strength of a checkerboard pattern in images."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError


def checkerboard_share(images: Tensor) -> float:
    """Return the share of the images' power in patterns that alternate from pixel to pixel.

    These are the highest frequencies, horizontally, vertically, or in both directions. A layer that doubles
    the side and treats even and odd pixels differently leaves its trace there (Odena et al. 2016,
    doi:10.23915/distill.00003). The mean of each channel does not count as power.

    Args:
        images: images (N, C, H, W), at least 4 × 4 pixels; an odd last row or column is left out.

    Returns:
        The share, from 0 to 1; 0 for images without any contrast.

    Raises:
        InputError: for another shape, or for values that are not finite.

    >>> rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    >>> checkerboard_share(((rows + columns) % 2.0)[None, None]), checkerboard_share((rows > 3.0)[None, None])
    (1.0, 0.0)
    """
    check_tensors(images=images)
    if images.dim() != 4 or not images.numel() or min(images.shape[2:]) < 4:
        raise InputError(
            f"images must have shape (N, C, H, W) of at least 4 × 4 pixels, not {tuple(images.shape)}"
        )
    check_finite("images", images)
    height, width = images.shape[2] // 2 * 2, images.shape[3] // 2 * 2
    pixels = images[:, :, :height, :width].detach().cpu().double()
    centred = pixels - pixels.mean((2, 3), keepdim=True)
    power = torch.fft.fft2(centred).abs().square().mean((0, 1))  # (height, width)
    row, column = height // 2, width // 2
    alternating = power[row].sum() + power[:, column].sum() - power[row, column]
    total = float(power.sum())
    return float(alternating) / total if total > 0 else 0.0
