"""Handwriting of one's own: a picture of a line of digits becomes images such as those of ``digits()``."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import check_floats, integer, validate
from gantutor._errors import InputError
from gantutor.data.ink import connected_components, extract_ink, otsu_threshold, read_grey, to_grey

MOST = 20
"""Digits in a picture."""

CONTRAST = 0.15
"""Ink and paper must differ by so much of the range from black to white."""

BOX, SIDE, MIDDLE = 20, 28, 14.5
"""A digit fills a box of 20 × 20 and stands with its centre of mass in the pixel (14, 14) of 28 × 28, as in
MNIST."""

STROKE = 2.0
"""Pixels of the box that a stroke is wide at least; thinner ones are made so."""


def read_handwriting(source: str | Path | bytes | Tensor) -> Tensor:
    """The digits (n, 1, 28, 28) in [−1, 1] on a picture, white on black, from left to right.

    ``source``: a picture file or its bytes, in colour or grey, dark on light or light on dark (the rim shows
    which), turned as its EXIF data say; or an image (1, H, W) in [−1, 1]. The digits, 1 to 20, stand in one
    line on plain paper and do not touch; parts one above the other are one digit. Each is scaled to fit 20 ×
    20 pixels and centred by its mass (LeCun et al. 1998). Raises InputError for what is no picture, an empty
    one, more than one line or more than 20 digits.

    >>> read_handwriting(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the picture cannot be opened: PNG, JPEG and most other formats can
    """
    ink = extract_ink(to_grey(source) if isinstance(source, Tensor) else read_grey(source))
    level, contrast = otsu_threshold(ink)
    if contrast < CONTRAST:
        raise InputError(
            f"there is no writing on the picture: ink and paper differ by {contrast:.0%} of the range from "
            f"black to white, and at least {CONTRAST:.0%} are needed"
        )
    parts = group_components(connected_components(ink > level))
    if not parts:
        raise InputError("there is no writing on the picture: all that was found are specks")
    if len(parts) > MOST:
        raise InputError(
            f"{len(parts)} separate things were found on the picture, and at most {MOST} digits are read at "
            "once: cut out a part of the line, on plain paper"
        )
    return torch.stack([center_in_frame(ink, part) for part in parts])


def handwritten_line(images: Tensor, gap: int = 5) -> Tensor:
    """Digits (n, 1, 28, 28) in [−1, 1] close together, as they stand in a line of writing: (1, 40, W).

    ``gap`` black pixels lie between the ink of two neighbours, and six around all of it.

    >>> images = torch.full((3, 1, 28, 28), -1.0)
    >>> images[:, :, 4:24, 10:14] = 1.0
    >>> handwritten_line(images).shape  # three strokes of 4, two gaps of 5, 12 around them
    torch.Size([1, 40, 34])
    """
    validate({"gap": gap}, gap=integer(1, 100))
    check_floats(images=images)
    if images.dim() != 4 or images.shape[1:] != (1, SIDE, SIDE) or not len(images):
        raise InputError(f"digits must have shape (count, 1, 28, 28), not {tuple(images.shape)}")
    parts = []
    for image in images[:, 0].detach().cpu().float():
        inked = (image > -0.8).any(0).nonzero()[:, 0]
        ends = (int(inked[0]), int(inked[-1]) + 1) if len(inked) else (0, SIDE)
        parts += [image[:, ends[0] : ends[1]], torch.full((SIDE, gap), -1.0)]
    return F.pad(torch.cat(parts[:-1], 1), (6, 6, 6, 6), value=-1.0)[None]


def group_components(parts: list[Tensor]) -> list[Tensor]:
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


def center_in_frame(ink: Tensor, part: Tensor) -> Tensor:
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
