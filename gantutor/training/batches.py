"""Endless batches of training data from tensors, data sets, loaders and iterables."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from gantutor._conditions import join, parts_of
from gantutor._errors import InputError, first_line, type_name
from gantutor._random import preserve_random_state, random_state, seeded
from gantutor._tree import tree_leaves, tree_map

MAX_RESIDENT_BYTES = 2**31
"""Largest size, in bytes, of a data set that is held in memory as tensors."""

MAX_CONDITIONS, MAX_CONDITION_BYTES = 1000, 2**26
"""The number of conditions that are kept to generate samples with, and their largest size in bytes."""

LOOK_AHEAD = 256
"""Samples that are read before a training from a stream with conditions, which its pictures are made with."""

CPU = torch.device("cpu")

Pair = tuple[Any, Any]
"""A batch: (real, condition), where the condition may be None."""


class Batches(Protocol):
    """Interface of the sources of endless batches, each (real, condition or None) on a device.

    With several processes, every process takes its own share of each step's samples, and ``state_dict`` is
    the same on all of them.
    """

    @property
    def resumes_exactly(self) -> bool:
        """Whether ``load_state_dict`` goes back to the very batch."""

    def next(self) -> Pair:
        """Return the next batch, (real, condition or None), on the device."""

    def peek(self) -> Pair:
        """Return the batch that ``next`` will give, without taking it."""

    def conditions(self) -> Any:
        """Return conditions of up to ``MAX_CONDITIONS`` samples that are known so far, or None."""

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the data, the same on every process."""

    def load_state_dict(self, state: dict[str, Any], conditions: Any = None) -> None:
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

    resumes_exactly = True

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

    def conditions(self) -> Any:
        """Return the conditions of up to ``MAX_CONDITIONS`` samples, or None."""
        if len(self.tensors) == 1:
            return None
        rng = torch.Generator().manual_seed(0)
        indices = torch.randperm(self.count, generator=rng)[: condition_capacity(self.tensors[1:])]
        return join(tuple(tensor[indices.to(tensor.device)] for tensor in self.tensors[1:]))

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

    def load_state_dict(self, state: dict[str, Any], conditions: Any = None) -> None:
        """Continue from a position that ``state_dict`` returned; the conditions are known already."""
        self._set_order(state["order"])
        self._generator.set_state(state["generator"])


class _ReadAhead(ABC):
    """Batches that are read once, also where somebody looks at the next ones beforehand.

    Whatever a data set draws from the global random generators of torch, numpy and ``random`` depends on the
    seed and on the number of the batch alone, so that a training repeats, and goes on from a checkpoint.

    Args:
        seed: seed of what is drawn.
        device: where the batches are moved.
        rank: number of this process, if it draws other numbers than the others; 0 if they draw the same.
    """

    def __init__(self, seed: int, device: torch.device, rank: int = 0) -> None:
        self.seed, self.device, self._drawing_rank = seed, device, rank
        self.count = 0  # of the batches that were read
        self._ahead: deque[tuple[Pair, dict[str, Any] | None, int]] = deque()
        self._sample = ConditionSample(seed)
        self._looked_ahead = 0

    @abstractmethod
    def _read(self) -> Any:
        """Return the next batch, on any device."""

    @abstractmethod
    def _position(self) -> dict[str, Any]: ...

    def _fetch(self) -> Pair:
        number, self.count = self.count, self.count + 1
        with seeded(CPU, self.seed, self._drawing_rank, number):
            batch = self._read()
        check_batch(batch, number)
        return as_pair(to_device(batch, self.device))

    def next(self) -> Pair:
        """Return the next batch."""
        if self._ahead:
            batch, _, number = self._ahead.popleft()
        else:
            number = self.count
            batch = self._fetch()
        if number >= self._looked_ahead:
            self._sample.add(batch[1], number)
        return batch

    def peek(self) -> Pair:
        """Return the batch that ``next`` will give, and keep it."""
        if not self._ahead:
            self._look_ahead()
        return self._ahead[0][0]

    def _look_ahead(self) -> None:
        position = None
        with suppress(InputError):  # data that cannot be resumed have no position
            position = self._position()
        number = self.count
        self._ahead.append((self._fetch(), position, number))

    def conditions(self) -> Any:
        """Return conditions of up to ``MAX_CONDITIONS`` samples that were read so far, or None.

        The first call reads up to ``LOOK_AHEAD`` samples, which ``next`` gives later.
        """
        if not self._looked_ahead:
            self.peek()
            samples = 0
            for index in range(LOOK_AHEAD):
                real, condition = self._ahead[index][0]
                self._sample.add(condition, self._ahead[index][2])
                samples += len(real[0] if isinstance(real, tuple) else real)
                self._looked_ahead = self._ahead[index][2] + 1
                if condition is None or samples >= LOOK_AHEAD:
                    break
                if index + 1 == len(self._ahead):
                    self._look_ahead()
        return self._sample.rows

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the data.

        Raises:
            InputError: if the data cannot be resumed.
        """
        position, count = (self._ahead[0][1], self._ahead[0][2]) if self._ahead else (None, self.count)
        return (self._position() if position is None else position) | {
            "count": count,
            "seed": self.seed,
            "sampled": self._sample.count,
        }

    def load_state_dict(self, state: dict[str, Any], conditions: Any = None) -> None:
        """Continue from a position that ``state_dict`` returned.

        Args:
            state: what it returned.
            conditions: what ``conditions`` returned at that time.
        """
        self._ahead.clear()
        self.count, self.seed = state.get("count", 0), state.get("seed", self.seed)
        self._sample.rows, self._sample.count = conditions, state.get("sampled", 0)
        self._go_to(state)

    @abstractmethod
    def _go_to(self, state: dict[str, Any]) -> None: ...


class ConditionSample:
    """A sample of the conditions that were seen so far, each with the same probability (reservoir sampling).

    Vitter 1985, algorithm R.

    Args:
        seed: seed of the draws.

    Attributes:
        rows: conditions of at most ``MAX_CONDITIONS`` samples, or None.
        count: the number of conditions that were seen.

    >>> sample = ConditionSample(seed=0)
    >>> sample.add(torch.arange(5), number=0); sample.rows
    tensor([0, 1, 2, 3, 4])
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.count = seed, 0
        self.rows: Any = None

    def add(self, conditions: Any, number: int) -> None:
        """Look at the conditions of one batch.

        Args:
            conditions: conditions in any form.
            number: the number of the batch.
        """
        parts = parts_of(conditions)
        if not parts or not all(isinstance(part, Tensor) for part in parts):
            return
        if self.rows is None:
            self.rows = tree_map(lambda part: part[:0].clone(), conditions)
        rows = parts_of(self.rows)
        if [row.shape[1:] for row in rows] != [part.shape[1:] for part in parts]:
            return  # conditions of several lengths cannot be held in one tensor
        room = min(condition_capacity(parts) - len(rows[0]), len(parts[0]))
        if room > 0:
            columns = zip(rows, parts, strict=True)
            self.rows = join(tuple(torch.cat([row, part[:room]]) for row, part in columns))
        new = torch.arange(max(room, 0), len(parts[0]))  # those for which another one has to give way
        if len(new):
            draws = np.random.default_rng([self.seed, number]).random(len(new))
            slots = torch.from_numpy((draws * (self.count + new.numpy() + 1)).astype(np.int64))
            kept = slots < len(parts_of(self.rows)[0])
            if bool(kept.any()):
                for row, part in zip(parts_of(self.rows), parts, strict=True):
                    for slot, index in zip(slots[kept].tolist(), new[kept].tolist(), strict=True):
                        row[slot] = part[index]  # one after another: a slot may be drawn twice
        self.count += len(parts[0])


def condition_capacity(parts: tuple[Tensor, ...]) -> int:
    """Return how many conditions are kept: ``MAX_CONDITIONS``, or fewer where they are large.

    >>> condition_capacity((torch.zeros(4),)), condition_capacity((torch.zeros(2, 3, 512, 512),))
    (1000, 64)
    """
    bytes_per_row = sum(part[:1].nbytes for part in parts)
    return max(64, min(MAX_CONDITIONS, MAX_CONDITION_BYTES // max(1, bytes_per_row)))


def check_batch(batch: Any, number: int) -> None:
    """Check that the samples of a batch on the CPU are finite.

    Args:
        batch: a batch in any form.
        number: its number, from 0.

    Raises:
        InputError: if a value is NaN or infinite; the message names the batch and the sample.

    >>> check_batch((torch.zeros(2, 1), torch.arange(2)), 0)
    """
    for tensor in tree_leaves(batch):
        is_checked = isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.device.type == "cpu"
        if is_checked and not bool(tensor.isfinite().all()):
            broken = (~tensor.isfinite()).flatten(1).any(1) if tensor.dim() > 1 else ~tensor.isfinite()
            sample = int(broken.reshape(-1).nonzero()[0])
            raise InputError(
                f"batch {number + 1} of the data contains values that are not finite (NaN or infinity), "
                f"first in its sample {sample}: remove or replace them"
            )


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

    resumes_exactly = True

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int,
        seed: int,
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(seed, device, rank)
        count = len(dataset)  # type: ignore[arg-type]
        self.dataset = dataset
        indices = (torch.arange(count),)
        self._indices = ResidentBatches(indices, batch_size, seed, torch.device("cpu"), rank, world_size)

    def _read(self) -> Any:
        """Load and collate the next batch."""
        indices = self._indices.next()[0].tolist()
        items = [read_item(self.dataset, index) for index in indices]
        batch = collate(items, indices)
        for index, item in zip(indices, items, strict=True):
            if not _is_finite(item):
                raise InputError(
                    f"item {index} of the data set contains values that are not finite (NaN or infinity): "
                    "remove or replace them"
                )
        return batch

    def _position(self) -> dict[str, Any]:
        return self._indices.state_dict()

    def _go_to(self, state: dict[str, Any]) -> None:
        self._indices.load_state_dict(state)


class StreamBatches(_ReadAhead):
    """Batches as an iterable yields them, with the iterable's own batch size; it is restarted when it ends.

    Of every ``world_size`` batches, each process takes one. The stream can be resumed exactly if ``source``
    has ``state_dict()`` and ``load_state_dict()``: after the latter, a new iterator must go on with the next
    batch. Others start again from the beginning after a checkpoint.

    Args:
        iterable: yields batches; every ``iter(iterable)`` starts it again.
        seed: seed of what the iterable draws from global random generators.
        device: where the batches are moved.
        rank: number of this process, from 0.
        world_size: number of processes.
        source: the object whose position is saved; the iterable itself by default.
    """

    def __init__(
        self,
        iterable: Iterable[Any],
        seed: int,
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
        source: Any = None,
    ) -> None:
        super().__init__(seed, device)  # the same in all processes: they share the stream
        self.iterable, self.rank, self.world_size = iterable, rank, world_size
        self.source = iterable if source is None else source
        self._iterator: Iterator[Any] = iter(())

    @property
    def resumes_exactly(self) -> bool:
        """Whether the source says where it is, and can be told to go there."""
        return all(callable(getattr(self.source, name, None)) for name in ("state_dict", "load_state_dict"))

    def _read(self) -> Any:
        """Return this process's batch of the next ``world_size`` batches."""
        items = [self._item() for _ in range(self.world_size)]
        return items[self.rank]

    def _item(self) -> Any:
        try:
            return next(self._iterator)
        except StopIteration:
            self._iterator = iter(self.iterable)
        try:
            return next(self._iterator)
        except StopIteration:
            raise InputError(
                "the data contain no batch: an iterable must yield at least one each time it is read"
            ) from None

    def _position(self) -> dict[str, Any]:
        return {"source": self._call("state_dict") if self.resumes_exactly else None}

    def _go_to(self, state: dict[str, Any]) -> None:
        """Continue from a position.

        Raises:
            InputError: if the ``load_state_dict()`` of ``source`` fails.
        """
        if self.resumes_exactly and state["source"] is not None:
            self._call("load_state_dict", state["source"])
        self._iterator = iter(self.iterable)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self.source, method)(*arguments)
        except Exception as error:
            name = type(self.source).__name__
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
    if isinstance(item, Mapping):
        names = ", ".join(map(repr, list(item)[:4]))
        raise InputError(
            f"a batch must be a tensor or a pair (x, condition), not a dict of {names}: pass the DataLoader "
            "a collate_fn that returns the pair, or let the data set return it"
        )
    raise InputError(f"a batch must be a tensor or a pair (x, condition), not {type_name(item)}")


def read_item(dataset: Any, index: int) -> Any:
    """Return an item of a data set; an error on the way gets a note with the index.

    Args:
        dataset: a data set with ``__getitem__``.
        index: the number of the item, from 0.

    Raises:
        InputError: if the item is None or a dict.

    >>> read_item([None], 0)
    Traceback (most recent call last):
    ...
    gantutor.InputError: item 0 of the data set is None: it must be a tensor, or a pair (x, condition)
    """
    try:
        item = dataset[index]
    except Exception as error:
        error.add_note(f"This happened while item {index} of the data set was read.")
        raise
    if item is None or isinstance(item, Mapping):
        name = "None" if item is None else f"a dict of {', '.join(map(repr, list(item)[:4]))}"
        raise InputError(
            f"item {index} of the data set is {name}: it must be a tensor, or a pair (x, condition)"
        )
    return item


def collate(samples: list[Any], indices: Sequence[int] | None = None) -> Any:
    """Stack samples of a data set into one batch.

    Args:
        samples: tensors, or tuples such as (x, condition), all of the same shapes.
        indices: the numbers of the samples in their data set, for the message.

    Raises:
        InputError: if the samples have different shapes, or one is no tensor and cannot become one.

    >>> collate([torch.zeros(24, 5), torch.zeros(23, 5)])
    Traceback (most recent call last):
    ...
    gantutor.InputError: items 0 and 1 have different shapes, (24, 5) and (23, 5): cut or pad them
    """
    numbers = range(len(samples)) if indices is None else indices
    try:
        return default_collate(samples)
    except (RuntimeError, TypeError, AttributeError, KeyError, IndexError) as error:
        first = as_parts(samples[0])
        for number, sample in zip(numbers, samples, strict=True):
            parts = as_parts(sample)
            for part in parts:
                if not isinstance(part, Tensor | np.ndarray | np.generic | int | float | str | bytes):
                    raise InputError(
                        f"item {number} of the data set holds {describe_type(part)}, which cannot become a "
                        "tensor: convert it in the data set, a picture with torchvision's ToTensor()"
                    ) from error
            if len(parts) != len(first):
                raise InputError(
                    f"item {numbers[0]} of the data set has {len(first)} parts and item {number} has "
                    f"{len(parts)}: all items must have the same number"
                ) from error
            for part, first_part in zip(parts, first, strict=True):
                shapes = [tuple(getattr(x, "shape", ())) for x in (first_part, part)]
                if shapes[0] != shapes[1]:
                    raise InputError(
                        f"items {numbers[0]} and {number} have different shapes, {shapes[0]} and {shapes[1]}"
                        ": cut or pad them"
                    ) from error
        raise


def describe_type(value: Any) -> str:
    """Return the name of a value's type with that of its module, where this is not Python's own.

    >>> describe_type(None), describe_type(torch.nn.Linear(1, 1))
    ('None', 'torch.nn.modules.linear.Linear')
    """
    module = type(value).__module__
    return type_name(value) if module == "builtins" else f"{module}.{type_name(value)}"


def as_parts(sample: Any) -> tuple[Any, ...]:
    """Return a sample as a tuple: (x,), (x, condition), …

    >>> as_parts(3.0)
    (3.0,)
    """
    return tuple(sample) if isinstance(sample, tuple | list) else (sample,)


def to_device(item: Any, device: torch.device) -> Any:
    """Move all tensors and arrays of nested tuples and lists to a device; lists become tuples.

    >>> to_device([torch.zeros(1), 3], torch.device("cpu"))
    (tensor([0.]), 3)
    """
    if isinstance(item, tuple | list):
        return tuple(to_device(part, device) for part in item)
    if isinstance(item, np.ndarray) and item.dtype != object:
        item = torch.from_numpy(item)
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
        return StreamBatches(loader, seed, device, rank, world_size, source=data)
    if isinstance(data, DataLoader | list | tuple):
        return StreamBatches(data, seed, device, rank, world_size)
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
                "the data must be an iterable that can be read again, not an iterator: "
                "pass a list or a DataLoader"
            )
        return StreamBatches(data, seed, device, rank, world_size)
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
    """Return all items as tensors, or None if they are too large or may differ from visit to visit.

    They may differ if reading them moves a random generator, a global one or one that the data set holds, or
    if some of them are not the same at a second visit.
    """
    with preserve_random_state(CPU):
        generators = _generators_of(dataset)
        states = _states(generators)
        parts = _parts_of_item(read_item(dataset, 0), 0)
        if not all(isinstance(part, Tensor) for part in parts):
            return None
        if sum(part.nbytes for part in parts) * len(dataset) > MAX_RESIDENT_BYTES:
            return None
        items = []
        for index in range(len(dataset)):
            items.append(read_item(dataset, index))
            if index < 8 and _states(generators) != states:
                return None
        if _states(generators) != states:
            return None
        for index in sorted({round(step * (len(dataset) - 1) / 7) for step in range(8)}):
            pairs = zip(
                _parts_of_item(items[index], index),
                _parts_of_item(read_item(dataset, index), index),
                strict=True,
            )
            if not all(torch.equal(part, again) for part, again in pairs):
                return None
    batch = collate(items)
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)


def _parts_of_item(item: Any, index: int) -> tuple[Any, ...]:
    """The parts of an item, each as a batch of one."""
    batch = collate([item], [index])
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)


def _generators_of(value: Any) -> list[Any]:
    """The random generators that an object holds, also inside the objects that it holds (transforms)."""
    found: list[Any] = []
    seen: set[int] = set()

    def visit(part: Any, depth: int) -> None:
        if id(part) in seen or len(seen) > 10_000:
            return
        seen.add(id(part))
        if isinstance(part, torch.Generator | np.random.Generator | np.random.RandomState | random.Random):
            found.append(part)
        elif depth and isinstance(part, list | tuple | set):
            for entry in part:
                visit(entry, depth - 1)
        elif depth and isinstance(part, dict):
            for entry in part.values():
                visit(entry, depth - 1)
        elif depth and not isinstance(part, Tensor | np.ndarray | type | ModuleType):
            visit(getattr(part, "__dict__", None), depth)

    visit(value, 5)
    return found


def _states(generators: list[Any]) -> list[Any]:
    """The states of torch's, numpy's and Python's global random generators, and of these."""
    states: list[Any] = [random_state(CPU).numpy().tobytes()]
    for generator in generators:
        if isinstance(generator, torch.Generator):
            states.append(generator.get_state().cpu().numpy().tobytes())
        elif isinstance(generator, np.random.Generator):
            states.append(repr(generator.bit_generator.state))
        elif isinstance(generator, np.random.RandomState):
            states.append(repr(generator.get_state(legacy=False)))
        else:
            states.append(generator.getstate())
    return states


def _is_finite(item: Any) -> bool:
    """Whether the floating-point tensors and arrays of an item hold finite values only."""
    for part in tree_leaves(item):
        if isinstance(part, Tensor) and part.is_floating_point() and not bool(part.isfinite().all()):
            return False
        is_array = isinstance(part, np.ndarray) and part.dtype.kind == "f"
        if is_array and not bool(np.isfinite(part).all()):
            return False
    return True
