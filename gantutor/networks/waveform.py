"""Networks for waveforms, after WaveGAN (Donahue et al. 2019, arXiv:1802.04208)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantutor._checks import checked, integer
from gantutor._errors import InputError
from gantutor.networks.conv import check_label
from gantutor.networks.spectrogram import ProjectionHead

STAGES = 4
"""Number of stages, each of which multiplies the length by 4: 256 in all."""


class WaveGenerator(nn.Module):
    """The generator of WaveGAN, optionally conditioned on class labels.

    It maps latents (N, latent) and, with ``classes``, labels (N,) to waves (N, length) in [−1, 1]. It is a
    DCGAN in one dimension: four transposed convolutions of kernel size 25 and stride 4, with 8, 4, 2 and 1
    times ``channels`` input channels. The stride does not divide the kernel size, so the waves contain an
    artificial tone, whose phase is always the same (Donahue et al. 2019, arXiv:1802.04208).

    Args:
        latent: dimension of the latents, at least 1.
        classes: number of classes; 0 means no labels.
        length: samples in a wave, a multiple of 256.
        channels: input channels of the last convolution, at least 1.
        embedding: dimension of the label embedding.

    Raises:
        InputError: if a number is out of range, or if labels are missing in a call.

    >>> WaveGenerator(classes=10)(torch.zeros(5, 64), torch.arange(5)).shape
    torch.Size([5, 4096])
    """

    @checked(latent=integer(1), classes=integer(0), channels=integer(1), embedding=integer(1))
    def __init__(
        self,
        latent: int = 64,
        classes: int = 0,
        length: int = 4096,
        channels: int = 16,
        embedding: int = 16,
    ) -> None:
        super().__init__()
        self.start_length = _start_length(length)
        self.label = nn.Embedding(classes, embedding) if classes else None
        widths = [channels * 2**stage for stage in reversed(range(STAGES))]
        self.start = nn.Linear(latent + (embedding if classes else 0), widths[0] * self.start_length)
        layers: list[nn.Module] = [nn.ReLU()]
        for inputs, outputs in pairwise([*widths, 1]):
            layers += [_transposed_conv(inputs, outputs), nn.ReLU()]
        self.blocks = nn.Sequential(*layers[:-1], nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(check_label(label))], 1)
        waves: Tensor = self.blocks(self.start(latent).view(len(latent), -1, self.start_length))
        return waves.squeeze(1)


class PhaseShuffle(nn.Module):
    """Shifts each sequence of (N, C, L) along L by a random number of steps, in training mode only.

    Without it a discriminator could recognise the generator's artificial tone by its constant phase, and
    would learn nothing else (Donahue et al. 2019, arXiv:1802.04208, section 3.3). The ends are filled by
    reflection. The shifts come from torch's global generator.

    Args:
        max_shift: largest shift in either direction, at least 0.

    Raises:
        InputError: if ``max_shift`` is not a whole number of at least 0.

    >>> PhaseShuffle(2).eval()(torch.arange(4.0).view(1, 1, 4)).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    @checked(max_shift=integer(0))
    def __init__(self, max_shift: int = 2) -> None:
        super().__init__()
        self.max_shift = max_shift

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.max_shift:
            return x
        shift = torch.randint(-self.max_shift, self.max_shift + 1, (len(x), 1), device=x.device)
        last = x.shape[2] - 1
        index = (torch.arange(x.shape[2], device=x.device) + shift).abs()  # (N, L), reflected at 0
        index = last - (last - index).abs()  # and at the last step
        return x.gather(2, index[:, None].expand_as(x))


class WaveDiscriminator(nn.Module):
    """The discriminator of WaveGAN, optionally conditioned on class labels.

    It maps waves (N, length) and, with ``classes``, labels (N,) to logits (N,), by four convolutions of
    kernel size 25 and stride 4 with phase shuffle between them.

    Args:
        classes: number of classes; 0 means no labels.
        length: samples in a wave, a multiple of 256.
        channels: output channels of the first convolution, at least 1; each further one doubles them.
        shuffle: largest shift of ``PhaseShuffle``, at least 0.

    Raises:
        InputError: if a number is out of range, the waves in a call have another shape, or labels are
            missing.

    >>> WaveDiscriminator(classes=10)(torch.zeros(5, 4096), torch.arange(5)).shape
    torch.Size([5])
    """

    @checked(channels=integer(1), shuffle=integer(0))
    def __init__(self, classes: int = 0, length: int = 4096, channels: int = 16, shuffle: int = 2) -> None:
        super().__init__()
        self.start_length, self.length = _start_length(length), length
        widths = [1, *(channels * 2**stage for stage in range(STAGES))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv1d(inputs, outputs, 25, stride=4, padding=11), nn.LeakyReLU(0.2)]
            layers += [PhaseShuffle(shuffle)]
        self.body = nn.Sequential(*layers[:-1], nn.Flatten())
        self.head = ProjectionHead(widths[-1] * self.start_length, classes)

    def forward(self, waves: Tensor, label: Tensor | None = None) -> Tensor:
        if waves.dim() != 2 or waves.shape[1] != self.length:
            raise InputError(f"waves must have shape (count, {self.length}), not {tuple(waves.shape)}")
        logits: Tensor = self.head(self.body(waves[:, None]), label)
        return logits


def _transposed_conv(inputs: int, outputs: int) -> nn.ConvTranspose1d:
    """Return a transposed convolution that makes signals four times as long.

    Its initial weights keep the variance through a ReLU (He et al. 2015). Only a quarter of the kernel
    reaches each output sample, which torch's own initialisation does not take into account.
    """
    layer = nn.ConvTranspose1d(inputs, outputs, 25, stride=4, padding=11, output_padding=1)
    nn.init.normal_(layer.weight, std=math.sqrt(2 * 4 / (25 * inputs)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _start_length(length: int) -> int:
    """The length of a wave after division by 4 in each stage."""
    factor: int = 4**STAGES
    if (
        isinstance(length, bool)
        or not isinstance(length, int)
        or not factor <= length <= 2**30
        or length % factor
    ):
        raise InputError(f"length must be a multiple of {factor}, at least {factor}, not {length!r}")
    return length // factor
