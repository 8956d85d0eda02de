"""Images of typeset characters and lines, white on black, in the same frame as MNIST's digits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import boolean, checked, integer, number, string
from gantutor._errors import InputError, type_name
from gantutor.data.dataset import Card, Dataset
from gantutor.data.typefaces import DIGITS, PROBE_SIZE, Typeface, typefaces

SIDE = 28
"""Height and width of an image, in pixels."""

GLYPH_HEIGHT = 20
"""Pixels from the top of the highest to the bottom of the lowest character, as in MNIST's frame."""

MAX_GLYPH_WIDTH = 24
"""Pixels; a typeface with a wider character is set smaller."""

OVERSAMPLING = 4
"""Glyphs are drawn this many times larger and averaged down, so that shifts are in quarters of a pixel."""

DEFAULT_SHIFT, DEFAULT_SCALE = 1.0, 0.05
"""Largest random shift of a glyph along each axis, in pixels, and largest relative change of its size."""

MAX_LINE_LENGTH = 200
"""Characters of a line."""

CHUNK_SIZE = 500
"""Images averaged at once, to save memory."""


@checked(copies=integer(1), seed=integer(0))
def typeset(
    fonts: Iterable[str | Path | bytes | Typeface] | None = None,
    characters: str = DIGITS,
    copies: int = 50,
    shift: float = DEFAULT_SHIFT,
    scale: float = DEFAULT_SCALE,
    seed: int = 0,
) -> Dataset:
    """Render every character in every typeface, several times with random shifts and sizes.

    Args:
        fonts: paths or contents of TTF or OTF files, or typefaces; None means eight fonts that come with
            matplotlib.
        characters: different characters without spaces.
        copies: how many times the training part shows each character in each typeface; the held-out part
            shows it a quarter as often, but at least once.
        shift: largest shift along each axis in pixels, from 0 to 4.
        scale: largest relative change of size, from 0 to 0.2.
        seed: seed of the random numbers.

    Returns:
        In each part, images (N, 1, 28, 28) in [−1, 1], labels (N,) as indices into ``characters``, and
        typefaces (N,) as indices into ``fonts``.

    Raises:
        InputError: if a font cannot be read or lacks a character, a character is repeated, or a number is out
            of range.

    >>> images, labels, faces = typeset(copies=1).train.tensors
    >>> images.shape, labels[:10].tolist(), faces.bincount().tolist()
    (torch.Size([80, 1, 28, 28]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 10, 10, 10, 10, 10, 10, 10])
    """
    check_jitter(shift, scale)
    typefaces_used = typefaces(fonts, check_characters(characters))
    parts = []
    for index, times in enumerate((copies, max(1, copies // 4))):
        grid = torch.cartesian_prod(torch.arange(len(typefaces_used)), torch.arange(len(characters)))
        face_indices, labels = grid.repeat(times, 1).T.contiguous()
        rng = torch.Generator().manual_seed(2 * seed + index)
        images = render(typefaces_used, characters, labels, face_indices, shift, scale, rng)
        parts.append(TensorDataset(images, labels, face_indices))
    size = f"{len(parts[0]):,} to train on and {len(parts[1]):,} held out, 28 × 28 grey pixels in [−1, 1]"
    return Dataset("typeset", parts[0], parts[1], typeset_card("typeset", characters, typefaces_used, size))


def render(
    faces: tuple[Typeface, ...],
    characters: str,
    labels: Tensor,
    face_indices: Tensor,
    shift: float = 0.0,
    scale: float = 0.0,
    rng: torch.Generator | None = None,
) -> Tensor:
    """Render characters as images, each in its own typeface.

    Args:
        faces: the typefaces.
        characters: the characters; together they determine the size at which each typeface is set.
        labels: (N,), the indices of the characters to render.
        face_indices: (N,), the indices of the typefaces to render them in.
        shift: largest random shift along each axis, in pixels.
        scale: largest random change of size, relative.
        rng: the source of random numbers; without it nothing is shifted or scaled.

    Returns:
        Images (N, 1, 28, 28) in [−1, 1].

    >>> image = render(typefaces(), DIGITS, torch.tensor([0]), torch.tensor([0]))
    >>> inked = (image[0, 0] > 0).any(1).nonzero()
    >>> int(inked[-1] - inked[0]) + 1
    20
    """
    count = len(labels)
    # Uniform on [−1, 1]: shares of the largest shift and of the largest change of size.
    shift_shares = torch.zeros(count, 2) if rng is None else 2 * torch.rand(count, 2, generator=rng) - 1
    scale_shares = torch.zeros(count) if rng is None else 2 * torch.rand(count, generator=rng) - 1
    shifts = (shift_shares * shift * OVERSAMPLING).round().int().tolist()
    scales = (1 + scale * scale_shares).tolist()
    sizes = [em_size(face, characters) for face in faces]
    canvas = np.zeros((count, SIDE * OVERSAMPLING, SIDE * OVERSAMPLING), np.uint8)
    rows = zip(labels.tolist(), face_indices.tolist(), shifts, scales, strict=True)
    for index, (label, face, (down, right), factor) in enumerate(rows):
        size = max(1, round(sizes[face] * factor))
        pixels, glyph_top = faces[face].glyph(characters[label], size)
        highest, lowest, _ = faces[face].extent(characters, size)
        middle = SIDE * OVERSAMPLING // 2
        top = middle - (lowest - highest) // 2 + glyph_top - highest + down
        _paste(canvas[index], pixels, top, middle - pixels.shape[1] // 2 + right)
    return _downsample(canvas)


@checked(line=string(), tight=boolean())
def typeset_line(
    line: str,
    font: str | Path | bytes | Typeface | None = None,
    tight: bool = False,
    characters: str = DIGITS,
) -> Tensor:
    """Render a line of text as one image.

    Args:
        line: 1 to 200 characters, spaces included.
        font: the path or content of a font file, or a typeface; None means DejaVu Sans.
        tight: whether to use the widths and distances of the typeface; otherwise each character has a cell of
            28 × 28 pixels, as ``typeset`` renders it.
        characters: the text is set at the size at which these characters fit the frame.

    Returns:
        The image (1, 28, W) in [−1, 1]; W is 28 times the number of characters, unless ``tight``.

    Raises:
        InputError: if the line is empty or too long, or the font cannot be read or lacks a character.

    >>> typeset_line("2024").shape, typeset_line("2024", tight=True).shape[2] < 4 * 28
    (torch.Size([1, 28, 112]), True)
    """
    if not isinstance(characters, str):
        raise InputError(f"characters must be a text in quotes, not {type_name(characters)}")
    if len(line) > MAX_LINE_LENGTH:
        raise InputError(f"the line has {len(line)} characters, but at most {MAX_LINE_LENGTH} are allowed")
    (face,) = typefaces(None if font is None else [font], "")[:1]
    used = "".join(dict.fromkeys(line.replace(" ", "")))
    face.check_glyphs(used)
    alphabet = "".join(dict.fromkeys(characters + used))
    if not tight:
        labels = torch.tensor([max(alphabet.find(character), 0) for character in line])
        cells = render((face,), alphabet, labels, torch.zeros_like(labels))  # (n, 1, 28, 28)
        cells[torch.tensor([character == " " for character in line])] = -1
        return cells.permute(1, 2, 0, 3).reshape(1, SIDE, -1)
    size = em_size(face, alphabet)
    pixels, glyph_top = face.glyph(line, size)
    highest, lowest, _ = face.extent(alphabet, size)
    width = -(-pixels.shape[1] // OVERSAMPLING) + SIDE - GLYPH_HEIGHT  # half a margin on either side
    canvas = np.zeros((1, SIDE * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    top = (SIDE * OVERSAMPLING - (lowest - highest)) // 2 + glyph_top - highest
    _paste(canvas[0], pixels, top, (width * OVERSAMPLING - pixels.shape[1]) // 2)
    return _downsample(canvas)[0]


def em_size(face: Typeface, characters: str) -> int:
    """Find the size at which the characters fill the frame: 20 pixels high, and at most 24 wide.

    Args:
        face: the typeface.
        characters: the characters that must fit.

    Returns:
        The size per em, in pixels of the glyphs, of which 4 × 4 become one pixel of the image.

    >>> em_size(typefaces()[0], "0123456789") > GLYPH_HEIGHT * OVERSAMPLING
    True
    """
    highest, lowest, widest = face.extent(characters, PROBE_SIZE)
    return max(
        1, round(OVERSAMPLING * PROBE_SIZE * min(GLYPH_HEIGHT / (lowest - highest), MAX_GLYPH_WIDTH / widest))
    )


def check_characters(characters: Any) -> str:
    """Check that characters are a text of different characters without spaces, and return them.

    Args:
        characters: the text to check.

    Raises:
        InputError: if this is not a text, is empty, contains a space, or repeats a character.

    >>> check_characters("0120")
    Traceback (most recent call last):
    ...
    gantutor.InputError: characters must be a text of different characters without spaces, not '0120'
    """
    is_distinct = isinstance(characters, str) and characters and len(set(characters)) == len(characters)
    if not is_distinct or any(character.isspace() for character in characters):
        raise InputError(
            f"characters must be a text of different characters without spaces, not {characters!r}"
        )
    return str(characters)


def typeset_card(name: str, characters: str, faces: tuple[Typeface, ...], size: str) -> Card:
    """Return the card of a data set of typeset images.

    Args:
        name: the data set's name.
        characters: the characters it shows.
        faces: the typefaces it is set in.
        size: how many images each part has, in words.
    """
    names = ", ".join(face.name for face in faces)
    return Card(
        name,
        f"the characters {characters}, typeset in {names}",
        "rendered on the spot by Pillow from font files; the default ones come with matplotlib",
        "that of each font; of the default ones: Bitstream Vera (DejaVu), STIX, BaKoMa (Computer Modern)",
        size,
    )


@checked(shift=number(0, 4), scale=number(0, 0.2))
def check_jitter(shift: float, scale: float) -> None:
    """Check that random shifts and scales keep a character within its frame.

    Args:
        shift: largest shift along each axis in pixels, from 0 to 4.
        scale: largest relative change of size, from 0 to 0.2.

    Raises:
        InputError: if one of the two is out of range.

    >>> check_jitter(1.0, 0.05)
    """


def _paste(canvas: NDArray[np.uint8], pixels: NDArray[np.uint8], top: int, left: int) -> None:
    """Copy pixels onto a canvas, and drop those outside of it."""
    height, width = pixels.shape
    cut_top, cut_left = max(0, -top), max(0, -left)
    target = canvas[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    target[...] = pixels[cut_top : cut_top + target.shape[0], cut_left : cut_left + target.shape[1]]


def _downsample(canvas: NDArray[np.uint8]) -> Tensor:
    """Average pixels (N, 4H, 4W) from 0 to 255 to images (N, 1, H, W) in [−1, 1]."""
    chunks = [canvas[start : start + CHUNK_SIZE] for start in range(0, len(canvas), CHUNK_SIZE)]
    images = [F.avg_pool2d(torch.from_numpy(chunk)[:, None].float(), OVERSAMPLING) for chunk in chunks]
    return torch.cat(images) / 127.5 - 1
