"""Checks of what is passed to a plotting function, made before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from torch import Tensor

from gantutor._checks import MAX_SIDE, Rule, check_floats, integer, number
from gantutor._errors import InputError, type_name

MAX_COUNT = 1000
"""The largest number of columns, rows or points along a side that a figure may have."""

PANEL_COUNT = integer(1, MAX_COUNT)
"""The rule for numbers of columns and of rows."""


def matplotlib_axes() -> Rule:
    """Return the rule for matplotlib Axes; wrapped in ``optional`` it also allows None.

    >>> matplotlib_axes()(None)
    Traceback (most recent call last):
    ...
    ValueError: a panel of a figure (matplotlib Axes)
    """

    def check(value: Any) -> Any:
        if not isinstance(value, Axes):
            raise ValueError("a panel of a figure (matplotlib Axes)")
        return value

    return check


def figure_size() -> Rule:
    """Return the rule for the width and height of a figure, in inches.

    >>> figure_size()((6.4, 0))
    Traceback (most recent call last):
    ...
    ValueError: width and height in inches, two numbers greater than 0 and at most 600
    """
    inches = number(above=0, high=600)

    def check(value: Any) -> Any:
        try:
            width, height = value if isinstance(value, list | tuple) else ()
            return inches(width), inches(height)
        except ValueError:
            allowed = "width and height in inches, two numbers greater than 0 and at most 600"
            raise ValueError(allowed) from None

    return check


def sample_shape() -> Rule:
    """Return the rule for the shape of one sample.

    >>> sample_shape()((1, 28, -1))
    Traceback (most recent call last):
    ...
    ValueError: the shape of one sample, one to four whole numbers from 1 to 65,536
    """

    def check(value: Any) -> Any:
        sizes = value if isinstance(value, list | tuple) else ()
        if not 1 <= len(sizes) <= 4 or not all(type(size) is int and 1 <= size <= MAX_SIDE for size in sizes):
            allowed = f"the shape of one sample, one to four whole numbers from 1 to {MAX_SIDE:,}"
            raise ValueError(allowed)
        return value

    return check


def check_colours(count: int, allow_more: bool = False) -> Rule:
    """Return the rule for a list of colours, by any name that matplotlib knows.

    Args:
        count: the number of colours that are drawn.
        allow_more: whether a longer list is accepted.

    >>> check_colours(2)(["black", "#D55E00"])
    ['black', '#D55E00']
    """

    def check(value: Any) -> Any:
        is_list = isinstance(value, list | tuple) and all(map(is_color_like, value))
        if not is_list or len(value) < count or (len(value) > count and not allow_more):
            raise ValueError(f"a list of colours such as 'black', one for each of the {count} that are drawn")
        return value

    return check


def check_run(run: Any) -> None:
    """Raise InputError if ``run`` lacks an attribute that a Run has.

    >>> check_run("runs/digits")
    Traceback (most recent call last):
    ...
    gantutor.InputError: run must be a gantutor.Run, as train() returns it, not str
    """
    if not all(hasattr(run, name) for name in ("gan", "history", "snapshots", "gallery", "step")):
        raise InputError(f"run must be a gantutor.Run, as train() returns it, not {type_name(run)}")


def check_dict(**dicts: Any) -> None:
    """Raise InputError if one of the named arguments is not a dict or is empty.

    >>> check_dict(parts={})
    Traceback (most recent call last):
    ...
    gantutor.InputError: parts must be a dict of what is drawn by its name, and not empty
    """
    for name, value in dicts.items():
        if not isinstance(value, Mapping):
            raise InputError(f"{name} must be a dict of what is drawn by its name, not {type_name(value)}")
        if not value:
            raise InputError(f"{name} must be a dict of what is drawn by its name, and not empty")


def check_points(**tensors: Any) -> None:
    """Raise InputError if one of the named tensors does not hold finite points of the plane, shape (N, 2).

    >>> check_points(real=torch.zeros(5, 3))
    Traceback (most recent call last):
    ...
    gantutor.InputError: real must be points of a plane, of shape (count, 2), not (5, 3)
    """
    check_floats(**tensors)
    for name, value in tensors.items():
        if value.dim() != 2 or value.shape[1] != 2:
            shape = tuple(value.shape)
            raise InputError(f"{name} must be points of a plane, of shape (count, 2), not {shape}")


def to_float64(values: Any, name: str = "values") -> Tensor:
    """Return a list of numbers as a float64 tensor (N,); NaN is allowed.

    Args:
        values: the numbers.
        name: what an error message calls them.

    Raises:
        InputError: if ``values`` is not a list of real numbers.

    >>> to_float64([1, 2.5])
    tensor([1.0000, 2.5000], dtype=torch.float64)
    """
    is_list = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    if is_list and all(isinstance(value, Real) for value in values):
        return torch.tensor([float(value) for value in values], dtype=torch.float64)
    raise InputError(f"{name} must be a list of numbers, not {values!r:.60}")


def numbers(values: Any, name: str) -> Tensor:
    """Return a list of numbers, or a tensor (N,), as a float64 tensor (N,); NaN is allowed.

    Args:
        values: the numbers.
        name: what an error message calls them.

    Raises:
        InputError: if ``values`` is neither.

    >>> numbers(torch.tensor([1, 2]), "steps")
    tensor([1., 2.], dtype=torch.float64)
    """
    return to_float64(values.tolist() if isinstance(values, Tensor) else values, name)


def bar_length(value: float) -> float:
    """Return the length at which a bar is drawn: 0 where the value is not finite.

    >>> bar_length(2.5), bar_length(math.nan)
    (2.5, 0.0)
    """
    return value if math.isfinite(value) else 0.0
