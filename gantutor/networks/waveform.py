"""Networks for sound as it is: waves (N, ``length``) in [−1, 1], with one-dimensional convolutions.

They follow WaveGAN (Donahue et al. 2019, arXiv:1802.04208): DCGAN flattened, with kernels of 25 samples and
strides of 4. The course trains them beside spectrograms to show why those are easier.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantutor._checks import integer, validate
from gantutor._errors import InputError
from gantutor.networks.conv import check_label
from gantutor.networks.spectrogram import ProjectionHead

STAGES = 4
"""Stages of ×4: a wave is 256 times as long as what it starts from."""


class WaveGenerator(nn.Module):
    """Latents (N, ``latent``) and, with ``classes``, labels (N,) → waves (N, ``length``) in [−1, 1].

    Four transposed convolutions ×4, with 8, 4, 2 and 1 times ``channels`` before them. Their stride does not
    divide their kernel, so they leave a tone of their own, which always has the same phase.

    >>> WaveGenerator(classes=10)(torch.zeros(5, 64), torch.arange(5)).shape
    torch.Size([5, 4096])
    """

    def __init__(
        self,
        latent: int = 64,
        classes: int = 0,
        length: int = 4096,
        channels: int = 16,
        embedding: int = 16,
    ) -> None:
        super().__init__()
        sizes = {"latent": latent, "classes": classes, "channels": channels, "embedding": embedding}
        validate(sizes, latent=integer(1), classes=integer(0), channels=integer(1), embedding=integer(1))
        self.times = _start_length(length)
        self.label = nn.Embedding(classes, embedding) if classes else None
        widths = [channels * 2**stage for stage in reversed(range(STAGES))]
        self.start = nn.Linear(latent + (embedding if classes else 0), widths[0] * self.times)
        layers: list[nn.Module] = [nn.ReLU()]
        for inputs, outputs in pairwise([*widths, 1]):
            layers += [_fourfold(inputs, outputs), nn.ReLU()]
        self.blocks = nn.Sequential(*layers[:-1], nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(check_label(label))], 1)
        waves: Tensor = self.blocks(self.start(latent).view(len(latent), -1, self.times))
        return waves.squeeze(1)


class PhaseShuffle(nn.Module):
    """Moves each sample of (N, C, L) along L by its own random −``most`` … ``most``, mirrored at the ends;
    while training alone.

    A discriminator could tell the generator's tone by its constant phase and learn nothing else; after this
    it cannot (Donahue et al. 2019, section 3.3). The shifts come from torch's global generator.

    >>> PhaseShuffle(2).eval()(torch.arange(4.0).view(1, 1, 4)).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    def __init__(self, most: int = 2) -> None:
        super().__init__()
        validate({"most": most}, most=integer(0))
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.most:
            return x
        shift = torch.randint(-self.most, self.most + 1, (len(x), 1), device=x.device)
        last = x.shape[2] - 1
        index = (torch.arange(x.shape[2], device=x.device) + shift).abs()
        index = last - (last - index).abs()
        return x.gather(2, index[:, None].expand_as(x))


class WaveDiscriminator(nn.Module):
    """Waves (N, ``length``) and, with ``classes``, labels (N,) → logits (N,).

    Four convolutions ÷4, with a phase shuffle of up to ``shuffle`` steps between them.

    >>> WaveDiscriminator(classes=10)(torch.zeros(5, 4096), torch.arange(5)).shape
    torch.Size([5])
    """

    def __init__(self, classes: int = 0, length: int = 4096, channels: int = 16, shuffle: int = 2) -> None:
        super().__init__()
        validate({"channels": channels, "shuffle": shuffle}, channels=integer(1), shuffle=integer(0))
        self.times, self.length = _start_length(length), length
        widths = [1, *(channels * 2**stage for stage in range(STAGES))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv1d(inputs, outputs, 25, stride=4, padding=11), nn.LeakyReLU(0.2)]
            layers += [PhaseShuffle(shuffle)]
        self.body = nn.Sequential(*layers[:-1], nn.Flatten())
        self.head = ProjectionHead(widths[-1] * self.times, classes)

    def forward(self, waves: Tensor, label: Tensor | None = None) -> Tensor:
        if waves.dim() != 2 or waves.shape[1] != self.length:
            raise InputError(f"waves must have shape (count, {self.length}), not {tuple(waves.shape)}")
        logits: Tensor = self.head(self.body(waves[:, None]), label)
        return logits


def _fourfold(inputs: int, outputs: int) -> nn.ConvTranspose1d:
    """Makes a signal four times as long, and keeps its strength through a ReLU: a quarter of the kernel falls
    on each sample, which torch's own start does not reckon with (the rule is that of He et al. 2015)."""
    layer = nn.ConvTranspose1d(inputs, outputs, 25, stride=4, padding=11, output_padding=1)
    nn.init.normal_(layer.weight, std=math.sqrt(2 * 4 / (25 * inputs)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _start_length(length: int) -> int:
    least: int = 4**STAGES
    if (
        isinstance(length, bool)
        or not isinstance(length, int)
        or not least <= length <= 2**30
        or length % least
    ):
        raise InputError(f"length must be a multiple of {least}, at least {least}, not {length!r}")
    return length // least
