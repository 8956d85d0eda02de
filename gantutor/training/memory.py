"""The memory that a training needs, and advice if there is not enough."""

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
    """Bytes that a training needs on its device.

    Attributes:
        device: name of the device.
        networks: parameters and buffers.
        averages: parameters and buffers of the averaged networks.
        optimizers: states of the optimisers.
        data: the data set, if it is held on the device.
        step: what one step needs in addition; 0 if unknown, on a CPU.
        free: free memory of the device; 0 if unknown, on a CPU.

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
        parts = [f"{label} {format_bytes(getattr(self, name))}" for name, label in names.items()]
        parts += [f"one step {format_bytes(self.step)}"] if self.step else []
        parts += [f"free {format_bytes(self.free)}"] if self.free else []
        return f"memory on {self.device}: {', '.join(parts)}"


def format_bytes(size: int) -> str:
    """Return a number of bytes in MB or GB.

    >>> format_bytes(2_340_000), format_bytes(78_000_000_000)
    ('2.3 MB', '78.0 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def measure_memory(
    device: torch.device,
    networks: Iterable[Tensor],
    averages: Iterable[Tensor],
    optimizers: Iterable[Optimizer],
    data: Iterable[Tensor],
    step: int,
) -> Memory:
    """Return the memory that a training needs.

    Args:
        device: where it runs.
        networks: parameters and buffers of the networks.
        averages: parameters and buffers of their averages.
        optimizers: their states are estimated if they do not exist yet.
        data: tensors of the data set that lie on the device.
        step: bytes that one step needs in addition.
    """
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
    states = sum(map(_optimizer_size, optimizers))
    return Memory(str(device), _size(networks), _size(averages), states, _size(data), step, free)


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _optimizer_size(optimizer: Optimizer) -> int:
    """Return the bytes of an optimiser's state.

    Before the first step they are estimated: two values a weight for Adam and its variants, one for momentum.
    """
    if optimizer.state:
        entries = chain.from_iterable(state.values() for state in optimizer.state.values())
        return _size(entry for entry in entries if isinstance(entry, Tensor))
    group = optimizer.param_groups[0]
    values_per_weight = 2 if "betas" in group else int(bool(group.get("momentum")))
    return values_per_weight * _size(chain.from_iterable(group["params"] for group in optimizer.param_groups))


@dataclass
class Peak:
    """The largest number of bytes that a block allocated, beyond those before it.

    Attributes:
        bytes: set at the end of the block; 0 where it is not measured, on a CPU.
    """

    bytes: int = 0


@contextmanager
def measure_peak(device: torch.device) -> Iterator[Peak]:
    """Measure the peak memory of a block on a GPU.

    >>> with measure_peak(torch.device("cpu")) as peak: pass
    >>> peak.bytes
    0
    """
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
    else:
        yield peak


def out_of_memory_advice(device: torch.device, batch_size: int, accumulate: int, precision: str) -> str:
    """Return one sentence on what to reduce when memory runs out.

    Args:
        device: the device that has no memory left.
        batch_size: the batch size that was too large.
        accumulate: parts that each batch was split into.
        precision: ``"float32"`` or ``"bfloat16"``.

    >>> print(out_of_memory_advice(torch.device("cpu"), 512, 1, "float32"))
    the memory of cpu is used up: use a smaller batch_size than 512, or accumulate=2, which splits each
    batch into that many parts
    """
    precision_hint = ", or precision='bfloat16'" if precision == "float32" and device.type == "cuda" else ""
    return (
        f"the memory of {device} is used up: use a smaller batch_size than {batch_size}, "
        f"or accumulate={2 * accumulate}, which splits each batch into that many parts{precision_hint}"
    )
