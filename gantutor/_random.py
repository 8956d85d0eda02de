"""Global random states of torch, numpy and ``random``: kept, set aside, and restored together."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

_REST = struct.Struct("<624Iiid625I?d")
"""The states of numpy and ``random`` as bytes: each a Mersenne twister of 624 words, its position, and a
number of a normal distribution that is kept for the next call."""

_CPU_BYTES = len(torch.get_rng_state())


class RandomState:
    """The random state of a training, for dropout and the like: in place inside a ``with`` block.

    It is that of torch, numpy and ``random``. Outside the block the state that was there before is in place
    again, and this one waits.

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
        with seeded(device, seed):
            self._state = _get_states(device)
        self._outer = self._state

    def __enter__(self) -> None:
        self._outer = _get_states(self.device)
        _set_states(self._state, self.device)

    def __exit__(self, *_: object) -> None:
        self._state = _get_states(self.device)
        _set_states(self._outer, self.device)


@contextmanager
def preserve_random_state(device: torch.device) -> Iterator[None]:
    """Restore the global random states at the end of the block.

    Args:
        device: its state is kept beside that of the CPU.

    >>> with preserve_random_state(torch.device("cpu")): first = torch.rand(1)
    >>> torch.equal(first, torch.rand(1))
    True
    """
    states = _get_states(device)
    try:
        yield
    finally:
        _set_states(states, device)


@contextmanager
def seeded(device: torch.device, *seed: int) -> Iterator[None]:
    """Seed the global random states inside the block, and restore them at its end.

    Args:
        device: its state is seeded beside that of the CPU.
        *seed: one number, or several that are mixed into one.

    >>> with seeded(torch.device("cpu"), 7): first = torch.rand(1)
    >>> with seeded(torch.device("cpu"), 7): torch.equal(first, torch.rand(1))
    True
    """
    number = seed[0] if len(seed) == 1 else int(np.random.SeedSequence(seed).generate_state(1)[0])
    with preserve_random_state(device):
        torch.default_generator.manual_seed(number)  # of this device alone: others may be in use
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)
        elif device.type == "mps":
            torch.mps.manual_seed(number)
        np.random.seed(number % 2**32)
        random.seed(number)
        yield


def random_state(device: torch.device) -> Tensor:
    """Return the global random states of torch, numpy and ``random`` as one row of bytes.

    Args:
        device: a GPU's state is included.
    """
    *of_torch, of_numpy, of_python = _get_states(device)
    name, keys, position, has_gauss, gauss = of_numpy
    version, words, gauss_next = of_python
    assert (name, version) == ("MT19937", 3)
    values = (*keys.tolist(), position, has_gauss, gauss, *words, gauss_next is not None, gauss_next or 0.0)
    rest = bytearray(_REST.pack(*values))
    return torch.cat([*of_torch, torch.frombuffer(rest, dtype=torch.uint8)])


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Restore the states that ``random_state`` returned.

    Args:
        state: what it returned, for a device of the same type.
        device: the device.

    >>> state = random_state(torch.device("cpu")); first = torch.rand(1)
    >>> set_random_state(state, torch.device("cpu")); torch.equal(first, torch.rand(1))
    True
    """
    cpu, gpu, rest = torch.split(state, [_CPU_BYTES, len(state) - _CPU_BYTES - _REST.size, _REST.size])
    values = _REST.unpack(rest.numpy().tobytes())
    keys, (position, has_gauss, gauss), words = values[:624], values[624:627], values[627:1252]
    has_next, gauss_next = values[1252:]
    of_torch = [part.clone() for part in (cpu, gpu) if len(part)]  # torch reads from the start of the storage
    of_numpy = ("MT19937", np.array(keys, dtype=np.uint32), position, has_gauss, gauss)
    _set_states((*of_torch, of_numpy, (3, words, gauss_next if has_next else None)), device)


def _get_states(device: torch.device) -> tuple[Any, ...]:
    """The states of torch, one for the CPU and one for the device, of numpy, and of ``random``."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    elif device.type == "mps":
        states.append(torch.mps.get_rng_state())
    return (*states, np.random.get_state(), random.getstate())


def _set_states(states: tuple[Any, ...], device: torch.device) -> None:
    cpu, *of_device, of_numpy, of_python = states
    torch.set_rng_state(cpu)
    if device.type == "cuda":
        torch.cuda.set_rng_state(of_device[0], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(of_device[0])
    np.random.set_state(of_numpy)
    random.setstate(of_python)
