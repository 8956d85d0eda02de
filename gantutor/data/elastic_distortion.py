"""A translator that must say in a few numbers what it saw, and pictures bent as hands bend characters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import number, validate

SIDE, CONTROL = 28, 5


def elastic_distortion(images: Tensor, slant: float = 0.15, wave: float = 3.0, noise: float = 0.2) -> Tensor:
    """Images (N, 1, 28, 28) in [−1, 1], white on black, each as another hand might have written it.

    Turned, slanted, stretched and moved by an affine map whose entries are off by about ``slant``; bent by a
    smooth field of about ``wave`` / 2 pixels between 5 × 5 points (Simard et al. 2003); strokes made thicker
    or thinner; under noise of up to ``noise``. All at random, from torch's global generator, so that a seeded
    run repeats. Raises InputError for negative numbers.

    >>> elastic_distortion(torch.full((2, 1, 28, 28), -1.0), noise=0.0).max()
    tensor(-1.)
    """
    validate({"slant": slant, "wave": wave, "noise": noise}, slant=number(0), wave=number(0), noise=number(0))
    count, where = len(images), images.device
    off = (slant * torch.randn(count, 6, device=where)).unbind(
        1
    )  # numbers, not tensors: a GPU waits for none
    one, entries = (1, 0, 0, 0, 1, 0), zip(off, (1, 1.5, 0.4, 0.7, 1, 0.4), strict=True)
    affine = torch.stack([part * by + one[k] for k, (part, by) in enumerate(entries)], 1).view(count, 2, 3)
    field = wave / SIDE * torch.randn(count, 2, CONTROL, CONTROL, device=where)
    smooth = F.interpolate(field, (SIDE, SIDE), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = F.affine_grid(affine, [count, 1, SIDE, SIDE], align_corners=False) + smooth
    ink = _restroked(F.grid_sample((images + 1) / 2, grid, align_corners=False))
    grain = noise * torch.rand(count, 1, 1, 1, device=where) * torch.randn_like(ink)
    return (2 * ink - 1 + grain).clamp(-1, 1)


def _restroked(ink: Tensor) -> Tensor:
    """Ink (N, 1, H, W) in [0, 1] with strokes thicker or thinner by a share drawn for each."""
    share = 2 * torch.rand(len(ink), 1, 1, 1, device=ink.device) - 1
    thick, thin = F.max_pool2d(ink, 3, 1, 1), -F.max_pool2d(-ink, 3, 1, 1)
    return torch.where(share > 0, ink + 0.8 * share * (thick - ink), ink + 0.3 * share * (ink - thin))
