"""Where and how a training runs: the device, the memory format, the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from gantutor.parameters import check_device


def resolve(name: str | torch.device = "auto") -> torch.device:
    """The device meant: ``"auto"`` is the first GPU if there is one. Raises InputError for one that is not
    there.

    >>> resolve("cpu")
    device(type='cpu')
    """
    name = str(name)
    check_device(name)
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def place(network: nn.Module, device: torch.device, example: object) -> None:
    """Move a network to its device; channels last where the data are images, which convolutions on CPUs
    prefer."""
    network.to(device)
    if isinstance(example, Tensor) and example.dim() == 4 and device.type != "mps":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global random state seeded inside the block, for dropout and the like, and as it was outside of
    it."""
    with random_state_kept(device):
        torch.manual_seed(seed)
        yield


def random_state_kept(device: torch.device) -> AbstractContextManager[None]:
    """Torch's global random state, of the CPU and of ``device``, is after the block what it was before."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


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
