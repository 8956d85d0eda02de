"""Deeper convolutional networks for larger square images, such as faces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, checked, integer
from gantutor._errors import InputError
from gantutor.networks.conv import MinibatchStdDev, check_label, conv_block
from gantutor.networks.spectrogram import ProjectionHead


class DeepGenerator(nn.Module):
    """A convolutional generator with a chosen number of stages, optionally conditioned on class labels.

    It maps latents (N, latent) and, with ``classes``, labels (N,) to images (N, channels, size, size) in
    [−1, 1]. With n + 1 ``widths`` it starts at size / 2ⁿ pixels a side; each of n stages doubles the side by
    nearest-neighbour upsampling and has a 3×3 convolution to the next width. Pixel shuffles were faster, but
    left a chequerboard pattern in faces.

    Args:
        latent: dimension of the latents, at least 1.
        classes: number of classes; 0 means no labels.
        channels: channels of the images: 1 for grey, 3 for colour.
        size: side of the images in pixels, a multiple of 2ⁿ.
        widths: channels before each stage and after the last, at least two numbers.
        embedding: dimension of the label embedding.

    Raises:
        InputError: if a number is out of range, ``size`` cannot be halved n times, or labels are missing in
            a call.

    >>> DeepGenerator()(torch.zeros(5, 64)).shape
    torch.Size([5, 1, 64, 64])
    """

    @checked(latent=integer(1), classes=integer(0), channels=integer(1), embedding=integer(1))
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
        check_widths(widths)
        self.side = _start_side(size, len(widths) - 1)
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Linear(latent + (embedding if classes else 0), widths[0] * self.side**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for inputs, outputs in pairwise(widths):
            layers += [nn.Upsample(scale_factor=2, mode="nearest"), conv_block(inputs, outputs)]
        self.blocks = nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(check_label(label))], 1)
        start = self.start(latent).view(len(latent), -1, self.side, self.side)
        images: Tensor = self.blocks(start.contiguous(memory_format=torch.channels_last))
        return images


class DeepDiscriminator(nn.Module):
    """A convolutional discriminator with a chosen number of stages, optionally conditioned on class labels.

    It maps images (N, channels, size, size) and, with ``classes``, labels (N,) to logits (N,). A pixel
    unshuffle halves the side; then follow a 3×3 convolution to the first of n ``widths`` and one of stride 2
    to each of the others. At size / 2ⁿ pixels a side come ``MinibatchStdDev``, a last convolution, a fully
    connected layer, and ``ProjectionHead``.

    Args:
        classes: number of classes; 0 means no labels.
        channels: channels of the images: 1 for grey, 3 for colour.
        size: side of the images in pixels, a multiple of 2ⁿ.
        widths: channels of the n stages, at least two numbers.
        features: units of the fully connected layer.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if a number is out of range, ``size`` cannot be halved n times, or labels are missing in
            a call.

    >>> DeepDiscriminator()(torch.zeros(5, 1, 64, 64)).shape
    torch.Size([5])
    """

    @checked(channels=integer(1), features=integer(1))
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
        self.body = discriminator_body(channels, size, widths, features, group)
        self.head = ProjectionHead(features, classes)

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.body(images), label)
        return logits


def discriminator_body(
    channels: int, size: int, widths: Sequence[int], features: int, group: int
) -> nn.Sequential:
    """Return the layers of a discriminator from images (N, C, H, W) to its last features (N, d).

    Args:
        channels: channels of the images.
        size: side of the images in pixels, a multiple of 2ⁿ for n widths.
        widths: channels of the n stages, at least two numbers.
        features: number d of the last features.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if the widths or the size are out of range.

    >>> discriminator_body(3, 64, (8, 16), features=5, group=4)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 5])
    """
    check_widths(widths)
    side, last = _start_side(size, len(widths)), widths[-1]
    layers: list[nn.Module] = [nn.PixelUnshuffle(2), *_conv_layers(4 * channels, widths[0], 1)]
    for inputs, outputs in pairwise(widths):
        layers += _conv_layers(inputs, outputs, 2)
    layers += [MinibatchStdDev(group), *_conv_layers(last + 1, last, 1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(last * side**2, features), nn.LeakyReLU(0.2))


def _conv_layers(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.LeakyReLU(0.2)


def check_widths(widths: Sequence[int]) -> None:
    """Raise InputError unless there are at least two widths, whole numbers of at least 1.

    >>> check_widths((64, 32))
    """
    if not isinstance(widths, list | tuple) or len(widths) < 2:
        raise InputError(f"widths must be at least two whole numbers in a list or tuple, not {widths!r}")
    if any(
        isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= MAX_SIDE
        for width in widths
    ):
        raise InputError(f"widths must be whole numbers of at least 1, not {widths!r}")


def _start_side(size: int, stages: int) -> int:
    """The side of an image after it has been halved once in each stage."""
    factor = 1 << stages
    if isinstance(size, bool) or not isinstance(size, int) or not factor <= size <= MAX_SIDE or size % factor:
        raise InputError(
            f"size must be a multiple of {factor}, because these widths halve it {stages} times, not {size!r}"
        )
    return size // factor
