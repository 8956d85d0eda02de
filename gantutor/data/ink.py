"""Reading pictures of writing, and separating the ink from the paper and into connected components."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._errors import InputError
from gantutor.data.io import open_file
from gantutor.data.photographs import decode_picture

MAX_SIDE = 800
"""Pixels of the longer side of a picture; larger files are reduced to it."""

MAX_PIXELS = 100_000_000
"""Pixels of a picture file that is opened."""

MAX_COMPONENTS = 200
"""Connected components that are returned."""


def read_grey(source: Any) -> Tensor:
    """Read a picture file as grey values, upright as its EXIF data say, transparent parts in white.

    Args:
        source: the path of a picture file, or its content.

    Returns:
        Grey values (H, W) in [0, 1]; the longer side is reduced to at most 800 pixels.

    Raises:
        InputError: if the file cannot be read as a picture, or has more than 100 million pixels.
    """
    from PIL import Image, ImageOps

    file, name = open_file(source, "picture", "a file", "a picture")
    try:
        with Image.open(file) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{name} has more than {MAX_PIXELS:,} pixels: make it smaller")
            is_deep = image.mode.startswith(("I", "F"))
            image.draft("L", (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded at a smaller size
            if not is_deep:
                upright = ImageOps.exif_transpose(image).convert("RGBA")
                paper = Image.new("RGBA", upright.size, "white")  # shows through transparent parts
                grey = Image.alpha_composite(paper, upright).convert("L")
        if is_deep:  # more than 8 bits, which Pillow would cut off
            shades, _ = decode_picture(source, None)
            grey = Image.fromarray((shades[0] * 255).round().byte().numpy())
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise InputError(f"{name} cannot be opened: use PNG, JPEG or another common format") from None
    grey.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return torch.from_numpy(np.array(grey, np.float32) / 255)


def to_grey(image: Tensor) -> Tensor:
    """Convert an image to grey values.

    Args:
        image: (1, H, W), floats in [−1, 1], at most 800 pixels high and wide.

    Returns:
        Grey values (H, W) in [0, 1].

    Raises:
        InputError: if the image has another shape, type or range, or is too large.

    >>> to_grey(torch.zeros(1, 1, 2))
    tensor([[0.5000, 0.5000]])
    """
    if image.dim() != 3 or image.shape[0] != 1 or not image.numel() or not image.is_floating_point():
        raise InputError(
            f"an image must be floats of shape (1, H, W), not {image.dtype} of {tuple(image.shape)}"
        )
    if not bool(image.isfinite().all()) or float(image.abs().max()) > 1 + 1e-4:
        raise InputError("an image must be finite and lie in [-1, 1]")
    if max(image.shape) > MAX_SIDE:
        raise InputError(
            f"an image may be at most {MAX_SIDE} pixels long, not {max(image.shape)}: make it smaller"
        )
    return ((image.detach().cpu().float()[0] + 1) / 2).clamp(0, 1)


def extract_ink(grey: Tensor) -> Tensor:
    """Estimate the amount of ink in each pixel: the difference from the brightness of the paper.

    The brightness of the paper may vary over the picture. Whether ink is darker or lighter than paper is read
    from the border of the picture, which is taken for paper.

    Args:
        grey: grey values (H, W) in [0, 1].

    Returns:
        Ink (H, W) in [0, 1]; paper is 0.

    >>> page = torch.full((50, 50), 0.9)
    >>> page[20:30, 24:26] = 0.1
    >>> ink = extract_ink(page)
    >>> ink[25, 25], ink[0, 0]
    (tensor(0.8000), tensor(0.))
    """
    border = torch.cat([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light_paper = bool(border.median() > (grey.min() + grey.max()) / 2)
    negative = 1 - grey if light_paper else grey  # ink is large, paper is small
    height, width = negative.shape
    step = max(1, max(height, width) // 100)
    small = F.avg_pool2d(negative[None, None], step, ceil_mode=True)
    # A morphological opening removes everything narrower than its window, which is wider than a stroke.
    radius = max(1, max(small.shape) // 8)
    paper = -F.max_pool2d(-small, 2 * radius + 1, 1, radius)
    paper = F.max_pool2d(paper, 2 * radius + 1, 1, radius)
    paper = F.interpolate(paper, size=(height, width), mode="bilinear", align_corners=False)[0, 0]
    return (negative - paper).clamp(0, 1)


def otsu_threshold(ink: Tensor) -> tuple[float, float]:
    """Find the threshold that separates values into two groups with the largest between-class variance.

    This is Otsu's method (Otsu 1979, doi:10.1109/TSMC.1979.4310076) on a histogram of 256 bins.

    Args:
        ink: values in [0, 1], of any shape.

    Returns:
        The threshold, and the difference between the means of the two groups.

    >>> otsu_threshold(torch.tensor([0.1, 0.1, 0.1, 0.9]))[1]
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
    threshold = float(values[best] + 0.5 / 256)
    if not float(between[best]):
        return threshold, 0.0
    return threshold, round(float(ink[ink > threshold].mean() - ink[ink <= threshold].mean()), 4)


def connected_components(mask: Tensor) -> list[Tensor]:
    """Find the connected components of a mask, where each pixel has 8 neighbours.

    Args:
        mask: bool (H, W).

    Returns:
        A mask (H, W) for each component: the 200 largest, in descending order of size.

    >>> len(connected_components(torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]]).bool()))
    2
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask.numpy(), structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    largest = np.argsort(-sizes, kind="stable")[:MAX_COMPONENTS] + 1
    return [torch.from_numpy(labels == label) for label in largest]
