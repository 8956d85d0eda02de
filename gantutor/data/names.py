"""Given names, letter by letter: one-hot sequences of 27 signs, an end mark and the letters a to z."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_path, check_tensors
from gantutor._errors import InputError, first_line, type_name
from gantutor.data.bundled import bundled_file
from gantutor.data.dataset import Card, Dataset

ALPHABET = ".abcdefghijklmnopqrstuvwxyz"
"""What an index stands for; 0 is the end mark, which also fills the rest of a sequence."""

LENGTH = 12
"""Signs in a sequence: the longest names have eleven letters, so that each ends with a mark."""

FILES = {
    "dist.female.first": "bd2f310fc4e5d5e5ea122c9d4342c9821145823118eb20db1647f305ec77b358",
    "dist.male.first": "0a5078ef6effe3b483d15b0f7f95047662126c9bfb624ecd5e5b978fc0f2470b",
}
"""The lists of names 0.3.0 and their sha256."""

_CENSUS = (
    "distinct given names of the US census of 1990, letters a to z",
    "US Census Bureau, frequently occurring names; through the package names",
    "public domain (the package: MIT)",
)

LEAST = 10
"""Words of one's own that there must be, to have two to hold out."""


def names(own: str | Path | Sequence[str] | None = None) -> Dataset:
    """Given names as one-hot sequences (N, 12, 27), float32: 4,131 to train on and 1,032 held out.

    They are all distinct given names of the US census of 1990, women's and men's, two to eleven letters, each
    once, however frequent. Index 0 is the end mark and fills the rest; 1 to 26 are a to z. Every fifth in
    alphabetical order is held out. Source: US Census Bureau, frequently occurring names (public domain),
    through the package names. Raises DataUnavailable where it or its files are missing.

    ``own``: words of one's own instead, as a list or as a text file with one a line; doubles are dropped.
    Raises InputError for a file that cannot be read, fewer than 10 words, or a word that is not of 1 to 11
    letters a to z.

    >>> data = names()
    >>> data.train.tensors[0].shape, data.held_out.tensors[0].shape
    (torch.Size([4131, 12, 27]), torch.Size([1032, 12, 27]))
    >>> decode_names(data.train.tensors[0][:3])
    ['aaron', 'abbey', 'abbie']
    """
    found = _census() if own is None else _own(own)
    held_out = found[4::5]
    train = [name for index, name in enumerate(found) if index % 5 != 4]
    size = (
        f"{len(train):,} to train on and {len(held_out):,} held out, {LENGTH} steps × {len(ALPHABET)} signs"
    )
    credit = _CENSUS if own is None else ("words of your own", "given by you", "yours to know")
    return Dataset(
        "names",
        TensorDataset(encode_names(train)),
        TensorDataset(encode_names(held_out)),
        Card("names", *credit, size),
    )


@cache
def _census() -> list[str]:
    """All given names, lower case, in alphabetical order."""
    found: set[str] = set()
    for file, checksum in FILES.items():
        content = bundled_file("the names", "names", file, checksum, "names 0.3.0")
        found |= {line.split()[0].lower() for line in content.decode("ascii").splitlines() if line}
    return sorted(found)


def _own(own: str | Path | Sequence[str]) -> list[str]:
    """Words of one's own, each once, in small letters and in alphabetical order."""
    if isinstance(own, str | Path):
        try:
            words: Sequence[str] = check_path(own, "own").read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"the words {str(own)!r} cannot be read as a text file: {first_line(error)}"
            ) from None
        words = [word.strip() for word in words if word.strip()]
    elif isinstance(own, list | tuple):
        words = own
    else:
        raise InputError(f"own must be a list of words or the path of a text file, not {type_name(own)}")
    found = sorted({_checked(word) for word in words})
    if len(found) < LEAST:
        raise InputError(f"there must be at least {LEAST} different words, not {len(found)}")
    return found


def encode_names(names: Sequence[str]) -> Tensor:
    """Names as one-hot sequences (N, 12, 27), float32, each ended and filled up by end marks (index 0).

    Capitals are read as small letters. Raises InputError for anything but a list of names of one to eleven
    letters a to z.

    >>> encode_names(["Ada", "bo"]).argmax(2)[:, :5]
    tensor([[ 1,  4,  1,  0,  0],
            [ 2, 15,  0,  0,  0]])
    """
    if not isinstance(names, list | tuple):
        raise InputError(f"names must be a list of names, such as ['ada', 'bo'], not {names!r}")
    if not names:
        raise InputError("the list of names is empty: at least one is needed")
    indices = [[ALPHABET.index(letter) for letter in _checked(name)] for name in names]
    filled = [row + [0] * (LENGTH - len(row)) for row in indices]
    return F.one_hot(torch.tensor(filled), len(ALPHABET)).float()


def _checked(name: str) -> str:
    """The name in small letters, if it can be spelt."""
    if not isinstance(name, str) or not name:
        raise InputError(f"a name must be a text of 1 to {LENGTH - 1} letters, not {name!r}")
    small = name.lower()
    unknown = sorted({letter for letter in small if letter not in ALPHABET[1:]})
    if unknown:
        raise InputError(f"the name {name!r} holds {', '.join(map(repr, unknown))}: only a to z can be spelt")
    if len(small) >= LENGTH:
        raise InputError(f"the name {name!r} has {len(small)} letters: at most {LENGTH - 1} are allowed")
    return small


def decode_names(names: Tensor) -> list[str]:
    """The names that sequences spell, each up to its first end mark.

    ``names`` holds one number for each sign, (N, L, 27): one-hot, probabilities or logits, of which the
    largest counts; or whole numbers from 0 to 26, (N, L). Of any length L. A sequence that begins with an end
    mark gives an empty name. Raises InputError for other shapes and values.

    >>> decode_names(encode_names(["ada", "bo"])), decode_names(torch.tensor([[1, 4, 1, 0, 7]]))
    (['ada', 'bo'], ['ada'])
    """
    check_tensors(names=names)
    shape, count = tuple(names.shape), len(ALPHABET)
    if names.dim() == 3 and shape[2] == count:
        if not bool(names.isfinite().all()):
            raise InputError("the sequences contain values that are not finite (NaN or infinity)")
        names = names.double().argmax(2)
    elif names.dim() != 2 or names.is_floating_point() or names.dtype == torch.bool:
        raise InputError(
            f"sequences must have shape (N, L, {count}), or (N, L) with whole numbers, "
            f"not {shape} of {names.dtype}"
        )
    if names.numel() and not 0 <= int(names.min()) <= int(names.max()) < count:
        raise InputError(f"signs must lie from 0 to {count - 1}, not from {names.min()} to {names.max()}")
    return ["".join(ALPHABET[index] for index in row).split(ALPHABET[0])[0] for row in names.tolist()]
