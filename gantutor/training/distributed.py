"""Several processes, on one machine or on many, that train one game together."""

from __future__ import annotations

import atexit
import json
import math
import os
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import Parameter

from gantutor._errors import InputError, ProcessLost


@dataclass(frozen=True)
class StepPlan:
    """Whether and how to take the next step.

    ``spent`` is the share of the budget; ``allowed`` the networks that may move, () for all, None to end;
    ``save`` says whether a checkpoint follows the step, ``rates`` which learning rates a person has set.
    """

    spent: float
    allowed: tuple[str, ...] | None = None
    save: bool = False
    rates: dict[str, float] = field(default_factory=dict)

    def as_numbers(self, names: list[str]) -> list[float]:
        """The order as numbers, the same count every time.

        >>> StepPlan(0.5, ("b",), True, {"a": 0.1}).as_numbers(["a", "b"])
        [0.5, 2.0, 1.0, 0.1, nan]
        """
        mask = -1 if self.allowed is None else sum(2 ** names.index(name) for name in self.allowed)
        return [
            self.spent,
            float(mask),
            float(self.save),
            *(self.rates.get(name, math.nan) for name in names),
        ]

    @classmethod
    def from_numbers(cls, numbers: list[float], names: list[str]) -> StepPlan:
        """The order that these numbers stand for.

        >>> StepPlan.from_numbers([0.5, 2.0, 1.0, 0.1, math.nan], ["a", "b"])
        StepPlan(spent=0.5, allowed=('b',), save=True, rates={'a': 0.1})
        """
        spent, mask, save, *rates = numbers
        allowed = tuple(name for index, name in enumerate(names) if int(mask) >> index & 1)
        given = {name: rate for name, rate in zip(names, rates, strict=True) if not math.isnan(rate)}
        return cls(spent, None if mask < 0 else allowed, bool(save), given)


def broadcast_plan(group: Group, names: list[str], order: Callable[[], StepPlan]) -> StepPlan:
    """The order of the first process, in every process; ``order`` is asked for there alone."""
    if group.size == 1:
        return order()
    mine = order() if group.leader else StepPlan(0.0)
    return StepPlan.from_numbers(group.decide(mine.as_numbers(names)), names)


PATIENCE = timedelta(days=7)
"""How long the other processes wait for a message: rank 0 may be paused by a person who went home."""

LOST = (
    "another process of this training ended before it was done, or no longer answers: all stop here; "
    "start again with the same checkpoint folder to go on from the last checkpoint"
)
"""What a process says where another one of its training is gone."""

_SAID_OF_THE_LOST = (  # by gloo, by NCCL, by the store where processes meet
    "closed by peer",
    "reset by peer",
    "broken pipe",
    "timed out",
    "timeout",
    "remote process exited",
    "communicator was aborted",
    "likely closed",
)


@dataclass(frozen=True)
class Group:
    """The processes of one training: ``rank`` is this one's number, from 0, ``size`` how many there are.

    All must call the same methods in the same order. Where another one has died, each method raises
    ProcessLost. ``messages`` is the group, always on the CPU, over which they talk beside the gradients.

    >>> Group().leader, Group().decide([0.5])
    (True, [0.5])
    """

    rank: int = 0
    size: int = 1
    messages: Any = None

    @property
    def leader(self) -> bool:
        """Whether this process decides, shows progress and writes files."""
        return self.rank == 0

    def average_gradients(self, parameters: Sequence[Parameter]) -> None:
        """Put the mean over the processes in the place of every gradient; a missing one counts as zero."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for alike in _by_kind([p.grad for p in parameters if p.grad is not None]):
            flat = torch.cat([gradient.reshape(-1) for gradient in alike])
            with _peers():
                dist.all_reduce(flat)
            _copy_back(alike, flat.div_(self.size))

    @torch.no_grad()
    def same_weights(self, network: nn.Module) -> None:
        """Give every process the parameters and buffers of rank 0.

        Raises InputError where the networks of the processes are not of one size.
        """
        if self.size == 1:
            return
        tensors = [*chain(network.parameters(), network.buffers())]
        self.same_settings({"the number of weights": sum(tensor.numel() for tensor in tensors)})
        for alike in _by_kind(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in alike])
            with _peers():
                dist.broadcast(flat, 0)
            _copy_back(alike, flat)

    def same_settings(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError, on every process alike, where their settings differ; it names what does.

        ``settings`` are what JSON can hold.
        """
        if self.size == 1:
            return
        if differing := differences([json.loads(text) for text in self._texts(json.dumps(settings))]):
            raise InputError(f"the processes were started with different settings: {differing}")

    def decide(self, numbers: Sequence[float]) -> list[float]:
        """What rank 0 gives here, on every process; the others give as many numbers, which do not count."""
        if self.size == 1:
            return list(numbers)
        told = torch.tensor(numbers, dtype=torch.float64)
        with _peers():
            dist.broadcast(told, 0, group=self.messages)
        decided: list[float] = told.tolist()
        return decided

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """The tensors of all processes in order of rank, on the CPU and all of one shape."""
        if self.size == 1:
            return [tensor]
        gathered = [torch.empty_like(tensor) for _ in range(self.size)]
        with _peers():
            dist.all_gather(gathered, tensor, group=self.messages)
        return gathered

    def _texts(self, text: str) -> list[str]:
        """The texts of all processes, as bytes of a tensor: nothing is pickled."""
        mine = torch.tensor(list(text.encode()), dtype=torch.uint8)
        lengths = [int(length) for length in self.gather(torch.tensor(len(mine)))]
        padded = torch.zeros(max(lengths), dtype=torch.uint8)
        padded[: len(mine)] = mine
        both = zip(self.gather(padded), lengths, strict=True)
        return [bytes(there[:length].tolist()).decode() for there, length in both]


def _by_kind(tensors: list[Tensor]) -> list[list[Tensor]]:
    """The tensors, those of one type together."""
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault(tensor.dtype, []).append(tensor)
    return list(kinds.values())


def _copy_back(tensors: list[Tensor], flat: Tensor) -> None:
    pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
    shaped = [piece.view(tensor.shape) for piece, tensor in zip(pieces, tensors, strict=True)]
    torch._foreach_copy_(tensors, shaped)


def differences(settings: Sequence[Mapping[str, Any]]) -> str:
    """Which settings of the processes, in order of rank, differ, with their values; empty where none does.

    >>> differences([{"seed": 0, "game": {"latent": 64}}, {"seed": 0, "game": {"latent": 2}}])
    'game.latent is 64 on rank 0 and 2 on rank 1'
    """
    flat = [dict(_entries(each)) for each in settings]
    said = []
    for name in dict.fromkeys(chain(*flat)):
        first: dict[str, int] = {}
        for rank, each in enumerate(flat):
            first.setdefault(json.dumps(each.get(name)), rank)
        if len(first) > 1:
            values = _only_what_differs([flat[rank].get(name) for rank in first.values()])
            shown = (f"{_short(v)} on rank {rank}" for v, rank in zip(values, first.values(), strict=True))
            said.append(f"{name} is {' and '.join(shown)}")
    return "; ".join(said)


def _entries(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values inside nested mappings, by names such as ``game.latent``."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _entries(value, f"{before}{name}.")
        else:
            yield before + name, value


def _only_what_differs(values: list[Any]) -> list[Any]:
    """Of lists of one length, what is not the same in all."""
    if not all(isinstance(value, list) and len(value) == len(values[0]) for value in values):
        return values
    rows = enumerate(zip(*values, strict=True))
    places = [place for place, entries in rows if any(entry != entries[0] for entry in entries)]
    return [value[places[0]] if len(places) == 1 else [value[i] for i in places] for value in values]


def _short(value: Any) -> str:
    shorten = reprlib.Repr()
    shorten.maxstring = shorten.maxother = 60
    return shorten.repr(value)


@contextmanager
def _peers() -> Iterator[None]:
    """Say in a sentence that another process has died; all other errors pass."""
    try:
        yield
    except RuntimeError as error:
        if any(words in str(error).lower() for words in _SAID_OF_THE_LOST):
            raise ProcessLost(LOST) from error
        raise


# --- joining ------------------------------------------------------------------------------------------------


def rank() -> int:
    """The number of this process among those that torchrun has started together; 0 where it was started
    alone.

    >>> rank()
    0
    """
    return int(os.environ.get("RANK", "0"))


def local_device(device: torch.device) -> torch.device:
    """The device of this process: of several on one machine, each takes the GPU of its own number.

    Raises InputError where there are fewer GPUs than processes, or all are sent to one of them.

    >>> local_device(torch.device("cpu"))
    device(type='cpu')
    """
    processes, number = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    if device.type != "cuda" or processes == 1:
        return device
    if (gpus := torch.cuda.device_count()) < processes:
        raise InputError(
            f"{processes} processes were started on this machine, which has {gpus} GPU{'s' * (gpus != 1)}: "
            "start one for each GPU, or train on the CPU with device='cpu'"
        )
    if device.index not in (None, number):
        raise InputError(
            f"each process takes the GPU of its own number: the device must be 'cuda', not '{device}'"
        )
    return torch.device("cuda", number)


def join(device: torch.device) -> Group:
    """The processes that train together with this one on ``device``, which each chose by ``local_device``.

    Under torchrun they meet at the first call and stay together until they end. A process group that a user
    has initialised is used as it is. Raises InputError for a device over which processes cannot talk.
    """
    if not dist.is_available():
        return Group()
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1 or not {"RANK", "MASTER_ADDR"} <= os.environ.keys():
            return Group()
        if device.type not in ("cpu", "cuda"):
            raise InputError(f"several processes train on the CPU or on CUDA devices, not on {device.type}")
        _meet(device)
    return _group_in(dist.group.WORLD) if dist.get_world_size() > 1 else Group()


def _meet(device: torch.device) -> None:
    if device.index is not None:
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    atexit.register(_part)


@cache
def _group_in(world: Any) -> Group:
    """The group of a process group, made once, as all processes must make it together."""
    messages = dist.new_group(backend="gloo", timeout=PATIENCE)
    return Group(dist.get_rank(), dist.get_world_size(), messages)


def _part() -> None:
    """Leave what ``_meet`` has begun, or threads of gloo may outlive the interpreter."""
    _group_in.cache_clear()
    if dist.is_initialized():
        dist.destroy_process_group()
