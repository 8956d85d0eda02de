"""Networks that translate one spectrogram into another, such as noisy speech into clean speech."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantutor._checks import checked, integer
from gantutor.networks.conv import conv_block


class SpectrogramTranslator(nn.Module):
    """A U-Net that maps noisy spectrograms to clean ones, (N, 1, 128, T) in [−1, 1], T a multiple of 16.

    It has three stages down, by pixel unshuffle and strided convolutions, and three up, with skip connections
    between stages of equal size (Ronneberger et al. 2015, arXiv:1505.04597). Call it as
    ``translator(latent, noisy)``. The latent is not used: where the condition determines nearly everything,
    such a generator learns to ignore its latent (Isola et al. 2017, arXiv:1611.07004, section 3.1).

    Args:
        channels: channels of the first stage, at least 1.

    Raises:
        InputError: if ``channels`` is less than 1.

    >>> SpectrogramTranslator()(None, torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 1, 128, 64])
    """

    @checked(channels=integer(1))
    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        c = channels
        self.first = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4, c))
        self.down = nn.Sequential(_downsample_block(c, 2 * c), conv_block(2 * c, 2 * c))
        self.deep = nn.Sequential(
            _downsample_block(2 * c, 3 * c), conv_block(3 * c, 3 * c), conv_block(3 * c, 3 * c), _upsample()
        )
        self.up = nn.Sequential(conv_block(5 * c, 2 * c), _upsample())
        self.last = nn.Sequential(conv_block(3 * c, 2 * c), nn.Conv2d(2 * c, 4, 3, padding=1))
        self.pixel_shuffle = nn.PixelShuffle(2)

    def forward(self, latent: Tensor | None, noisy: Tensor) -> Tensor:
        half = self.first(noisy.contiguous(memory_format=torch.channels_last))
        quarter = self.down(half)
        deep = self.deep(quarter)
        residual = self.last(torch.cat([self.up(torch.cat([deep, quarter], 1)), half], 1))
        clean: Tensor = torch.tanh(self.pixel_shuffle(residual) + 1.5 * noisy)
        return clean


class PairDiscriminator(nn.Module):
    """A patch discriminator of pairs: clean and noisy spectrograms (N, 1, 128, T) to logits (N, 8, T / 16).

    There is one logit for each overlapping patch (Isola et al. 2017, section 3.2.2). It sees the noisy
    recording too, so that it can reject a clean voice that says something else.

    Args:
        channels: half the channels of the first convolution, at least 1.

    Raises:
        InputError: if ``channels`` is less than 1.

    >>> PairDiscriminator()(torch.zeros(2, 1, 128, 64), torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 8, 4])
    """

    @checked(channels=integer(1))
    def __init__(self, channels: int = 32) -> None:
        super().__init__()
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
        pairs = torch.cat([spectrograms, noisy], 1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.body(pairs).squeeze(1)
        return logits


def _downsample_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _upsample() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="nearest")
