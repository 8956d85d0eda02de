"""The classes that every loader returns: a data set in two parts, and the card that describes it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import torch
from torch.utils.data import TensorDataset

from gantutor._errors import InputError, type_name


@dataclass(frozen=True)
class Card:
    """A data set's description and source; a notebook shows it as a small table.

    Attributes:
        name: the data set's name.
        content: what one sample shows.
        source: who made the data, and through which package they come.
        licence: the terms of use.
        size: how many samples each part has, and of which shape.

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
        lines = "\n".join(f"  {key}: {getattr(self, key)}" for key in ("source", "licence", "size"))
        return f"{self.name}: {self.content}\n{lines}"

    def _repr_html_(self) -> str:
        style = "style='text-align:left'"
        rows = "".join(
            f"<tr><th {style}>{key}</th><td {style}>{escape(getattr(self, key))}</td></tr>"
            for key in ("content", "source", "licence", "size")
        )
        return f"<table><caption><b>{escape(self.name)}</b></caption>{rows}</table>"


@dataclass(frozen=True)
class Dataset:
    """A data set in two parts, one to train on and one to score against.

    Attributes:
        name: the data set's name.
        train: the samples to learn from, and after them their conditions such as labels.
        held_out: samples that no network is trained on, with the same tensors as ``train``.
        card: where the data come from.
    """

    name: str
    train: TensorDataset
    held_out: TensorDataset
    card: Card

    def without_labels(self) -> Dataset:
        """Return the same data set with the samples alone, for games without a condition."""
        return Dataset(
            self.name,
            TensorDataset(self.train.tensors[0]),
            TensorDataset(self.held_out.tensors[0]),
            self.card,
        )


def with_mirror_images(data: TensorDataset) -> TensorDataset:
    """Append to the images their mirror images, with left and right exchanged.

    This suits faces, which look as natural in a mirror, but not digits.

    Args:
        data: the images (N, C, H, W), and any further tensors (N, …), such as labels, which are repeated.

    Returns:
        2N images: the original ones, then their mirror images in the same order.

    Raises:
        InputError: if ``data`` is not a TensorDataset whose first tensor has four dimensions.

    >>> once = TensorDataset(torch.arange(3.0).view(1, 1, 1, 3), torch.tensor([7]))
    >>> images, labels = with_mirror_images(once).tensors
    >>> images.view(2, 3).tolist(), labels.tolist()
    ([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]], [7, 7])
    """
    tensors = getattr(data, "tensors", None)
    if not tensors or tensors[0].dim() != 4:
        description = type_name(data) if not tensors else f"tensors of {tuple(tensors[0].shape)}"
        raise InputError(f"data must be a TensorDataset of images (N, C, H, W), not {description}")
    images, *conditions = tensors
    doubled = [torch.cat([condition, condition]) for condition in conditions]
    return TensorDataset(torch.cat([images, images.flip(3)]), *doubled)
