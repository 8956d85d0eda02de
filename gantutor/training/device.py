"""Where and how a training runs: the device, the memory format, the precision, the clock."""

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

AHEAD = 4
"""Steps that Python may be ahead of a GPU: enough to keep it busy, few enough for a clock and a Stop button
to mean what they say."""


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """The device meant: ``"auto"`` is the first GPU if there is one. Raises InputError for one that is not
    there.

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
    """Move a network to its device; channels last where the data are images, which convolutions on CPUs
    prefer."""
    network.to(device)
    if isinstance(example, Tensor) and example.dim() == 4 and device.type != "mps":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global random state seeded inside the block, for dropout and the like, and as it was outside of
    it."""
    with preserve_random_state(device):
        torch.manual_seed(seed)
        yield


def preserve_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Torch's global random state, of the CPU and of ``device``, is after the block what it was before."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def random_state(device: torch.device) -> Tensor:
    """Torch's global random state, of the CPU and of a GPU, as one row of bytes."""
    states = [torch.get_rng_state()]
    states += [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return torch.cat(states)


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Put back what ``random_state`` gave.

    >>> state = random_state(torch.device("cpu")); first = torch.rand(1)
    >>> set_random_state(state, torch.device("cpu")); torch.equal(first, torch.rand(1))
    True
    """
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size].clone())  # torch reads a state from where its storage begins
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[size:].clone(), device)


@contextmanager
def without_denormals() -> Iterator[None]:
    """Numbers too small for a normal float count as 0 inside the block: they cost CPUs a hundred times
    more."""
    supported = torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if supported:
            torch.set_flush_denormal(False)


def mixed_precision(name: str, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """The context in which forward passes run: as they are, or with the heavy operations in bfloat16.

    bfloat16 has the range of float32 and 8 bits of precision; weights, sums, losses and penalties stay in
    float32. Raises InputError for another name, and where the device has no bfloat16.

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
    """Whether the device computes in bfloat16 itself, rather than imitate it slowly."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = device.type == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return known and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class QueueLimit:
    """Lets Python run at most ``AHEAD`` steps ahead of a GPU; where there is none, it does nothing."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._steps: deque[Any] = deque()

    def pull(self) -> None:
        """After a step: wait for the one ``AHEAD`` steps before it."""
        if self.device.type == "cuda":
            event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            event.record(torch.cuda.current_stream(self.device))
            self._steps.append(event)
            if len(self._steps) > AHEAD:
                self._steps.popleft().synchronize()

    def settle(self) -> None:
        """Wait for all steps."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            self._steps.clear()


class Clock:
    """Counts the seconds of training alone: it stands still while somebody looks.

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
