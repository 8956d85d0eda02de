"""Nested states, such as an optimiser's, taken apart into JSON content and tensors and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gantutor._errors import InputError


def pack(state: Any, what: str) -> tuple[Any, dict[str, Tensor]]:
    """A nested state as content for JSON, and the tensors in it by the names of their places.

    Raises InputError, naming the place, for anything but dicts, lists, tuples, numbers, strings, None, bytes
    and tensors.

    >>> import torch
    >>> pack({"seen": 3, "order": torch.arange(2)}, "data")
    ({'dict': [['seen', 3], ['order', {'tensor': "data['order']"}]]}, {"data['order']": tensor([0, 1])})
    """
    tensors: dict[str, Tensor] = {}
    try:
        return _packed(state, what, tensors), tensors
    except RecursionError:
        raise InputError(f"{what} is nested too deeply to be saved, or holds itself") from None


def _packed(part: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    kind = type(part)  # exactly: a subclass would not come back as what it was
    if part is None or kind in (bool, int, float, str):
        return part
    if kind in (list, tuple):
        parts = [_packed(each, f"{place}[{i}]", tensors) for i, each in enumerate(part)]
        return parts if kind is list else {"tuple": parts}
    if kind in (dict, OrderedDict):
        for key in part:
            if key is not None and type(key) not in (bool, int, float, str):
                raise InputError(f"{place} cannot be saved: its keys must be numbers or strings, not {key!r}")
        return {"dict": [[key, _packed(each, f"{place}[{key!r}]", tensors)] for key, each in part.items()]}
    if kind is bytes:
        return {"bytes": part.hex()}
    if isinstance(part, Tensor):
        tensors[place] = part
        return {"tensor": place}
    raise InputError(
        f"{place} cannot be saved: it is a {kind.__name__}, and only dicts, lists, tuples, numbers, strings, "
        "None, bytes and tensors can"
    )


def unpack(content: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The state that ``pack`` took apart; its tensors are on the CPU where they were read from a file.

    >>> unpack(*pack({"at": (1, 2.5), 3: [b"x", None]}, "data"))
    {'at': (1, 2.5), 3: [b'x', None]}
    """
    if isinstance(content, list):
        return [unpack(each, tensors) for each in content]
    if not isinstance(content, dict):
        return content
    [(kind, value)] = content.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind == "tuple":
        return tuple(unpack(value, tensors))
    return {key: unpack(each, tensors) for key, each in value}
