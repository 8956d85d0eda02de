"""Reading the user's own photographs as square images."""

from __future__ import annotations

import reprlib
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
from gantutor.data.picture_depth import (
    MIN_USED_SHARE,
    Depth,
    describe,
    pillow_depth,
    tiff_depth,
    to_shades,
)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""The formats that are read; for some others Pillow would start external programs."""

SUPPORTED = "use JPEG, PNG, WebP, GIF, BMP or TIFF"

MAX_MEGAPIXELS = 80
"""Millions of pixels of a photograph; a small file can unpack to more than the memory of a computer."""

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey: ITU-R BT.601."""

MAX_NUMBER = 1e30
"""Largest number that the user may declare to be black or white."""

MIN_STD = 1e-2
"""Standard deviation of the pixels, on the scale from −1 to 1, below which a photograph shows nothing."""


@checked(side=integer(8, 4096), grey=boolean())
def read_photograph(
    source: str | Path | bytes,
    side: int = 64,
    grey: bool = True,
    box: Sequence[int] | None = None,
    value_range: tuple[float, float] | None = None,
) -> Tensor:
    """Read a photograph, and crop and resize it to a square image.

    The photograph is turned upright as its EXIF data say, and transparent pixels become white. Of an
    animation the first frame is read. The square in the middle is kept. No face is detected: to get one, give
    a box that frames it as the training photographs frame theirs.

    Grey pictures may have up to 32 bits, with or without a sign, and white as 0. Black and white are the ends
    of the range of that number of bits, unless the file names others (the tags MaxSampleValue,
    SMinSampleValue and SMaxSampleValue of TIFF, the maximum of PGM). Whether 12 bits of a camera are stored
    in 16 cannot be known otherwise: a picture that uses less than a sixteenth of its range is refused unless
    ``value_range`` says what it means. Colours of 16 bits are rounded down to 8.

    Args:
        source: the path of a picture file (JPEG, PNG, WebP, GIF, BMP, TIFF or PPM), or its content.
        side: height and width of the result in pixels, from 8 to 4096.
        grey: whether to convert colours to grey.
        box: the part to use, (left, top, right, bottom) in pixels of the upright photograph; None uses all.
        value_range: the numbers of the file that are its darkest and its lightest shade, such as (0, 4095),
            for grey pictures of more than 8 bits or of floating-point numbers; None for what the file says.

    Returns:
        The image (1, ``side``, ``side``), float32 in [−1, 1]; with ``grey=False`` (3, ``side``, ``side``).

    Raises:
        InputError: if the file is not a picture, is damaged, has more than 80 million pixels or a single
            colour; if its numbers are of an unknown kind, or what they mean is not known; if its square is
            smaller than half of ``side``; or if an argument is out of range.
        DataUnavailable: if Pillow is missing.

    >>> read_photograph(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the photograph cannot be read as a picture: use JPEG, PNG, WebP, GIF, ...
    """
    _check_range(value_range)
    pixels, name = decode_picture(source, value_range)  # (3, H, W) in [0, 1]
    if box is not None:
        left, top, right, bottom = _check_box(box, pixels.shape[2], pixels.shape[1])
        pixels = pixels[:, top:bottom, left:right]
    edge = min(pixels.shape[1:])
    if 2 * edge < side:
        raise InputError(
            f"the requested part of {name} has only {edge} × {edge} pixels: at least "
            f"{(side + 1) // 2} × {(side + 1) // 2} are needed for {side} × {side}"
        )
    small = crop_to_square(pixels[None], side)[0].clamp(0, 1) * 2 - 1
    if float(small.std(unbiased=False)) < MIN_STD:
        raise InputError(f"{name} has only one colour: choose another photograph")
    if grey:
        small = (torch.tensor(LUMA_WEIGHTS).view(3, 1, 1) * small).sum(0, keepdim=True)
    return small


def decode_picture(source: Any, value_range: tuple[float, float] | None) -> tuple[Tensor, str]:
    """Read a picture file as an upright colour image (3, H, W) in [0, 1], and give its name for messages."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise DataUnavailable(
            "photographs are read by the package Pillow, which is missing: pip install pillow"
        ) from None
    file, name = open_file(source, "photograph", "a picture file", "a picture")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    depth: Depth | None = None
    try:
        with warnings.catch_warnings(), file.open("rb") if isinstance(file, Path) else file as stream:
            warnings.simplefilter("ignore")  # of decompression bombs, refused below, and of unusual tags
            decodable, depth = tiff_depth(stream)
            with Image.open(decodable, formats=formats) as image:
                width, height = image.size
                if width * height > MAX_MEGAPIXELS * 1_000_000:
                    raise InputError(
                        f"{name} has {width:,} × {height:,} pixels: "
                        f"at most {MAX_MEGAPIXELS} million can be read"
                    )
                depth = depth or pillow_depth(image)
                packing = str(image.tile[0].args) if image.tile else ""
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image), packing, depth, value_range, name), name
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} has too many pixels: at most {MAX_MEGAPIXELS} million can be read"
        ) from None
    except UnidentifiedImageError:
        if depth is not None:
            raise InputError(
                f"{name} cannot be read: a TIFF picture with {describe(depth)} is of an unknown kind: "
                "save it as PNG or JPEG"
            ) from None
        raise InputError(f"{name} cannot be read as a picture: {SUPPORTED}") from None
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        reason = first_line(error)
        raise InputError(f"{name} is damaged and cannot be read ({reason}): {SUPPORTED}") from None


def _to_rgb(
    image: Any, packing: str, depth: Depth, value_range: tuple[float, float] | None, name: str
) -> Tensor:
    """Convert an image of Pillow, in any mode, to a colour image (3, H, W) in [0, 1].

    ``packing`` is Pillow's name of how the file holds the numbers, such as "RGB;16B".
    """
    transparent = image.info.get("transparency")
    if depth.is_deep_grey:
        numbers = np.asarray(image)
        shades = to_shades(numbers, depth, value_range, name)
        if isinstance(transparent, int):
            shades[torch.from_numpy(numbers == transparent)] = 1.0
        return shades.expand(3, -1, -1)
    if value_range is not None:
        raise InputError(
            "value_range is only for grey pictures of more than 8 bits or of floating-point numbers, and "
            f"{name} is not one: leave it out"
        )
    if depth.bits > 8:
        colours = np.asarray(image)[..., : 4 if image.mode == "CMYK" else 3]
        if colours.min() < colours.max() < MIN_USED_SHARE * 256:
            raise InputError(
                f"{name} has colours of {depth.bits} bits and uses only the lowest sixteenth of their range: "
                "it would become nearly one colour: scale its values to the full range and save it again"
            )
    if isinstance(transparent, int) and packing in ("L;2", "L;4"):  # Pillow scales the shades, but not this
        image.info["transparency"] = transparent * 255 // (2 ** int(packing[-1]) - 1)
    if isinstance(transparent, tuple) and depth.bits > 8:
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or transparent is not None:
        rgba = torch.from_numpy(np.array(image.convert("RGBA"))).permute(2, 0, 1).float() / 255
        opacity = rgba[3:]
        return rgba[:3] * opacity + (1 - opacity)  # over white
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def _check_range(value_range: Any) -> None:
    """Raise InputError unless the range is None or a pair of finite numbers in ascending order."""
    is_pair = isinstance(value_range, tuple | list) and len(value_range) == 2
    if value_range is not None and not (
        is_pair
        and all(isinstance(end, int | float) and not isinstance(end, bool) for end in value_range)
        and -MAX_NUMBER <= value_range[0] < value_range[1] <= MAX_NUMBER
    ):
        raise InputError(
            "value_range must be None or a pair of numbers (black, white) in ascending order, not "
            f"{reprlib.repr(value_range)}"
        )


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
