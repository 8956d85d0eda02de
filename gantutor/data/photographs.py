"""Reading the user's own photographs as square images."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gantutor._checks import boolean, checked, integer
from gantutor._errors import DataUnavailable, InputError, first_line
from gantutor.data.faces import crop_to_square
from gantutor.data.io import open_file

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""The formats that are read; for some others Pillow would start external programs."""

SUPPORTED = "JPEG, PNG, WebP, GIF, BMP and TIFF can"

MAX_MEGAPIXELS = 80
"""Millions of pixels of a photograph; a small file can unpack to more than the memory of a computer."""

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey: ITU-R BT.601."""

MIN_STD = 1e-2
"""Standard deviation of the pixels, on the scale from −1 to 1, below which a photograph shows nothing."""


@checked(side=integer(8, 4096), grey=boolean())
def read_photograph(
    source: str | Path | bytes,
    side: int = 64,
    grey: bool = True,
    box: Sequence[int] | None = None,
) -> Tensor:
    """Read a photograph, and crop and resize it to a square image.

    The photograph is turned upright as its EXIF data say, and transparent pixels become white. Of an
    animation the first frame is read. The square in the middle is kept. No face is detected: to get one, give
    a box that frames it as the training photographs frame theirs.

    Args:
        source: the path of a picture file (JPEG, PNG, WebP, GIF, BMP, TIFF or PPM, of 8 or 16 bits per
            channel), or its content.
        side: height and width of the result in pixels, from 8 to 4096.
        grey: whether to convert colours to grey.
        box: the part to use, (left, top, right, bottom) in pixels of the upright photograph; None uses all.

    Returns:
        The image (1, ``side``, ``side``), float32 in [−1, 1]; with ``grey=False`` (3, ``side``, ``side``).

    Raises:
        InputError: if the file is not a picture, is damaged, has more than 80 million pixels or a single
            colour; if its square is smaller than half of ``side``; or if an argument is out of range.
        DataUnavailable: if Pillow is missing.

    >>> read_photograph(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the photograph cannot be read as a picture: JPEG, PNG, WebP, GIF, ... can
    """
    pixels = _decode(source)  # (3, H, W) in [0, 1]
    if box is not None:
        left, top, right, bottom = _check_box(box, pixels.shape[2], pixels.shape[1])
        pixels = pixels[:, top:bottom, left:right]
    edge = min(pixels.shape[1:])
    if 2 * edge < side:
        raise InputError(
            f"the part of the photograph that is wanted has only {edge} × {edge} pixels: at least "
            f"{(side + 1) // 2} × {(side + 1) // 2} are needed for {side} × {side}"
        )
    small = crop_to_square(pixels[None], side)[0].clamp(0, 1) * 2 - 1
    if float(small.std(unbiased=False)) < MIN_STD:
        raise InputError("the photograph is of one colour all over: choose one that shows something")
    if grey:
        small = (torch.tensor(LUMA_WEIGHTS).view(3, 1, 1) * small).sum(0, keepdim=True)
    return small


def _decode(source: Any) -> Tensor:
    """Read a picture file as an upright colour image (3, H, W) in [0, 1]."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise DataUnavailable(
            "photographs are read by the package Pillow, which is missing: pip install pillow"
        ) from None
    file, name = open_file(source, "photograph", "a picture file", "a picture")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of decompression bombs, refused below, and of unusual tags
            with Image.open(file, formats=formats) as image:
                width, height = image.size
                if width * height > MAX_MEGAPIXELS * 1_000_000:
                    raise InputError(
                        f"{name} has {width:,} × {height:,} pixels: "
                        f"at most {MAX_MEGAPIXELS} million can be read"
                    )
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image), name)
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} has far too many pixels: at most {MAX_MEGAPIXELS} million can be read"
        ) from None
    except UnidentifiedImageError:
        raise InputError(f"{name} cannot be read as a picture: {SUPPORTED}") from None
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        reason = first_line(error)
        raise InputError(f"{name} is damaged and cannot be read ({reason}): {SUPPORTED}") from None


def _to_rgb(image: Any, name: str) -> Tensor:
    """Convert an image of Pillow, in any mode, to a colour image (3, H, W) in [0, 1]."""
    if image.mode == "F":
        raise InputError(f"{name} holds floating-point numbers and no colours: save it as PNG or JPEG")
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = torch.from_numpy(np.asarray(image).astype(np.float32)) / 65535
        return grey.clamp(0, 1).expand(3, -1, -1)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        rgba = torch.from_numpy(np.array(image.convert("RGBA"))).permute(2, 0, 1).float() / 255
        opacity = rgba[3:]
        return rgba[:3] * opacity + (1 - opacity)  # over white
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def _check_box(box: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom), or raise InputError if the box is not within the photograph."""
    has_four = isinstance(box, list | tuple) and len(box) == 4
    if not has_four or any(isinstance(edge, bool) or not isinstance(edge, int) for edge in box):
        raise InputError(f"box must be four whole numbers (left, top, right, bottom), not {box!r}")
    left, top, right, bottom = box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError(
            f"box must lie within the photograph, which has {width} × {height} pixels, with left < right and "
            f"top < bottom, not {tuple(box)}"
        )
    return left, top, right, bottom
