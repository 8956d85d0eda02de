"""What the tests of batches share: data of several kinds, and how many are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

CPU = torch.device("cpu")


class Squares(Dataset[tuple[Tensor, int]]):
    """Item i is (i², i)."""

    def __init__(self, count: int = 12) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return torch.tensor([float(index**2)]), index


class Flips(Squares):
    """Items that differ at every visit."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.randn(1), index


class Stream(IterableDataset[Tensor]):
    """Ten samples one after the other."""

    def __iter__(self) -> Iterator[Tensor]:
        return iter(torch.arange(10.0).split(1))


def drawn(batches: Any, count: int) -> list[Tensor]:
    return [batches.next()[0] for _ in range(count)]


def same_state(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two positions are the same, whatever each process has seen of the conditions."""

    def same(a: Any, b: Any) -> bool:
        return torch.equal(a, b) if isinstance(a, Tensor) else bool(a == b)

    names = one.keys() - {"sampled"}
    return one.keys() == other.keys() and all(same(one[name], other[name]) for name in names)
