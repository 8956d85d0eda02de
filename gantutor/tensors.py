"""What functions of tensors refuse before they reckon: what is no tensor, is empty, or holds NaN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantutor.errors import InputError, kind


def need_tensors(**given: Any) -> None:
    """Raise InputError where one of what is given, by its name, is no tensor of real numbers.

    >>> need_tensors(images=[0.5])
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: images must be a tensor, not list
    """
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise InputError(f"{name} must be a tensor, not {kind(value)}")
        if value.is_complex():
            raise InputError(f"{name} must hold real numbers, not {_dtype(value)}")


def need_floats(**given: Any) -> None:
    """Raise InputError where one of what is given, by its name, is no tensor of floating-point numbers that
    are all finite, at least one.

    >>> need_floats(images=torch.zeros(2, dtype=torch.uint8))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: images must hold floating-point numbers, not uint8
    """
    need_tensors(**given)
    for name, value in given.items():
        if not value.is_floating_point():
            raise InputError(f"{name} must hold floating-point numbers, not {_dtype(value)}")
        if not value.numel():
            raise InputError(f"{name} must hold at least one number, and is of shape {tuple(value.shape)}")
        if not bool(value.isfinite().all()):
            raise InputError(f"{name} must hold finite numbers, and some are not finite (NaN or infinity)")


def need_labels(**given: Any) -> None:
    """Raise InputError where one of what is given, by its name, is no tensor of whole numbers.

    >>> need_labels(labels=torch.zeros(2))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: labels must hold whole numbers, not float32
    """
    need_tensors(**given)
    for name, value in given.items():
        if value.is_floating_point() or value.dtype == torch.bool:
            raise InputError(f"{name} must hold whole numbers, not {_dtype(value)}")


def need_one_shape(**given: Any) -> None:
    """Raise InputError as ``need_floats`` does, and where shapes differ.

    >>> need_one_shape(images=torch.zeros(2, 1), targets=torch.zeros(2))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: images and targets must be of one shape, not (2, 1) and (2,)
    """
    need_floats(**given)
    if len({value.shape for value in given.values()}) > 1:
        shapes = " and ".join(str(tuple(value.shape)) for value in given.values())
        raise InputError(f"{' and '.join(given)} must be of one shape, not {shapes}")


def refuse_not_finite(name: str, *tensors: Tensor) -> None:
    """Raise InputError where one of the tensors, together called ``name``, holds NaN or infinity.

    >>> refuse_not_finite("samples", torch.tensor([1.0, float("nan")]))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: the samples contain values that are not finite (NaN or infinity)
    """
    if not all(bool(tensor.isfinite().all()) for tensor in tensors):
        raise InputError(f"the {name} contain values that are not finite (NaN or infinity)")


def described(value: Any) -> str:
    """What a value is, for a sentence that refuses it: the type and shape of a tensor, the kind of the rest.

    >>> described(torch.zeros(2, 3)), described([0.5])
    ('torch.float32 of (2, 3)', 'list')
    """
    return f"{value.dtype} of {tuple(value.shape)}" if isinstance(value, Tensor) else kind(value)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
