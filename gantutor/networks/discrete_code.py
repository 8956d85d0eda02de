"""A translator that must say in a few numbers what it saw, and pictures bent as hands bend characters."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import check_floats, integer, validate
from gantutor._errors import InputError
from gantutor.data.elastic_distortion import SIDE
from gantutor.networks.conv import upsample_block

MOST = 100
"""Characters in a case."""


class DiscreteCodeTranslator(nn.Module):
    """Images (N, 1, 28, 28) in [−1, 1] → images of the same shape, set from a case of type.

    ``case`` (K, 1, 28, 28) holds one of each character, in any order; ``unique_glyphs`` finds it in a stream of
    type. ``code`` reads a picture into K shares that add up to 1, by convolutions at 14 and 7 pixels,
    ``features`` numbers and a softmax; ``draw`` mixes the case by these shares. How thick or slanted a stroke
    was does not fit into them. A latent is not looked at. Raises InputError for a case of another shape.

    >>> case, written = torch.zeros(10, 1, 28, 28), torch.zeros(5, 1, 28, 28)
    >>> DiscreteCodeTranslator(case)(None, written).shape, DiscreteCodeTranslator(case).code(written).shape
    (torch.Size([5, 1, 28, 28]), torch.Size([5, 10]))
    """

    case: Tensor

    def __init__(self, case: Tensor, channels: int = 12, features: int = 96) -> None:
        super().__init__()
        validate({"channels": channels, "features": features}, channels=integer(1), features=integer(1))
        check_floats(case=case)
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


def unique_glyphs(typed: Tensor) -> Tensor:
    """The different pictures (K, 1, 28, 28) in a stream of type (N, 1, 28, 28), at most 100, in an order
    that means nothing.

    Raises InputError where there are more, as where characters were moved or scaled.

    >>> unique_glyphs(torch.zeros(7, 1, 28, 28)).shape
    torch.Size([1, 1, 28, 28])
    """
    check_floats(typed=typed)
    if typed.dim() != 4:
        raise InputError(f"type must have shape (N, 1, 28, 28), not {tuple(typed.shape)}")
    found: Tensor = torch.unique(typed, dim=0)
    if len(found) > MOST:
        raise InputError(
            f"there are {len(found):,} different pictures in this type, and at most {MOST} characters are "
            "expected: give type that is neither moved nor scaled"
        )
    return found
