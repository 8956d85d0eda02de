"""What every loader returns: training data, held-out data, and a card that says where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import torch
from torch.utils.data import TensorDataset

from gantutor._errors import InputError, type_name


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


def with_mirror_images(data: TensorDataset) -> TensorDataset:
    """Images (N, C, H, W), and what belongs to them, followed by the same images with left and right
    exchanged: twice as many.

    Only for what may be looked at in a mirror: faces, and no digits. Raises InputError for anything but a
    TensorDataset whose first tensor holds images.

    >>> once = TensorDataset(torch.arange(3.0).view(1, 1, 1, 3), torch.tensor([7]))
    >>> images, labels = with_mirror_images(once).tensors
    >>> images.view(2, 3).tolist(), labels.tolist()
    ([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]], [7, 7])
    """
    tensors = getattr(data, "tensors", None)
    if not tensors or tensors[0].dim() != 4:
        given = type_name(data) if not tensors else f"tensors of {tuple(tensors[0].shape)}"
        raise InputError(f"data must be a TensorDataset of images (N, C, H, W), not {given}")
    images, *rest = tensors
    doubled = [torch.cat([each, each]) for each in rest]
    return TensorDataset(torch.cat([images, images.flip(3)]), *doubled)
