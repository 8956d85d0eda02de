"""Given names as one-hot sequences of letters, from the US census of 1990 or the user's own list."""

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
"""The character of each index; 0 is the end mark, which also fills the rest of a sequence."""

SEQUENCE_LENGTH = 12
"""Characters of a sequence: the longest names have eleven letters, so that each has an end mark."""

CHECKSUMS = {
    "dist.female.first": "bd2f310fc4e5d5e5ea122c9d4342c9821145823118eb20db1647f305ec77b358",
    "dist.male.first": "0a5078ef6effe3b483d15b0f7f95047662126c9bfb624ecd5e5b978fc0f2470b",
}
"""The files of the package names 0.3.0 and their sha256."""

_CENSUS = (
    "distinct given names of the US census of 1990, letters a to z",
    "US Census Bureau, frequently occurring names; through the package names",
    "public domain (the package: MIT)",
)

MIN_WORDS = 10
"""The user's own words must be at least this many, so that two are held out."""


def names(words: str | Path | Sequence[str] | None = None) -> Dataset:
    """Load given names as one-hot sequences of letters, to be generated letter by letter.

    By default these are all distinct given names of the US census of 1990, women's and men's, of two to
    eleven letters, each once, however frequent: 4,131 to train on and 1,032 held out. Source: US Census
    Bureau, frequently occurring names (public domain), through the package names. Every fifth word in
    alphabetical order is held out.

    Args:
        words: the user's own words instead, at least 10 of 1 to 11 letters a to z, as a list or as the path
            of a text file with one word per line; repeated words are dropped.

    Returns:
        In each part, sequences (N, 12, 27), float32; index 0 is the end mark, which also fills the rest of a
        sequence, and 1 to 26 are a to z.

    Raises:
        InputError: if the file cannot be read, there are too few words, or a word is not of such letters.
        DataUnavailable: if the package names or one of its files is missing or damaged.

    >>> data = names()
    >>> data.train.tensors[0].shape, data.held_out.tensors[0].shape
    (torch.Size([4131, 12, 27]), torch.Size([1032, 12, 27]))
    >>> decode_names(data.train.tensors[0][:3])
    ['aaron', 'abbey', 'abbie']
    """
    distinct = _census() if words is None else _read_words(words)
    held_out = distinct[4::5]
    train = [name for index, name in enumerate(distinct) if index % 5 != 4]
    parts = f"{len(train):,} to train on and {len(held_out):,} held out"
    size = f"{parts}, {SEQUENCE_LENGTH} steps × {len(ALPHABET)} signs"
    credit = _CENSUS if words is None else ("words of your own", "given by you", "yours to know")
    return Dataset(
        "names",
        TensorDataset(encode_names(train)),
        TensorDataset(encode_names(held_out)),
        Card("names", *credit, size),
    )


@cache
def _census() -> list[str]:
    """Read all given names of the census, in lower case and in alphabetical order."""
    distinct: set[str] = set()
    for file, checksum in CHECKSUMS.items():
        content = bundled_file("the names", "names", file, checksum, "names 0.3.0")
        distinct |= {line.split()[0].lower() for line in content.decode("ascii").splitlines() if line}
    return sorted(distinct)


def _read_words(words: str | Path | Sequence[str]) -> list[str]:
    """Return the user's own words, each once, in lower case and in alphabetical order."""
    if isinstance(words, str | Path):
        try:
            lines = check_path(words, "words").read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"the words {str(words)!r} cannot be read as a text file: {first_line(error)}"
            ) from None
        words = [line.strip() for line in lines if line.strip()]
    elif not isinstance(words, list | tuple):
        raise InputError(f"words must be a list of words or the path of a text file, not {type_name(words)}")
    distinct = sorted({_check_name(word) for word in words})
    if len(distinct) < MIN_WORDS:
        raise InputError(f"there must be at least {MIN_WORDS} different words, not {len(distinct)}")
    return distinct


def encode_names(names: Sequence[str]) -> Tensor:
    """Encode names as one-hot sequences of letters.

    Args:
        names: names of one to eleven letters a to z; upper case is converted to lower case.

    Returns:
        Sequences (N, 12, 27), float32; end marks (index 0) follow the letters and fill the rest.

    Raises:
        InputError: if ``names`` is not a list of such names, or is empty.

    >>> encode_names(["Ada", "bo"]).argmax(2)[:, :5]
    tensor([[ 1,  4,  1,  0,  0],
            [ 2, 15,  0,  0,  0]])
    """
    if not isinstance(names, list | tuple):
        raise InputError(f"names must be a list of names, such as ['ada', 'bo'], not {names!r}")
    if not names:
        raise InputError("the list of names is empty: at least one is needed")
    indices = [[ALPHABET.index(letter) for letter in _check_name(name)] for name in names]
    padded = [row + [0] * (SEQUENCE_LENGTH - len(row)) for row in indices]
    return F.one_hot(torch.tensor(padded), len(ALPHABET)).float()


def _check_name(name: str) -> str:
    """Return the name in lower case, or raise InputError if it cannot be encoded."""
    if not isinstance(name, str) or not name:
        raise InputError(f"a name must be a text of 1 to {SEQUENCE_LENGTH - 1} letters, not {name!r}")
    lower = name.lower()
    unknown = sorted({letter for letter in lower if letter not in ALPHABET[1:]})
    if unknown:
        raise InputError(
            f"the name {name!r} holds {', '.join(map(repr, unknown))}: only the letters a to z are allowed"
        )
    if len(lower) >= SEQUENCE_LENGTH:
        raise InputError(
            f"the name {name!r} has {len(lower)} letters: at most {SEQUENCE_LENGTH - 1} are allowed"
        )
    return lower


def decode_names(names: Tensor) -> list[str]:
    """Decode sequences into names, each up to its first end mark.

    Args:
        names: (N, L, 27) one-hot vectors, probabilities or logits, of which the largest counts; or (N, L)
            indices from 0 to 26. L is any length.

    Returns:
        N names in lower case; a sequence that begins with an end mark gives an empty name.

    Raises:
        InputError: if the tensor has another shape, or values that are out of range or not finite.

    >>> decode_names(encode_names(["ada", "bo"])), decode_names(torch.tensor([[1, 4, 1, 0, 7]]))
    (['ada', 'bo'], ['ada'])
    """
    check_tensors(names=names)
    shape, count = tuple(names.shape), len(ALPHABET)
    if names.dim() == 3 and shape[2] == count:
        if not bool(names.isfinite().all()):
            raise InputError("the sequences contain values that are not finite (NaN or infinity)")
        names = names.cpu().double().argmax(2)
    elif names.dim() != 2 or names.is_floating_point() or names.dtype == torch.bool:
        raise InputError(
            f"sequences must have shape (N, L, {count}), or (N, L) with whole numbers, "
            f"not {shape} of {names.dtype}"
        )
    if names.numel() and not 0 <= int(names.min()) <= int(names.max()) < count:
        raise InputError(f"signs must lie from 0 to {count - 1}, not from {names.min()} to {names.max()}")
    return ["".join(ALPHABET[index] for index in row).split(ALPHABET[0])[0] for row in names.tolist()]
