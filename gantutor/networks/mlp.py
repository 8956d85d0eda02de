"""Fully connected generator and discriminator."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, checked, function, integer, number
from gantutor._errors import InputError


@checked(inputs=integer(1), outputs=integer(1), width=integer(1), depth=integer(1), activation=function())
def fully_connected(
    inputs: int, outputs: int, width: int = 100, depth: int = 2, activation: Callable[[], nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Return a fully connected network that maps (N, inputs) to (N, outputs).

    Args:
        inputs: number of inputs, at least 1.
        outputs: number of outputs, at least 1; the output layer is linear.
        width: units in a hidden layer, at least 1.
        depth: number of hidden layers, at least 1.
        activation: makes the activation that follows each hidden layer, such as ``nn.ReLU``.

    Raises:
        InputError: if a size is not a whole number of at least 1, or ``activation`` cannot be called.

    >>> import torch
    >>> fully_connected(2, 1, width=8, depth=2)(torch.zeros(5, 2)).shape
    torch.Size([5, 1])
    """
    sizes = [inputs, *[width] * depth]
    hidden = [
        layer for size, next_size in pairwise(sizes) for layer in (nn.Linear(size, next_size), activation())
    ]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


class MLPGenerator(nn.Module):
    """A fully connected generator: latents (N, latent) to samples of any shape.

    Args:
        latent: dimension of the latents, at least 1.
        shape: shape of one sample, such as ``(1, 28, 28)``.
        width: units in a hidden layer, at least 1.
        depth: number of hidden layers, at least 1.
        activation: makes the activation that follows each hidden layer.
        output: makes the last activation: ``nn.Tanh`` for data in [−1, 1], ``nn.Identity`` for unbounded
            data.

    Raises:
        InputError: if a size is not a whole number of at least 1, or an activation cannot be called.

    >>> import torch
    >>> MLPGenerator(2, (2,))(torch.zeros(5, 2)).shape
    torch.Size([5, 2])
    >>> MLPGenerator(64, (1, 28, 28), output=nn.Tanh)(torch.zeros(5, 64)).shape
    torch.Size([5, 1, 28, 28])
    """

    @checked(output=function())
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
        self.shape = _check_shape(shape)
        self.layers = fully_connected(latent, math.prod(self.shape), width, depth, activation)
        self.output = output()

    def forward(self, latent: Tensor) -> Tensor:
        samples: Tensor = self.output(self.layers(latent))
        return samples.view(len(latent), *self.shape)


class MLPDiscriminator(nn.Module):
    """A fully connected discriminator: samples of any shape to logits (N,).

    Args:
        shape: shape of one sample, such as ``(1, 28, 28)``.
        width: units in a hidden layer, at least 1.
        depth: number of hidden layers, at least 1.
        activation: makes the activation that follows each hidden layer.
        scale: divides the samples, so that the network's inputs are about 1; greater than 0.

    Raises:
        InputError: if a size is not a whole number of at least 1, ``scale`` is not greater than 0, or the
            activation cannot be called.

    >>> import torch
    >>> MLPDiscriminator((1, 28, 28))(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5])
    """

    @checked(scale=number(above=0))
    def __init__(
        self,
        shape: tuple[int, ...] = (1, 28, 28),
        width: int = 100,
        depth: int = 2,
        activation: Callable[[], nn.Module] = nn.ReLU,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.layers = fully_connected(math.prod(_check_shape(shape)), 1, width, depth, activation)

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.layers(samples.flatten(1) / self.scale)
        return logits.squeeze(1)


def _check_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape as a tuple; raise InputError if it does not consist of whole numbers of at least 1."""
    sides = list(shape) if isinstance(shape, tuple | list) else []
    if not sides or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise InputError(f"shape must be whole numbers from 1 to {MAX_SIDE:,} in a tuple, not {shape!r}")
    return tuple(sides)
