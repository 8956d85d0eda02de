"""Nested states go through files and come back as they were."""

from __future__ import annotations

import json
import math
import random
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch

from gantutor import InputError
from gantutor._files import read_json, read_tensors, write_json, write_tensors
from gantutor.training.serialization import pack, unpack


def alike(one: Any, other: Any) -> bool:
    """The same values of the same types, however nested; not-a-number is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other) or (one != one and other != other)


def test_a_nested_state_comes_back_through_files_as_it_was(tmp_path: Path) -> None:
    state = {
        "numbers": [0, -1, 2**80, 1.5, -0.0, math.inf, math.nan, True, False, None],
        "words": ("", "ü\n", "\ud800", {"tensor": "not one"}, {"tuple": [1]}),
        "bytes": b"\x00\xff",
        3: {None: [], True: (), 2.5: {}, "3": [[()]]},
        "random": random.Random(4).getstate(),
        "tensors": [torch.arange(3), (torch.tensor(2.5, dtype=torch.float64), {"deep": torch.zeros(0, 2)})],
    }
    content, tensors = pack(state, "state")
    write_tensors(tmp_path / "t", tensors)
    write_json(tmp_path / "j", content)
    back = unpack(read_json(tmp_path / "j"), read_tensors(tmp_path / "t"))
    assert alike(back, state) and math.copysign(1, back["numbers"][4]) == -1
    assert not alike(back, state | {"bytes": b"\x00"})
    dictionary = OrderedDict(a=1)
    assert unpack(*pack(dictionary, "state")) == {"a": 1}


Point = namedtuple("Point", "x")
Endless: list[Any] = []
Endless.append(Endless)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"seen": {1, 2}}, r"^state\['seen'\] cannot be saved: it is a set, and only dicts, lists, tuples, "),
        ([0, ({"rng": random.Random(0)},)], r"^state\[1\]\[0\]\['rng'\] cannot .*: it is a Random, and"),
        (torch.zeros(2).numpy(), r"^state cannot be saved: it is a ndarray, and only"),
        ({"at": Point(1)}, r"state\['at'\] cannot be saved: it is a Point"),
        ({"step": torch.zeros(1).numpy()[0]}, r"it is a float32, and only"),
        (1j, r"it is a complex"),
        ({(1, 2): 3}, r"^state cannot be saved: its keys must be numbers or strings, not \(1, 2\)$"),
        (Endless, r"^state is nested too deeply to be saved, or holds itself$"),
        (len, r"it is a builtin_function_or_method"),
    ],
    ids=["set", "deep", "array", "named tuple", "scalar", "complex", "key", "endless", "function"],
)
def test_anything_else_in_a_state_is_refused_in_a_sentence(state: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        pack(state, "state")
    assert "\n" not in str(error.value)


def test_a_state_without_tensors_is_plain_json() -> None:
    content, tensors = pack({"a": [1, (2, "x")]}, "state")
    assert json.loads(json.dumps(content)) == content and tensors == {}
