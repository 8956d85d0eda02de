"""Convolutional generator and discriminator for small images whose side is a multiple of four."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, checked, integer
from gantutor._errors import InputError


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 3×3 convolution, batch norm and ReLU.

    Args:
        inputs: input channels.
        outputs: output channels.

    >>> conv_block(3, 8)(torch.zeros(2, 3, 7, 7)).shape
    torch.Size([2, 8, 7, 7])
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class ConvGenerator(nn.Module):
    """A convolutional generator of small images, optionally conditioned on class labels.

    It maps latents (N, latent) and, with ``classes``, labels (N,) to images (N, channels, size, size) in
    [−1, 1]. It starts at a quarter of the side and doubles it twice, by nearest-neighbour upsampling and by a
    pixel shuffle. Both avoid the chequerboard pattern of a transposed convolution whose stride does not
    divide its kernel size (Odena et al. 2016).

    Args:
        latent: dimension of the latents, at least 1.
        classes: number of classes; 0 means no labels.
        channels: channels of the images: 1 for grey, 3 for colour.
        size: side of the images in pixels, a multiple of 4, at least 8.
        embedding: dimension of the label embedding.

    Raises:
        InputError: if a number is out of range, or if labels are missing in a call.

    >>> ConvGenerator(classes=10)(torch.zeros(5, 64), torch.arange(5)).shape
    torch.Size([5, 1, 28, 28])
    """

    @checked(latent=integer(1), classes=integer(0), channels=integer(1), embedding=integer(1))
    def __init__(
        self, latent: int = 64, classes: int = 0, channels: int = 1, size: int = 28, embedding: int = 16
    ) -> None:
        super().__init__()
        self.side = _start_side(size)
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Linear(latent + (embedding if classes else 0), self.side**2 * 64, bias=False)
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(64),
            nn.ReLU(),
            conv_block(64, 64),
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv_block(64, 48),
            conv_block(48, 64),
            nn.PixelShuffle(2),
            nn.Conv2d(16, channels, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(check_label(label))], 1)
        start = self.start(latent).view(len(latent), 64, self.side, self.side)
        images: Tensor = self.blocks(start.contiguous(memory_format=torch.channels_last))
        return images


class MinibatchStdDev(nn.Module):
    """Appends the standard deviation over a group of samples as a channel: (N, C, H, W) → (N, C + 1, H, W).

    The standard deviation is averaged over all features. It shows the discriminator when a batch lacks
    variety (Karras et al. 2018, arXiv:1710.10196, section 3). Groups consist of consecutive samples, so two
    concatenated batches do not mix if ``group`` divides the size of both.

    Args:
        group: largest number of samples in a group, at least 1; the greatest common divisor of this and the
            batch size is used.

    Raises:
        InputError: if ``group`` is not a whole number of at least 1.

    >>> MinibatchStdDev(4)(torch.ones(8, 3, 2, 2))[:, 3].abs().max() < 1e-3
    tensor(True)
    """

    @checked(group=integer(1))
    def __init__(self, group: int = 8) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        group = math.gcd(count, self.group)
        groups = x.reshape(count // group, group, -1)
        centred = groups - groups.mean(1, keepdim=True)  # (N / group, group, C · H · W)
        deviation = (centred.square().mean(1) + 1e-8).sqrt().mean(1)  # (N / group,)
        channel = deviation.repeat_interleave(group).view(count, 1, 1, 1).expand(count, 1, height, width)
        return torch.cat([x, channel], 1)


class ConvDiscriminator(nn.Module):
    """A convolutional discriminator of small images, optionally conditioned on class labels.

    It maps images (N, channels, size, size) and, with ``classes``, labels (N,) to logits (N,). With labels,
    the logit is ψ(h) + ⟨e(label), h⟩ / √d of the last d features h (projection discriminator: Miyato & Koyama
    2018, arXiv:1802.05637).

    Args:
        classes: number of classes; 0 means no labels.
        channels: channels of the images: 1 for grey, 3 for colour.
        size: side of the images in pixels, a multiple of 4, at least 8.
        features: number d of the last features.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if a number is out of range, or if labels are missing in a call.

    >>> ConvDiscriminator(classes=10)(torch.zeros(5, 1, 28, 28), torch.arange(5)).shape
    torch.Size([5])
    """

    @checked(classes=integer(0), channels=integer(1), features=integer(1))
    def __init__(
        self, classes: int = 0, channels: int = 1, size: int = 28, features: int = 128, group: int = 8
    ) -> None:
        super().__init__()
        side = math.ceil(_start_side(size) / 2)
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * channels, 32, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 48, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(48, 64, 3, padding=1),
            nn.LeakyReLU(0.2),
            MinibatchStdDev(group),
            nn.Conv2d(65, 64, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(64 * side**2, features),
            nn.LeakyReLU(0.2),
        )
        self.head = nn.Linear(features, 1)
        self.label = nn.Embedding(classes, features) if classes else None

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        features = self.body(images)
        logits: Tensor = self.head(features).squeeze(1)
        if self.label is not None:
            logits = logits + (self.label(check_label(label)) * features).sum(1) / math.sqrt(
                features.shape[1]
            )
        return logits


def _start_side(size: int) -> int:
    """A quarter of the side of an image, which the networks start or end with."""
    if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= MAX_SIDE or size % 4:
        raise InputError(f"size must be a multiple of 4, at least 8, not {size!r}")
    return size // 4


def check_label(label: Tensor | None) -> Tensor:
    """Return the labels of a conditional network's call.

    Args:
        label: labels (N,), or None.

    Raises:
        InputError: if there are no labels.

    >>> check_label(torch.tensor([3, 1]))
    tensor([3, 1])
    """
    if label is None:
        raise InputError("this network was built with classes=… and needs a label for every sample")
    return label
