"""Typefaces: font files whose glyphs are looked at before anything is set in them."""

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

DIGITS = "0123456789"

FACES = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "STIXGeneralItalic.ttf",
    "cmtt10.ttf",
)
"""Eight of the fonts that matplotlib carries, told apart by eye at 28 pixels."""

NOBODY = "\U0010ffff"
"""No font has this character: what is drawn for it is what a font draws for all that it lacks."""

LOOK = 64
"""Pixels an em, for a look at the glyphs."""

Glyph = NDArray[np.uint8]


class Typeface:
    """A font, from a file or its bytes: TTF, OTF, or whatever else FreeType opens.

    ``name`` is the font's own, such as "DejaVu Sans Bold"; it is made of ``family``, "DejaVu Sans", and
    ``style``, "Bold", which is empty for a plain one. Raises InputError for a file that is missing or is
    no font.

    >>> typefaces()[1]
    <Typeface: DejaVu Sans Bold>
    >>> Typeface(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: this is no font that can be read: a TTF or OTF file can
    """

    def __init__(self, source: str | Path | bytes) -> None:
        self._content, said = _content(source)
        try:
            family, style = self.font(LOOK).getname()
            self._pixels(DIGITS, LOOK)
        except (OSError, ValueError, MemoryError):
            raise InputError(f"{said} is no font that can be read: a TTF or OTF file can") from None
        self.family: str = family or Path(said).stem
        self.style: str = "" if style in (None, "Regular", "Book", "Roman") else style
        self.name = self.family if self.style in self.family else f"{self.family} {self.style}"

    def __repr__(self) -> str:
        return f"<Typeface: {self.name}>"

    @lru_cache(maxsize=256)  # noqa: B019  typefaces are few and live as long as the notebook
    def font(self, size: int) -> Any:
        """Pillow's font of ``size`` pixels an em."""
        from PIL import ImageFont

        return ImageFont.truetype(io.BytesIO(self._content), size, layout_engine=ImageFont.Layout.BASIC)

    @lru_cache(maxsize=4096)  # noqa: B019
    def glyph(self, text: str, size: int) -> tuple[Glyph, int]:
        """A character or a text as pixels (H, W) from 0 to 255, cut to what is drawn, and how far its top
        lies below the ascender of the font.

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

    def refuse_without(self, characters: str) -> None:
        """Raise InputError where the font lacks one of the characters, or draws two of them alike.

        >>> typefaces()[0].refuse_without("日")
        Traceback (most recent call last):
        ...
        gantutor.InputError: DejaVu Sans has no glyph for '日': choose a font that has one
        """
        nobody, _ = self.glyph(NOBODY, LOOK)
        drawn: dict[bytes, str] = {}
        for character in characters:
            pixels, _ = self.glyph(character, LOOK)
            if not pixels.any() or np.array_equal(pixels, nobody):
                raise InputError(f"{self.name} has no glyph for {character!r}: choose a font that has one")
            other = drawn.setdefault(f"{pixels.shape}".encode() + pixels.tobytes(), character)
            if other != character:
                raise InputError(
                    f"{self.name} draws {other!r} and {character!r} alike: choose a font that has both"
                )

    def extent(self, characters: str, size: int) -> tuple[int, int, int]:
        """What the characters need at ``size`` pixels an em: the top of the highest, the bottom of the
        lowest, the width of the widest, in pixels below the ascender."""
        boxes = [(pixels.shape, top) for pixels, top in (self.glyph(each, size) for each in characters)]
        lowest = max(top + height for (height, _), top in boxes)
        return min(top for _, top in boxes), lowest, max(width for (_, width), _ in boxes)


def typefaces(
    fonts: Iterable[str | Path | bytes | Typeface] | None = None, characters: str = DIGITS
) -> tuple[Typeface, ...]:
    """The typefaces of these font files (paths, bytes, or typefaces), each of which has all ``characters``;
    by default eight that come with matplotlib.

    Raises InputError for no fonts at all, a file that is missing or no font, or a font that lacks one of the
    characters.

    >>> [face.name for face in typefaces()][:3]
    ['DejaVu Sans', 'DejaVu Sans Bold', 'DejaVu Sans Oblique']
    """
    if isinstance(fonts, str | Path | bytes | Typeface):
        fonts = [fonts]
    if not isinstance(characters, str):
        raise InputError(f"characters must be a text in quotes, not {type_name(characters)}")
    if fonts is not None and (not isinstance(fonts, Iterable) or isinstance(fonts, Tensor)):
        raise InputError(f"fonts must be a list of font files, not {type_name(fonts)}")
    given = [matplotlib_fonts() / name for name in FACES] if fonts is None else list(fonts)
    if not given:
        raise InputError("fonts must name at least one font file, or be None for those of matplotlib")
    found = tuple(_face(each) for each in given)
    for face in found:
        face.refuse_without(characters)
    return found


STYLES = (("Bold", "Black", "Heavy"), ("Oblique", "Italic"))
"""What a style may be called, and mean the same: bold, and slanted."""


def typeface_traits(faces: Iterable[Typeface]) -> Tensor:
    """What typefaces share (typefaces, traits), each 0 or 1: a column for each family, then bold, then
    slanted.

    Raises InputError where there are no typefaces.

    >>> typeface_traits(typefaces()[:3])
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 0., 1.]])
    """
    given = list(faces)
    if not given or not all(isinstance(face, Typeface) for face in given):
        raise InputError("traits are those of at least one typeface, as typefaces() returns them")
    families = list(dict.fromkeys(face.family for face in given))
    rows = [
        [face.family == family for family in families]
        + [any(word in face.style for word in words) for words in STYLES]
        for face in given
    ]
    return torch.tensor(rows, dtype=torch.float32)


def matplotlib_fonts() -> Path:
    """The folder of the fonts that matplotlib carries."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _face(source: Any) -> Typeface:
    if isinstance(source, Typeface):
        return source
    inside = isinstance(source, Path) and source.parent == matplotlib_fonts()
    return _of_matplotlib(source.name) if inside else Typeface(source)


@cache
def _of_matplotlib(name: str) -> Typeface:
    return Typeface(matplotlib_fonts() / name)


def _content(source: Any) -> tuple[bytes, str]:
    """The bytes of a font, and what to call it in a message."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "this"
    if not isinstance(source, str | Path):
        raise InputError(f"a font must be the path of a TTF or OTF file or its bytes, not {source!r}")
    path = Path(source)
    if not path.is_file():
        raise InputError(f"there is no file {str(source)!r}: give the path of a TTF or OTF file")
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or first_line(error)}") from None
