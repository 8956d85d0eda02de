"""How networks are called: with or without a condition, with one output or several, in 16 or 32 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

HALF_PRECISION = (torch.bfloat16, torch.float16)
"""The floating-point types of 16 bits."""


def apply(network: Callable[..., Any], inputs: Any, condition: Any = None) -> Any:
    """Call a network on inputs, and on a condition if there is one.

    Args:
        network: a network or function.
        inputs: its first argument.
        condition: its second argument, left out if None.

    Returns:
        What the network returns, with tensors of 16-bit floats converted to float32.

    >>> apply(lambda x, condition=None: (x, condition), torch.ones(1))
    (tensor([1.]), None)
    """
    return as_float32(network(inputs) if condition is None else network(inputs, condition))


def as_float32(outputs: Any) -> Any:
    """Convert 16-bit floats, in a tensor or a tuple of tensors, to float32.

    Losses and penalties need the digits.

    Args:
        outputs: what a network returned; everything else stays as it is.

    >>> as_float32((torch.ones(1, dtype=torch.bfloat16), None))
    (tensor([1.]), None)
    """
    if isinstance(outputs, tuple):
        return tuple(as_float32(part) for part in outputs)
    half = isinstance(outputs, Tensor) and outputs.dtype in HALF_PRECISION
    return outputs.float() if half else outputs


def detach(samples: Any) -> Any:
    """Return the same samples, a tensor or a tuple of tensors, detached from the network that made them."""
    return tuple(part.detach() for part in samples) if isinstance(samples, tuple) else samples.detach()


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode inside the block, and restore the mode of each module after it.

    >>> network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(1).eval())
    >>> with evaluation_mode(network): network[0].training
    False
    >>> network[0].training, network[1].training
    (True, False)
    """
    modes = [(module, module.training) for module in network.modules()]
    try:
        network.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training


def sum_over_heads(loss: Callable[[Tensor, Tensor], Tensor], real_logits: Any, fake_logits: Any) -> Tensor:
    """Return the loss of logits, summed over the heads of a discriminator that returns a tuple of them.

    Args:
        loss: function of real and fake logits that returns a scalar.
        real_logits: a tensor, or a tuple of tensors.
        fake_logits: the same for generated samples.
    """
    if isinstance(real_logits, tuple):
        return torch.stack(
            [loss(real, fake) for real, fake in zip(real_logits, fake_logits, strict=True)]
        ).sum()
    return loss(real_logits, fake_logits)


def mean_logit(logits: Any) -> Tensor:
    """Return the mean logit over samples and heads, detached: it is recorded only."""
    if isinstance(logits, tuple):
        return torch.stack([head.detach().mean() for head in logits]).mean()
    mean: Tensor = logits.detach().mean()
    return mean
