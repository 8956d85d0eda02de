"""How networks are called, and what is made of the answers: conditions or none, several heads, 16 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def apply(network: Callable[..., Any], inputs: Any, condition: Any = None) -> Any:
    """``network(inputs)``, or ``network(inputs, condition)`` where there is a condition; what it gives is in
    full precision, whatever it computed in."""
    return as_float32(network(inputs) if condition is None else network(inputs, condition))


def as_float32(made: Any) -> Any:
    """Tensors of 16-bit floats, alone or in a tuple, as float32: losses and penalties need the digits.

    >>> as_float32((torch.ones(1, dtype=torch.bfloat16), None))
    (tensor([1.]), None)
    """
    if isinstance(made, tuple):
        return tuple(as_float32(part) for part in made)
    half = isinstance(made, Tensor) and made.dtype in (torch.bfloat16, torch.float16)
    return made.float() if half else made


def detach(samples: Any) -> Any:
    """The same samples, cut off from the network that made them."""
    return tuple(part.detach() for part in samples) if isinstance(samples, tuple) else samples.detach()


def sum_over_heads(loss: Callable[[Tensor, Tensor], Tensor], real_logits: Any, fake_logits: Any) -> Tensor:
    """The loss of logits; summed over the heads where a discriminator gives a tuple of them."""
    if isinstance(real_logits, tuple):
        return torch.stack(
            [loss(real, fake) for real, fake in zip(real_logits, fake_logits, strict=True)]
        ).sum()
    return loss(real_logits, fake_logits)


def mean_logit(logits: Any) -> Tensor:
    """The mean over samples and heads, for the record alone."""
    if isinstance(logits, tuple):
        return torch.stack([head.detach().mean() for head in logits]).mean()
    mean: Tensor = logits.detach().mean()
    return mean
