"""A folder of the user's own pictures as a data set."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import boolean, check_path, checked, integer, number
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.photographs import SUPPORTED, read_photograph

SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
    ]
)
"""Suffixes of the files that are taken for pictures, in small letters."""

MIN_PICTURES = 16
"""Pictures that can be used, at least: with fewer there is nothing to learn from and to hold out."""

NAMED_PROBLEMS = 5
"""Unusable files that are named with their reason; of more, the number is given."""


@checked(side=integer(8, 4096), grey=boolean(), held_out=number(above=0, high=0.9), seed=integer(0))
def picture_folder(
    folder: str | Path, side: int = 28, grey: bool = True, held_out: float = 0.2, seed: int = 0
) -> Dataset:
    """Load all pictures of a folder, and of the folders in it, as square images of one size.

    Each file is read by ``read_photograph``: turned upright, cropped to the square in its middle, resized.
    Files may differ in size, format and mode. One that cannot be used is left out, and the card says why.

    Args:
        folder: the folder; ``~`` stands for the home folder.
        side: height and width of the images in pixels, from 8 to 4096.
        grey: whether to convert colours to grey.
        held_out: share of the pictures that are held out, above 0 and at most 0.9.
        seed: decides which pictures are held out, at least 0.

    Returns:
        Images (N, 1, ``side``, ``side``), or with ``grey=False`` (N, 3, ``side``, ``side``), in [−1, 1].

    Raises:
        InputError: if the folder does not exist, or if fewer than 16 of its pictures can be used; the message
            names the files that cannot, with the reasons.

    >>> picture_folder("no/such/folder")
    Traceback (most recent call last):
    ...
    gantutor.InputError: there is no folder 'no/such/folder'
    """
    path = check_path(folder, "folder")
    if not path.is_dir():
        raise InputError(f"there is no folder {str(folder)!r}")
    images: list[Tensor] = []
    problems: list[str] = []
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() not in SUFFIXES or not file.is_file() or file.name.startswith("."):
            continue
        try:
            images.append(read_photograph(file, side, grey))
        except InputError as error:
            reason = str(error).replace(str(file), file.name)
            problems.append(reason if file.name in reason else f"{file.name}: {reason}")
    unusable = _in_words(problems)
    if len(images) < MIN_PICTURES:
        raise InputError(
            f"the folder {str(folder)!r} has {len(images)} pictures that can be used, and at least "
            f"{MIN_PICTURES} are needed ({SUPPORTED} be read){unusable}"
        )
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    held = min(max(2, round(held_out * len(images))), len(images) - 2)
    shuffled = torch.stack(images)[order]
    card = Card(
        name=path.name or "pictures",
        content="your own pictures",
        source=f"a folder of {len(images) + len(problems):,} pictures",
        licence="you know what you may do with them",
        size=f"{len(images) - held:,} to train on and {held:,} held out, {side} × {side} "
        f"{'grey' if grey else 'coloured'} pixels in [−1, 1]{unusable}",
    )
    return Dataset(card.name, TensorDataset(shuffled[held:]), TensorDataset(shuffled[:held]), card)


def _in_words(problems: list[str]) -> str:
    """What follows in a sentence about files that cannot be used."""
    if not problems:
        return ""
    rest = len(problems) - NAMED_PROBLEMS
    more = f"; and {rest:,} more" if rest > 0 else ""
    return f"; {len(problems):,} left out: {'; '.join(problems[:NAMED_PROBLEMS])}{more}"
