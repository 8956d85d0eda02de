"""Random Fourier features: a fully connected network sees in them what is too fine for it in the numbers
themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantutor._checks import integer, number, validate


class FourierFeatures(nn.Module):
    """x (N, ``inputs``) → x / ``scale``, sin x B and cos x B side by side, (N, ``inputs`` + 2 ``count``).

    The frequencies B (``inputs``, ``count``), in radians per unit of x, are drawn once from N(0,
    ``frequency``²) and kept with the weights. Fully connected networks learn coarse functions first and fine
    ones late (Tancik et al. 2020, arXiv:2006.10739, section 3, with 2πB for our B); a larger ``frequency``
    shows them finer ones.

    >>> FourierFeatures(2, count=3, frequency=1.0)(torch.zeros(5, 2))[0].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """

    frequencies: Tensor

    def __init__(self, inputs: int = 2, count: int = 64, frequency: float = 1.0, scale: float = 1.0) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "count": count, "frequency": frequency, "scale": scale}
        above = number(above=0, high=1e30)
        validate(sizes, inputs=integer(1), count=integer(1), frequency=above, scale=above)
        self.scale, self.features = scale, inputs + 2 * count
        self.register_buffer("frequencies", frequency * torch.randn(inputs, count))

    def forward(self, samples: Tensor) -> Tensor:
        phases = samples @ self.frequencies
        return torch.cat([samples / self.scale, phases.sin(), phases.cos()], 1)
