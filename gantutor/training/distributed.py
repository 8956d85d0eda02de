"""Distributed training: several processes, on one machine or on many, train one game together."""

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
from functools import lru_cache
from itertools import chain
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import Parameter

from gantutor._errors import InputError, ProcessLost


@dataclass(frozen=True)
class StepPlan:
    """Whether and how to take the next step, as the first process decides it for all.

    Attributes:
        spent: fraction of the budget that is spent, from 0 to 1.
        allowed: names of the networks that may be updated; () for all, None to end the training.
        save: whether a checkpoint follows the step.
        rates: learning rates that a person has set, by network name.
    """

    spent: float
    allowed: tuple[str, ...] | None = None
    save: bool = False
    rates: dict[str, float] = field(default_factory=dict)

    def as_numbers(self, names: list[str]) -> list[float]:
        """Return the plan as a list of 3 + len(names) numbers, which can be sent to other processes.

        Args:
            names: all network names, in the same order on every process.

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
        """Return the plan that ``as_numbers`` turned into these numbers.

        Args:
            numbers: what ``as_numbers`` returned.
            names: all network names, in the same order as there.

        >>> StepPlan.from_numbers([0.5, 2.0, 1.0, 0.1, math.nan], ["a", "b"])
        StepPlan(spent=0.5, allowed=('b',), save=True, rates={'a': 0.1})
        """
        spent, mask, save, *rates = numbers
        allowed = tuple(name for index, name in enumerate(names) if int(mask) >> index & 1)
        rates_by_name = {name: rate for name, rate in zip(names, rates, strict=True) if not math.isnan(rate)}
        return cls(spent, None if mask < 0 else allowed, bool(save), rates_by_name)


def broadcast_plan(group: Group, names: list[str], make_plan: Callable[[], StepPlan]) -> StepPlan:
    """Return the plan of the first process, on every process.

    Args:
        group: the processes.
        names: all network names, in the same order on every process.
        make_plan: makes the plan; called on the first process only.

    Raises:
        ProcessLost: if another process has ended.

    >>> broadcast_plan(Group(), ["generator"], lambda: StepPlan(0.25)).spent
    0.25
    """
    if group.size == 1:
        return make_plan()
    plan = make_plan() if group.leader else StepPlan(0.0)
    return StepPlan.from_numbers(group.broadcast(plan.as_numbers(names)), names)


MESSAGE_TIMEOUT = timedelta(days=7)
"""How long the other processes wait for a message; rank 0 may be paused overnight or for longer."""

LOST_PROCESS_MESSAGE = (
    "another process of this training ended before it was done, or no longer answers: all stop here; "
    "start again with the same checkpoint folder to go on from the last checkpoint"
)
"""Message of ProcessLost, when another process of the training has ended."""

_CONNECTION_ERRORS = (  # words in the errors of gloo, of NCCL and of the rendezvous store
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
    """The processes of one training.

    All processes must call the same methods in the same order. Each method raises ProcessLost if another
    process has ended.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.

    >>> Group().leader, Group().broadcast([0.5])
    (True, [0.5])
    """

    rank: int = 0
    size: int = 1

    @property
    def leader(self) -> bool:
        """Whether this process, of rank 0, decides, shows progress and writes files."""
        return self.rank == 0

    def average_gradients(self, parameters: Sequence[Parameter]) -> None:
        """Replace every gradient by its mean over the processes.

        Args:
            parameters: the same on every process; a missing gradient counts as zero.
        """
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for gradients in _group_by_dtype([p.grad for p in parameters if p.grad is not None]):
            flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
            with _lost_process_errors():
                dist.all_reduce(flat)
            _copy_from_flat(gradients, flat.div_(self.size))

    @torch.no_grad()
    def broadcast_weights(self, network: nn.Module) -> None:
        """Copy the parameters and buffers of rank 0 to every process.

        Args:
            network: changed in place.

        Raises:
            InputError: if the networks of the processes differ in their number of weights.
        """
        if self.size == 1:
            return
        tensors = [*chain(network.parameters(), network.buffers())]
        self.check_same_settings({"the number of weights": sum(tensor.numel() for tensor in tensors)})
        for same_dtype in _group_by_dtype(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in same_dtype])
            with _lost_process_errors():
                dist.broadcast(flat, 0)
            _copy_from_flat(same_dtype, flat)

    def check_same_settings(self, settings: Mapping[str, Any]) -> None:
        """Check that all processes have the same settings.

        Args:
            settings: by name; values that JSON can hold.

        Raises:
            InputError: on every process, if their settings differ; the message names what differs.
        """
        if self.size == 1:
            return
        if differing := describe_differences(
            [json.loads(text) for text in self._gather_texts(json.dumps(settings))]
        ):
            raise InputError(f"the processes were started with different settings: {differing}")

    def broadcast(self, numbers: Sequence[float]) -> list[float]:
        """Return the numbers of rank 0, on every process.

        Args:
            numbers: of the same count on every process; only those of rank 0 matter.
        """
        if self.size == 1:
            return list(numbers)
        message = torch.tensor(numbers, dtype=torch.float64)
        with _lost_process_errors():
            dist.broadcast(message, 0, group=_message_group(dist.group.WORLD))
        received: list[float] = message.tolist()
        return received

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors of all processes in order of rank.

        Args:
            tensor: on the CPU, of the same shape on every process.
        """
        if self.size == 1:
            return [tensor]
        gathered = [torch.empty_like(tensor) for _ in range(self.size)]
        with _lost_process_errors():
            dist.all_gather(gathered, tensor, group=_message_group(dist.group.WORLD))
        return gathered

    def _gather_texts(self, text: str) -> list[str]:
        """Return the texts of all processes, sent as tensors of bytes: nothing is pickled."""
        encoded = torch.tensor(list(text.encode()), dtype=torch.uint8)
        lengths = [int(length) for length in self.gather(torch.tensor(len(encoded)))]
        padded = torch.zeros(max(lengths), dtype=torch.uint8)
        padded[: len(encoded)] = encoded
        messages = zip(self.gather(padded), lengths, strict=True)
        return [bytes(received[:length].tolist()).decode() for received, length in messages]


def _group_by_dtype(tensors: list[Tensor]) -> list[list[Tensor]]:
    """Return the tensors in lists of one dtype each."""
    groups: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.dtype, []).append(tensor)
    return list(groups.values())


def _copy_from_flat(tensors: list[Tensor], flat: Tensor) -> None:
    pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
    reshaped = [piece.view(tensor.shape) for piece, tensor in zip(pieces, tensors, strict=True)]
    torch._foreach_copy_(tensors, reshaped)


def describe_differences(settings: Sequence[Mapping[str, Any]]) -> str:
    """Return which settings of the processes differ, with their values, or an empty string.

    Args:
        settings: of all processes, in order of rank; they may be nested.

    >>> describe_differences([{"seed": 0, "game": {"latent": 64}}, {"seed": 0, "game": {"latent": 2}}])
    'game.latent is 64 on rank 0 and 2 on rank 1'
    """
    flat = [dict(_flatten(entries)) for entries in settings]
    descriptions = []
    for name in dict.fromkeys(chain(*flat)):
        first: dict[str, int] = {}
        for rank, entries in enumerate(flat):
            first.setdefault(json.dumps(entries.get(name)), rank)
        if len(first) > 1:
            values = _differing_entries([flat[rank].get(name) for rank in first.values()])
            shown = (
                f"{_shorten(value)} on rank {rank}"
                for value, rank in zip(values, first.values(), strict=True)
            )
            descriptions.append(f"{name} is {' and '.join(shown)}")
    return "; ".join(descriptions)


def _flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings, under names such as ``game.latent``."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _differing_entries(values: list[Any]) -> list[Any]:
    """Return only the entries that differ, if all values are lists of one length."""
    if not all(isinstance(value, list) and len(value) == len(values[0]) for value in values):
        return values
    rows = enumerate(zip(*values, strict=True))
    differing = [index for index, entries in rows if any(entry != entries[0] for entry in entries)]
    return [
        value[differing[0]] if len(differing) == 1 else [value[index] for index in differing]
        for value in values
    ]


def _shorten(value: Any) -> str:
    shorten = reprlib.Repr()
    shorten.maxstring = shorten.maxother = 60
    return shorten.repr(value)


@contextmanager
def _lost_process_errors() -> Iterator[None]:
    """Raise ProcessLost if another process has ended; all other errors pass."""
    try:
        yield
    except RuntimeError as error:
        if any(text in str(error).lower() for text in _CONNECTION_ERRORS):
            raise ProcessLost(LOST_PROCESS_MESSAGE) from error
        raise


# --- joining ------------------------------------------------------------------------------------------------


def rank() -> int:
    """Return the number of this process among those that torchrun has started, or 0 if it runs alone.

    >>> rank()
    0
    """
    return int(os.environ.get("RANK", "0"))


def local_device(device: torch.device) -> torch.device:
    """Return the device of this process: each process of a machine takes the GPU with its local number.

    Args:
        device: the device that the training asks for.

    Raises:
        InputError: if there are fewer GPUs than processes on this machine, or one GPU was asked for by
            several processes.

    >>> local_device(torch.device("cpu"))
    device(type='cpu')
    """
    local_size, local_rank = (
        int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        int(os.environ.get("LOCAL_RANK", "0")),
    )
    if device.type != "cuda" or local_size == 1:
        return device
    if (gpus := torch.cuda.device_count()) < local_size:
        raise InputError(
            f"{local_size} processes were started on this machine, which has {gpus} GPU{'s' * (gpus != 1)}: "
            "start one for each GPU, or train on the CPU with device='cpu'"
        )
    if device.index not in (None, local_rank):
        raise InputError(
            f"each process uses the GPU of its local rank: the device must be 'cuda', not '{device}'"
        )
    return torch.device("cuda", local_rank)


def join_group(device: torch.device) -> Group:
    """Return the group of processes that train together with this one.

    Under torchrun the processes connect at the first call and stay connected until they end. A process group
    that the user has initialised is used as it is.

    Args:
        device: the device of this process, from ``local_device``.

    Raises:
        InputError: if the device is neither a CPU nor a CUDA device, while several processes were started.

    >>> join_group(torch.device("cpu")).size
    1
    """
    if not dist.is_available():
        return Group()
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1 or not {"RANK", "MASTER_ADDR"} <= os.environ.keys():
            return Group()
        if device.type not in ("cpu", "cuda"):
            raise InputError(f"several processes train on the CPU or on CUDA devices, not on {device.type}")
        _init_process_group(device)
    if dist.get_world_size() == 1:
        return Group()
    _message_group(dist.group.WORLD)  # all processes make it together
    return Group(dist.get_rank(), dist.get_world_size())


def _init_process_group(device: torch.device) -> None:
    # Imported later (by torch.optim), this module would hold the group for ever as its default argument.
    import torch.distributed.nn.functional

    if device.index is not None:
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    atexit.register(_leave_process_group)


@lru_cache(maxsize=1)
def _message_group(world: Any) -> Any:
    """Return the process group on the CPU for everything but gradients and weights, one for each ``world``.

    Only this cache holds it: gloo's threads run for as long as anything does, such as a trainer that is a
    global variable, and a thread that outlives the interpreter aborts the process.
    """
    atexit.register(_message_group.cache_clear)
    return dist.new_group(backend="gloo", timeout=MESSAGE_TIMEOUT)


def _leave_process_group() -> None:
    """Undo ``_init_process_group``; the group for messages has been let go by then, being made later."""
    if dist.is_initialized():
        dist.destroy_process_group()
