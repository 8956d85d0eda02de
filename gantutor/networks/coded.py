"""A translator that must say in a few numbers what it saw, and pictures bent as hands bend characters."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor.errors import InputError
from gantutor.networks.conv import upsample_block
from gantutor.parameters import number, validate, whole
from gantutor.tensors import need_floats

SIDE, CONTROL = 28, 5
MOST = 100
"""Characters in a case."""


class CodedTranslator(nn.Module):
    """Images (N, 1, 28, 28) in [−1, 1] → images of the same shape, set from a case of type.

    ``case`` (K, 1, 28, 28) holds one of each character, in any order; ``alphabet`` finds it in a stream of
    type. ``code`` reads a picture into K shares that add up to 1, by convolutions at 14 and 7 pixels,
    ``features`` numbers and a softmax; ``draw`` mixes the case by these shares. How thick or slanted a stroke
    was does not fit into them. A latent is not looked at. Raises InputError for a case of another shape.

    >>> case, written = torch.zeros(10, 1, 28, 28), torch.zeros(5, 1, 28, 28)
    >>> CodedTranslator(case)(None, written).shape, CodedTranslator(case).code(written).shape
    (torch.Size([5, 1, 28, 28]), torch.Size([5, 10]))
    """

    case: Tensor

    def __init__(self, case: Tensor, channels: int = 12, features: int = 96) -> None:
        super().__init__()
        validate({"channels": channels, "features": features}, channels=whole(1), features=whole(1))
        need_floats(case=case)
        if case.dim() != 4 or case.shape[1:] != (1, SIDE, SIDE) or len(case) < 2:
            raise InputError(f"a case must have shape (2 or more, 1, 28, 28), not {tuple(case.shape)}")
        c = channels
        self.read = nn.Sequential(
            nn.PixelUnshuffle(2),
            upsample_block(4, c),
            nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * c),
            nn.ReLU(),
            upsample_block(2 * c, 3 * c),
            nn.Flatten(),
            nn.Linear(3 * c * (SIDE // 4) ** 2, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Linear(features, len(case)),
        )
        self.register_buffer("case", case.clone())

    def code(self, images: Tensor) -> Tensor:
        """The code (N, K) of images (N, 1, 28, 28)."""
        logits: Tensor = self.read(images.contiguous(memory_format=torch.channels_last))
        return logits.softmax(1)

    def draw(self, code: Tensor) -> Tensor:
        """The images (N, 1, 28, 28) of codes (N, K)."""
        return (code @ self.case.flatten(1)).view(-1, 1, SIDE, SIDE)

    def find(self, typed: Tensor) -> Tensor:
        """The places (N,) in the case of pictures of type (N, 1, 28, 28): where they differ least."""
        return torch.cdist(typed.flatten(1), self.case.flatten(1)).argmin(1)

    def forward(self, latent: Tensor | None, condition: Any) -> Tensor:
        return self.draw(self.code(condition))


def alphabet(typed: Tensor) -> Tensor:
    """The different pictures (K, 1, 28, 28) in a stream of type (N, 1, 28, 28), at most 100, in an order
    that means nothing.

    Raises InputError where there are more, as where characters were moved or scaled.

    >>> alphabet(torch.zeros(7, 1, 28, 28)).shape
    torch.Size([1, 1, 28, 28])
    """
    need_floats(typed=typed)
    if typed.dim() != 4:
        raise InputError(f"type must have shape (N, 1, 28, 28), not {tuple(typed.shape)}")
    found: Tensor = torch.unique(typed, dim=0)
    if len(found) > MOST:
        raise InputError(
            f"there are {len(found):,} different pictures in this type, and at most {MOST} characters are "
            "expected: give type that is neither moved nor scaled"
        )
    return found


def bend(images: Tensor, slant: float = 0.15, wave: float = 3.0, noise: float = 0.2) -> Tensor:
    """Images (N, 1, 28, 28) in [−1, 1], white on black, each as another hand might have written it.

    Turned, slanted, stretched and moved by an affine map whose entries are off by about ``slant``; bent by a
    smooth field of about ``wave`` / 2 pixels between 5 × 5 points (Simard et al. 2003); strokes made thicker
    or thinner; under noise of up to ``noise``. All at random, from torch's global generator, so that a seeded
    run repeats. Raises InputError for negative numbers.

    >>> bend(torch.full((2, 1, 28, 28), -1.0), noise=0.0).max()
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
