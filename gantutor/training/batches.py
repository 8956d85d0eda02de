"""Endless batches from whatever a user has: tensors, data sets, loaders, iterables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from gantutor._conditions import join
from gantutor._errors import InputError, first_line, type_name

RESIDENT_BYTES = 2**31
"""A data set of at most this size is held in memory as one tensor."""

Pair = tuple[Any, Any]


class Batches(Protocol):
    """Endless batches as (real, condition or None) on a device.

    Of ``ranks`` processes each has a share of every step's samples; their ``state_dict`` is the same on all.
    """

    def next(self) -> Pair: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class ResidentBatches:
    """Batches from tensors that stay on the device, in an order drawn anew for each pass, no sample left out.

    With several ranks a step takes ``ranks`` × ``batch_size`` samples, and each rank its block of them.

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
        ranks: int = 1,
    ) -> None:
        self.tensors = tuple(tensor.to(device) for tensor in tensors)
        self.count, self.batch_size, self.device = len(tensors[0]), batch_size, device
        self.rank, self.ranks = rank, ranks
        self._generator = torch.Generator().manual_seed(seed)
        self._set_order(torch.empty(0, dtype=torch.int64))

    def next(self) -> Pair:
        while len(self._order) - self._taken < self.ranks * self.batch_size:
            order = torch.randperm(self.count, generator=self._generator)
            self._set_order(torch.cat([self._order[self._taken :], order]))
        start = self._taken + self.rank * self.batch_size
        chosen = self._placed[start : start + self.batch_size]
        self._taken += self.ranks * self.batch_size
        return as_pair(tuple(tensor[chosen] for tensor in self.tensors))

    def _set_order(self, order: Tensor) -> None:
        """The order of what comes, kept here and sent to the device, where batches are then gathered without
        waiting for it."""
        self._order, self._taken = order, 0
        pinned = order.pin_memory() if self.device.type == "cuda" else order
        self._placed = pinned.to(self.device, non_blocking=True)

    def state_dict(self) -> dict[str, Any]:
        return {"order": self._order[self._taken :].clone(), "generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._set_order(state["order"])
        self._generator.set_state(state["generator"])


class DatasetBatches:
    """Batches from a map-style data set that is too large for memory or changes its items at every visit."""

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int,
        seed: int,
        device: torch.device,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        count = len(dataset)  # type: ignore[arg-type]
        self.dataset, self.device = dataset, device
        indices = (torch.arange(count),)
        self._indices = ResidentBatches(indices, batch_size, seed, torch.device("cpu"), rank, ranks)

    def next(self) -> Pair:
        indices, _ = self._indices.next()
        return as_pair(to_device(collate([self.dataset[int(i)] for i in indices]), self.device))

    def state_dict(self) -> dict[str, Any]:
        return self._indices.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._indices.load_state_dict(state)


class StreamBatches:
    """Batches as an iterable gives them (its own batch size); begun again when it ends.

    Of every ``ranks`` batches each rank takes its one. It can be resumed where ``source``, by default the
    iterable itself, has ``state_dict()`` and ``load_state_dict()``: after the latter, a new iterator must go
    on with the next batch.
    """

    def __init__(
        self,
        iterable: Iterable[Any],
        device: torch.device,
        rank: int = 0,
        ranks: int = 1,
        source: Any = None,
    ) -> None:
        self.iterable, self.device, self.rank, self.ranks = iterable, device, rank, ranks
        self.source = iterable if source is None else source
        self._iterator: Iterator[Any] = iter(())

    def next(self) -> Pair:
        for turn in range(self.ranks):
            item = self._item()
            if turn == self.rank:
                mine = item
        return as_pair(to_device(mine, self.device))

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

    def state_dict(self) -> dict[str, Any]:
        return {"source": self._call("state_dict")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._call("load_state_dict", state["source"])
        self._iterator = iter(self.iterable)

    def _call(self, method: str, *given: Any) -> Any:
        name = type(self.source).__name__
        if not all(callable(getattr(self.source, each, None)) for each in ("state_dict", "load_state_dict")):
            raise InputError(
                f"a {name} cannot be resumed exactly: give train() a tensor or a map-style data set, or an "
                "iterable with state_dict() and load_state_dict(), or train without checkpoint="
            )
        try:
            return getattr(self.source, method)(*given)
        except Exception as error:
            raise InputError(f"{method}() of the {name} failed: {first_line(error)}") from error


def as_pair(item: Any) -> Pair:
    """A batch as (real, condition): the tensor alone, (x,), (x, condition), or (x, c₁, c₂, …) with a tuple as
    condition."""
    if isinstance(item, Tensor):
        return item, None
    if isinstance(item, tuple | list) and item:
        rest = tuple(item[1:])
        real = tuple(item[0]) if isinstance(item[0], list) else item[0]
        return real, join(rest)
    raise InputError(f"a batch must be a tensor or a pair (x, condition), not {type_name(item)}")


def collate(samples: list[Any]) -> Any:
    """Samples of a data set as one batch; raises InputError where they have different shapes.

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
    """A sample with all that belongs to it: (x,), (x, condition), …"""
    return tuple(sample) if isinstance(sample, tuple | list) else (sample,)


def to_device(item: Any, device: torch.device) -> Any:
    """Tensors, however nested in tuples and lists, on the device."""
    if isinstance(item, Tensor):
        return item.to(device, non_blocking=True)
    if isinstance(item, tuple | list):
        return tuple(to_device(part, device) for part in item)
    return item


def batches_of(
    data: Any, batch_size: int, seed: int, device: torch.device, rank: int = 0, ranks: int = 1
) -> Batches:
    """Endless batches from a tensor, a ``TensorDataset``, any torch ``Dataset`` or ``DataLoader``, or an
    iterable.

    The items of an iterable, a list included, are batches; those of a ``Dataset`` are samples. A data set
    that fits, and whose items are the same at every visit, is held in memory as one tensor. Of ``ranks``
    processes this is ``rank``, and draws ``batch_size`` of the samples that all of them draw together. Raises
    InputError for empty data, or for fewer samples than a batch of all ranks.

    >>> batches_of(torch.zeros(8, 2), 4, seed=0, device=torch.device("cpu")).next()[0].shape
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
        return StreamBatches(loader, device, rank, ranks, source=data)
    if isinstance(data, DataLoader | list | tuple):
        return StreamBatches(data, device, rank, ranks)
    plain = (str, bytes, dict)  # they have items too, but no samples
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, plain):
        _refuse_too_few(len(data), batch_size, ranks)
        tensors = data.tensors if isinstance(data, TensorDataset) else _in_memory(data)
        if tensors is None:
            return DatasetBatches(data, batch_size, seed, device, rank, ranks)
        return ResidentBatches(tensors, batch_size, seed, device, rank, ranks)
    if isinstance(data, Iterable) and not isinstance(data, plain):
        if isinstance(data, Iterator):
            raise InputError(
                "the data must be an iterable that can be begun again, not an iterator: "
                "pass a list or a DataLoader"
            )
        return StreamBatches(data, device, rank, ranks)
    raise InputError(
        f"data must be a tensor, a torch Dataset or DataLoader, or an iterable of batches, not {type_name(data)}"
    )


def _refuse_too_few(count: int, batch_size: int, ranks: int) -> None:
    if count == 0:
        raise InputError("the data set is empty: at least one batch of samples is needed")
    if count < ranks * batch_size:
        what = "batch_size" if ranks == 1 else "the number of processes × batch_size"
        given = f"{batch_size}" if ranks == 1 else f"{ranks} × {batch_size} = {ranks * batch_size}"
        raise InputError(f"{what} must be at most the number of samples, {count}, not {given}")


def _in_memory(dataset: Any) -> tuple[Tensor, ...] | None:
    """All items as tensors, or None where they are too large or change from visit to visit."""
    first = default_collate([dataset[0]])
    parts = first if isinstance(first, tuple | list) else (first,)
    if not all(isinstance(part, Tensor) for part in parts):
        return None
    if sum(part.nbytes for part in parts) * len(dataset) > RESIDENT_BYTES:
        return None
    for _ in range(7):  # a random flip shows itself within eight visits with probability 127/128
        again = default_collate([dataset[0]])
        pairs = zip(parts, again if isinstance(again, tuple | list) else (again,), strict=True)
        if not all(torch.equal(a, b) for a, b in pairs):
            return None
    return _stacked([dataset[i] for i in range(len(dataset))])


def _stacked(items: list[Any]) -> tuple[Tensor, ...]:
    everything = collate(items)
    return tuple(everything) if isinstance(everything, tuple | list) else (everything,)
