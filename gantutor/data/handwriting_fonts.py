"""Handwriting fonts with free licences, each of which stands for one writer."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from functools import cache

from gantutor._errors import DataUnavailable, InputError
from gantutor.data.spoken_digits import DATA_FOLDERS
from gantutor.data.typefaces import Typeface

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'- "
"""The characters that every one of these fonts has; the space is the last."""

WRITERS = (
    "annie-use-your-telescope", "architects-daughter", "caveat", "cedarville-cursive", "coming-soon",
    "covered-by-your-grace", "crafty-girls", "gloria-hallelujah", "homemade-apple", "indie-flower", "itim",
    "just-me-again-down-here", "kalam", "la-belle-aurore", "mali", "nothing-you-could-do",
    "over-the-rainbow", "patrick-hand", "reenie-beanie", "schoolbell", "shadows-into-light", "sriracha",
    "sue-ellen-francisco", "waiting-for-the-sunrise", "zeyada",
)  # fmt: skip
"""All writers, by the names of their fonts."""

NEW_WRITERS = ("indie-flower", "kalam", "over-the-rainbow", "schoolbell", "shadows-into-light")
"""The writers that no network of the course has seen: they are held out as a whole."""

DISTINCT_WRITERS = (
    "architects-daughter", "caveat", "cedarville-cursive", "covered-by-your-grace", "gloria-hallelujah",
    "nothing-you-could-do", "sriracha", "sue-ellen-francisco",
)  # fmt: skip
"""Eight writers whose hands a person tells apart at 32 pixels."""

ARCHIVE = "handwriting_fonts.zip"
CHECKSUM = "2afb36073c9a7565f55b45522a34915a5fcbb44e4e95f3664e739b34705c85ef"
"""The file of the project's folder data/ and its sha256; a script in scripts/data makes it."""


def handwriting_fonts(names: Sequence[str] = WRITERS) -> tuple[Typeface, ...]:
    """Load handwriting fonts, which come with the project (OFL-1.1 and Apache-2.0).

    Args:
        names: names of writers, of ``WRITERS``.

    Raises:
        InputError: if there is no writer of a name.
        DataUnavailable: if the file with the fonts is missing or damaged.

    >>> [font.name for font in handwriting_fonts(["caveat", "zeyada"])]
    ['Caveat', 'Zeyada']
    """
    is_list = isinstance(names, list | tuple) and len(names) > 0
    if not is_list or not all(isinstance(name, str) and name in WRITERS for name in names):
        raise InputError(f"names must be a list of writers, of {', '.join(WRITERS)}; not {names!r:.80}")
    return tuple(_font(name) for name in names)


@cache
def _font(name: str) -> Typeface:
    return Typeface(_files()[f"{name}.woff"])


@cache
def _files() -> dict[str, bytes]:
    path = next((folder / ARCHIVE for folder in DATA_FOLDERS if (folder / ARCHIVE).is_file()), None)
    if path is None:
        raise DataUnavailable(f"{ARCHIVE}, which comes with the project, is missing: reinstall gantutor")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise DataUnavailable(f"{ARCHIVE} is damaged or another file: reinstall gantutor")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
