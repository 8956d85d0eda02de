"""Networks that turn one recording into another: spectrogram in, spectrogram out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantutor._checks import integer, validate
from gantutor.networks.conv import upsample_block


class SpectrogramTranslator(nn.Module):
    """Latents, which it does not use, and spectrograms (N, 1, 128, T) → spectrograms (N, 1, 128, T) in [−1,
    1]; T a multiple of 16.

    A U-net (Ronneberger et al. 2015, arXiv:1505.04597): three stages down by pixel unshuffle and strided
    convolution, three up, each joined to the stage of its size. A condition leaves so little open that such
    a generator learns to ignore its latent (Isola et al. 2017, arXiv:1611.07004, section 3.1), so this one
    has none.

    >>> SpectrogramTranslator()(None, torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 1, 128, 64])
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        validate({"channels": channels}, channels=integer(1))
        c = channels
        self.first = nn.Sequential(nn.PixelUnshuffle(2), upsample_block(4, c))
        self.down = nn.Sequential(_halving(c, 2 * c), upsample_block(2 * c, 2 * c))
        self.deep = nn.Sequential(
            _halving(2 * c, 3 * c), upsample_block(3 * c, 3 * c), upsample_block(3 * c, 3 * c), _doubled()
        )
        self.up = nn.Sequential(upsample_block(5 * c, 2 * c), _doubled())
        self.last = nn.Sequential(upsample_block(3 * c, 2 * c), nn.Conv2d(2 * c, 4, 3, padding=1))
        self.finest = nn.PixelShuffle(2)

    def forward(self, latent: Tensor | None, noisy: Tensor) -> Tensor:
        half = self.first(noisy.contiguous(memory_format=torch.channels_last))
        quarter = self.down(half)
        deep = self.deep(quarter)
        change = self.last(torch.cat([self.up(torch.cat([deep, quarter], 1)), half], 1))
        clean: Tensor = torch.tanh(self.finest(change) + 1.5 * noisy)
        return clean


class PairDiscriminator(nn.Module):
    """Spectrograms (N, 1, 128, T) and those they were made from (N, 1, 128, T) → logits (N, 8, T / 16), one
    for each overlapping patch (Isola et al. 2017, section 3.2.2).

    It sees both: a clean voice that is not the one that was recorded can be told.

    >>> PairDiscriminator()(torch.zeros(2, 1, 128, 64), torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 8, 4])
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        validate({"channels": channels}, channels=integer(1))
        c = channels
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(32, 2 * c, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * c, 3 * c, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(3 * c, 4 * c, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * c, 1, 3, padding=1),
        )

    def forward(self, spectrograms: Tensor, noisy: Tensor) -> Tensor:
        both = torch.cat([spectrograms, noisy], 1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.body(both).squeeze(1)
        return logits


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _doubled() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="nearest")
