"""Conditions in the forms they come in: None, a tensor with a row a sample, or a tuple of such tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_floats
from gantutor._errors import InputError


def parts_of(conditions: Any) -> tuple[Tensor, ...]:
    """The tensors that conditions consist of: none, one, or several.

    >>> parts_of(None), parts_of(torch.tensor([7]))
    ((), (tensor([7]),))
    """
    return conditions if isinstance(conditions, tuple) else () if conditions is None else (conditions,)


def join(parts: tuple[Any, ...]) -> Any:
    """Parts as conditions: None of none, one as it is, several as a tuple.

    >>> join(()), join((torch.tensor([7]),))
    (None, tensor([7]))
    """
    return None if not parts else parts[0] if len(parts) == 1 else parts


def map_tensors(conditions: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same change to every part; the form stays.

    >>> map_tensors((torch.tensor([7]), torch.tensor([1.5])), lambda part: 2 * part)
    (tensor([14]), tensor([3.]))
    """
    if conditions is None:
        return None
    return tuple(map(change, conditions)) if isinstance(conditions, tuple) else change(conditions)


def rows(conditions: Any, chosen: slice) -> Any:
    """Those of some of the samples.

    >>> rows(torch.arange(5), slice(2)), rows(None, slice(2))
    (tensor([0, 1]), None)
    """
    return map_tensors(conditions, lambda part: part[chosen])


def cycle_rows(conditions: Any, count: int, start: int = 0) -> Any:
    """``count`` of them in order, from place ``start``, and from the first again where they end.

    >>> cycle_rows(torch.tensor([5, 6, 7]), 4, start=1)
    tensor([6, 7, 5, 6])
    """
    return map_tensors(
        conditions, lambda part: part[torch.arange(start, start + count, device=part.device) % len(part)]
    )


def expand_condition(condition: Any, count: int, device: torch.device) -> Any:
    """What a user gave, a label for all or a condition for each of ``count`` samples, as one for each.

    A tuple stays as it is. Raises InputError for anything else, and for another number of conditions.

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
            f"condition must be one label, or {count} of them, one a sample, "
            f"not of shape {tuple(condition.shape)}"
        )
    return condition


def check_same_length(latents: Any, conditions: Any) -> None:
    """Raise InputError unless there are latents, all finite, and a condition for each where there are any.

    >>> check_same_length(torch.zeros(2, 3), torch.arange(5))
    Traceback (most recent call last):
    ...
    gantutor.InputError: there must be at least one latent and a condition for each, not 2 latents ...
    """
    given = parts_of(conditions)
    if not all(isinstance(part, Tensor) and part.dim() for part in (latents, *given)):
        raise InputError("latents and conditions must be tensors of shape (count, …)")
    if not len(latents) or any(len(part) != len(latents) for part in given):
        raise InputError(
            f"there must be at least one latent and a condition for each, not {len(latents)} latents "
            f"and {' and '.join(str(len(part)) for part in given) or 'no'} conditions"
        )
    if latents.is_floating_point():
        check_floats(latents=latents)
