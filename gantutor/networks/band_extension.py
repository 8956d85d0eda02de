"""Networks for bandwidth extension: from the lower band of a spectrogram to the upper one, with noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gantutor._checks import checked, integer
from gantutor._errors import InputError
from gantutor.networks.conv import conv_block

BAND = 64
"""Frequency bins of each band."""

NOISE_CHANNELS = 4
"""Channels of the noise that enters the generator at two places."""

MEAN, DEVIATION = -0.63, 0.36
"""Mean and standard deviation of the spectrograms of spoken digits, which the discriminator's input is
standardised with."""


class BandGenerator(nn.Module):
    """A U-Net that draws the upper band of a spectrogram for a lower one, (N, 1, 64, T), T a multiple of 8.

    Call it as ``generator(noise, lower)`` with noise (N, 4, 32, T / 2). Two bands of one shape do not cover
    the same frequencies, so the deepest layer is a convolution over time that sees all frequencies at once.
    Skip connections carry the time structure past it (Ronneberger et al. 2015, arXiv:1505.04597).

    Args:
        channels: channels of the first stage, at least 1.

    Raises:
        InputError: if ``channels`` is less than 1.

    >>> BandGenerator()(torch.zeros(2, 4, 32, 32), torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    @checked(channels=integer(1))
    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        c, n, rows = channels, NOISE_CHANNELS, BAND // 8
        self.first = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4, c))  # (N, 16, 32, 32)
        self.down1 = _strided(c, 2 * c)  # (N, 32, 16, 16)
        self.down2 = _strided(2 * c, 3 * c)  # (N, 48, 8, 8)
        width = (3 * c + n) * rows  # the channels of all 8 rows of frequencies, and noise
        self.deep = nn.Sequential(nn.Conv1d(width, 3 * c * rows, 3, padding=1), nn.ReLU())
        self.up1 = conv_block(5 * c, 2 * c)  # (N, 32, 16, 16)
        self.up2 = conv_block(3 * c + n, 2 * c)  # (N, 32, 32, 32)
        self.last = nn.Sequential(nn.Conv2d(2 * c, 4, 3, padding=1), nn.PixelShuffle(2), nn.Tanh())

    def forward(self, noise: Tensor, lower: Tensor) -> Tensor:
        first = self.first(lower)  # (N, 16, 32, 32)
        second = self.down1(first)  # (N, 32, 16, 16)
        third = torch.cat([self.down2(second), noise[:, :, ::4, ::4]], 1)  # (N, 52, 8, 8)
        deep = self.deep(third.flatten(1, 2)).unflatten(1, (-1, BAND // 8))  # (N, 48, 8, 8)
        x = self.up1(torch.cat([_double(deep), second], 1))  # (N, 32, 16, 16)
        x = self.up2(torch.cat([_double(x), first, noise], 1))  # (N, 32, 32, 32)
        upper: Tensor = self.last(x)  # (N, 1, 64, 64)
        return upper


class BandDiscriminator(nn.Module):
    """A patch discriminator that sees both bands: (N, 1, 64, T) twice to logits (N, 16, T / 8).

    Call it as ``discriminator(upper, lower)``. Its input is standardised, its weights have the initial values
    of He et al. 2015 (arXiv:1502.01852), and the last layer is scaled down. Without the three it stays at
    chance for hundreds of steps, and the adversarial loss does nothing.

    Args:
        channels: channels of the first convolution, at least 3.

    Raises:
        InputError: if ``channels`` is less than 3.

    >>> BandDiscriminator()(torch.zeros(2, 1, 64, 64), torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 16, 8])
    """

    @checked(channels=integer(3))
    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        c = channels
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4),  # (N, 16, 32, 16)
            nn.Conv2d(16, c, 3, padding=1), nn.LeakyReLU(0.2),  # (N, 48, 32, 16)
            nn.Conv2d(c, 4 * c // 3, 3, stride=2, padding=1), nn.LeakyReLU(0.2),  # (N, 64, 16, 8)
            nn.Conv2d(4 * c // 3, 2 * c, 3, padding=1), nn.LeakyReLU(0.2),  # (N, 96, 16, 8)
            nn.Conv2d(2 * c, 1, 3, padding=1),  # (N, 1, 16, 8), one logit for each patch
        )  # fmt: skip
        layers = [layer for layer in self.body if isinstance(layer, nn.Conv2d)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, 0.2)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            layers[-1].weight.mul_(0.3)

    def forward(self, upper: Tensor, lower: Tensor) -> Tensor:
        if upper.shape != lower.shape:
            shapes = f"{tuple(upper.shape)} and {tuple(lower.shape)}"
            raise InputError(f"upper and lower must have one shape, not {shapes}")
        both = torch.cat([lower, upper], 2)  # (N, 1, 128, 64)
        logits: Tensor = self.body((both - MEAN) / DEVIATION).squeeze(1)
        return logits


def _strided(inputs: int, outputs: int) -> nn.Sequential:
    """A strided convolution, which halves both sides, and a second one."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        conv_block(outputs, outputs),
    )


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
