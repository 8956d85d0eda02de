"""Photographs of one's own: any picture file becomes the square of pixels that a network takes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gantutor._checks import boolean, integer, validate
from gantutor._errors import DataUnavailable, InputError, first_line
from gantutor.data.faces import square
from gantutor.data.io import open_file

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is read; other formats that Pillow knows would start programs of their own."""

READABLE = "JPEG, PNG, WebP, GIF, BMP and TIFF can"

MEGAPIXELS = 80
"""A photograph may have so many; a small file can unpack to far more than a computer holds."""

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey: ITU-R BT.601."""

PLAIN = 1e-2
"""A photograph whose pixels deviate less from their mean, on the scale from −1 to 1, shows nothing."""


def read_photograph(
    source: str | Path | bytes,
    side: int = 64,
    grey: bool = True,
    box: Sequence[int] | None = None,
) -> Tensor:
    """A photograph, from a file or its bytes, as pixels (1, ``side``, ``side``), float32 in [−1, 1]; with
    ``grey=False`` (3, ``side``, ``side``).

    It is turned upright as the camera noted; of an animation the first picture is taken; what is transparent
    becomes white; 16 bits a channel are read. ``box`` = (left, top, right, bottom) in pixels of the upright
    photograph cuts out a part first. The middle square is kept and averaged down to ``side``. Nothing here
    knows whether there is a face in it: whoever wants one should give a box that frames it as the training
    photographs frame theirs.

    Raises InputError for what is no picture, is damaged, has more than 80 million pixels, shows one colour
    alone, or whose square is smaller than half of ``side``, and DataUnavailable where Pillow is missing.

    >>> read_photograph(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the photograph cannot be read as a picture: JPEG, PNG, WebP, GIF, ... can
    """
    validate({"side": side, "grey": grey}, side=integer(8, 4096), grey=boolean())
    pixels = _decoded(source)
    if box is not None:
        left, top, right, bottom = _checked(box, pixels.shape[2], pixels.shape[1])
        pixels = pixels[:, top:bottom, left:right]
    edge = min(pixels.shape[1:])
    if 2 * edge < side:
        raise InputError(
            f"the part of the photograph that is wanted has only {edge} × {edge} pixels: at least "
            f"{(side + 1) // 2} × {(side + 1) // 2} are needed for {side} × {side}"
        )
    small = square(pixels[None], side)[0].clamp(0, 1) * 2 - 1
    if float(small.std(unbiased=False)) < PLAIN:
        raise InputError("the photograph is of one colour all over: choose one that shows something")
    if grey:
        small = (torch.tensor(LUMA).view(3, 1, 1) * small).sum(0, keepdim=True)
    return small


def _decoded(source: Any) -> Tensor:
    """The upright picture, (3, H, W) in [0, 1], colour."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise DataUnavailable(
            "photographs are read by the package Pillow, which is missing: pip install pillow"
        ) from None
    file, name = open_file(source, "photograph", "a picture file", "a picture")
    Image.init()
    known = [kind for kind in FORMATS if kind in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bombs, which are refused below, and of odd tags
            with Image.open(file, formats=known) as image:
                width, height = image.size
                if width * height > MEGAPIXELS * 1_000_000:
                    raise InputError(
                        f"{name} has {width:,} × {height:,} pixels: at most {MEGAPIXELS} million can be read"
                    )
                image.load()
                return _colours(ImageOps.exif_transpose(image), name)
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} has far too many pixels: at most {MEGAPIXELS} million can be read"
        ) from None
    except UnidentifiedImageError:
        raise InputError(f"{name} cannot be read as a picture: {READABLE}") from None
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        reason = first_line(error)
        raise InputError(f"{name} is damaged and cannot be read ({reason}): {READABLE}") from None


def _colours(image: Any, name: str) -> Tensor:
    """A picture of Pillow in any mode as (3, H, W) in [0, 1]."""
    if image.mode == "F":
        raise InputError(f"{name} holds floating-point numbers and no colours: save it as PNG or JPEG")
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = torch.from_numpy(np.asarray(image).astype(np.float32)) / 65535
        return grey.clamp(0, 1).expand(3, -1, -1)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        coloured = torch.from_numpy(np.array(image.convert("RGBA"))).permute(2, 0, 1).float() / 255
        opaque = coloured[3:]
        return coloured[:3] * opaque + (1 - opaque)
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def _checked(box: Any, width: int, height: int) -> tuple[int, int, int, int]:
    whole_numbers = isinstance(box, list | tuple) and len(box) == 4
    if not whole_numbers or any(isinstance(edge, bool) or not isinstance(edge, int) for edge in box):
        raise InputError(f"box must be four whole numbers (left, top, right, bottom), not {box!r}")
    left, top, right, bottom = box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError(
            f"box must lie within the photograph, which has {width} × {height} pixels, with left < right and "
            f"top < bottom, not {tuple(box)}"
        )
    return left, top, right, bottom
