"""Stacked digits: images of three digits, one in each colour channel, with up to 1,000 modes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import checked, integer
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits


@checked(count=integer(1), held_out=integer(1), seed=integer(0))
def stacked_digits(
    count: int = 20_000, held_out: int = 5_000, name: str = "digits", seed: int = 0
) -> Dataset:
    """Draw images of three digits, one in each colour channel, to test how many modes a GAN covers.

    The modes, up to 1,000, can be counted (Metz et al. 2017, arXiv:1611.02163, section 3.3.1; Srivastava et
    al. 2017, arXiv:1705.07761). Digits are drawn independently, and no digit is in both parts.

    Args:
        count: images to train on, stacked from the training digits; one image takes 9.4 kilobytes.
        held_out: images to hold out, stacked from the held-out digits.
        name: where the digits come from, as in ``digits``.
        seed: seed of the random numbers.

    Returns:
        In each part, images (N, 3, 28, 28), float32 in [−1, 1], and labels (N,) from 0 to 999: red is the
        hundreds, green the tens, blue the units.

    Raises:
        InputError: if a count is below 1, the seed is negative, or the name is unknown.
        DataUnavailable: if the digits are not available (see ``digits``).

    >>> stacked = stacked_digits(100, 10)
    >>> stacked.train.tensors[0].shape, int(stacked.train.tensors[1].max()) < 1000
    (torch.Size([100, 3, 28, 28]), True)
    """
    single = digits(name)
    rng = torch.Generator().manual_seed(seed)
    train, held_out_part = _stack(single.train, count, rng), _stack(single.held_out, held_out, rng)
    card = Card(
        "stacked digits",
        "three digits as the colour channels of one image",
        f"stacked here; {single.card.source}",
        single.card.licence,
        f"{count:,} to train on and {held_out:,} held out, 3 × 28 × 28 pixels in [−1, 1], up to 1,000 modes",
    )
    return Dataset("stacked_digits", train, held_out_part, card)


def mode_index(digits: Tensor) -> Tensor:
    """Combine three digits to the number of a mode: hundreds, tens, units.

    Args:
        digits: (N, 3), whole numbers from 0 to 9.

    Returns:
        (N,), whole numbers from 0 to 999.

    >>> mode_index(torch.tensor([[4, 0, 7]]))
    tensor([407])
    """
    return digits @ torch.tensor([100, 10, 1])


def _stack(single: TensorDataset, count: int, rng: torch.Generator) -> TensorDataset:
    images, labels = single.tensors
    chosen = torch.randint(len(images), (count, 3), generator=rng)
    return TensorDataset(images[chosen].squeeze(2), mode_index(labels[chosen]))
