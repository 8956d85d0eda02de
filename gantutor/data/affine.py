"""Differentiable affine transforms of images, and the moments of an image's ink."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._errors import InputError


def affine_transform(
    images: Tensor,
    shift: Tensor,
    angle: Tensor,
    scale: Tensor,
    centre: Tensor | None = None,
    size: int | None = None,
) -> Tensor:
    """Rotate, scale and shift images, each by its own amount; differentiable in all of them.

    The value at u in the result is the value at c + R(−angle) (u − c − shift) / scale in the image, by
    bilinear interpolation, and −1 outside of it. Positions are (x, y) in pixels from the middle of the image,
    x to the right and y down.

    Args:
        images: (N, C, H, H) in [−1, 1].
        shift: (N, 2), in pixels, applied last.
        angle: (N,), in radians, counter-clockwise.
        scale: (N,), the size after the transform over the size before.
        centre: (N, 2), the point c that rotation and scaling leave in place; None is the middle.
        size: height and width of the result in pixels; None is H.

    Returns:
        Images (N, C, ``size``, ``size``) in [−1, 1].

    Raises:
        InputError: if the images are not square.

    >>> dot = torch.full((1, 1, 5, 5), -1.0).index_fill(3, torch.tensor(2), 1.0)
    >>> right = affine_transform(dot, torch.tensor([[1.0, 0.0]]), torch.zeros(1), torch.ones(1))
    >>> right[0, 0, 2].tolist()
    [-1.0, -1.0, -1.0, 1.0, -1.0]
    """
    if images.dim() != 4 or images.shape[2] != images.shape[3]:
        raise InputError(f"images must have shape (count, channels, side, side), not {tuple(images.shape)}")
    count, channels, side, _ = images.shape
    size = side if size is None else size
    with _full_precision(images):
        shift, angle, scale = shift.float(), angle.float(), scale.float()
        centre = torch.zeros_like(shift) if centre is None else centre.float()
        cosine, sine = angle.cos() / scale, angle.sin() / scale
        # R(−angle) / scale: (N, 2, 2)
        inverse = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
        offset = centre - (inverse @ (centre + shift)[:, :, None])[:, :, 0]
        # grid_sample measures both images from −1 to 1.
        theta = torch.cat([inverse * (size / side), offset[:, :, None] * (2 / side)], 2)
        grid = F.affine_grid(theta, [count, channels, size, size], align_corners=False)
        sampled: Tensor = F.grid_sample(images.float() + 1, grid, mode="bilinear", align_corners=False)
    return sampled - 1  # outside of the image 0 becomes −1


def ink_moments(frames: Tensor) -> Tensor:
    """Compute the amount of ink in each frame, its mean position and its covariance; differentiable.

    Ink is whatever is not black: a pixel of value v has (v + 1) / 2 of it.

    Args:
        frames: (N, 1, H, W) in [−1, 1].

    Returns:
        (N, 6): the amount in pixels; the mean x and y in pixels from the middle, x to the right and y down;
        and the covariances xx, xy, yy in squared pixels.

    >>> frame = torch.full((1, 1, 8, 8), -1.0)
    >>> frame[0, 0, 4, 6:8] = 1.0
    >>> ink_moments(frame).tolist()
    [[2.0, 3.0, 0.5, 0.25, 0.0, 0.0]]
    """
    with _full_precision(frames):
        ink = (frames[:, 0].float() + 1) / 2
        height, width = ink.shape[1:]
        y = torch.arange(height, device=ink.device, dtype=ink.dtype) - (height - 1) / 2
        x = torch.arange(width, device=ink.device, dtype=ink.dtype) - (width - 1) / 2
        amount = ink.sum((1, 2))
        weights = ink / amount.clamp(min=1e-3)[:, None, None]
        over_x, over_y = weights.sum(1), weights.sum(2)
        mean_x, mean_y = over_x @ x, over_y @ y
        xx = over_x @ x.square() - mean_x.square()
        yy = over_y @ y.square() - mean_y.square()
        xy = (weights @ x * y).sum(1) - mean_x * mean_y
        return torch.stack([amount, mean_x, mean_y, xx, xy, yy], 1)


def _full_precision(images: Tensor) -> torch.autocast:
    """Turn autocast off, because 16 bits cannot represent positions to a hundredth of a pixel."""
    return torch.autocast(images.device.type, enabled=False)
