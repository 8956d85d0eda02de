"""What every loader returns: training data, held-out data, and a card that says where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from torch.utils.data import TensorDataset


@dataclass(frozen=True)
class Card:
    """Where a data set comes from and what it holds; a notebook shows it as a small table.

    >>> print(Card("digits", "what they are", "who made them", "under which licence", "how many"))
    digits: what they are
      source: who made them
      licence: under which licence
      size: how many
    """

    name: str
    content: str
    source: str
    licence: str
    size: str

    def __str__(self) -> str:
        rest = "\n".join(f"  {key}: {getattr(self, key)}" for key in ("source", "licence", "size"))
        return f"{self.name}: {self.content}\n{rest}"

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><th {left}>{key}</th><td {left}>{escape(getattr(self, key))}</td></tr>"
            for key in ("content", "source", "licence", "size")
        )
        return f"<table><caption><b>{escape(self.name)}</b></caption>{rows}</table>"


@dataclass(frozen=True)
class Dataset:
    """A data set in two parts: ``train`` to learn from, and ``held_out`` to score against, which no network
    sees."""

    name: str
    train: TensorDataset
    held_out: TensorDataset
    card: Card

    def without_labels(self) -> Dataset:
        """The same samples alone, for games without a condition."""
        return Dataset(
            self.name,
            TensorDataset(self.train.tensors[0]),
            TensorDataset(self.held_out.tensors[0]),
            self.card,
        )
