"""What a picture refuses before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from torch import Tensor

from gantutor._checks import Rule, check_floats, integer, number
from gantutor._errors import InputError, type_name

MAX_POINTS = 1000
"""More columns, rows or lines than anybody can tell apart."""

MAX_PANELS = integer(1, MAX_POINTS)
"""The rule of columns and rows."""


def axes_or_none() -> Rule:
    """A panel of a figure.

    >>> axes_or_none()(None)
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
    """Width and height of a figure in inches.

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


def check_colours(count: int, spare: bool = False) -> Rule:
    """As many colours, by any name that matplotlib knows; more, where ``spare`` ones do no harm.

    >>> check_colours(2)(["black", "#D55E00"])
    ['black', '#D55E00']
    """

    def check(value: Any) -> Any:
        right = isinstance(value, list | tuple) and all(map(is_color_like, value))
        if not right or len(value) < count or (len(value) > count and not spare):
            raise ValueError(f"a list of colours such as 'black', one for each of the {count} that are drawn")
        return value

    return check


def check_trained(run: Any) -> None:
    """Raise InputError for what has not what a Run has.

    >>> check_trained("runs/digits")
    Traceback (most recent call last):
    ...
    gantutor.InputError: run must be a gantutor.Run, as train() gives it back, not str
    """
    if not all(hasattr(run, name) for name in ("gan", "history", "snapshots", "gallery", "step")):
        raise InputError(f"run must be a gantutor.Run, as train() gives it back, not {type_name(run)}")


def check_named(**given: Any) -> None:
    """Raise InputError where one of what is given is no dict with something in it.

    >>> check_named(parts={})
    Traceback (most recent call last):
    ...
    gantutor.InputError: parts must be a dict of what is drawn by its name, and not empty
    """
    for name, value in given.items():
        if not isinstance(value, Mapping):
            raise InputError(f"{name} must be a dict of what is drawn by its name, not {type_name(value)}")
        if not value:
            raise InputError(f"{name} must be a dict of what is drawn by its name, and not empty")


def check_points(**given: Any) -> None:
    """Raise InputError where one of what is given, by its name, is no tensor of points in the plane, all
    finite.

    >>> check_points(real=torch.zeros(5, 3))
    Traceback (most recent call last):
    ...
    gantutor.InputError: real must be points of a plane, of shape (count, 2), not (5, 3)
    """
    check_floats(**given)
    for name, value in given.items():
        if value.dim() != 2 or value.shape[1] != 2:
            shape = tuple(value.shape)
            raise InputError(f"{name} must be points of a plane, of shape (count, 2), not {shape}")


def to_column(values: Any, name: str = "values") -> Tensor:
    """A list of numbers as float64; NaN may be among them. Raises InputError for anything else.

    >>> to_column([1, 2.5])
    tensor([1.0000, 2.5000], dtype=torch.float64)
    """
    listed = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    if listed and all(isinstance(value, Real) for value in values):
        return torch.tensor([float(value) for value in values], dtype=torch.float64)
    raise InputError(f"{name} must be a list of numbers, not {values!r:.60}")


def drawable(value: float) -> float:
    """The length of a bar: what is not finite has none.

    >>> drawable(2.5), drawable(math.nan)
    (2.5, 0.0)
    """
    return value if math.isfinite(value) else 0.0
