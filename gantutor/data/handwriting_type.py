"""Images of handwriting and of type, as pairs of the same character or without any pairing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_path, checked, integer, one_of, validate
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import CACHE_FOLDER, digits
from gantutor.data.letters import LETTERS, letters
from gantutor.data.typefaces import DIGITS, Typeface, typefaces
from gantutor.data.typeset import DEFAULT_SCALE, DEFAULT_SHIFT, check_jitter, render

Fonts = Iterable[str | Path | bytes | Typeface] | None


@dataclass(frozen=True)
class TranslationDataset(Dataset):
    """Images of handwriting and of type.

    The rows of both parts begin with (type, handwriting), so that a game takes the type for real and the rest
    for its condition. No network is trained on the labels.

    Attributes:
        characters: the characters, in the order of the labels.
        typefaces: the typefaces, in the order of their indices.
        labels: (N,), the characters of the held-out handwriting, as indices.
        unseen: (N,), whether the training part never shows this character in the typeface of this held-out
            row.
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
    shift: float = DEFAULT_SHIFT,
    scale: float = DEFAULT_SCALE,
    seed: int = 0,
    folder: str | Path = CACHE_FOLDER,
) -> TranslationDataset:
    """Pair images of handwriting with the same characters in type.

    Some characters of each typeface are held back from the training part. A network that renders them well
    has learned the style of the typeface, rather than memorised its characters. All images are rendered once
    and kept in memory.

    Args:
        name: the handwriting, ``"digits"``, ``"mnist"`` or ``"emnist_letters"`` (set as capitals).
        fonts: paths or contents of font files, or typefaces; None means eight fonts that come with
            matplotlib.
        copies: pairs of each training image, in random typefaces; every held-out image has one pair in every
            typeface.
        held_back: characters of each typeface that the training part does not show; None means 1, or 0 where
            there is a single typeface.
        shift: largest random shift of the type along each axis in pixels, from 0 to 4.
        scale: largest random change of the type's size, relative, from 0 to 0.2.
        seed: seed of the random numbers.
        folder: where downloaded handwriting is kept.

    Returns:
        In each part, type (N, 1, 28, 28) and handwriting (N, 1, 28, 28) in [−1, 1], and the index of the
        typeface (N,).

    Raises:
        InputError: if a font cannot be read or lacks a character, no typeface would show a character in the
            training part, or an argument is out of range.
        DataUnavailable: if the handwriting is not available (see ``digits`` and ``letters``).

    >>> pairs = paired_handwriting(copies=1)
    >>> [tuple(part.shape) for part in pairs.train.tensors], len(pairs.held_out), int(pairs.unseen.sum())
    ([(4000, 1, 28, 28), (4000, 1, 28, 28), (4000,)], 8000, 800)
    """
    _check(name, copies, seed, shift, scale)
    characters, handwriting = _handwriting(name, check_path(folder, "folder"))
    faces = typefaces(fonts, characters)
    if held_back is None:
        held_back = 1 if len(faces) > 1 else 0
    rng = torch.Generator().manual_seed(seed)
    allowed = training_combinations(len(characters), len(faces), held_back, rng)
    images, labels = (part.repeat(copies, *[1] * (part.dim() - 1)) for part in handwriting.train.tensors)
    face_indices = allowed[labels].float().multinomial(1, generator=rng)[:, 0]
    typed = render(faces, characters, labels, face_indices, shift, scale, rng)
    train = TensorDataset(typed, images, face_indices)
    images, labels = (part.repeat_interleave(len(faces), 0) for part in handwriting.held_out.tensors)
    face_indices = torch.arange(len(labels)) % len(faces)
    typed = render(faces, characters, labels, face_indices, shift, scale, rng)
    held_out = TensorDataset(typed, images, face_indices)
    card = _card(
        f"{name}_to_type", handwriting, faces, f"{len(train):,} pairs to train on, {len(held_out):,} held out"
    )
    unseen = ~allowed[labels, face_indices]
    return TranslationDataset(card.name, train, held_out, card, characters, faces, labels, unseen)


def unpaired_handwriting(
    name: str = "digits",
    fonts: Fonts = None,
    copies: int = 3,
    shift: float = DEFAULT_SHIFT,
    scale: float = DEFAULT_SCALE,
    seed: int = 0,
    folder: str | Path = CACHE_FOLDER,
) -> TranslationDataset:
    """Combine images of handwriting with images of type that are independent of them.

    Each handwritten image is combined with a uniformly random character in a uniformly random typeface,
    whatever was written: nothing in the training part says which belong together. The labels of the held-out
    handwriting are for scores only.

    Args:
        name: the handwriting, ``"digits"``, ``"mnist"`` or ``"emnist_letters"`` (set as capitals).
        fonts: paths or contents of font files, or typefaces; None means DejaVu Sans Bold alone.
        copies: rows for each training image; every held-out image has one.
        shift: largest random shift of the type along each axis in pixels, from 0 to 4.
        scale: largest random change of the type's size, relative, from 0 to 0.2.
        seed: seed of the random numbers.
        folder: where downloaded handwriting is kept.

    Returns:
        In each part, type and handwriting, both (N, 1, 28, 28) in [−1, 1].

    Raises:
        InputError: if a font cannot be read or lacks a character, or an argument is out of range.
        DataUnavailable: if the handwriting is not available (see ``digits`` and ``letters``).

    >>> streams = unpaired_handwriting(copies=1)
    >>> [tuple(part.shape) for part in streams.train.tensors]
    [(4000, 1, 28, 28), (4000, 1, 28, 28)]
    """
    _check(name, copies, seed, shift, scale)
    characters, handwriting = _handwriting(name, check_path(folder, "folder"))
    faces = typefaces(typefaces()[1:2] if fonts is None else fonts, characters)
    rng = torch.Generator().manual_seed(seed)
    parts = []
    for part, times in ((handwriting.train, copies), (handwriting.held_out, 1)):
        images = part.tensors[0].repeat(times, 1, 1, 1)
        type_labels = torch.randint(len(characters), (len(images),), generator=rng)
        face_indices = torch.randint(len(faces), (len(images),), generator=rng)
        typed = render(faces, characters, type_labels, face_indices, shift, scale, rng)
        parts.append(TensorDataset(typed, images))
    labels = handwriting.held_out.tensors[1]
    size = f"{len(parts[0]):,} of each to train on, {len(parts[1]):,} held out"
    card = _card(f"{name}_and_type", handwriting, faces, size)
    unseen = torch.zeros(len(labels), dtype=torch.bool)
    return TranslationDataset(card.name, parts[0], parts[1], card, characters, faces, labels, unseen)


@checked(name=one_of("digits", "mnist", "emnist_letters"), copies=integer(1), seed=integer(0))
def _check(name: str, copies: int, seed: int, shift: float, scale: float) -> None:
    check_jitter(shift, scale)


def training_combinations(classes: int, faces: int, held_back: int, rng: torch.Generator) -> Tensor:
    """Choose which characters the training part shows in which typefaces.

    The characters held back are taken from a random order in turn, so that they spread over all characters.

    Args:
        classes: number of characters.
        faces: number of typefaces.
        held_back: characters to hold back from each typeface, from 0 to ``classes`` − 1.
        rng: the source of random numbers.

    Returns:
        bool (``classes``, ``faces``), True where the training part may show a character in a typeface.

    Raises:
        InputError: if ``held_back`` is out of range, or a character would be shown in no typeface.

    >>> seen = training_combinations(10, 8, 1, torch.Generator().manual_seed(0))
    >>> seen.sum(0).tolist(), int(seen.sum(1).min())
    ([9, 9, 9, 9, 9, 9, 9, 9], 7)
    """
    validate({"held_back": held_back}, held_back=integer(0, classes - 1))
    order = torch.randperm(classes, generator=rng)
    seen = torch.ones(classes, faces, dtype=torch.bool)
    for face in range(faces):
        seen[order[(face * held_back + torch.arange(held_back)) % classes], face] = False
    if not bool(seen.any(1).all()):
        raise InputError(
            f"held_back={held_back} with {faces} typeface{'s' * (faces > 1)} leaves a character in none of "
            "them: hold back fewer, or pass more fonts"
        )
    return seen


def _handwriting(name: str, folder: str | Path) -> tuple[str, Dataset]:
    """Load the handwriting, with the characters that its labels stand for."""
    return (LETTERS, letters(folder)) if name == "emnist_letters" else (DIGITS, digits(name, folder))


def _card(name: str, handwriting: Dataset, faces: tuple[Typeface, ...], size: str) -> Card:
    names = ", ".join(face.name for face in faces)
    return Card(
        name,
        f"{handwriting.card.content}, and typeset ones in {names}",
        f"{handwriting.card.source}; type rendered on the spot",
        f"{handwriting.card.licence}; each font's own",
        f"{size}; 28 × 28 grey pixels in [−1, 1]",
    )
