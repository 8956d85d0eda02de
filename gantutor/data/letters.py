"""Handwritten letters: EMNIST through torchvision, which downloads it."""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase

from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._errors import DataUnavailable
from gantutor._files import expand
from gantutor.data.bundled import missing_package
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import CACHE_FOLDER

LETTERS = ascii_uppercase


def letters(folder: str | Path = CACHE_FOLDER) -> Dataset:
    """Load handwritten letters; upper and lower case of a letter are one class.

    This is EMNIST's split "letters" (Cohen et al. 2017, arXiv:1702.05373): 124,800 images to train on and
    20,800 held out.

    Args:
        folder: where the data set is kept, ``~`` standing for the home folder; it is downloaded the first
            time.

    Returns:
        In each part, images (N, 1, 28, 28), float32 in [−1, 1], and labels (N,) from 0 (a) to 25 (z).

    Raises:
        InputError: if ``folder`` is not a path.
        DataUnavailable: if torchvision is missing, or the download fails.
    """
    folder = expand(folder, "folder")
    try:
        from torchvision.datasets import EMNIST
    except (ImportError, RuntimeError):  # RuntimeError if it was built for another torch
        raise missing_package("emnist_letters", "torchvision") from None
    try:
        parts = [EMNIST(str(folder), split="letters", train=train, download=True) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        raise DataUnavailable(
            f"emnist_letters could not be downloaded ({type(error).__name__}): it needs a network connection "
            'once; the default, "digits", needs none'
        ) from None
    train, held_out = (TensorDataset(upright(part.data), part.targets.long() - 1) for part in parts)
    card = Card(
        "emnist_letters",
        "handwritten letters, capital and small in one class",
        "Cohen et al. 2017, arXiv:1702.05373, from NIST Special Database 19; through torchvision",
        "see its authors' page; NIST Special Database 19 is a work of the US government",
        f"{len(train):,} to train on and {len(held_out):,} held out, 28 × 28 grey pixels in [−1, 1]",
    )
    return Dataset(card.name, train, held_out, card)


def upright(pixels: Tensor) -> Tensor:
    """Turn EMNIST's pixels, whose rows and columns are exchanged, into upright images.

    Args:
        pixels: (N, 28, 28) from 0 to 255.

    Returns:
        Images (N, 1, 28, 28) in [−1, 1].

    >>> import torch
    >>> pixels = torch.zeros(1, 28, 28)
    >>> pixels[0, 2, 9] = 255  # the third column, the tenth row
    >>> upright(pixels)[0, 0, 9, 2]
    tensor(1.)
    """
    return (pixels.float().transpose(1, 2) / 127.5 - 1).unsqueeze(1).contiguous()
