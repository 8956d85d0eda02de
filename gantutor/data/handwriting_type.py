"""Handwriting and type: in pairs that say the same, or as two streams that nobody has matched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_path, integer, one_of, validate
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import FOLDER, digits
from gantutor.data.letters import LETTERS, letters
from gantutor.data.typefaces import DIGITS, Typeface, typefaces
from gantutor.data.typeset import SCALE, SHIFT, check_jitter, render

Fonts = Iterable[str | Path | bytes | Typeface] | None


@dataclass(frozen=True)
class TranslationDataset(Dataset):
    """Handwriting and type. Rows of both parts begin with (type, handwriting), so that the type is what a
    game takes for real and the rest is its condition; the labels, which no game sees, lie beside them.

    ``labels`` (N,) and ``unseen`` (N,) belong to the held-out rows: what was written, and whether this
    character never occurs in this typeface in the training part.
    """

    characters: str
    typefaces: tuple[Typeface, ...]
    labels: Tensor
    unseen: Tensor


def paired_handwriting(
    name: str = "digits",
    fonts: Fonts = None,
    copies: int = 3,
    held_back: int | None = None,
    shift: float = SHIFT,
    scale: float = SCALE,
    seed: int = 0,
    folder: str | Path = FOLDER,
) -> TranslationDataset:
    """Pairs: (type, handwriting, typeface) of shapes (N, 1, 28, 28), (N, 1, 28, 28) in [−1, 1] and (N,),
    where the type shows what was written, moved and scaled at random as in ``typeset``.

    ``name``: ``"digits"``, ``"mnist"``, or ``"emnist_letters"``, set as capitals. Every training image comes
    ``copies`` times, in typefaces drawn for it; every held-out image once in every typeface. ``held_back``
    characters of each typeface, by default one where there are several, occur in it nowhere in the training
    part: a network that sets them well has learnt what a typeface is. Everything is made once and held in
    memory. Raises InputError for fonts that cannot be used or a character that no typeface would show, and
    what ``digits`` raises.

    >>> pairs = paired_handwriting(copies=1)
    >>> [tuple(part.shape) for part in pairs.train.tensors], len(pairs.held_out), int(pairs.unseen.sum())
    ([(4000, 1, 28, 28), (4000, 1, 28, 28), (4000,)], 8000, 800)
    """
    _check(name, copies, seed, shift, scale)
    characters, written = _written(name, check_path(folder, "folder"))
    faces = typefaces(fonts, characters)
    held = (1 if len(faces) > 1 else 0) if held_back is None else held_back
    draw = torch.Generator().manual_seed(seed)
    allowed = combinations(len(characters), len(faces), held, draw)
    images, labels = (part.repeat(copies, *[1] * (part.dim() - 1)) for part in written.train.tensors)
    drawn = allowed[labels].float().multinomial(1, generator=draw)[:, 0]
    train = TensorDataset(render(faces, characters, labels, drawn, shift, scale, draw), images, drawn)
    images, labels = (part.repeat_interleave(len(faces), 0) for part in written.held_out.tensors)
    every = torch.arange(len(labels)) % len(faces)
    held_out = TensorDataset(render(faces, characters, labels, every, shift, scale, draw), images, every)
    card = _card(
        f"{name}_to_type", written, faces, f"{len(train):,} pairs to train on, {len(held_out):,} held out"
    )
    return TranslationDataset(
        card.name, train, held_out, card, characters, faces, labels, ~allowed[labels, every]
    )


def unpaired_handwriting(
    name: str = "digits",
    fonts: Fonts = None,
    copies: int = 3,
    shift: float = SHIFT,
    scale: float = SCALE,
    seed: int = 0,
    folder: str | Path = FOLDER,
) -> TranslationDataset:
    """Two streams: rows (type, handwriting), both (N, 1, 28, 28) in [−1, 1], that were never matched.

    The handwriting is that of ``name`` without its labels, ``copies`` times. Beside each stands a character
    drawn from all of them with equal chances, in a typeface drawn likewise, by default DejaVu Sans Bold
    alone, whatever was written: nothing in the training part says which belongs to which. ``labels`` of the
    held-out handwriting are for scores alone. Raises what ``paired_handwriting`` raises.

    >>> streams = unpaired_handwriting(copies=1)
    >>> [tuple(part.shape) for part in streams.train.tensors]
    [(4000, 1, 28, 28), (4000, 1, 28, 28)]
    """
    _check(name, copies, seed, shift, scale)
    characters, written = _written(name, check_path(folder, "folder"))
    faces = typefaces(typefaces()[1:2] if fonts is None else fonts, characters)
    draw = torch.Generator().manual_seed(seed)
    parts = []
    for part, times in ((written.train, copies), (written.held_out, 1)):
        images = part.tensors[0].repeat(times, 1, 1, 1)
        typed = torch.randint(len(characters), (len(images),), generator=draw)
        drawn = torch.randint(len(faces), (len(images),), generator=draw)
        parts.append(TensorDataset(render(faces, characters, typed, drawn, shift, scale, draw), images))
    labels = written.held_out.tensors[1]
    size = f"{len(parts[0]):,} of each to train on, {len(parts[1]):,} held out"
    card = _card(f"{name}_and_type", written, faces, size)
    nowhere = torch.zeros(len(labels), dtype=torch.bool)
    return TranslationDataset(card.name, parts[0], parts[1], card, characters, faces, labels, nowhere)


def _check(name: str, copies: int, seed: int, shift: float, scale: float) -> None:
    validate(
        {"name": name, "copies": copies, "seed": seed},
        name=one_of("digits", "mnist", "emnist_letters"),
        copies=integer(1),
        seed=integer(0),
    )
    check_jitter(shift, scale)


def combinations(classes: int, faces: int, held_back: int, draw: torch.Generator) -> Tensor:
    """Which character may occur in which typeface in the training part: bool (classes, faces), with
    ``held_back`` characters missing in each typeface.

    The missing ones go round an order drawn at random, so that they spread over the characters.

    >>> seen = combinations(10, 8, 1, torch.Generator().manual_seed(0))
    >>> seen.sum(0).tolist(), int(seen.sum(1).min())
    ([9, 9, 9, 9, 9, 9, 9, 9], 7)
    """
    validate({"held_back": held_back}, held_back=integer(0, classes - 1))
    order = torch.randperm(classes, generator=draw)
    seen = torch.ones(classes, faces, dtype=torch.bool)
    for face in range(faces):
        seen[order[(face * held_back + torch.arange(held_back)) % classes], face] = False
    if not bool(seen.any(1).all()):
        raise InputError(
            f"held_back={held_back} with {faces} typeface{'s' * (faces > 1)} leaves a character in none of "
            "them: hold back fewer, or give more fonts"
        )
    return seen


def _written(name: str, folder: str | Path) -> tuple[str, Dataset]:
    """What can be written, and the handwriting."""
    return (LETTERS, letters(folder)) if name == "emnist_letters" else (DIGITS, digits(name, folder))


def _card(name: str, written: Dataset, faces: tuple[Typeface, ...], size: str) -> Card:
    names = ", ".join(face.name for face in faces)
    return Card(
        name,
        f"{written.card.content}, and typeset ones in {names}",
        f"{written.card.source}; type rendered on the spot",
        f"{written.card.licence}; each font's own",
        f"{size}; 28 × 28 grey pixels in [−1, 1]",
    )
