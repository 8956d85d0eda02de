"""Typefaces: font files, checked for the glyphs of all characters before text is set in them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gantutor._errors import InputError, first_line, type_name
from gantutor._files import expand

DIGITS = "0123456789"

DEFAULT_FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "STIXGeneralItalic.ttf",
    "cmtt10.ttf",
)
"""Eight of the fonts that matplotlib carries, which a person can distinguish at 28 pixels."""

MISSING_CHARACTER = "\U0010ffff"
"""A character that no font has: a font draws it as it draws every character that it lacks."""

PROBE_SIZE = 64
"""Pixels per em at which glyphs are drawn to be checked and measured."""

STYLE_WORDS = (("Bold", "Black", "Heavy"), ("Oblique", "Italic"))
"""The words in a font's style that mean bold, and those that mean slanted."""

Glyph = NDArray[np.uint8]


class Typeface:
    """A font, read from a TTF or OTF file or another one that FreeType opens.

    Args:
        source: the path of a font file, or its content.

    Attributes:
        family: the family's name in the font, such as "DejaVu Sans".
        style: the style's name in the font, such as "Bold"; empty for a regular font.
        name: family and style together, such as "DejaVu Sans Bold".

    Raises:
        InputError: if the file is missing, or is not a font.

    >>> typefaces()[1]
    <Typeface: DejaVu Sans Bold>
    >>> Typeface(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: this cannot be read as a font: use a TTF or OTF file
    """

    def __init__(self, source: str | Path | bytes) -> None:
        self._content, file_name = _read(source)
        try:
            family, style = self.font(PROBE_SIZE).getname()
            self._pixels(DIGITS, PROBE_SIZE)
        except (OSError, ValueError, MemoryError):
            raise InputError(f"{file_name} cannot be read as a font: use a TTF or OTF file") from None
        self.family: str = family or Path(file_name).stem
        self.style: str = "" if style in (None, "Regular", "Book", "Roman") else style
        self.name = self.family if self.style in self.family else f"{self.family} {self.style}"

    def __repr__(self) -> str:
        return f"<Typeface: {self.name}>"

    @lru_cache(maxsize=256)  # noqa: B019  typefaces are few and live as long as the notebook
    def font(self, size: int) -> Any:
        """Return Pillow's font at ``size`` pixels per em."""
        from PIL import ImageFont

        return ImageFont.truetype(io.BytesIO(self._content), size, layout_engine=ImageFont.Layout.BASIC)

    @lru_cache(maxsize=4096)  # noqa: B019
    def glyph(self, text: str, size: int) -> tuple[Glyph, int]:
        """Draw a character or a text.

        Args:
            text: one or more characters.
            size: pixels per em.

        Returns:
            The pixels (H, W) from 0 to 255, cropped to what is drawn, and the distance in pixels of their top
            below the font's ascender.

        >>> pixels, top = typefaces()[0].glyph("1", 40)
        >>> pixels.max(), top > 0
        (np.uint8(255), True)
        """
        return self._pixels(text, size)

    def _pixels(self, text: str, size: int) -> tuple[Glyph, int]:
        font = self.font(size)
        left, top, right, bottom = font.getbbox(text)
        if right <= left or bottom <= top:
            return np.zeros((0, 0), np.uint8), 0
        from PIL import Image, ImageDraw

        canvas = Image.new("L", (int(right - left), int(bottom - top)), 0)
        ImageDraw.Draw(canvas).text((-left, -top), text, font=font, fill=255)
        return np.asarray(canvas), int(top)

    def check_glyphs(self, characters: str) -> None:
        """Check that the font has a distinct glyph for each character.

        Args:
            characters: the characters to check.

        Raises:
            InputError: if the font lacks a character, or draws two of them alike.

        >>> typefaces()[0].check_glyphs("日")
        Traceback (most recent call last):
        ...
        gantutor.InputError: DejaVu Sans has no glyph for '日': choose a font that has one
        """
        missing, _ = self.glyph(MISSING_CHARACTER, PROBE_SIZE)
        drawn: dict[bytes, str] = {}
        for character in characters:
            pixels, _ = self.glyph(character, PROBE_SIZE)
            if not pixels.any() or np.array_equal(pixels, missing):
                raise InputError(f"{self.name} has no glyph for {character!r}: choose a font that has one")
            first = drawn.setdefault(f"{pixels.shape}".encode() + pixels.tobytes(), character)
            if first != character:
                raise InputError(
                    f"{self.name} draws {first!r} and {character!r} identically: choose a font that has both"
                )

    def extent(self, characters: str, size: int) -> tuple[int, int, int]:
        """Measure the space that characters need.

        Args:
            characters: at least one character.
            size: pixels per em.

        Returns:
            The top of the highest and the bottom of the lowest character, in pixels below the font's
            ascender, and the width of the widest, in pixels.

        >>> typefaces()[0].extent("01", 40)
        (8, 38, 25)
        """
        glyphs = [self.glyph(character, size) for character in characters]
        boxes = [(pixels.shape, top) for pixels, top in glyphs]
        lowest = max(top + height for (height, _), top in boxes)
        return min(top for _, top in boxes), lowest, max(width for (_, width), _ in boxes)


def typefaces(
    fonts: Iterable[str | Path | bytes | Typeface] | None = None, characters: str = DIGITS
) -> tuple[Typeface, ...]:
    """Read font files, and check that each typeface has all characters.

    Args:
        fonts: paths or contents of font files, or typefaces; a single font needs no list. None means eight
            fonts that come with matplotlib.
        characters: the characters that every typeface must have.

    Raises:
        InputError: if there are no fonts, a file is missing or not a font, or a font lacks a character or
            draws two of them alike.

    >>> [face.name for face in typefaces()][:3]
    ['DejaVu Sans', 'DejaVu Sans Bold', 'DejaVu Sans Oblique']
    """
    if isinstance(fonts, str | Path | bytes | Typeface):
        fonts = [fonts]
    if not isinstance(characters, str):
        raise InputError(f"characters must be a text in quotes, not {type_name(characters)}")
    if fonts is not None and (not isinstance(fonts, Iterable) or isinstance(fonts, Tensor)):
        raise InputError(f"fonts must be a list of font files, not {type_name(fonts)}")
    sources = [matplotlib_fonts() / name for name in DEFAULT_FONTS] if fonts is None else list(fonts)
    if not sources:
        raise InputError("fonts must name at least one font file, or be None for the fonts of matplotlib")
    faces = tuple(_open_face(source) for source in sources)
    for face in faces:
        face.check_glyphs(characters)
    return faces


def typeface_traits(faces: Iterable[Typeface]) -> Tensor:
    """Describe typefaces by the traits that they share: their families, bold, and slanted.

    Args:
        faces: K typefaces.

    Returns:
        (K, families + 2), each entry 0 or 1: a column for each family, then one for bold, then one for
        slanted.

    Raises:
        InputError: if there are no typefaces.

    >>> typeface_traits(typefaces()[:3])
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 0., 1.]])
    """
    faces = list(faces)
    if not faces or not all(isinstance(face, Typeface) for face in faces):
        raise InputError("traits are those of at least one typeface, as typefaces() returns them")
    families = list(dict.fromkeys(face.family for face in faces))
    rows = [
        [face.family == family for family in families]
        + [any(word in face.style for word in words) for words in STYLE_WORDS]
        for face in faces
    ]
    return torch.tensor(rows, dtype=torch.float32)


def matplotlib_fonts() -> Path:
    """Return the folder of the fonts that matplotlib carries."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _open_face(source: Any) -> Typeface:
    if isinstance(source, Typeface):
        return source
    is_bundled = isinstance(source, Path) and source.parent == matplotlib_fonts()
    return _bundled_face(source.name) if is_bundled else Typeface(source)


@cache
def _bundled_face(name: str) -> Typeface:
    return Typeface(matplotlib_fonts() / name)


def _read(source: Any) -> tuple[bytes, str]:
    """Read the content of a font file, and its name for error messages."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "this"
    if not isinstance(source, str | Path):
        raise InputError(f"a font must be the path of a TTF or OTF file or its bytes, not {source!r}")
    path = expand(source)
    if not path.is_file():
        raise InputError(f"there is no file {str(source)!r}: give the path of a TTF or OTF file")
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or first_line(error)}") from None
