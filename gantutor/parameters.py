"""Parameters of a notebook, checked before anything else runs: a wrong one ends in one sentence.

A rule is a function that returns the value it was given, or raises ValueError with the words that complete
"… must be". Any function of that kind will do, beside those written here.
"""

from __future__ import annotations

import ast
import math
import reprlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from gantutor.errors import InputError, kind

Rule = Callable[[Any], Any]
"""Takes what was given, and returns the value to use or raises InputError: ``whole(1)`` is one."""

MOST_WHOLE = 2**63 - 1
"""The largest whole number that a tensor holds."""

MOST_SIDE = 65_536
"""More than any picture, clip or layer here has along one side."""

FIRST_LINE = "# Parameters"
"""How a cell of parameters begins: the notebook's own, and the one that papermill puts after it."""


def validate(namespace: Mapping[str, Any], **rules: Rule) -> None:
    """Check the parameters of a notebook: each named one against its rule, and that no other was given.

    ``namespace`` is the notebook's ``globals()``. IPython keeps the text of the cells there (``In``), and
    those that begin with ``# Parameters`` are read for names that have no rule: a misspelt parameter would
    otherwise pass unseen. Raises InputError, which names the parameter, its value and what is allowed.

    >>> validate({"preset": "cpu", "seed": 3}, preset=one_of("smoke", "cpu", "gpu"), seed=whole(0))
    >>> validate({"seed": -3}, seed=whole(0))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: seed must be a whole number of at least 0, not -3
    >>> validate({"In": ["", "# Parameters\\nseed = 0", "# Parameters\\nsed = 3"], "seed": 0}, seed=whole(0))
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: unknown parameter 'sed': did you mean 'seed'? The parameters are: seed
    """
    if not isinstance(namespace, Mapping):
        raise InputError(f"the namespace must be a dict such as globals(), not {kind(namespace)}")
    known = ", ".join(rules)
    for name in _assigned(namespace.get("In", []), set(rules)):
        if name not in rules:
            near = get_close_matches(name, rules, n=1)
            hint = f"did you mean {near[0]!r}? The" if near else "the"
            raise InputError(f"unknown parameter {name!r}: {hint} parameters are: {known}")
    for name, rule in rules.items():
        if name not in namespace:
            raise InputError(f"the parameter {name!r} is missing: the parameters are: {known}")
        try:
            rule(namespace[name])
        except ValueError as allowed:
            raise InputError(f"{name} must be {allowed}, not {reprlib.repr(namespace[name])}") from None


def _assigned(inputs: list[str], names: set[str]) -> list[str]:
    """Names assigned by the newest cell that sets all ``names``, and by the cells of parameters run after it.

    Older runs of the cell do not count, so that a mistake can be corrected without a new kernel.
    """
    found: list[str] = []
    for source in reversed(inputs):
        if source.lstrip().startswith(FIRST_LINE):
            here = _names_set_by(source)
            found = here + found
            if names <= set(here):
                break
    return found


def _names_set_by(source: str) -> list[str]:
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # such a cell did not run either
        return []
    targets: list[ast.expr] = []
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return [target.id for target in targets if isinstance(target, ast.Name)]


def one_of(*values: Any) -> Rule:
    """One of a few values, of the same type as well.

    >>> one_of("smoke", "cpu", "gpu")("cpu")
    'cpu'
    >>> one_of(1, 2)(True)
    Traceback (most recent call last):
    ...
    ValueError: one of 1, 2
    """
    allowed = "one of " + ", ".join(repr(value) for value in values)

    def check(value: Any) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in values):
            raise ValueError(allowed)
        return value

    return check


def whole(low: int, high: int | None = None) -> Rule:
    """A whole number of at least ``low`` and, where given, at most ``high``; ``2.0`` and ``True`` are none.

    >>> whole(1, 9)(9)
    9
    >>> whole(1, 9)(2.0)
    Traceback (most recent call last):
    ...
    ValueError: a whole number from 1 to 9
    """
    allowed = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"

    def check(value: Any) -> Any:
        right = isinstance(value, int) and not isinstance(value, bool)
        if right and high is None and value > MOST_WHOLE:
            raise ValueError(f"a whole number from {low} to 2⁶³ − 1")
        if not right or value < low or (high is not None and value > high):
            raise ValueError(allowed)
        return value

    return check


def number(low: float | None = None, high: float | None = None, above: float | None = None) -> Rule:
    """A finite number: at least ``low``, greater than ``above``, at most ``high``, as far as they are given.

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
    allowed = "a number " + " and ".join(bounds) if bounds else "a finite number"

    def check(value: Any) -> Any:
        right = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf
        if (
            not right
            or (low is not None and value < low)
            or (above is not None and value <= above)
            or (high is not None and value > high)
        ):
            raise ValueError(allowed)
        return value

    return check


def flag() -> Rule:
    """``True`` or ``False``, and neither 1 nor 0.

    >>> flag()(True)
    True
    """

    def check(value: Any) -> Any:
        if not isinstance(value, bool):
            raise ValueError("True or False")
        return value

    return check


def function() -> Rule:
    """A function, or a class or whatever else can be called.

    >>> function()(print)
    <built-in function print>
    """

    def check(value: Any) -> Any:
        if not callable(value):
            raise ValueError("a function")
        return value

    return check


def text() -> Rule:
    """A string with something in it.

    >>> text()("digits")
    'digits'
    """

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("a text in quotes")
        return value

    return check


def a_path(given: Any, name: str = "path") -> Path:
    """A path as a Path; raises InputError for anything but a string or a Path.

    >>> a_path("runs/digits").name
    'digits'
    """
    if not isinstance(given, str | Path) or "\0" in str(given):
        raise InputError(f"{name} must be the path of a file or a folder, not {given!r}")
    return Path(given)


def optional(rule: Rule) -> Rule:
    """``None``, or what the rule allows.

    >>> optional(whole(1))(None)
    >>> optional(whole(1))(0)
    Traceback (most recent call last):
    ...
    ValueError: None or a whole number of at least 1
    """

    def check(value: Any) -> Any:
        if value is None:
            return None
        try:
            return rule(value)
        except ValueError as allowed:
            raise ValueError(f"None or {allowed}") from None

    return check


def available_devices() -> list[str]:
    """The devices that torch can use here, by name.

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
    """``"auto"``, or the name of a device that is there.

    >>> device_name()("auto")
    'auto'
    """

    def check(value: Any) -> Any:
        devices = available_devices()
        if not isinstance(value, str) or value not in ("auto", *devices):
            raise ValueError(f"'auto' or one of the devices that torch can use here ({', '.join(devices)})")
        return value

    return check


def check_device(name: str) -> None:
    """Raise InputError where ``name`` is neither ``"auto"`` nor a device that is there.

    >>> check_device("abacus")
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: device must be 'auto' or one of the devices that torch can use here (...
    """
    validate({"device": name}, device=device_name())
