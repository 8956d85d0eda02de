"""Fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, function, integer, number, validate
from gantutor._errors import InputError


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
    validate(sizes_given, inputs=integer(1), outputs=integer(1), width=integer(1), depth=integer(1))
    validate({"activation": activation}, activation=function())
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
        self.shape = _checked(shape)
        self.layers = fully_connected(latent, math.prod(self.shape), width, depth, activation)
        validate({"output": output}, output=function())
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
        self.layers = fully_connected(math.prod(_checked(shape)), 1, width, depth, activation)

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.layers(samples.flatten(1) / self.scale)
        return logits.squeeze(1)


def _checked(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of samples; raises InputError for anything but whole numbers in a tuple or list."""
    sides = list(shape) if isinstance(shape, tuple | list) else []
    if not sides or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise InputError(f"shape must be whole numbers from 1 to {MAX_SIDE:,} in a tuple, not {shape!r}")
    return tuple(sides)
