"""Pictures that are moved, turned and scaled, with a gradient in how; and where the ink of a picture lies.

Lengths are in pixels, x to the right and y down, from the middle of the picture; angles in radians,
counter-clockwise.
"""

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
    """Images (N, C, H, H) in [−1, 1], each turned by ``angle`` (N,) and scaled by ``scale`` (N,) about
    ``centre`` (N, 2), then moved by ``shift`` (N, 2): (N, C, ``size``, ``size``), −1 where nothing was.

    What stands at u in the new picture stood at c + R(−angle) (u − c − shift) / scale in the old one, and is
    read between its pixels. ``centre`` is the middle by default, ``size`` the old one. Raises InputError for
    pictures that are not square.

    >>> dot = torch.full((1, 1, 5, 5), -1.0).index_fill(3, torch.tensor(2), 1.0)
    >>> right = affine_transform(dot, torch.tensor([[1.0, 0.0]]), torch.zeros(1), torch.ones(1))
    >>> right[0, 0, 2].tolist()
    [-1.0, -1.0, -1.0, 1.0, -1.0]
    """
    if images.dim() != 4 or images.shape[2] != images.shape[3]:
        raise InputError(f"images must have shape (count, channels, side, side), not {tuple(images.shape)}")
    count, channels, side, _ = images.shape
    size = side if size is None else size
    with _in_full(images):
        shift, angle, scale = shift.float(), angle.float(), scale.float()
        centre = torch.zeros_like(shift) if centre is None else centre.float()
        cosine, sine = angle.cos() / scale, angle.sin() / scale
        # R(−angle) / scale
        back = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
        offset = centre - (back @ (centre + shift)[:, :, None])[:, :, 0]
        # grid_sample measures both pictures from −1 to 1.
        theta = torch.cat([back * (size / side), offset[:, :, None] * (2 / side)], 2)
        grid = F.affine_grid(theta, [count, channels, size, size], align_corners=False)
        read: Tensor = F.grid_sample(images.float() + 1, grid, mode="bilinear", align_corners=False)
    return read - 1


def ink_moments(frames: Tensor) -> Tensor:
    """Of frames (N, 1, H, W) in [−1, 1], what of them is not black: its amount in pixels, its mean place (x,
    y) and its variances (xx, xy, yy), together (N, 6); differentiable.

    >>> frame = torch.full((1, 1, 8, 8), -1.0)
    >>> frame[0, 0, 4, 6:8] = 1.0
    >>> ink_moments(frame).tolist()
    [[2.0, 3.0, 0.5, 0.25, 0.0, 0.0]]
    """
    with _in_full(frames):
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


def _in_full(images: Tensor) -> torch.autocast:
    """Places are computed in full precision, also where a network computes in 16 bits: those of a pixel's
    hundredth have no room there."""
    return torch.autocast(images.device.type, enabled=False)
