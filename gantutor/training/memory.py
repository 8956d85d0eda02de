"""How much memory a training takes, before it begins; and what to say when there is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor
from torch.optim import Optimizer


@dataclass(frozen=True)
class Memory:
    """Bytes that a training takes on its device: what it holds all the time, and what one step needs on top.

    ``step`` and ``free`` are 0 where they are not known: on a CPU.

    >>> print(Memory("cpu", networks=4_000_000, averages=2_000_000, optimizers=8_000_000, data=12_500_000))
    memory on cpu: networks 4.0 MB, averages 2.0 MB, optimisers 8.0 MB, data 12.5 MB
    """

    device: str
    networks: int
    averages: int
    optimizers: int
    data: int
    step: int = 0
    free: int = 0

    def __str__(self) -> str:
        names = {"networks": "networks", "averages": "averages", "optimizers": "optimisers", "data": "data"}
        parts = [f"{said} {amount(getattr(self, name))}" for name, said in names.items()]
        parts += [f"one step {amount(self.step)}"] if self.step else []
        parts += [f"free {amount(self.free)}"] if self.free else []
        return f"memory on {self.device}: {', '.join(parts)}"


def amount(size: int) -> str:
    """Bytes as a person reads them.

    >>> amount(2_340_000), amount(78_000_000_000)
    ('2.3 MB', '78.0 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def measure(
    device: torch.device,
    networks: Iterable[Tensor],
    averages: Iterable[Tensor],
    optimizers: Iterable[Optimizer],
    data: Iterable[Tensor],
    step: int,
) -> Memory:
    """The memory of what is there; an optimiser's states are reckoned before it has made them."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
    states = sum(map(_states, optimizers))
    return Memory(str(device), _size(networks), _size(averages), states, _size(data), step, free)


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _states(optimizer: Optimizer) -> int:
    """Adam and its kin keep two numbers a weight, momentum one; what is there already is counted as it is."""
    if optimizer.state:
        entries = chain.from_iterable(state.values() for state in optimizer.state.values())
        return _size(entry for entry in entries if isinstance(entry, Tensor))
    group = optimizer.param_groups[0]
    copies = 2 if "betas" in group else int(bool(group.get("momentum")))
    return copies * _size(chain.from_iterable(group["params"] for group in optimizer.param_groups))


@dataclass
class Peak:
    """The bytes that a block took beyond what was taken before it; 0 where that is not counted."""

    bytes: int = 0


@contextmanager
def peak(device: torch.device) -> Iterator[Peak]:
    """Measures what the block needs at most on a GPU.

    >>> with peak(torch.device("cpu")) as found: pass
    >>> found.bytes
    0
    """
    found = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield found
        found.bytes = torch.cuda.max_memory_allocated(device) - before
    else:
        yield found


def ran_out(error: BaseException) -> bool:
    """Whether an error says that a device's memory is used up.

    >>> ran_out(torch.OutOfMemoryError("CUDA out of memory")), ran_out(RuntimeError("another"))
    (True, False)
    """
    said = str(error)
    alone = "DefaultCPUAllocator" in said and ("allocate memory" in said or "not enough memory" in said)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or alone


def advice(device: torch.device, batch_size: int, accumulate: int, precision: str) -> str:
    """One sentence on what to reduce.

    >>> print(advice(torch.device("cpu"), 512, 1, "float32"))  # doctest: +NORMALIZE_WHITESPACE
    the memory of cpu is used up: take a smaller batch_size than 512, or accumulate=2, which works through
    each batch in so many parts
    """
    narrower = ", or precision='bfloat16'" if precision == "float32" and device.type == "cuda" else ""
    return (
        f"the memory of {device} is used up: take a smaller batch_size than {batch_size}, "
        f"or accumulate={2 * accumulate}, which works through each batch in so many parts{narrower}"
    )
