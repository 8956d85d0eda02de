"""Endless batches of training data from tensors, data sets, loaders and iterables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from gantutor._conditions import join
from gantutor._errors import InputError, first_line, type_name

MAX_RESIDENT_BYTES = 2**31
"""Largest size, in bytes, of a data set that is held in memory as tensors."""

Pair = tuple[Any, Any]
"""A batch: (real, condition), where the condition may be None."""


class Batches(Protocol):
    """Interface of the sources of endless batches, each (real, condition or None) on a device.

    With several processes, every process takes its own share of each step's samples, and ``state_dict`` is
    the same on all of them.
    """

    def next(self) -> Pair:
        """Return the next batch, (real, condition or None), on the device."""

    def peek(self) -> Pair:
        """Return the batch that ``next`` will give, without taking it."""

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the data, the same on every process."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a position that ``state_dict`` returned."""


class ResidentBatches:
    """Batches from tensors that stay on the device, reshuffled for every pass over the data.

    No sample is left out: the rest of one pass is joined to the next. With several processes a step takes
    ``world_size`` × ``batch_size`` samples, and each process its own block of them.

    Args:
        tensors: the samples, (N, …), followed by their conditions, each with N rows.
        batch_size: samples in a batch of one process.
        seed: seed of the order.
        device: where the tensors and the batches lie.
        rank: number of this process, from 0.
        world_size: number of processes.

    >>> batches = ResidentBatches((torch.arange(4.0),), batch_size=3, seed=0, device=torch.device("cpu"))
    >>> real, condition = batches.next()
    >>> real.shape, condition
    (torch.Size([3]), None)
    """

    def __init__(
        self,
        tensors: tuple[Tensor, ...],
        batch_size: int,
        seed: int,
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.tensors = tuple(tensor.to(device) for tensor in tensors)
        self.count, self.batch_size, self.device = len(tensors[0]), batch_size, device
        self.rank, self.world_size = rank, world_size
        self._generator = torch.Generator().manual_seed(seed)
        self._set_order(torch.empty(0, dtype=torch.int64))

    def next(self) -> Pair:
        """Return the next batch, and shuffle again when too few samples are left."""
        while len(self._order) - self._position < self.world_size * self.batch_size:
            order = torch.randperm(self.count, generator=self._generator)
            self._set_order(torch.cat([self._order[self._position :], order]))
        start = self._position + self.rank * self.batch_size
        indices = self._device_order[start : start + self.batch_size]
        self._position += self.world_size * self.batch_size
        return as_pair(tuple(tensor[indices] for tensor in self.tensors))

    def peek(self) -> Pair:
        """Return the batch that ``next`` will give."""
        state = self.state_dict()
        batch = self.next()
        self.load_state_dict(state)
        return batch

    def _set_order(self, order: Tensor) -> None:
        """Set the order of the samples to come.

        The indices are copied to the device, where batches are then gathered without waiting for it.
        """
        self._order, self._position = order, 0
        pinned = order.pin_memory() if self.device.type == "cuda" else order
        self._device_order = pinned.to(self.device, non_blocking=True)

    def state_dict(self) -> dict[str, Any]:
        """Return the samples still to come and the state of the random generator."""
        return {"order": self._order[self._position :].clone(), "generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a position that ``state_dict`` returned."""
        self._set_order(state["order"])
        self._generator.set_state(state["generator"])


class _ReadAhead(ABC):
    """Batches that are read once, also where somebody looks at the next one beforehand."""

    def __init__(self) -> None:
        self._ahead: tuple[Pair, dict[str, Any] | None] | None = None

    @abstractmethod
    def _read(self) -> Pair: ...

    @abstractmethod
    def _position(self) -> dict[str, Any]: ...

    def next(self) -> Pair:
        """Return the next batch."""
        if self._ahead is None:
            return self._read()
        (batch, _), self._ahead = self._ahead, None
        return batch

    def peek(self) -> Pair:
        """Return the batch that ``next`` will give, and keep it."""
        if self._ahead is None:
            position = None
            with suppress(InputError):  # data that cannot be resumed have no position
                position = self._position()
            self._ahead = self._read(), position
        return self._ahead[0]

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the data.

        Raises:
            InputError: if the data cannot be resumed.
        """
        position = None if self._ahead is None else self._ahead[1]
        return self._position() if position is None else position


class DatasetBatches(_ReadAhead):
    """Batches from a map-style data set that is too large for memory or changes its items at every visit.

    Args:
        dataset: a data set with ``__len__`` and ``__getitem__``.
        batch_size: samples in a batch of one process.
        seed: seed of the order.
        device: where the batches are moved.
        rank: number of this process, from 0.
        world_size: number of processes.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int,
        seed: int,
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__()
        count = len(dataset)  # type: ignore[arg-type]
        self.dataset, self.device = dataset, device
        indices = (torch.arange(count),)
        self._indices = ResidentBatches(indices, batch_size, seed, torch.device("cpu"), rank, world_size)

    def _read(self) -> Pair:
        """Load, collate and move the next batch."""
        indices, _ = self._indices.next()
        return as_pair(to_device(collate([self.dataset[int(i)] for i in indices]), self.device))

    def _position(self) -> dict[str, Any]:
        return self._indices.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a position that ``state_dict`` returned."""
        self._ahead = None
        self._indices.load_state_dict(state)


class StreamBatches(_ReadAhead):
    """Batches as an iterable yields them, with the iterable's own batch size; it is restarted when it ends.

    Of every ``world_size`` batches, each process takes one. The stream can be resumed if ``source`` has
    ``state_dict()`` and ``load_state_dict()``: after the latter, a new iterator must go on with the next
    batch.

    Args:
        iterable: yields batches; every ``iter(iterable)`` starts it again.
        device: where the batches are moved.
        rank: number of this process, from 0.
        world_size: number of processes.
        source: the object whose position is saved; the iterable itself by default.
    """

    def __init__(
        self,
        iterable: Iterable[Any],
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
        source: Any = None,
    ) -> None:
        super().__init__()
        self.iterable, self.device, self.rank, self.world_size = iterable, device, rank, world_size
        self.source = iterable if source is None else source
        self._iterator: Iterator[Any] = iter(())

    def _read(self) -> Pair:
        """Return this process's batch of the next ``world_size`` batches."""
        for rank in range(self.world_size):
            item = self._item()
            if rank == self.rank:
                batch = item
        return as_pair(to_device(batch, self.device))

    def _item(self) -> Any:
        try:
            return next(self._iterator)
        except StopIteration:
            self._iterator = iter(self.iterable)
        try:
            return next(self._iterator)
        except StopIteration:
            raise InputError(
                "the data gave no batch: an iterable must give at least one each time it is begun"
            ) from None

    def _position(self) -> dict[str, Any]:
        return {"source": self._call("state_dict")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` returned.

        Raises:
            InputError: if ``source`` cannot be resumed, or its ``load_state_dict()`` fails.
        """
        self._ahead = None
        self._call("load_state_dict", state["source"])
        self._iterator = iter(self.iterable)

    def _call(self, method: str, *arguments: Any) -> Any:
        name = type(self.source).__name__
        if not all(
            callable(getattr(self.source, required, None)) for required in ("state_dict", "load_state_dict")
        ):
            raise InputError(
                f"a {name} cannot be resumed exactly: give train() a tensor or a map-style data set, or an "
                "iterable with state_dict() and load_state_dict(), or train without checkpoint="
            )
        try:
            return getattr(self.source, method)(*arguments)
        except Exception as error:
            raise InputError(f"{method}() of the {name} failed: {first_line(error)}") from error


def as_pair(item: Any) -> Pair:
    """Return a batch as a pair (real, condition).

    Args:
        item: a tensor; (x,); (x, condition); or (x, c₁, c₂, …), whose condition becomes the tuple (c₁, c₂,
            …).

    Raises:
        InputError: if the batch is neither a tensor nor a non-empty tuple or list.

    >>> as_pair((torch.zeros(2), torch.tensor([3, 7])))
    (tensor([0., 0.]), tensor([3, 7]))
    """
    if isinstance(item, Tensor):
        return item, None
    if isinstance(item, tuple | list) and item:
        condition_parts = tuple(item[1:])
        real = tuple(item[0]) if isinstance(item[0], list) else item[0]
        return real, join(condition_parts)
    raise InputError(f"a batch must be a tensor or a pair (x, condition), not {type_name(item)}")


def collate(samples: list[Any]) -> Any:
    """Stack samples of a data set into one batch.

    Args:
        samples: tensors, or tuples such as (x, condition), all of the same shapes.

    Raises:
        InputError: if the samples have different shapes.

    >>> collate([torch.zeros(24, 5), torch.zeros(23, 5)])
    Traceback (most recent call last):
    ...
    gantutor.InputError: the samples have different shapes, (24, 5) and (23, 5): cut or pad them to one
    """
    try:
        return default_collate(samples)
    except RuntimeError:
        for parts in zip(*(as_parts(sample) for sample in samples), strict=False):
            shapes = list(dict.fromkeys(tuple(part.shape) for part in parts if isinstance(part, Tensor)))
            if len(shapes) > 1:
                raise InputError(
                    f"the samples have different shapes, {shapes[0]} and {shapes[1]}: cut or pad them to one"
                ) from None
        raise


def as_parts(sample: Any) -> tuple[Any, ...]:
    """Return a sample as a tuple: (x,), (x, condition), …

    >>> as_parts(3.0)
    (3.0,)
    """
    return tuple(sample) if isinstance(sample, tuple | list) else (sample,)


def to_device(item: Any, device: torch.device) -> Any:
    """Move all tensors of nested tuples and lists to a device; lists become tuples.

    >>> to_device([torch.zeros(1), 3], torch.device("cpu"))
    (tensor([0.]), 3)
    """
    if isinstance(item, tuple | list):
        return tuple(to_device(part, device) for part in item)
    return item.to(device, non_blocking=True) if isinstance(item, Tensor) else item


def make_batches(
    data: Any, batch_size: int, seed: int, device: torch.device, rank: int = 0, world_size: int = 1
) -> Batches:
    """Return endless batches of a tensor, a data set, a loader or an iterable.

    A map-style data set that is small enough and returns the same items at every visit is held in memory as
    tensors.

    Args:
        data: a tensor (N, …); a torch ``Dataset``, whose items are samples; or a ``DataLoader``, a list or
            another iterable, whose items are batches.
        batch_size: samples in a batch of one process; loaders and iterables use their own.
        seed: seed of the order.
        device: where the batches lie.
        rank: number of this process, from 0.
        world_size: number of processes; together they draw ``world_size`` × ``batch_size`` samples a step.

    Raises:
        InputError: if the data are empty or of another kind, if there are fewer samples than all processes
            draw in a step, or if an iterator is given, which cannot be restarted.

    >>> make_batches(torch.zeros(8, 2), 4, seed=0, device=torch.device("cpu")).next()[0].shape
    torch.Size([4, 2])
    """
    if isinstance(data, Tensor):
        if not data.dim():
            raise InputError(
                "data must hold at least one batch of samples, and this tensor is a single number"
            )
        data = TensorDataset(data)
    if isinstance(data, IterableDataset):
        loader: DataLoader[Any] = DataLoader(data, batch_size, drop_last=True)
        return StreamBatches(loader, device, rank, world_size, source=data)
    if isinstance(data, DataLoader | list | tuple):
        return StreamBatches(data, device, rank, world_size)
    not_samples = (str, bytes, dict)  # these have items too, but not samples
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, not_samples):
        _check_sample_count(len(data), batch_size, world_size)
        tensors = data.tensors if isinstance(data, TensorDataset) else _load_into_memory(data)
        if tensors is None:
            return DatasetBatches(data, batch_size, seed, device, rank, world_size)
        return ResidentBatches(tensors, batch_size, seed, device, rank, world_size)
    if isinstance(data, Iterable) and not isinstance(data, not_samples):
        if isinstance(data, Iterator):
            raise InputError(
                "the data must be an iterable that can be begun again, not an iterator: "
                "pass a list or a DataLoader"
            )
        return StreamBatches(data, device, rank, world_size)
    raise InputError(
        "data must be a tensor, a torch Dataset or DataLoader, or an iterable of batches, "
        f"not {type_name(data)}"
    )


def _check_sample_count(count: int, batch_size: int, world_size: int) -> None:
    if count == 0:
        raise InputError("the data set is empty: at least one batch of samples is needed")
    if count < world_size * batch_size:
        name = "batch_size" if world_size == 1 else "the number of processes × batch_size"
        value = (
            f"{batch_size}" if world_size == 1 else f"{world_size} × {batch_size} = {world_size * batch_size}"
        )
        raise InputError(f"{name} must be at most the number of samples, {count}, not {value}")


def _load_into_memory(dataset: Any) -> tuple[Tensor, ...] | None:
    """Return all items as tensors, or None if they are too large or differ from visit to visit."""
    first = default_collate([dataset[0]])
    parts = first if isinstance(first, tuple | list) else (first,)
    if not all(isinstance(part, Tensor) for part in parts):
        return None
    if sum(part.nbytes for part in parts) * len(dataset) > MAX_RESIDENT_BYTES:
        return None
    for _ in range(7):  # eight visits reveal a random flip with probability 127/128
        reloaded = default_collate([dataset[0]])
        pairs = zip(parts, reloaded if isinstance(reloaded, tuple | list) else (reloaded,), strict=True)
        if not all(torch.equal(a, b) for a, b in pairs):
            return None
    return _stack([dataset[i] for i in range(len(dataset))])


def _stack(items: list[Any]) -> tuple[Tensor, ...]:
    batch = collate(items)
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)
