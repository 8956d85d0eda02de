"""Handwriting of one's own: a picture of a line of digits becomes images such as those of ``digits()``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor.errors import InputError

MOST = 20
"""Digits in a picture."""

LONGEST = 800
"""Pixels of the longer side at which a picture is worked on."""

PIXELS = 100_000_000
"""Of a picture that is opened at all."""

CONTRAST = 0.15
"""Ink and paper must differ by so much of the range from black to white."""

BOX, SIDE, MIDDLE = 20, 28, 14.5
"""A digit fills a box of 20 × 20 and stands with its centre of mass in the pixel (14, 14) of 28 × 28, as in
MNIST."""

STROKE = 2.0
"""Pixels of the box that a stroke is wide at least; thinner ones are made so."""


def read_handwriting(source: str | Path | bytes) -> Tensor:
    """The digits (n, 1, 28, 28) in [−1, 1] on a picture, white on black, from left to right.

    ``source``: a picture file or its bytes, in colour or grey, dark on light or light on dark (the rim shows
    which), turned as its EXIF data say. The digits, 1 to 20, stand in one line on plain paper and do not
    touch; parts one above the other are one digit. Each is scaled to fit 20 × 20 pixels and centred by its
    mass (LeCun et al. 1998). Raises InputError for what is no picture, an empty one, more than one line or
    more than 20 digits.

    >>> read_handwriting(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.errors.InputError: the picture cannot be opened: PNG, JPEG and most other formats can
    """
    ink = ink_of(grey_of(source))
    level, contrast = otsu(ink)
    if contrast < CONTRAST:
        raise InputError(
            f"there is no writing on the picture: ink and paper differ by {contrast:.0%} of the range from "
            f"black to white, and at least {CONTRAST:.0%} are needed"
        )
    parts = grouped(components(ink > level))
    if not parts:
        raise InputError("there is no writing on the picture: all that was found are specks")
    if len(parts) > MOST:
        raise InputError(
            f"{len(parts)} separate things were found on the picture, and at most {MOST} digits are read at "
            "once: cut out a part of the line, on plain paper"
        )
    return torch.stack([framed(ink, part) for part in parts])


def grey_of(source: Any) -> Tensor:
    """A picture as grey values (H, W) in [0, 1], upright, its longer side at most 800 pixels."""
    from PIL import Image, ImageOps

    if not isinstance(source, str | Path | bytes | bytearray | memoryview):
        raise InputError(f"a picture must be the path of a file or its bytes, not {type(source).__name__}")
    if isinstance(source, str | Path) and not Path(source).is_file():
        raise InputError(f"there is no file {str(source)!r}: give the path of a picture")
    file: Any = Path(source) if isinstance(source, str | Path) else io.BytesIO(bytes(source))
    said = file.name if isinstance(file, Path) else "the picture"
    try:
        with Image.open(file) as opened:
            if opened.width * opened.height > PIXELS:
                raise InputError(f"{said} has more than {PIXELS:,} pixels: make it smaller")
            opened.draft("L", (LONGEST, LONGEST))  # a JPEG is decoded at a smaller size
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            paper = Image.new("RGBA", upright.size, "white")  # what is transparent
            grey = Image.alpha_composite(paper, upright).convert("L")
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise InputError(f"{said} cannot be opened: PNG, JPEG and most other formats can") from None
    grey.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    return torch.from_numpy(np.array(grey, np.float32) / 255)


def ink_of(grey: Tensor) -> Tensor:
    """How much ink (H, W) there is, from 0 to 1: the difference from the paper, whose brightness may change
    over the picture.

    >>> page = torch.full((50, 50), 0.9)
    >>> page[20:30, 24:26] = 0.1
    >>> ink = ink_of(page)
    >>> ink[25, 25], ink[0, 0]
    (tensor(0.8000), tensor(0.))
    """
    rim = torch.cat([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light = bool(rim.median() > (grey.min() + grey.max()) / 2)
    dark = 1 - grey if light else grey
    height, width = dark.shape
    step = max(1, max(height, width) // 100)
    small = F.avg_pool2d(dark[None, None], step, ceil_mode=True)
    reach = max(1, max(small.shape) // 8)  # wider than a stroke: what is narrower than this is ink
    paper = -F.max_pool2d(-small, 2 * reach + 1, 1, reach)
    paper = F.max_pool2d(paper, 2 * reach + 1, 1, reach)
    paper = F.interpolate(paper, size=(height, width), mode="bilinear", align_corners=False)[0, 0]
    return (dark - paper).clamp(0, 1)


def otsu(ink: Tensor) -> tuple[float, float]:
    """The threshold that parts values in [0, 1] into the two groups with the largest variance between them,
    and how far apart the means of the groups are (Otsu 1979, doi:10.1109/TSMC.1979.4310076).

    >>> otsu(torch.tensor([0.1, 0.1, 0.1, 0.9]))[1]
    0.8
    """
    counts = torch.histc(ink, 256, 0, 1).double()
    values = (torch.arange(256).double() + 0.5) / 256
    below = counts.cumsum(0)[:-1]
    above = counts.sum() - below
    sums = (counts * values).cumsum(0)
    low, high = sums[:-1] / below.clamp(min=1), (sums[-1] - sums[:-1]) / above.clamp(min=1)
    between = below * above * (high - low).square()
    best = int(between.argmax())
    level = float(values[best] + 0.5 / 256)
    if not float(between[best]):
        return level, 0.0
    return level, round(float(ink[ink > level].mean() - ink[ink <= level].mean()), 4)


def components(mask: Tensor) -> list[Tensor]:
    """The connected parts (8 neighbours) of a mask (H, W), each as a mask of its own: the 200 largest,
    largest first.

    Runs of pixels in a row that touch one of the row above join its part.

    >>> len(components(torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]]).bool()))
    2
    """
    steps = np.diff(np.pad(mask.numpy(), ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    runs = list(zip(rows.tolist(), starts.tolist(), np.nonzero(steps == -1)[1].tolist(), strict=True))
    parent = list(range(len(runs)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = run = parent[parent[run]]
        return run

    above = 0
    for run, (row, start, end) in enumerate(runs):
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] < start):
            above += 1
        other = above
        while runs[other][0] == row - 1 and runs[other][1] <= end:  # corners touch as well
            parent[root(other)] = root(run)
            other += 1
    numbers = np.full(mask.shape, -1)
    for run, (row, start, end) in enumerate(runs):
        numbers[row, start:end] = root(run)
    found, sizes = np.unique(numbers[numbers >= 0], return_counts=True)
    return [torch.from_numpy(numbers == found[index]) for index in np.argsort(-sizes)[:200]]


def grouped(parts: list[Tensor]) -> list[Tensor]:
    """The digits, from left to right: parts without the specks, those that stand one above the other joined.

    Specks are shorter than a fifth of the tallest part along both axes. Two parts are one digit where they
    share half of the columns of the narrower one. Raises InputError where both of them are tall, with
    a gap between them: then there are two lines.
    """
    boxes = [_box(part) for part in parts]
    tallest = max((bottom - top for top, bottom, _, _ in boxes), default=0)
    kept = [
        (part, box)
        for part, box in zip(parts, boxes, strict=True)
        if max(box[1] - box[0], box[3] - box[2]) >= 0.2 * tallest
    ]
    kept.sort(key=lambda each: each[1][2])
    digits: list[tuple[Tensor, tuple[int, int, int, int]]] = []
    for part, box in kept:
        if digits:
            before, other = digits[-1]
            shared = min(box[3], other[3]) - max(box[2], other[2])
            if shared >= 0.5 * min(box[3] - box[2], other[3] - other[2]):
                apart = max(box[0] - other[1], other[0] - box[1]) > 0.15 * tallest
                if apart and min(box[1] - box[0], other[1] - other[0]) > 0.5 * tallest:
                    raise InputError(
                        "the picture has digits one above the other: write them in one line, or cut it out"
                    )
                digits[-1] = (before | part, _box(before | part))
                continue
        digits.append((part, box))
    return [part for part, _ in digits]


def framed(ink: Tensor, part: Tensor) -> Tensor:
    """A part of the ink as an image (1, 28, 28) in [−1, 1]: 20 × 20 at most, its centre of mass in the
    pixel (14, 14)."""
    top, bottom, left, right = _box(part)
    own = F.max_pool2d(part[None, None].float(), 3, 1, 1)[0, 0] * ink  # with its soft edge, without others'
    crop = own[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]
    full = float(ink[part].quantile(0.9)) if int(part.sum()) < 1_000_000 else float(ink[part].max())
    crop = _thickened((crop / max(full, 1e-6)).clamp(0, 1), part)
    height, width = crop.shape
    times = BOX / max(height, width)
    size = max(1, round(height * times)), max(1, round(width * times))
    small = F.interpolate(crop[None, None], size=size, mode="bilinear", antialias=True, align_corners=False)
    small = small[0, 0] / small.max().clamp(min=1e-6)
    mass = small.sum().clamp(min=1e-6)
    down = float((small.sum(1) * (torch.arange(size[0]) + 0.5)).sum() / mass)
    along = float((small.sum(0) * (torch.arange(size[1]) + 0.5)).sum() / mass)
    row = min(max(0, round(MIDDLE - down)), SIDE - size[0])
    column = min(max(0, round(MIDDLE - along)), SIDE - size[1])
    image = torch.zeros(SIDE, SIDE)
    image[row : row + size[0], column : column + size[1]] = small.clamp(0, 1)
    return (2 * image - 1)[None]


def _thickened(crop: Tensor, part: Tensor) -> Tensor:
    """Strokes at least two pixels wide in the box: the area of a stroke is half its rim times its width."""
    inner = -F.max_pool2d(-part[None, None].float(), 3, 1, 1)
    area, rim = float(part.sum()), float(part.sum() - inner.sum())
    width = 2 * area / max(rim, 1.0)
    more = round((STROKE * max(crop.shape) / BOX - width) / 2)
    if more < 1:
        return crop
    return F.max_pool2d(F.pad(crop, (more, more, more, more))[None, None], 2 * more + 1, 1, more)[0, 0]


def _box(part: Tensor) -> tuple[int, int, int, int]:
    """The first row, the one after the last, the first column, the one after the last."""
    rows, columns = part.any(1).nonzero()[:, 0], part.any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
