"""Where and how a training runs: the device, random states, precision, and the clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import check_device
from gantutor._errors import InputError

MAX_STEPS_AHEAD = 4
"""Steps that Python may run ahead of a GPU.

Enough to keep it busy, few enough for the clock and a Stop button to be accurate."""


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device of a name.

    Args:
        name: ``"auto"`` for the first GPU, if there is one, and the CPU otherwise; or a device such as
            ``"cpu"`` or ``"cuda:1"``.

    Raises:
        InputError: if there is no such device.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    name = str(name)
    check_device(name)
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def move_to_device(network: nn.Module, device: torch.device, example: object) -> None:
    """Move a network to a device, in the channels-last format if the data are images.

    CPUs compute convolutions faster in that format. It is not used on MPS.

    Args:
        network: changed in place.
        device: where it goes.
        example: a batch of samples; a tensor (N, C, H, W) means images.

    >>> move_to_device(nn.Linear(2, 1), torch.device("cpu"), torch.zeros(4, 2))
    """
    network.to(device)
    if isinstance(example, Tensor) and example.dim() == 4 and device.type != "mps":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class RandomState:
    """Torch's global random state of a training, for dropout and the like: in place inside a ``with`` block.

    Outside the block the state that was there before is in place again, and this one waits.

    Args:
        seed: seed of the state.
        device: the device of the training, whose state is kept beside that of the CPU.

    >>> state = RandomState(0, torch.device("cpu"))
    >>> with state: first = torch.rand(2)
    >>> with state: second = torch.rand(2)
    >>> with RandomState(0, torch.device("cpu")): torch.equal(torch.rand(4), torch.cat([first, second]))
    True
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        with preserve_random_state(device):
            torch.default_generator.manual_seed(seed)  # of this device alone: others may be in use
            if device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            elif device.type == "mps":
                torch.mps.manual_seed(seed)
            self.state = random_state(device)
        self._outer = self.state

    def __enter__(self) -> None:
        self._outer = random_state(self.device)
        set_random_state(self.state, self.device)

    def __exit__(self, *_: object) -> None:
        self.state = random_state(self.device)
        set_random_state(self._outer, self.device)


def preserve_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Return a context that restores torch's global random state, of CPU and ``device``, at its end."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def random_state(device: torch.device) -> Tensor:
    """Return torch's global random state, of the CPU and of a GPU, as one row of bytes."""
    states = [torch.get_rng_state()]
    states += [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return torch.cat(states)


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Restore a random state that ``random_state`` returned.

    >>> state = random_state(torch.device("cpu")); first = torch.rand(1)
    >>> set_random_state(state, torch.device("cpu")); torch.equal(first, torch.rand(1))
    True
    """
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size].clone())  # torch reads from the start of the storage
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[size:].clone(), device)


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
        hint = ": float16 would need its losses scaled" if str(name) == "float16" else ""
        raise InputError(f"precision must be 'float32' or 'bfloat16', not {name!r}{hint}")
    if not has_bfloat16(device):
        raise InputError(f"precision 'bfloat16' is not to be had on this {device.type}: take 'float32'")
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
