"""Networks for series (N, L, F): recurrent generators, a recurrent and a convolutional discriminator."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gantutor._checks import checked, function, integer
from gantutor._errors import InputError


class GRUGenerator(nn.Module):
    """A recurrent generator with one latent per series: latents (N, latent) to series (N, length, features).

    Its gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) gets the same latent at every step, together
    with the position in [−1, 1], and its initial state is computed from the latent.

    Args:
        latent: dimension of the latents, at least 1.
        features: number of features, at least 1.
        length: time steps in a series, at least 2.
        hidden: units of the gated recurrent unit, at least 1.
        output: makes the last activation: ``nn.Sigmoid`` for data in [0, 1], ``nn.Identity`` for unbounded
            data.

    Raises:
        InputError: if a number is out of range, or ``output`` cannot be called.

    >>> GRUGenerator(16, features=5, length=24)(torch.zeros(3, 16)).shape
    torch.Size([3, 24, 5])
    """

    position: Tensor

    @checked(latent=integer(1), features=integer(1), length=integer(2), hidden=integer(1), output=function())
    def __init__(
        self,
        latent: int,
        features: int,
        length: int,
        hidden: int = 64,
        output: Callable[[], nn.Module] = nn.Identity,
    ) -> None:
        super().__init__()
        self.register_buffer("position", torch.linspace(-1, 1, length), persistent=False)
        self.start = nn.Linear(latent, hidden)
        self.cell = nn.GRU(latent + 1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, features)
        self.output = output()

    def forward(self, latent: Tensor) -> Tensor:
        count, length = len(latent), len(self.position)
        position = self.position.to(latent.dtype).view(1, length, 1).expand(count, length, 1)
        inputs = torch.cat([latent[:, None].expand(count, length, -1), position], 2)  # (N, L, latent + 1)
        states, _ = self.cell(inputs, self.start(latent).tanh()[None])
        series: Tensor = self.output(self.head(states))
        return series


class FreshNoiseGRUGenerator(nn.Module):
    """A recurrent generator with new noise at every step: (N, inputs) to series (N, length, features).

    The generators of C-RNN-GAN (Mogren 2016, arXiv:1611.09904) and RCGAN (Esteban, Hyland & Rätsch 2017,
    arXiv:1706.02633) are built in this way.

    Args:
        noise: dimension of the noise at each step, at least 1.
        features: number of features, at least 1.
        length: time steps in a series, at least 2.
        hidden: units of the gated recurrent unit, at least 1.

    Attributes:
        inputs: dimension of the latents, length · noise, all standard normal.

    Raises:
        InputError: if a number is out of range.

    >>> generator = FreshNoiseGRUGenerator(4, features=5, length=24)
    >>> generator.inputs, generator(torch.zeros(3, generator.inputs)).shape
    (96, torch.Size([3, 24, 5]))
    """

    @checked(noise=integer(1), features=integer(1), length=integer(2), hidden=integer(1))
    def __init__(self, noise: int, features: int, length: int, hidden: int = 64) -> None:
        super().__init__()
        self.length, self.inputs = length, noise * length
        self.cell = nn.GRU(noise, hidden, batch_first=True)
        self.head = nn.Linear(hidden, features)

    def forward(self, latent: Tensor) -> Tensor:
        states, _ = self.cell(latent.view(len(latent), self.length, -1))
        series: Tensor = self.head(states)
        return series


class GRUDiscriminator(nn.Module):
    """A recurrent discriminator: series (N, L, features) of any length to logits (N,).

    The logit is computed from the last state of a gated recurrent unit. A gradient penalty needs second
    derivatives, which cuDNN's recurrent layers do not have; so the layer runs without cuDNN where the
    gradient with respect to the series is required.

    Args:
        features: number of features, at least 1.
        hidden: units of the gated recurrent unit, at least 1.

    Raises:
        InputError: if a number is less than 1, or the series in a call have another shape.

    >>> GRUDiscriminator(5)(torch.zeros(3, 24, 5)).shape
    torch.Size([3])
    """

    @checked(features=integer(1), hidden=integer(1))
    def __init__(self, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.features = features
        self.cell = nn.GRU(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, series: Tensor) -> Tensor:
        _check_series(series, self.features)
        if series.requires_grad and series.is_cuda:
            with torch.backends.cudnn.flags(enabled=False):
                _, state = self.cell(series)
        else:
            _, state = self.cell(series)
        logits: Tensor = self.head(state[-1])
        return logits.squeeze(1)


class SequenceConvDiscriminator(nn.Module):
    """A convolutional discriminator of series: (N, length, features) to logits (N,).

    It has two convolutions over time, of kernel size 5 and stride 2, and a fully connected layer.

    Args:
        features: number of features, at least 1.
        length: time steps in a series, at least 2.
        channels: channels of the convolutions, at least 1.

    Raises:
        InputError: if a number is out of range, or the series in a call have another shape.

    >>> SequenceConvDiscriminator(5, length=24)(torch.zeros(3, 24, 5)).shape
    torch.Size([3])
    """

    @checked(features=integer(1), length=integer(2), channels=integer(1))
    def __init__(self, features: int, length: int, channels: int = 64) -> None:
        super().__init__()
        self.features, self.length = features, length
        self.body = nn.Sequential(
            nn.Conv1d(features, channels, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(channels, channels, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(channels * math.ceil(math.ceil(length / 2) / 2), channels),
            nn.LeakyReLU(0.2),
            nn.Linear(channels, 1),
        )

    def forward(self, series: Tensor) -> Tensor:
        _check_series(series, self.features, self.length)
        logits: Tensor = self.body(series.transpose(1, 2))
        return logits.squeeze(1)


def _check_series(series: Tensor, features: int, length: int | None = None) -> None:
    wrong_length = length is not None and series.dim() == 3 and series.shape[1] != length
    if series.dim() != 3 or series.shape[2] != features or not series.shape[1] or wrong_length:
        expected = f"(count, {length or 'length'}, {features})"
        raise InputError(f"series must have shape {expected}, not {tuple(series.shape)}")
