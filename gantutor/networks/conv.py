"""Convolutional networks for small grey or colour images whose side is a multiple of four."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, integer, validate
from gantutor._errors import InputError


def upsample_block(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class ConvGenerator(nn.Module):
    """Latents (N, ``latent``) and, with ``classes``, labels (N,) → images (N, ``channels``, ``size``,
    ``size``) in [−1, 1].

    From a quarter of the side, one nearest-neighbour ×2 stage and one pixel shuffle ×2: neither leaves the
    chequerboard of a transposed convolution whose stride does not divide its kernel (Odena et al. 2016).

    >>> ConvGenerator(classes=10)(torch.zeros(5, 64), torch.arange(5)).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self, latent: int = 64, classes: int = 0, channels: int = 1, size: int = 28, embedding: int = 16
    ) -> None:
        super().__init__()
        validate(
            {"latent": latent, "classes": classes, "channels": channels, "embedding": embedding},
            latent=integer(1),
            classes=integer(0),
            channels=integer(1),
            embedding=integer(1),
        )
        self.side = _quarter(size)
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Linear(latent + (embedding if classes else 0), self.side**2 * 64, bias=False)
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(64),
            nn.ReLU(),
            upsample_block(64, 64),
            nn.Upsample(scale_factor=2, mode="nearest"),
            upsample_block(64, 48),
            upsample_block(48, 64),
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
    """Adds one channel: the standard deviation over a group of up to ``group`` consecutive samples, averaged
    over features.

    (N, C, H, W) → (N, C + 1, H, W). It lets the discriminator see a lack of variety (Karras et al. 2018,
    arXiv:1710.10196, section 3). Groups are consecutive, so two batches laid end to end do not mix if
    ``group`` divides both.

    >>> MinibatchStdDev(4)(torch.ones(8, 3, 2, 2))[:, 3].abs().max() < 1e-3
    tensor(True)
    """

    def __init__(self, group: int = 8) -> None:
        super().__init__()
        validate({"group": group}, group=integer(1))
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        group = math.gcd(count, self.group)
        groups = x.reshape(count // group, group, -1)
        centred = groups - groups.mean(1, keepdim=True)
        deviation = (centred.square().mean(1) + 1e-8).sqrt().mean(1)
        channel = deviation.repeat_interleave(group).view(count, 1, 1, 1).expand(count, 1, height, width)
        return torch.cat([x, channel], 1)


class ConvDiscriminator(nn.Module):
    """Images (N, ``channels``, ``size``, ``size``) and, with ``classes``, labels (N,) → logits (N,).

    With labels, the logit is ψ(h) + ⟨e(label), h⟩ / √d of the last features h (projection: Miyato & Koyama
    2018, arXiv:1802.05637).

    >>> ConvDiscriminator(classes=10)(torch.zeros(5, 1, 28, 28), torch.arange(5)).shape
    torch.Size([5])
    """

    def __init__(
        self, classes: int = 0, channels: int = 1, size: int = 28, features: int = 128, group: int = 8
    ) -> None:
        super().__init__()
        validate(
            {"classes": classes, "channels": channels, "features": features},
            classes=integer(0),
            channels=integer(1),
            features=integer(1),
        )
        side = math.ceil(_quarter(size) / 2)
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


def _quarter(size: int) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= MAX_SIDE or size % 4:
        raise InputError(f"size must be a multiple of 4, at least 8, not {size!r}")
    return size // 4


def check_label(label: Tensor | None) -> Tensor:
    """The labels; raises InputError where there are none."""
    if label is None:
        raise InputError("this network was built with classes=… and needs a label for every sample")
    return label
