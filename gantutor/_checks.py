"""Argument checks: rules for numbers, strings and paths, and checks of tensors."""

from __future__ import annotations

import functools
import inspect
import math
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from gantutor._errors import InputError, type_name


def check_tensors(**values: Any) -> None:
    """Check that arguments are tensors of real numbers.

    Args:
        **values: the arguments by name.

    Raises:
        InputError: if one of them is something else.

    >>> check_tensors(images=[0.5])
    Traceback (most recent call last):
    ...
    gantutor.InputError: images must be a tensor, not list
    """
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise InputError(f"{name} must be a tensor, not {type_name(value)}")
        if value.is_complex():
            raise InputError(f"{name} must hold real numbers, not {_dtype(value)}")


def check_floats(**tensors: Any) -> None:
    """Check that arguments are tensors of floating-point numbers, all finite and at least one.

    Args:
        **tensors: the arguments by name.

    Raises:
        InputError: if one of them is something else.

    >>> check_floats(images=torch.zeros(2, dtype=torch.uint8))
    Traceback (most recent call last):
    ...
    gantutor.InputError: images must hold floating-point numbers, not uint8
    """
    check_tensors(**tensors)
    for name, value in tensors.items():
        if not value.is_floating_point():
            raise InputError(f"{name} must hold floating-point numbers, not {_dtype(value)}")
        if not value.numel():
            raise InputError(f"{name} must hold at least one number, but has shape {tuple(value.shape)}")
        if not bool(value.isfinite().all()):
            raise InputError(f"{name} must hold finite numbers, but some are not finite (NaN or infinity)")


def check_integers(**tensors: Any) -> None:
    """Check that arguments are tensors of whole numbers.

    Args:
        **tensors: the arguments by name.

    Raises:
        InputError: if one of them is something else.

    >>> check_integers(labels=torch.zeros(2))
    Traceback (most recent call last):
    ...
    gantutor.InputError: labels must hold whole numbers, not float32
    """
    check_tensors(**tensors)
    for name, value in tensors.items():
        if value.is_floating_point() or value.dtype == torch.bool:
            raise InputError(f"{name} must hold whole numbers, not {_dtype(value)}")


def check_same_shape(**tensors: Any) -> None:
    """Check arguments as ``check_floats`` does, and that they have the same shape.

    Args:
        **tensors: the arguments by name.

    Raises:
        InputError: if one of them is something else, or the shapes differ.

    >>> check_same_shape(images=torch.zeros(2, 1), targets=torch.zeros(2))
    Traceback (most recent call last):
    ...
    gantutor.InputError: images and targets must be of one shape, not (2, 1) and (2,)
    """
    check_floats(**tensors)
    if len({value.shape for value in tensors.values()}) > 1:
        shapes = " and ".join(str(tuple(value.shape)) for value in tensors.values())
        raise InputError(f"{' and '.join(tensors)} must be of one shape, not {shapes}")


def check_finite(name: str, *tensors: Tensor) -> None:
    """Check that tensors hold finite values.

    Args:
        name: what the tensors are called together.
        *tensors: the tensors.

    Raises:
        InputError: if one of them holds NaN or infinity.

    >>> check_finite("samples", torch.tensor([1.0, float("nan")]))
    Traceback (most recent call last):
    ...
    gantutor.InputError: the samples contain values that are not finite (NaN or infinity)
    """
    if not all(bool(tensor.isfinite().all()) for tensor in tensors):
        raise InputError(f"the {name} contain values that are not finite (NaN or infinity)")


def describe_value(value: Any) -> str:
    """Describe a value for an error message: dtype and shape of a tensor, the type of anything else.

    >>> describe_value(torch.zeros(2, 3)), describe_value([0.5])
    ('torch.float32 of (2, 3)', 'list')
    """
    return f"{value.dtype} of {tuple(value.shape)}" if isinstance(value, Tensor) else type_name(value)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


Rule = Callable[[Any], Any]
"""Takes a value and returns it, or raises ValueError with what is allowed: ``integer(1)`` is one."""

MAX_INT = 2**63 - 1
"""The largest whole number that a tensor can hold."""

MAX_SIDE = 65_536
"""Upper limit for the sides of images, clips and layers, in pixels, frames or units."""


def validate(values: Mapping[str, Any], **rules: Rule) -> None:
    """Check values by name, each against its rule.

    Args:
        values: the values by name, such as ``{"seed": 3}``; names without a rule are not looked at.
        **rules: for each name a rule, such as ``integer(0)``.

    Raises:
        InputError: if a name is missing or a value breaks its rule; the message says what is allowed.

    >>> validate({"preset": "cpu", "seed": 3}, preset=one_of("smoke", "cpu", "gpu"), seed=integer(0))
    >>> validate({"seed": -3}, seed=integer(0))
    Traceback (most recent call last):
    ...
    gantutor.InputError: seed must be a whole number of at least 0, not -3
    """
    if not isinstance(values, Mapping):
        raise InputError(f"the namespace must be a dict such as globals(), not {type_name(values)}")
    for name, rule in rules.items():
        if name not in values:
            raise InputError(f"the parameter {name!r} is missing: the parameters are: {', '.join(rules)}")
        try:
            rule(values[name])
        except ValueError as requirement:
            raise InputError(f"{name} must be {requirement}, not {reprlib.repr(values[name])}") from None


P = ParamSpec("P")
T = TypeVar("T")


def checked(**rules: Rule) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that checks arguments of a public function before it runs.

    Only arguments that are given are checked, not defaults; a call that does not fit the signature raises
    Python's own TypeError.

    Args:
        **rules: for each checked parameter a rule, such as ``integer(1)``.

    >>> @checked(count=integer(1))
    ... def draw(count: int = 3) -> int: return count
    >>> draw(), draw(2)
    (3, 2)
    >>> draw(count=0)
    Traceback (most recent call last):
    ...
    gantutor.InputError: count must be a whole number of at least 1, not 0
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def check_and_call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                arguments = signature.bind(*args, **kwargs).arguments
            except TypeError:
                return function(*args, **kwargs)  # raises it again, in the caller's words
            validate(arguments, **{name: rule for name, rule in rules.items() if name in arguments})
            return function(*args, **kwargs)

        return check_and_call

    return decorate


def one_of(*values: Any) -> Rule:
    """Return a rule that allows a few values, of exactly the same type.

    Args:
        *values: the values.

    >>> one_of("smoke", "cpu", "gpu")("cpu")
    'cpu'
    >>> one_of(1, 2)(True)
    Traceback (most recent call last):
    ...
    ValueError: one of 1, 2
    """
    requirement = "one of " + ", ".join(repr(value) for value in values)

    def check(value: Any) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in values):
            raise ValueError(requirement)
        return value

    return check


def integer(low: int, high: int | None = None) -> Rule:
    """Return a rule that allows whole numbers; ``2.0`` and ``True`` do not count as such.

    Args:
        low: the smallest number allowed.
        high: the largest number allowed; ``MAX_INT`` if None.

    >>> integer(1, 9)(9)
    9
    >>> integer(1, 9)(2.0)
    Traceback (most recent call last):
    ...
    ValueError: a whole number from 1 to 9
    """
    requirement = (
        f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    )

    def check(value: Any) -> Any:
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        if is_integer and high is None and value > MAX_INT:
            raise ValueError(f"a whole number from {low} to 2⁶³ − 1")
        if not is_integer or value < low or (high is not None and value > high):
            raise ValueError(requirement)
        return value

    return check


def number(low: float | None = None, high: float | None = None, above: float | None = None) -> Rule:
    """Return a rule that allows finite numbers.

    Args:
        low: the smallest number allowed.
        high: the largest number allowed.
        above: the number must be greater than this.

    >>> number(above=0, high=1)(0.5)
    0.5
    >>> number(above=0, high=1)(0)
    Traceback (most recent call last):
    ...
    ValueError: a number greater than 0 and at most 1
    """
    bounds = [f"of at least {low}"] if low is not None else []
    bounds += [f"greater than {above}"] if above is not None else []
    bounds += [f"at most {high}" if bounds else f"of at most {high}"] if high is not None else []
    requirement = "a number " + " and ".join(bounds) if bounds else "a finite number"

    def check(value: Any) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf
        if (
            not is_number
            or (low is not None and value < low)
            or (above is not None and value <= above)
            or (high is not None and value > high)
        ):
            raise ValueError(requirement)
        return value

    return check


def boolean() -> Rule:
    """Return a rule that allows ``True`` and ``False``, but not 1 and 0.

    >>> boolean()(True)
    True
    """

    def check(value: Any) -> Any:
        if not isinstance(value, bool):
            raise ValueError("True or False")
        return value

    return check


def function() -> Rule:
    """Return a rule that allows functions, classes and anything else that can be called.

    >>> function()(print)
    <built-in function print>
    """

    def check(value: Any) -> Any:
        if not callable(value):
            raise ValueError("a function")
        return value

    return check


def string() -> Rule:
    """Return a rule that allows strings that are not empty.

    >>> string()("digits")
    'digits'
    """

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("a text in quotes")
        return value

    return check


def check_path(path: Any, name: str = "path") -> Path:
    """Return a path as a ``Path``, with the home folder in the place of ``~``.

    Args:
        path: a string or a ``Path``.
        name: what the argument is called in messages.

    Raises:
        InputError: if it is something else, or holds a null character, or the home folder that ``~`` stands
            for is not known.

    >>> check_path("runs/digits").name
    'digits'
    """
    if not isinstance(path, str | Path) or "\0" in str(path):
        raise InputError(f"{name} must be the path of a file or a folder, not {path!r}")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"the home folder in {path} is not known: write the full path") from None


def optional(rule: Rule) -> Rule:
    """Return a rule that allows None, and whatever another rule allows.

    Args:
        rule: the other rule.

    >>> optional(integer(1))(None)
    >>> optional(integer(1))(0)
    Traceback (most recent call last):
    ...
    ValueError: None or a whole number of at least 1
    """

    def check(value: Any) -> Any:
        if value is None:
            return None
        try:
            return rule(value)
        except ValueError as requirement:
            raise ValueError(f"None or {requirement}") from None

    return check


def available_devices() -> list[str]:
    """Return the names of the devices that torch can use here.

    >>> available_devices()[0]
    'cpu'
    """
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    if torch.cuda.is_available():
        devices += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    return devices


def device_name() -> Rule:
    """Return a rule that allows ``"auto"``, names of available devices, and ``"gpu"`` if one is a GPU.

    >>> device_name()("auto")
    'auto'
    """

    def check(value: Any) -> Any:
        devices = available_devices()
        names = ("auto", *devices, *(["gpu"] if len(devices) > 1 else []))
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"'auto' or one of the devices that torch can use here ({', '.join(devices)})")
        return value

    return check


def check_device(name: str) -> None:
    """Check the name of a device.

    Args:
        name: the name.

    Raises:
        InputError: if it is neither ``"auto"`` nor an available device.

    >>> check_device("abacus")
    Traceback (most recent call last):
    ...
    gantutor.InputError: device must be 'auto' or one of the devices that torch can use here (...
    """
    validate({"device": name}, device=device_name())
