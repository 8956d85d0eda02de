"""Where and how a training runs: the device, precision, and the clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gantutor._checks import check_device
from gantutor._errors import InputError

MAX_STEPS_AHEAD = 4
"""Steps that Python may run ahead of a GPU.

Enough to keep it busy, few enough for the clock and a Stop button to be accurate."""


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device of a name.

    Args:
        name: ``"auto"`` for the first GPU, if there is one, and the CPU otherwise; ``"gpu"`` for the first
            GPU, whether ``"cuda"`` or ``"mps"``; or a device such as ``"cpu"`` or ``"cuda:1"``.

    Raises:
        InputError: if there is no such device.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    name = str(name)
    check_device(name)
    if name not in ("auto", "gpu"):
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def move_to_device(network: nn.Module, device: torch.device, example: object) -> bool:
    """Move a network to a device, in the channels-last format if the data are images.

    CPUs compute convolutions faster in that format. It is not used on MPS.

    Args:
        network: changed in place.
        device: where it goes.
        example: a batch of samples; a tensor (N, C, H, W) means images.

    Returns:
        Whether the network is in the channels-last format.

    >>> move_to_device(nn.Linear(2, 1), torch.device("cpu"), torch.zeros(4, 2))
    False
    """
    network.to(device)
    channels_last = isinstance(example, Tensor) and example.dim() == 4 and device.type != "mps"
    if channels_last:
        set_memory_format(network, channels_last=True)
    return channels_last


def set_memory_format(network: nn.Module, channels_last: bool) -> None:
    """Put parameters and buffers of four dimensions in the channels-last format, or in torch's default one.

    Args:
        network: changed in place; parameters that have no shape yet stay as they are.
        channels_last: whether to use the channels-last format.

    >>> layer = nn.Conv2d(2, 2, 3); set_memory_format(layer, channels_last=True)
    >>> layer.weight.is_contiguous(memory_format=torch.channels_last)
    True
    """
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    for tensor in [*network.parameters(), *network.buffers()]:
        if not is_lazy(tensor) and tensor.dim() == 4:
            tensor.data = tensor.data.to(memory_format=memory_format)  # of 1 × 1 weights too
    torch.clear_autocast_cache()  # it may hold copies in the other format


@contextmanager
def without_denormals() -> Iterator[None]:
    """Round numbers too small for a normal float to 0 inside the block: they cost a CPU a hundred times more.

    >>> with without_denormals(): float(torch.tensor(1e-30) * torch.tensor(1e-10))
    0.0
    """
    supported = torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if supported:
            torch.set_flush_denormal(False)


def mixed_precision(name: str, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """Return the context in which forward passes run: float32, or mixed precision with bfloat16.

    bfloat16 has the range of float32 and 8 bits of precision. Heavy operations such as matrix products and
    convolutions use it; weights, sums, losses and penalties stay in float32.

    Args:
        name: ``"float32"`` or ``"bfloat16"``.
        device: where the networks run.

    Returns:
        A function without parameters that makes the context.

    Raises:
        InputError: for another name, or if the device has no bfloat16.

    >>> with mixed_precision("float32", torch.device("cpu"))(): (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    if isinstance(name, str) and name == "float32":
        return nullcontext
    if not isinstance(name, str) or name != "bfloat16":
        hint = ": float16 would need scaled losses" if str(name) == "float16" else ""
        raise InputError(f"precision must be 'float32' or 'bfloat16', not {name!r}{hint}")
    if not has_bfloat16(device):
        raise InputError(f"precision 'bfloat16' is not supported on this {device.type}: use 'float32'")
    return partial(torch.autocast, device.type, dtype=torch.bfloat16)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the device computes in bfloat16 natively, without slow emulation."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    can_ask = device.type == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return can_ask and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class QueueLimit:
    """Lets Python run at most ``MAX_STEPS_AHEAD`` steps ahead of a GPU; on other devices it does nothing.

    Args:
        device: where the training runs.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._events: deque[Any] = deque()

    def wait(self) -> None:
        """After a step: wait until the GPU has finished the step ``MAX_STEPS_AHEAD`` steps earlier."""
        if self.device.type == "cuda":
            event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            event.record(torch.cuda.current_stream(self.device))
            self._events.append(event)
            if len(self._events) > MAX_STEPS_AHEAD:
                self._events.popleft().synchronize()

    def synchronize(self) -> None:
        """Wait until the GPU has finished all steps."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            self._events.clear()
        elif self.device.type == "mps":
            torch.mps.synchronize()


class Clock:
    """Counts the seconds inside its blocks: those of training, without views, callbacks and checkpoints.

    Args:
        seconds: where to start.

    Attributes:
        seconds: the seconds counted so far.

    >>> clock = Clock()
    >>> with clock: _ = sum(range(1000))
    >>> clock.seconds > 0
    True
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._started = 0.0

    def __enter__(self) -> Clock:
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started
