"""What every score refuses before it measures."""

from __future__ import annotations

from torch import Tensor

from gantutor.errors import InputError


def refuse_not_finite(name: str, *tensors: Tensor) -> None:
    """Raise InputError where one of the tensors, together called ``name``, holds NaN or infinity.

    >>> import torch
    >>> refuse_not_finite("samples", torch.tensor([1.0, float("nan")]))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: the samples contain values that are not finite (NaN or infinity)
    """
    if not all(bool(tensor.isfinite().all()) for tensor in tensors):
        raise InputError(f"the {name} contain values that are not finite (NaN or infinity)")
