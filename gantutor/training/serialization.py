"""Nested states, such as an optimiser's, as JSON content and tensors."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gantutor._errors import InputError


def pack(state: Any, name: str) -> tuple[Any, dict[str, Tensor]]:
    """Split a nested state into content for JSON and tensors.

    Args:
        state: dicts, lists, tuples, numbers, strings, None, bytes and tensors.
        name: what the state is called in names and messages.

    Returns:
        The content, and the tensors by their place in the state.

    Raises:
        InputError: if the state holds anything else, is nested too deeply or contains itself; the message
            names the place.

    >>> import torch
    >>> pack({"seen": 3, "order": torch.arange(2)}, "data")
    ({'dict': [['seen', 3], ['order', {'tensor': "data['order']"}]]}, {"data['order']": tensor([0, 1])})
    """
    tensors: dict[str, Tensor] = {}
    try:
        return _pack_part(state, name, tensors), tensors
    except RecursionError:
        raise InputError(f"{name} is nested too deeply to be saved, or holds itself") from None


def _pack_part(part: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    kind = type(part)  # exactly: a subclass would come back as its base class
    if part is None or kind in (bool, int, float, str):
        return part
    if kind in (list, tuple):
        parts = [_pack_part(entry, f"{path}[{index}]", tensors) for index, entry in enumerate(part)]
        return parts if kind is list else {"tuple": parts}
    if kind in (dict, OrderedDict):
        for key in part:
            if key is not None and type(key) not in (bool, int, float, str):
                raise InputError(f"{path} cannot be saved: its keys must be numbers or strings, not {key!r}")
        return {
            "dict": [[key, _pack_part(entry, f"{path}[{key!r}]", tensors)] for key, entry in part.items()]
        }
    if kind is bytes:
        return {"bytes": part.hex()}
    if isinstance(part, Tensor):
        tensors[path] = part
        return {"tensor": path}
    raise InputError(
        f"{path} cannot be saved: it is a {kind.__name__}, and only dicts, lists, tuples, numbers, strings, "
        "None, bytes and tensors can"
    )


def unpack(content: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return the state that ``pack`` split.

    Args:
        content: the content for JSON.
        tensors: the tensors by place; they stay on their device.

    >>> unpack(*pack({"at": (1, 2.5), 3: [b"x", None]}, "data"))
    {'at': (1, 2.5), 3: [b'x', None]}
    """
    if isinstance(content, list):
        return [unpack(entry, tensors) for entry in content]
    if not isinstance(content, dict):
        return content
    [(kind, value)] = content.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind == "tuple":
        return tuple(unpack(value, tensors))
    return {key: unpack(entry, tensors) for key, entry in value}
