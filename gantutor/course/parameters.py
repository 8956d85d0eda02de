"""Checks of a notebook's parameters: rules for their values, and a test for misspelt names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import torch

from gantutor import _checks
from gantutor._checks import (
    Rule,
    available_devices,
    boolean,
    device_name,
    function,
    integer,
    number,
    one_of,
    optional,
    string,
)
from gantutor._errors import InputError
from gantutor.training.device import resolve_device

__all__ = [
    "available_devices",
    "boolean",
    "choose_device",
    "device_name",
    "function",
    "integer",
    "number",
    "one_of",
    "optional",
    "string",
    "validate",
]

FIRST_LINE = "# Parameters"
"""The first line of a cell of parameters: the notebook's own, and the one that papermill puts after it."""


def validate(namespace: Mapping[str, Any], **rules: Rule) -> None:
    """Check the parameters of a notebook, each against its rule, and refuse names that have none.

    IPython keeps the text of the cells that ran in ``namespace["In"]``. Those that begin with
    ``# Parameters`` are read for assigned names: a misspelt parameter would otherwise pass unseen.

    Args:
        namespace: the notebook's ``globals()``.
        **rules: for each parameter a rule, such as ``integer(0)``.

    Raises:
        InputError: if a parameter is unknown, missing or breaks its rule; the message says what is allowed.

    >>> validate({"preset": "cpu", "seed": 3}, preset=one_of("smoke", "cpu", "gpu"), seed=integer(0))
    >>> cells = ["", "# Parameters\\nseed = 0", "# Parameters\\nsed = 3"]
    >>> validate({"In": cells, "seed": 0}, seed=integer(0))
    Traceback (most recent call last):
    ...
    gantutor.InputError: unknown parameter 'sed': did you mean 'seed'? The parameters are: seed
    """
    cells = namespace.get("In", []) if isinstance(namespace, Mapping) else []
    for name in _assigned(cells, set(rules)):
        if name not in rules:
            matches = get_close_matches(name, rules, n=1)
            hint = f"did you mean {matches[0]!r}? The" if matches else "the"
            raise InputError(f"unknown parameter {name!r}: {hint} parameters are: {', '.join(rules)}")
    _checks.validate(namespace, **rules)


def choose_device(preset: str, device: str = "auto") -> torch.device:
    """Return the device of a notebook: with the preset ``"gpu"`` alone it is the GPU.

    Args:
        preset: the notebook's preset. ``"gpu"`` takes CUDA if it is there, and MPS on a Mac otherwise.
        device: a device that is asked for by name goes before the preset; ``"auto"`` leaves it to the
            preset.

    Raises:
        InputError: if the preset asks for a GPU and there is none, or if there is no such device.

    >>> choose_device("gpu", "cpu")
    device(type='cpu')
    """
    if preset == "gpu" and device == "auto":
        if available_devices() == ["cpu"]:
            raise InputError(
                "preset 'gpu' needs a GPU that torch can use (CUDA, or MPS on a Mac), and there is none "
                "here: use preset='cpu', or add device='cpu' for the same long training on the CPU"
            )
        return resolve_device("gpu")
    return resolve_device(device)


def _assigned(inputs: list[str], names: set[str]) -> list[str]:
    """Names assigned by the newest cell that sets all ``names``, and by the cells of parameters run after it.

    Older runs of the cell do not count, so that a mistake can be corrected without a new kernel.
    """
    assigned: list[str] = []
    for source in reversed(inputs):
        if source.lstrip().startswith(FIRST_LINE):
            cell_names = _names_set_by(source)
            assigned = cell_names + assigned
            if names <= set(cell_names):
                break
    return assigned


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
