"""Fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from gantutor.parameters import number, validate, whole


def fully_connected(
    inputs: int, outputs: int, width: int = 100, depth: int = 2, activation: Callable[[], nn.Module] = nn.ReLU
) -> nn.Sequential:
    """``depth`` hidden layers of ``width`` units, each with an activation, and a linear output layer.

    Maps (N, ``inputs``) to (N, ``outputs``); raises InputError unless all sizes are whole numbers ≥ 1.

    >>> import torch
    >>> fully_connected(2, 1, width=8, depth=2)(torch.zeros(5, 2)).shape
    torch.Size([5, 1])
    """
    sizes_given = {"inputs": inputs, "outputs": outputs, "width": width, "depth": depth}
    validate(sizes_given, inputs=whole(1), outputs=whole(1), width=whole(1), depth=whole(1))
    sizes = [inputs, *[width] * depth]
    hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), activation())]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


class MLPGenerator(nn.Module):
    """Latents (N, ``latent``) → samples (N, *``shape``); pass ``output=nn.Tanh`` for data in [−1, 1].

    >>> import torch
    >>> MLPGenerator(2, (2,))(torch.zeros(5, 2)).shape
    torch.Size([5, 2])
    >>> MLPGenerator(64, (1, 28, 28), output=nn.Tanh)(torch.zeros(5, 64)).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self,
        latent: int = 64,
        shape: tuple[int, ...] = (1, 28, 28),
        width: int = 100,
        depth: int = 2,
        activation: Callable[[], nn.Module] = nn.ReLU,
        output: Callable[[], nn.Module] = nn.Identity,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.layers = fully_connected(latent, math.prod(shape), width, depth, activation)
        self.output = output()

    def forward(self, latent: Tensor) -> Tensor:
        samples: Tensor = self.output(self.layers(latent))
        return samples.view(len(latent), *self.shape)


class MLPDiscriminator(nn.Module):
    """Samples (N, *``shape``), divided by ``scale`` → logits (N,).

    >>> import torch
    >>> MLPDiscriminator((1, 28, 28))(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        shape: tuple[int, ...] = (1, 28, 28),
        width: int = 100,
        depth: int = 2,
        activation: Callable[[], nn.Module] = nn.ReLU,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        validate({"scale": scale}, scale=number(above=0))
        self.scale = scale
        self.layers = fully_connected(math.prod(shape), 1, width, depth, activation)

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.layers(samples.flatten(1) / self.scale)
        return logits.squeeze(1)
