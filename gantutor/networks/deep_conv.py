"""Convolutional networks for square images of any size, as deep as the widths that they are given: faces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, integer, validate
from gantutor._errors import InputError
from gantutor.networks.conv import MinibatchStdDev, check_label, upsample_block
from gantutor.networks.spectrogram import ProjectionHead


class DeepGenerator(nn.Module):
    """Latents (N, ``latent``) and, with ``classes``, labels (N,) → images (N, ``channels``, ``size``,
    ``size``) in [−1, 1].

    It starts from ``size`` / 2ⁿ pixels a side, where n + 1 is the number of ``widths``, and doubles them n
    times by nearest neighbours, each time with a 3×3 convolution to the next width. Pixel shuffles are faster
    and left a chequerboard in faces. Raises InputError for other numbers, or a size that cannot be halved so
    often.

    >>> DeepGenerator()(torch.zeros(5, 64)).shape
    torch.Size([5, 1, 64, 64])
    """

    def __init__(
        self,
        latent: int = 64,
        classes: int = 0,
        channels: int = 1,
        size: int = 64,
        widths: Sequence[int] = (128, 96, 64, 32, 16),
        embedding: int = 16,
    ) -> None:
        super().__init__()
        given = {"latent": latent, "classes": classes, "channels": channels, "embedding": embedding}
        validate(given, latent=integer(1), classes=integer(0), channels=integer(1), embedding=integer(1))
        _check_widths(widths)
        self.side = _halved(size, len(widths) - 1)
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Linear(latent + (embedding if classes else 0), widths[0] * self.side**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for inputs, outputs in pairwise(widths):
            layers += [nn.Upsample(scale_factor=2, mode="nearest"), upsample_block(inputs, outputs)]
        self.blocks = nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(check_label(label))], 1)
        start = self.start(latent).view(len(latent), -1, self.side, self.side)
        images: Tensor = self.blocks(start.contiguous(memory_format=torch.channels_last))
        return images


class DeepDiscriminator(nn.Module):
    """Images (N, ``channels``, ``size``, ``size``) and, with ``classes``, labels (N,) → logits (N,).

    Pixel unshuffle ÷2, a 3×3 convolution to the first of n ``widths`` and one of stride 2 to each of the
    others, so that ``size`` / 2ⁿ pixels a side are left; there the standard deviation over groups of
    ``group`` samples is added, and a last convolution and a layer of ``features`` read them. Raises
    InputError for other numbers, or a size that cannot be halved so often.

    >>> DeepDiscriminator()(torch.zeros(5, 1, 64, 64)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        classes: int = 0,
        channels: int = 1,
        size: int = 64,
        widths: Sequence[int] = (32, 64, 96, 128),
        features: int = 128,
        group: int = 8,
    ) -> None:
        super().__init__()
        given = {"channels": channels, "features": features}
        validate(given, channels=integer(1), features=integer(1))
        _check_widths(widths)
        side, last = _halved(size, len(widths)), widths[-1]
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), *_convolution(4 * channels, widths[0], 1)]
        for inputs, outputs in pairwise(widths):
            layers += _convolution(inputs, outputs, 2)
        layers += [MinibatchStdDev(group), *_convolution(last + 1, last, 1), nn.Flatten()]
        self.body = nn.Sequential(*layers, nn.Linear(last * side**2, features), nn.LeakyReLU(0.2))
        self.head = ProjectionHead(features, classes)

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.body(images), label)
        return logits


def _convolution(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.LeakyReLU(0.2)


def _check_widths(widths: Sequence[int]) -> None:
    if not isinstance(widths, list | tuple) or len(widths) < 2:
        raise InputError(f"widths must be at least two whole numbers in a list or tuple, not {widths!r}")
    if any(
        isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= MAX_SIDE
        for width in widths
    ):
        raise InputError(f"widths must be whole numbers of at least 1, not {widths!r}")


def _halved(size: int, times: int) -> int:
    part = 1 << times
    if isinstance(size, bool) or not isinstance(size, int) or not part <= size <= MAX_SIDE or size % part:
        raise InputError(
            f"size must be a multiple of {part}, as these widths halve it {times} times, not {size!r}"
        )
    return size // part
