"""Conditions: None, a tensor with one row for each sample, or a tuple of such tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_floats
from gantutor._errors import InputError
from gantutor._tree import tree_map


def parts_of(conditions: Any) -> tuple[Tensor, ...]:
    """Return the tensors of conditions as a tuple.

    >>> parts_of(None), parts_of(torch.tensor([7]))
    ((), (tensor([7]),))
    """
    return conditions if isinstance(conditions, tuple) else () if conditions is None else (conditions,)


def join(parts: tuple[Any, ...]) -> Any:
    """Return a tuple of tensors as conditions: None for none, the tensor for one, the tuple for several.

    >>> join(()), join((torch.tensor([7]),))
    (None, tensor([7]))
    """
    return None if not parts else parts[0] if len(parts) == 1 else parts


def rows(conditions: Any, selection: slice) -> Any:
    """Return the conditions of a slice of the samples.

    >>> rows(torch.arange(5), slice(2)), rows(None, slice(2))
    (tensor([0, 1]), None)
    """
    return tree_map(lambda part: part[selection], conditions)


def cycle_rows(conditions: Any, count: int, start: int = 0) -> Any:
    """Return ``count`` conditions in order, starting again from the first after the last.

    Args:
        conditions: conditions in any form.
        count: number of conditions to return.
        start: index of the first one.

    >>> cycle_rows(torch.tensor([5, 6, 7]), 4, start=1)
    tensor([6, 7, 5, 6])
    """
    return tree_map(
        lambda part: part[torch.arange(start, start + count, device=part.device) % len(part)], conditions
    )


def expand_condition(condition: Any, count: int, device: torch.device) -> Any:
    """Return one condition for each of ``count`` samples.

    Args:
        condition: one label for all samples, one condition for each, or a tuple, which stays as it is.
        count: number of samples.
        device: where the conditions go.

    Raises:
        InputError: if there is another number of conditions, or they cannot be made a tensor.

    >>> expand_condition(7, 3, torch.device("cpu"))
    tensor([7, 7, 7])
    """
    if isinstance(condition, tuple):
        return condition
    try:
        condition = torch.as_tensor(condition, device=device)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"condition must be a label or a tensor of conditions, not {condition!r}") from None
    if condition.dim() == 0:
        return condition.expand(count)
    if len(condition) != count:
        raise InputError(
            f"condition must be one label, or {count} labels, one for each sample, "
            f"not of shape {tuple(condition.shape)}"
        )
    return condition


def check_same_length(latents: Any, conditions: Any) -> None:
    """Check that there are finite latents, and as many conditions, if there are any.

    Args:
        latents: the latents, (N, …).
        conditions: conditions in any form.

    Raises:
        InputError: if that is not so.

    >>> check_same_length(torch.zeros(2, 3), torch.arange(5))
    Traceback (most recent call last):
    ...
    gantutor.InputError: there must be at least one latent and a condition for each, not 2 latents ...
    """
    condition_parts = parts_of(conditions)
    if not all(isinstance(part, Tensor) and part.dim() for part in (latents, *condition_parts)):
        raise InputError("latents and conditions must be tensors of shape (count, …)")
    if not len(latents) or any(len(part) != len(latents) for part in condition_parts):
        raise InputError(
            f"there must be at least one latent and a condition for each, not {len(latents)} latents "
            f"and {' and '.join(str(len(part)) for part in condition_parts) or 'no'} conditions"
        )
    if latents.is_floating_point():
        check_floats(latents=latents)
