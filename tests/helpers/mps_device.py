"""A stand-in for Apple's GPU, for machines that have none: it has no double precision, and its tensors do not
mix with those of the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map_only

MPS = torch.device("mps")
DOUBLE = (torch.float64, torch.complex128)
GET_DEVICE = Tensor.device.__get__  # type: ignore[attr-defined]
TO_THE_CPU = (Tensor.cpu, Tensor.numpy, Tensor.tolist, Tensor.item)


class OnMPS(Tensor):
    """A tensor that says it is on the device ``mps``. It works inside ``PretendMPS`` alone."""


class PretendMPS(TorchFunctionMode):
    """Inside the block there is a device ``mps``: its tensors are instances of ``OnMPS``."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [part for part in tree_flatten((args, kwargs))[0] if isinstance(part, Tensor)]
        here = [tensor for tensor in tensors if isinstance(tensor, OnMPS)]
        with torch._C.DisableTorchFunctionSubclass():
            if func == GET_DEVICE:
                return MPS if here else func(*args)
            target = _target(func, args, kwargs)
            if here and target is None and func not in TO_THE_CPU:
                others = [tensor for tensor in tensors if not isinstance(tensor, OnMPS) and tensor.dim()]
                if others and func not in (Tensor.__getitem__, Tensor.__setitem__):
                    raise RuntimeError(f"tensors on mps and on cpu are mixed in {func}")
            args, kwargs = tree_map_only(torch.device, _on_the_cpu, (args, kwargs))
            if kwargs.get("device") == "mps":
                kwargs["device"] = "cpu"
            args = tuple("cpu" if isinstance(part, str) and part == "mps" else part for part in args)
            result = func(*args, **kwargs)
            stays = (here and target is None and func not in TO_THE_CPU) or target == "mps"
            return tree_map_only(Tensor, _onto_mps if stays else _off_mps, result)


def _target(func: Any, args: Any, kwargs: Any) -> str | None:
    """The type of the device that a call names, if it names one."""
    if func == Tensor.to and len(args) > 1 and isinstance(args[1], Tensor):
        return "mps" if isinstance(args[1], OnMPS) else "cpu"
    named = [kwargs.get("device"), *(args[1:] if func == Tensor.to else ())]
    devices = [part for part in named if isinstance(part, torch.device | str)]
    return torch.device(devices[0]).type if devices else None


def _on_the_cpu(device: torch.device) -> torch.device:
    return torch.device("cpu") if device.type == "mps" else device


def _onto_mps(tensor: Tensor) -> Tensor:
    if tensor.dtype in DOUBLE:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as MPS doesn't support float64")
    return tensor.as_subclass(OnMPS)


def _off_mps(tensor: Tensor) -> Tensor:
    return tensor.as_subclass(Tensor)


def onto_mps(value: Any) -> Any:
    """A value with its tensors on the pretended device."""
    return tree_map_only(Tensor, lambda part: part if part.dtype in DOUBLE else _onto_mps(part), value)
