"""Pictures of writing: opened, told apart from their paper, and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._errors import InputError
from gantutor.data.io import open_file

LONGEST = 800
"""Pixels of the longer side at which a picture is worked on."""

PIXELS = 100_000_000
"""Of a picture that is opened at all."""


def read_grey(source: Any) -> Tensor:
    """A picture as grey values (H, W) in [0, 1], upright, its longer side at most 800 pixels."""
    from PIL import Image, ImageOps

    file, said = open_file(source, "picture", "a file", "a picture")
    try:
        with Image.open(file) as image:
            if image.width * image.height > PIXELS:
                raise InputError(f"{said} has more than {PIXELS:,} pixels: make it smaller")
            image.draft("L", (LONGEST, LONGEST))  # a JPEG is decoded at a smaller size
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            paper = Image.new("RGBA", upright.size, "white")  # what is transparent
            grey = Image.alpha_composite(paper, upright).convert("L")
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise InputError(f"{said} cannot be opened: PNG, JPEG and most other formats can") from None
    grey.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    return torch.from_numpy(np.array(grey, np.float32) / 255)


def to_grey(image: Tensor) -> Tensor:
    """An image (1, H, W) in [−1, 1] as grey values (H, W) in [0, 1]; raises InputError for another shape or
    range."""
    if image.dim() != 3 or image.shape[0] != 1 or not image.numel() or not image.is_floating_point():
        raise InputError(
            f"an image must be floats of shape (1, H, W), not {image.dtype} of {tuple(image.shape)}"
        )
    if not bool(image.isfinite().all()) or float(image.abs().max()) > 1 + 1e-4:
        raise InputError("an image must be finite and lie in [-1, 1]")
    if max(image.shape) > LONGEST:
        raise InputError(f"an image may be {LONGEST} pixels long, not {max(image.shape)}: make it smaller")
    return ((image.detach().cpu().float()[0] + 1) / 2).clamp(0, 1)


def extract_ink(grey: Tensor) -> Tensor:
    """How much ink (H, W) there is, from 0 to 1: the difference from the paper, whose brightness may change
    over the picture.

    >>> page = torch.full((50, 50), 0.9)
    >>> page[20:30, 24:26] = 0.1
    >>> ink = extract_ink(page)
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


def otsu_threshold(ink: Tensor) -> tuple[float, float]:
    """The threshold that parts values in [0, 1] into the two groups with the largest variance between them,
    and how far apart the means of the groups are (Otsu 1979, doi:10.1109/TSMC.1979.4310076).

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
    level = float(values[best] + 0.5 / 256)
    if not float(between[best]):
        return level, 0.0
    return level, round(float(ink[ink > level].mean() - ink[ink <= level].mean()), 4)


def connected_components(mask: Tensor) -> list[Tensor]:
    """The connected parts (8 neighbours) of a mask (H, W), each as a mask of its own: the 200 largest,
    largest first.

    Runs of pixels in a row that touch one of the row above join its part.

    >>> len(connected_components(torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]]).bool()))
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
