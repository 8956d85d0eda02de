"""Stacked digits: three real digits as the colour channels of one image, so that there are up to 1,000 modes.

A test of variety whose modes can be counted (Metz et al. 2017, arXiv:1611.02163, section 3.3.1; Srivastava et
al. 2017, arXiv:1705.07761).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import integer, validate
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits


def stacked_digits(
    count: int = 20_000, held_out: int = 5_000, name: str = "digits", seed: int = 0
) -> Dataset:
    """Images (N, 3, 28, 28), float32 in [−1, 1], each channel a digit drawn alone, and labels (N,) from 0 to
    999.

    The label reads the channels as a number: red is the hundreds, green the tens, blue the units. ``count``
    images are stacked from the training digits of ``name`` (see ``digits``) and ``held_out`` from its
    held-out ones: no digit is in both. One image takes 9.4 kilobytes. Raises InputError for counts below 1,
    and what ``digits`` raises.

    >>> stacked = stacked_digits(100, 10)
    >>> stacked.train.tensors[0].shape, int(stacked.train.tensors[1].max()) < 1000
    (torch.Size([100, 3, 28, 28]), True)
    """
    given = {"count": count, "held_out": held_out, "seed": seed}
    validate(given, count=integer(1), held_out=integer(1), seed=integer(0))
    single = digits(name)
    draw = torch.Generator().manual_seed(seed)
    train, rest = _stack(single.train, count, draw), _stack(single.held_out, held_out, draw)
    card = Card(
        "stacked digits",
        "three digits as the colour channels of one image",
        f"stacked here; {single.card.source}",
        single.card.licence,
        f"{count:,} to train on and {held_out:,} held out, 3 × 28 × 28 pixels in [−1, 1], up to 1,000 modes",
    )
    return Dataset("stacked_digits", train, rest, card)


def mode_index(digits: Tensor) -> Tensor:
    """Three digits (N, 3) read as a number from 0 to 999, (N,): hundreds, tens, units.

    >>> mode_index(torch.tensor([[4, 0, 7]]))
    tensor([407])
    """
    return digits @ torch.tensor([100, 10, 1])


def _stack(single: TensorDataset, count: int, draw: torch.Generator) -> TensorDataset:
    images, labels = single.tensors
    chosen = torch.randint(len(images), (count, 3), generator=draw)
    return TensorDataset(images[chosen].squeeze(2), mode_index(labels[chosen]))
