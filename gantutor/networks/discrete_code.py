"""A translator of characters with a discrete code as its bottleneck."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor.data.elastic_distortion import SIDE
from gantutor.networks.conv import conv_block

MAX_GLYPHS = 100
"""Largest number of different characters in a typeface."""


class DiscreteCodeTranslator(nn.Module):
    """Translates images (N, 1, 28, 28) in [−1, 1] into type through a code of K probabilities.

    The encoder is a convolutional classifier that works at 14 and 7 pixels a side; the decoder is the average
    of K glyphs, weighted by the probabilities. The code is too small to hold how thick or slanted a stroke
    was. Call it as ``translator(latent, images)``; the latent is not used.

    Args:
        glyphs: one image of each character in any order, (K, 1, 28, 28), K at least 2, floats: see
            ``unique_glyphs``.
        channels: channels of the first convolution, at least 1.
        features: units of the fully connected layer, at least 1.

    Attributes:
        case: the glyphs, a buffer (K, 1, 28, 28).

    Raises:
        InputError: if the glyphs have another type or shape, or a number is less than 1.

    >>> translator = DiscreteCodeTranslator(torch.zeros(10, 1, 28, 28))
    >>> handwriting = torch.zeros(5, 1, 28, 28)
    >>> translator(None, handwriting).shape, translator.encode(handwriting).shape
    (torch.Size([5, 1, 28, 28]), torch.Size([5, 10]))
    """

    case: Tensor

    @checked(channels=integer(1), features=integer(1))
    def __init__(self, glyphs: Tensor, channels: int = 12, features: int = 96) -> None:
        super().__init__()
        check_floats(glyphs=glyphs)
        if glyphs.dim() != 4 or glyphs.shape[1:] != (1, SIDE, SIDE) or len(glyphs) < 2:
            raise InputError(f"glyphs must have shape (2 or more, 1, 28, 28), not {tuple(glyphs.shape)}")
        c = channels
        self.read = nn.Sequential(
            nn.PixelUnshuffle(2),
            conv_block(4, c),
            nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * c),
            nn.ReLU(),
            conv_block(2 * c, 3 * c),
            nn.Flatten(),
            nn.Linear(3 * c * (SIDE // 4) ** 2, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Linear(features, len(glyphs)),
        )
        self.register_buffer("case", glyphs.clone())

    def encode(self, images: Tensor) -> Tensor:
        """Return the codes (N, K) of images (N, 1, 28, 28): K probabilities that add up to 1."""
        logits: Tensor = self.read(images.contiguous(memory_format=torch.channels_last))
        return logits.softmax(1)

    def decode(self, code: Tensor) -> Tensor:
        """Return the images (N, 1, 28, 28) of codes (N, K): the glyphs averaged with these weights."""
        return (code @ self.case.flatten(1)).view(-1, 1, SIDE, SIDE)

    def nearest_glyph(self, images: Tensor) -> Tensor:
        """Return for each image of type (N, 1, 28, 28) the index of the nearest glyph, (N,)."""
        return torch.cdist(images.flatten(1), self.case.flatten(1)).argmin(1)

    def forward(self, latent: Tensor | None, condition: Any) -> Tensor:
        return self.decode(self.encode(condition))


def unique_glyphs(images: Tensor) -> Tensor:
    """Return the different images in a stream of type, (K, 1, 28, 28), in no meaningful order.

    Args:
        images: images of type that were neither shifted nor scaled, (N, 1, 28, 28), floats.

    Raises:
        InputError: if the images have another type or shape, or if there are more than 100 different ones.

    >>> unique_glyphs(torch.zeros(7, 1, 28, 28)).shape
    torch.Size([1, 1, 28, 28])
    """
    check_floats(images=images)
    if images.dim() != 4:
        raise InputError(f"type must have shape (N, 1, 28, 28), not {tuple(images.shape)}")
    glyphs: Tensor = torch.unique(images, dim=0)
    if len(glyphs) > MAX_GLYPHS:
        raise InputError(
            f"there are {len(glyphs):,} different pictures in this type, and at most {MAX_GLYPHS} "
            "characters are expected: pass type that is neither moved nor scaled"
        )
    return glyphs
