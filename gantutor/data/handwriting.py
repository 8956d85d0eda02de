"""Reading the user's own handwriting: a picture of a line of digits becomes images like those of MNIST."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor.data.ink import connected_components, extract_ink, otsu_threshold, read_grey, to_grey

MAX_DIGITS = 20
"""Digits in a picture."""

MIN_CONTRAST = 0.15
"""Difference between ink and paper, as a share of the range from black to white."""

SIDE, BOX_SIDE, CENTRE = 28, 20, 14.5
"""Pixels of an image and of the box that a digit fills, and the coordinate of its centre of mass in the pixel
(14, 14), as in MNIST."""

MIN_STROKE_WIDTH = 2.0
"""Pixels of the box; thinner strokes are thickened to it."""

Box = tuple[int, int, int, int]
"""(top, bottom, left, right): the first row, the row after the last, and the same of the columns."""


def read_handwriting(source: str | Path | bytes | Tensor) -> Tensor:
    """Read a picture of handwritten digits as images like those of MNIST, white on black, from left to right.

    The digits must be written in one line on plain paper, and must not touch each other; strokes one above
    the other count as one digit. Each digit is scaled to fit 20 × 20 pixels and centred by its centre of mass
    (LeCun et al. 1998).

    Args:
        source: the path of a picture file or its content, turned as its EXIF data say; or an image (1, H, W)
            in [−1, 1]. It is dark on light or light on dark, as its border shows, and has 1 to 20 digits.

    Returns:
        Images (n, 1, 28, 28) in [−1, 1].

    Raises:
        InputError: if the source is not a picture, has no writing, more than one line or more than 20 digits.

    >>> read_handwriting(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the picture cannot be opened: use PNG, JPEG or another common format
    """
    ink = extract_ink(to_grey(source) if isinstance(source, Tensor) else read_grey(source))
    threshold, contrast = otsu_threshold(ink)
    if contrast < MIN_CONTRAST:
        raise InputError(
            f"there is no writing on the picture: ink and paper differ by {contrast:.0%} of the range from "
            f"black to white, and at least {MIN_CONTRAST:.0%} are needed"
        )
    digits = group_components(connected_components(ink > threshold))
    if not digits:
        raise InputError("there is no writing on the picture: only specks were found")
    if len(digits) > MAX_DIGITS:
        raise InputError(
            f"{len(digits)} separate shapes were found on the picture, but at most {MAX_DIGITS} digits "
            "can be read at once: cut out a part of the line, on plain paper"
        )
    return torch.stack([center_in_frame(ink, digit) for digit in digits])


@checked(gap=integer(1, 100))
def handwritten_line(images: Tensor, gap: int = 5) -> Tensor:
    """Join digits to one image of a line of writing.

    Args:
        images: (n, 1, 28, 28) in [−1, 1].
        gap: black pixels between the ink of two neighbours, from 1 to 100; six more surround the line.

    Returns:
        The line (1, 40, W) in [−1, 1].

    Raises:
        InputError: if the images have another shape or are not finite floats, or ``gap`` is out of range.

    >>> images = torch.full((3, 1, 28, 28), -1.0)
    >>> images[:, :, 4:24, 10:14] = 1.0
    >>> handwritten_line(images).shape  # three strokes of 4, two gaps of 5, 12 around them
    torch.Size([1, 40, 34])
    """
    check_floats(images=images)
    if images.dim() != 4 or images.shape[1:] != (1, SIDE, SIDE) or not len(images):
        raise InputError(f"digits must have shape (count, 1, 28, 28), not {tuple(images.shape)}")
    parts = []
    for image in images[:, 0].detach().cpu().float():
        columns = (image > -0.8).any(0).nonzero()[:, 0]
        left, right = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, SIDE)
        parts += [image[:, left:right], torch.full((SIDE, gap), -1.0)]
    return F.pad(torch.cat(parts[:-1], 1), (6, 6, 6, 6), value=-1.0)[None]


def group_components(components: list[Tensor]) -> list[Tensor]:
    """Group connected components into digits, from left to right, and drop specks.

    A speck is shorter along both axes than a fifth of the tallest component's height. Two components are one
    digit if they share half of the columns of the narrower one.

    Args:
        components: masks (H, W).

    Returns:
        A mask (H, W) for each digit.

    Raises:
        InputError: if two tall components are one above the other with a gap: then there are two lines.

    >>> dot, bar = torch.zeros(20, 20).bool(), torch.zeros(20, 20).bool()
    >>> dot[2:5, 8:11], bar[6:18, 8:11] = True, True
    >>> len(group_components([bar, dot])), len(group_components([bar, bar.roll(8, 1)]))
    (1, 2)
    """
    boxes = [_bounding_box(component) for component in components]
    tallest = max((bottom - top for top, bottom, _, _ in boxes), default=0)
    large = [
        (component, box)
        for component, box in zip(components, boxes, strict=True)
        if max(box[1] - box[0], box[3] - box[2]) >= 0.2 * tallest
    ]
    large.sort(key=lambda pair: pair[1][2])
    digits: list[tuple[Tensor, Box]] = []
    for component, (top, bottom, left, right) in large:
        if digits:
            digit, (digit_top, digit_bottom, digit_left, digit_right) = digits[-1]
            overlap = min(right, digit_right) - max(left, digit_left)
            if overlap >= 0.5 * min(right - left, digit_right - digit_left):
                separate = max(top - digit_bottom, digit_top - bottom) > 0.15 * tallest
                if separate and min(bottom - top, digit_bottom - digit_top) > 0.5 * tallest:
                    raise InputError(
                        "the picture has digits above each other: write them in one line, or cut out one line"
                    )
                digits[-1] = (digit | component, _bounding_box(digit | component))
                continue
        digits.append((component, (top, bottom, left, right)))
    return [digit for digit, _ in digits]


def center_in_frame(ink: Tensor, mask: Tensor) -> Tensor:
    """Scale one digit to at most 20 × 20 pixels, and put its centre of mass into the pixel (14, 14).

    Args:
        ink: the picture's ink (H, W) in [0, 1].
        mask: the pixels of the digit, bool (H, W).

    Returns:
        The image (1, 28, 28) in [−1, 1].

    >>> mask = torch.zeros(60, 60).bool()
    >>> mask[5:45, 30:50] = True
    >>> inked = center_in_frame(mask.float(), mask)[0] > 0
    >>> int(inked.any(1).sum()), int(inked.any(0).sum())
    (20, 10)
    """
    top, bottom, left, right = _bounding_box(mask)
    # One pixel more on each side, to keep the soft edge of the strokes.
    digit = F.max_pool2d(mask[None, None].float(), 3, 1, 1)[0, 0] * ink
    crop = digit[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]
    full = float(ink[mask].quantile(0.9)) if int(mask.sum()) < 1_000_000 else float(ink[mask].max())
    crop = _thicken((crop / max(full, 1e-6)).clamp(0, 1), mask)
    height, width = crop.shape
    scale = BOX_SIDE / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = F.interpolate(crop[None, None], size=size, mode="bilinear", antialias=True, align_corners=False)
    small = small[0, 0] / small.max().clamp(min=1e-6)
    mass = small.sum().clamp(min=1e-6)
    centre_row = float((small.sum(1) * (torch.arange(size[0]) + 0.5)).sum() / mass)
    centre_column = float((small.sum(0) * (torch.arange(size[1]) + 0.5)).sum() / mass)
    row = min(max(0, round(CENTRE - centre_row)), SIDE - size[0])
    column = min(max(0, round(CENTRE - centre_column)), SIDE - size[1])
    image = torch.zeros(SIDE, SIDE)
    image[row : row + size[0], column : column + size[1]] = small.clamp(0, 1)
    return (2 * image - 1)[None]


def _thicken(crop: Tensor, mask: Tensor) -> Tensor:
    """Widen strokes to at least two pixels of the box."""
    inner = -F.max_pool2d(-mask[None, None].float(), 3, 1, 1)
    area, perimeter = float(mask.sum()), float(mask.sum() - inner.sum())
    width = 2 * area / max(perimeter, 1.0)  # the area of a stroke is half its perimeter times its width
    margin = round((MIN_STROKE_WIDTH * max(crop.shape) / BOX_SIDE - width) / 2)
    if margin < 1:
        return crop
    padded = F.pad(crop, (margin, margin, margin, margin))[None, None]
    return F.max_pool2d(padded, 2 * margin + 1, 1, margin)[0, 0]


def _bounding_box(mask: Tensor) -> Box:
    """Return (top, bottom, left, right) of the pixels of a mask (H, W)."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
