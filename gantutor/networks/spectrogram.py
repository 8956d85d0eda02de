"""Convolutional generator and discriminator for spectrograms, and the projection head for labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, checked, integer
from gantutor._errors import InputError
from gantutor.networks.conv import MinibatchStdDev, check_label, conv_block


class SpectrogramGenerator(nn.Module):
    """A convolutional generator of spectrograms, optionally conditioned on class labels.

    It maps latents (N, latent) and, with ``classes``, labels (N,) to spectrograms (N, 1, 128, frames) in
    [−1, 1]. It starts at 8 × frames / 16 and doubles both sides four times, twice by nearest-neighbour
    upsampling and twice by a pixel shuffle, with 128, 96, 64 and 32 channels.

    Args:
        latent: dimension of the latents, at least 1.
        classes: number of classes; 0 means no labels.
        frames: length of the spectrograms in frames, a multiple of 16.
        embedding: dimension of the label embedding.

    Raises:
        InputError: if a number is out of range, or if labels are missing in a call.

    >>> SpectrogramGenerator(classes=10)(torch.zeros(5, 64), torch.arange(5)).shape
    torch.Size([5, 1, 128, 64])
    """

    @checked(latent=integer(1), classes=integer(0), embedding=integer(1))
    def __init__(self, latent: int = 64, classes: int = 0, frames: int = 64, embedding: int = 16) -> None:
        super().__init__()
        self.start_frames = _start_frames(frames)
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Linear(
            latent + (embedding if classes else 0), 128 * 8 * self.start_frames, bias=False
        )
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv_block(128, 96),
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv_block(96, 64),
            conv_block(64, 128),
            nn.PixelShuffle(2),
            conv_block(32, 64),
            nn.PixelShuffle(2),
            nn.Conv2d(16, 1, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(check_label(label))], 1)
        start = self.start(latent).view(len(latent), 128, 8, self.start_frames)
        spectrograms: Tensor = self.blocks(start.contiguous(memory_format=torch.channels_last))
        return spectrograms


class ProjectionHead(nn.Module):
    """The last layer of a conditional discriminator: features h (N, d) and labels (N,) to logits (N,).

    ψ(h) + ⟨e(label), h⟩ / √d, with a linear ψ and an embedding e (projection discriminator: Miyato & Koyama
    2018, arXiv:1802.05637). Without labels it is ψ(h).

    Args:
        features: number d of features, at least 1.
        classes: number of classes; 0 means no labels.

    Raises:
        InputError: if a number is out of range, or if labels are missing in a call.

    >>> ProjectionHead(8, classes=3)(torch.zeros(5, 8), torch.zeros(5, dtype=torch.int64)).shape
    torch.Size([5])
    """

    @checked(features=integer(1), classes=integer(0))
    def __init__(self, features: int, classes: int = 0) -> None:
        super().__init__()
        self.head = nn.Linear(features, 1)
        self.label = nn.Embedding(classes, features) if classes else None

    def forward(self, features: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(features).squeeze(1)
        if self.label is not None:
            logits = logits + (self.label(check_label(label)) * features).sum(1) / math.sqrt(
                features.shape[1]
            )
        return logits


class SpectrogramDiscriminator(nn.Module):
    """A convolutional discriminator of spectrograms, optionally conditioned on class labels.

    It maps spectrograms (N, 1, 128, frames) and, with ``classes``, labels (N,) to logits (N,).

    Args:
        classes: number of classes; 0 means no labels.
        frames: length of the spectrograms in frames, a multiple of 16.
        features: number of the last features, which ``ProjectionHead`` maps to the logit.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if a number is out of range, or if labels are missing in a call.

    >>> SpectrogramDiscriminator(classes=10)(torch.zeros(5, 1, 128, 64), torch.arange(5)).shape
    torch.Size([5])
    """

    @checked(features=integer(1))
    def __init__(self, classes: int = 0, frames: int = 64, features: int = 128, group: int = 8) -> None:
        super().__init__()
        start_frames = _start_frames(frames)
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(16, 64, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 96, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(96, 128, 3, padding=1),
            nn.LeakyReLU(0.2),
            MinibatchStdDev(group),
            nn.Conv2d(129, 128, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(128 * 8 * start_frames, features),
            nn.LeakyReLU(0.2),
        )
        self.head = ProjectionHead(features, classes)

    def forward(self, spectrograms: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.body(spectrograms), label)
        return logits


def _start_frames(frames: int) -> int:
    """A sixteenth of the length of a spectrogram, which the networks start or end with."""
    if isinstance(frames, bool) or not isinstance(frames, int) or not 16 <= frames <= MAX_SIDE or frames % 16:
        raise InputError(f"frames must be a multiple of 16, at least 16, not {frames!r}")
    return frames // 16
