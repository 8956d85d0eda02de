"""Wrong values, drawn by hypothesis in place of a right one, and the judgement of what comes of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from gantutor._errors import DataUnavailable, InputError

OWN_ERRORS = (InputError, DataUnavailable)
HUGE = 10**30
"""No machine has memory for so many, and no int64 holds it."""


@dataclass(frozen=True)
class Wrong:
    """A ``value`` in place of a right one, in ``words``; a ``hopeless`` one must be refused, any other may
    work too."""

    words: str
    value: Any
    hopeless: bool = True

    def __repr__(self) -> str:
        return self.words


class Stranger:
    """What no function of the package knows."""


# --- drawing ------------------------------------------------------------------------------------------------

_WORDS = ["", "word", "3", "\0", "no/such/file"]
STRANGERS: dict[str, list[Any]] = {
    "None": [None],
    "flag": [True, False],
    "str": _WORDS,
    "bytes": [b"", b"\xff\xfe\x00"],
    "int": [3, -1, HUGE],
    "float": [2.5, math.nan, math.inf],
    "list": [[], ["word"], [None]],
    "dict": [{}, {"word": 3}],
    "array": [np.zeros(3), np.full((2, 2), np.nan)],
    "Tensor": [torch.zeros(0), torch.tensor(math.nan)],
    "Module": [nn.Identity()],
    "other": [Stranger(), Stranger, 1j],
}
"""Values by kind; those of the kind of the right one are left out."""


def wrong(right: Any, allowed: str) -> st.SearchStrategy[Wrong]:
    """Wrong values in place of ``right``; kinds named in ``allowed``, what the signature says, may work."""
    if isinstance(right, Tensor):
        return st.one_of(_strangers("Tensor", allowed), _tensors(right, allowed))
    if isinstance(right, bool):
        return _strangers("flag", allowed)
    if isinstance(right, int):
        numbers = st.one_of(st.just(0), st.integers(-(2**40), -1), st.just(HUGE), st.just(-HUGE))
        return st.one_of(_strangers("int", allowed), numbers.map(_number))
    if isinstance(right, float):
        broken = st.sampled_from([math.nan, math.inf, -math.inf]).map(lambda v: Wrong(repr(v), v))
        numbers = st.one_of(st.sampled_from([0, -1, -0.5, 1e300]), st.floats(-1e9, -1e-9)).map(_number)
        return st.one_of(_strangers("int float", allowed), broken, numbers)
    if isinstance(right, str | Path):
        texts = st.sampled_from([*_WORDS, Path("no/such/file"), Path("/")]).map(
            lambda v: Wrong(repr(v), v, False)
        )
        return st.one_of(_strangers("str", allowed), texts)
    if isinstance(right, nn.Module):
        return _strangers("Module", allowed)
    if isinstance(right, Mapping):
        return _strangers("dict", allowed)
    if isinstance(right, Sequence) and not isinstance(right, bytes):
        return st.one_of(_strangers("list", allowed), _sequences(right))
    return _strangers("Module other" if callable(right) else "", allowed)


def _number(value: float) -> Wrong:
    return Wrong(repr(value), value, hopeless=abs(value) >= HUGE and isinstance(value, int))


def _strangers(kind: str, allowed: str) -> st.SearchStrategy[Wrong]:
    found = [
        Wrong(f"{name} {value!r:.40}", value, hopeless=name not in allowed and "Any" not in allowed)
        for name, values in STRANGERS.items()
        if name not in kind.split()
        for value in values
    ]
    return st.sampled_from(found)


def _tensors(right: Tensor, allowed: str) -> st.SearchStrategy[Wrong]:
    """The right tensor, spoilt."""
    whole, count = not right.is_floating_point(), len(right) if right.dim() else 0
    made: dict[str, tuple[Callable[[], Any], bool]] = {
        "NaN": (lambda: _with(right, math.nan), True),
        "infinity": (lambda: _with(right, -math.inf), "infinity" not in allowed),
        "empty": (lambda: right[:0], "Any" not in allowed),
        "a list of lists": (right.tolist, "list" not in allowed),
        "a numpy array": (right.numpy, "array" not in allowed and "Any" not in allowed),
        "complex": (lambda: right.to(torch.complex64), True),
        "one number": (lambda: right.flatten()[0], False),
        "flat": (right.flatten, False),
        "a dimension more": (lambda: right[None], False),
        "a dimension fewer": (lambda: right[0] if right.dim() else right, False),
        "whole numbers": (lambda: right.long(), False),
        "flags": (lambda: right > 0, False),
        "float64": (right.double, False),
        "half the samples": (lambda: right[: count // 2], False),
        "the last axis short": (lambda: right[..., :-1], False),
        "huge": (lambda: (right.double() * 1e6).to(right.dtype) + 1000, False),
        "negative": (lambda: -right - 1, False),
    }
    names = [name for name in made if not (whole and name in ("NaN", "infinity", "whole numbers"))]
    if not right.dim():
        names = [
            name
            for name in names
            if name not in ("empty", "a list of lists", "the last axis short", "half the samples")
        ]
    return st.sampled_from(names).map(
        lambda name: Wrong(f"the tensor, {name}", made[name][0](), made[name][1])
    )


def _with(right: Tensor, value: float) -> Tensor:
    spoilt = right.clone()
    spoilt.view(-1)[len(spoilt.view(-1)) // 2] = value
    return spoilt


def _sequences(right: Sequence[Any]) -> st.SearchStrategy[Wrong]:
    changed = [right[:-1], [*right, None], [None] * len(right), [math.nan] * len(right), [HUGE] * len(right)]
    return st.sampled_from(changed).map(
        lambda v: Wrong(f"{v!r:.60}", type(right)(v) if type(right) is tuple else v, False)
    )


# --- judging ------------------------------------------------------------------------------------------------

_INTERNAL = re.compile(
    r"NoneType|object has no attribute|expected Tensor|Traceback|unhashable|not subscriptable|"
    r"unsupported operand|\.cpp|aten::|Overflow when unpacking|ambiguous"
)
_ALLOWED = re.compile(
    r"must|need|cannot|at most|at least|one of|only|takes|there is no|there are|no such|is missing|contain|"
    r"differ|did you mean|give |has no |is not |are not |is a folder|comes? |failed|no network|were made|"
    r"is silent|take |can$|is damaged|"
    r"fewer|more |too |choose |belongs to another |score from|score at|unknown|empty"
)


def message_at_fault(message: str) -> str:
    """What is wrong with an error's message, or nothing."""
    if not message.strip() or "\n" in message.strip():
        return "is not one line"
    if len(message) > 600:
        return "is longer than a sentence"
    if re.search(r"\. [A-Z]", re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "", message)) and message.count(". ") > 1:
        return "is more than one sentence"
    if found := _INTERNAL.search(message):
        return f"speaks of Python's insides ({found[0]})"
    return "" if _ALLOWED.search(message) else "does not say what is allowed"


def result_at_fault(result: Any, usual: Any) -> str:
    """What is wrong with a result beside the usual one, or nothing: its kind, its rank, or NaN within."""
    if type(result) is not type(usual) and not isinstance(result, int | float):
        return f"is {type(result).__name__} and not {type(usual).__name__}"
    if isinstance(result, Tensor) and result.dim() != usual.dim():
        return f"has {result.dim()} dimensions and not {usual.dim()}"
    return "" if finite(result) else "is not finite"


def finite(item: Any) -> bool:
    """Whether all numbers in a result are finite."""
    if isinstance(item, Tensor):
        return bool(item.isfinite().all()) if item.is_floating_point() else True
    if isinstance(item, float):
        return math.isfinite(item)
    if isinstance(item, nn.Module):
        return all(finite(p.detach()) for p in item.parameters())
    if isinstance(item, Mapping):
        return all(finite(value) for value in item.values())
    if isinstance(item, list | tuple):
        return all(finite(value) for value in item)
    if is_dataclass(item) and not isinstance(item, type):
        return all(finite(getattr(item, field.name)) for field in fields(item))
    return True
