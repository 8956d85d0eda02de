"""Random Fourier features, which help a fully connected network to learn fine structure."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantutor._checks import integer, number, validate


class FourierFeatures(nn.Module):
    """Random Fourier features: x (N, inputs) to x / scale, sin xB and cos xB, (N, inputs + 2 · count).

    Fully connected networks learn coarse functions early and fine ones late. With these features they learn
    fine ones too (Tancik et al. 2020, arXiv:2006.10739, section 3, with 2πB for our B). The frequencies B are
    drawn once and saved with the weights.

    Args:
        inputs: dimension of x, at least 1.
        count: number of frequencies, at least 1.
        frequency: standard deviation of the frequencies, in radians per unit of x, greater than 0; the
            larger, the finer the functions that can be learnt.
        scale: divides x itself, greater than 0.

    Attributes:
        frequencies: B, drawn from N(0, frequency²), (inputs, count).
        features: the number of features, inputs + 2 · count.

    Raises:
        InputError: if a number is out of range.

    >>> FourierFeatures(2, count=3, frequency=1.0)(torch.zeros(5, 2))[0].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """

    frequencies: Tensor

    def __init__(self, inputs: int = 2, count: int = 64, frequency: float = 1.0, scale: float = 1.0) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "count": count, "frequency": frequency, "scale": scale}
        positive = number(above=0, high=1e30)
        validate(sizes, inputs=integer(1), count=integer(1), frequency=positive, scale=positive)
        self.scale, self.features = scale, inputs + 2 * count
        self.register_buffer("frequencies", frequency * torch.randn(inputs, count))

    def forward(self, samples: Tensor) -> Tensor:
        phases = samples @ self.frequencies  # (N, count), in radians
        return torch.cat([samples / self.scale, phases.sin(), phases.cos()], 1)
