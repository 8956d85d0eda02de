"""Typeset digits, letters and lines: rendered on the spot, white on black, in the frame of ``digits()``."""

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

from gantutor._checks import boolean, integer, number, string, validate
from gantutor._errors import InputError, type_name
from gantutor.data.dataset import Card, Dataset
from gantutor.data.typefaces import DIGITS, LOOK, Typeface, typefaces

SIDE = 28
HEIGHT = 20
"""Pixels from the top of the highest to the foot of the lowest character, as in MNIST's frame."""

WIDEST = 24
"""A typeface whose widest character would need more is made smaller."""

FINE = 4
"""Glyphs are drawn so many times as large and averaged down: shifts and sizes go in quarters of a pixel."""

SHIFT, SCALE = 1.0, 0.05
"""Pixels a glyph is moved at most along each axis, and the share it is larger or smaller at most."""

LONGEST = 200
"""Characters in a line."""


def typeset(
    fonts: Iterable[str | Path | bytes | Typeface] | None = None,
    characters: str = DIGITS,
    copies: int = 50,
    shift: float = SHIFT,
    scale: float = SCALE,
    seed: int = 0,
) -> Dataset:
    """Images (N, 1, 28, 28) of typeset characters in [−1, 1], with labels (N,) and typefaces (N,), as indices
    into ``characters`` and ``fonts``.

    The training part shows every character in every typeface ``copies`` times, the held-out part a quarter
    as often, at least once: each time moved by up to ``shift`` pixels along each axis and up to ``scale``
    larger or smaller. By default eight typefaces that come with matplotlib; the learner's own TTF or OTF
    files go into ``fonts``. Raises InputError for a font that cannot be used, or lacks a character.

    >>> images, labels, faces = typeset(copies=1).train.tensors
    >>> images.shape, labels[:10].tolist(), faces.bincount().tolist()
    (torch.Size([80, 1, 28, 28]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 10, 10, 10, 10, 10, 10, 10])
    """
    validate({"copies": copies, "seed": seed}, copies=integer(1), seed=integer(0))
    check_jitter(shift, scale)
    found = typefaces(fonts, refuse_repeated(characters))
    parts = []
    for index, times in enumerate((copies, max(1, copies // 4))):
        grid = torch.cartesian_prod(torch.arange(len(found)), torch.arange(len(characters)))
        faces, labels = grid.repeat(times, 1).T.contiguous()
        draw = torch.Generator().manual_seed(2 * seed + index)
        images = render(found, characters, labels, faces, shift, scale, draw)
        parts.append(TensorDataset(images, labels, faces))
    size = f"{len(parts[0]):,} to train on and {len(parts[1]):,} held out, 28 × 28 grey pixels in [−1, 1]"
    return Dataset("typeset", parts[0], parts[1], typeset_card("typeset", characters, found, size))


def render(
    faces: tuple[Typeface, ...],
    characters: str,
    labels: Tensor,
    typeface: Tensor,
    shift: float = 0.0,
    scale: float = 0.0,
    draw: torch.Generator | None = None,
) -> Tensor:
    """The image (N, 1, 28, 28) of each label (N,) in its typeface (N,); with ``draw`` each is moved and
    scaled at random.

    >>> image = render(typefaces(), DIGITS, torch.tensor([0]), torch.tensor([0]))
    >>> inked = (image[0, 0] > 0).any(1).nonzero()
    >>> int(inked[-1] - inked[0]) + 1
    20
    """
    count = len(labels)
    where = torch.zeros(count, 2) if draw is None else 2 * torch.rand(count, 2, generator=draw) - 1
    larger = torch.zeros(count) if draw is None else 2 * torch.rand(count, generator=draw) - 1
    moved = (where * shift * FINE).round().int().tolist()
    scales = (1 + scale * larger).tolist()
    sizes = [em_size(face, characters) for face in faces]
    canvas = np.zeros((count, SIDE * FINE, SIDE * FINE), np.uint8)
    rows = zip(labels.tolist(), typeface.tolist(), moved, scales, strict=True)
    for index, (label, which, (down, right), times) in enumerate(rows):
        size = max(1, round(sizes[which] * times))
        pixels, top = faces[which].glyph(characters[label], size)
        highest, lowest, _ = faces[which].extent(characters, size)
        middle = SIDE * FINE // 2
        below = middle - (lowest - highest) // 2 + top - highest + down
        _put(canvas[index], pixels, below, middle - pixels.shape[1] // 2 + right)
    return _averaged(canvas)


def typeset_line(
    line: str,
    font: str | Path | bytes | Typeface | None = None,
    tight: bool = False,
    characters: str = DIGITS,
) -> Tensor:
    """A line of text as one image (1, 28, W) in [−1, 1].

    One cell of 28 × 28 a character, as ``typeset`` draws it, so W is 28 · n; or with ``tight`` the widths and
    distances of the typeface itself. Spaces are allowed. The size is that at which ``characters`` fit the
    frame. Raises InputError for an empty line, more than 200 characters, or one that the font lacks.

    >>> typeset_line("2024").shape, typeset_line("2024", tight=True).shape[2] < 4 * 28
    (torch.Size([1, 28, 112]), True)
    """
    validate({"line": line, "tight": tight}, line=string(), tight=boolean())
    if not isinstance(characters, str):
        raise InputError(f"characters must be a text in quotes, not {type_name(characters)}")
    if len(line) > LONGEST:
        raise InputError(f"the line has {len(line)} characters, and at most {LONGEST} are set at once")
    (face,) = typefaces(None if font is None else [font], "")[:1]
    drawn = "".join(dict.fromkeys(line.replace(" ", "")))
    face.refuse_without(drawn)
    every = "".join(dict.fromkeys(characters + drawn))
    if not tight:
        labels = torch.tensor([max(every.find(each), 0) for each in line])
        cells = render((face,), every, labels, torch.zeros_like(labels))
        cells[torch.tensor([each == " " for each in line])] = -1
        return cells.permute(1, 2, 0, 3).reshape(1, SIDE, -1)
    size = em_size(face, every)
    pixels, top = face.glyph(line, size)
    highest, lowest, _ = face.extent(every, size)
    width = -(-pixels.shape[1] // FINE) + SIDE - HEIGHT  # half a margin on either side
    canvas = np.zeros((1, SIDE * FINE, width * FINE), np.uint8)
    start = (SIDE * FINE - (lowest - highest)) // 2 + top - highest
    _put(canvas[0], pixels, start, (width * FINE - pixels.shape[1]) // 2)
    return _averaged(canvas)[0]


def em_size(face: Typeface, characters: str) -> int:
    """The size in fine pixels an em at which the characters fill the frame: 20 pixels high, at most 24 wide.

    >>> em_size(typefaces()[0], "0123456789") > HEIGHT * FINE
    True
    """
    highest, lowest, widest = face.extent(characters, LOOK)
    return max(1, round(FINE * LOOK * min(HEIGHT / (lowest - highest), WIDEST / widest)))


def refuse_repeated(characters: Any) -> str:
    """The characters; raises InputError where there are none, or one comes twice.

    >>> refuse_repeated("0120")
    Traceback (most recent call last):
    ...
    gantutor.InputError: characters must be different ones in a text, without spaces, not '0120'
    """
    right = isinstance(characters, str) and characters and len(set(characters)) == len(characters)
    if not right or any(each.isspace() for each in characters):
        raise InputError(f"characters must be different ones in a text, without spaces, not {characters!r}")
    return str(characters)


def typeset_card(name: str, characters: str, faces: tuple[Typeface, ...], size: str) -> Card:
    """Where typeset images come from."""
    names = ", ".join(face.name for face in faces)
    return Card(
        name,
        f"the characters {characters}, typeset in {names}",
        "rendered on the spot by Pillow from font files; the default ones come with matplotlib",
        "that of each font; of the default ones: Bitstream Vera (DejaVu), STIX, BaKoMa (Computer Modern)",
        size,
    )


def check_jitter(shift: float, scale: float) -> None:
    """Raise InputError unless these are shifts and scales that keep a character in its frame.

    >>> check_jitter(1.0, 0.05)
    """
    validate({"shift": shift, "scale": scale}, shift=number(0, 4), scale=number(0, 0.2))


def _put(canvas: NDArray[np.uint8], pixels: NDArray[np.uint8], top: int, left: int) -> None:
    """Pixels onto a canvas, as far as they lie on it."""
    height, width = pixels.shape
    up, aside = max(0, -top), max(0, -left)
    room = canvas[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    room[...] = pixels[up : up + room.shape[0], aside : aside + room.shape[1]]


def _averaged(canvas: NDArray[np.uint8]) -> Tensor:
    """Fine pixels (N, 4H, 4W) from 0 to 255 as images (N, 1, H, W) in [−1, 1]."""
    parts = [F.avg_pool2d(torch.from_numpy(part)[:, None].float(), FINE) for part in _split(canvas)]
    return torch.cat(parts) / 127.5 - 1


def _split(canvas: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [canvas[start : start + 500] for start in range(0, len(canvas), 500)]
