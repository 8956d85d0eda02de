"""Grids of images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from gantutor._checks import check_floats, check_tensors, checked, optional
from gantutor._errors import InputError
from gantutor.plots._checks import PANEL_COUNT, check_dict, matplotlib_axes
from gantutor.plots.style import SCREEN_DPI, WIDTH, Figure, describe, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE_HEIGHT = 0.24
"""Inches for the title of each part of ``image_rows``."""


@checked(columns=PANEL_COUNT)
def tile(images: Tensor, columns: int = 10) -> Tensor:
    """Arrange images in a grid and return it as one picture, with a white line between them.

    Args:
        images: shape (N, 1 or 3, H, W), values in [−1, 1]; values outside are clipped.
        columns: the number of images in a row, 1 to 1,000.

    Returns:
        A tensor on the CPU with values in [0, 1], shape (rows · (H + 1), columns · (W + 1)) for grey images,
        with a last axis of 3 for colour.

    Raises:
        InputError: if the shape is another, or if a value is not finite.

    >>> import torch
    >>> tile(torch.zeros(4, 1, 28, 28), columns=2).shape
    torch.Size([58, 58])
    """
    check_tensors(images=images)
    if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise InputError(f"images must have shape (count, 1 or 3, height, width), not {tuple(images.shape)}")
    check_floats(images=images)
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    canvas = images.new_ones(rows * columns, channels, height + 1, width + 1)
    canvas[:count, :, :height, :width] = images.detach().clamp(-1, 1)
    canvas = canvas.view(rows, columns, channels, height + 1, width + 1).permute(0, 3, 1, 4, 2)
    picture = (canvas.reshape(rows * (height + 1), columns * (width + 1), channels).cpu() + 1) / 2
    return picture.squeeze(-1)


@checked(axes=optional(matplotlib_axes()))
def grid(images: Tensor, title: str = "", columns: int = 10, axes: Axes | None = None) -> Figure:
    """Draw images in a grid, row by row.

    Args:
        images: shape (N, 1 or 3, H, W), values in [−1, 1].
        title: the title of the panel.
        columns: the number of images in a row, 1 to 1,000.
        axes: where to draw; None makes a new figure.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if the shape is another, or if a value is not finite.

    >>> import torch
    >>> grid(torch.zeros(20, 1, 28, 28), "twenty black squares").axes[0].get_title()
    'twenty black squares'
    """
    picture = tile(images, columns)
    if axes is None:
        width = min(WIDTH, picture.shape[1] / 52)
        _, axes = figure(size=(width, width * picture.shape[0] / picture.shape[1] + 0.3))
    axes.imshow(picture.float().numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    describe(axes.figure, f"{str(title) or 'Images'}: {len(images):,} images, {columns} in a row.")
    return axes.figure  # type: ignore[return-value]


def grids(parts: Mapping[str, Tensor], columns: int = 10, size: tuple[float, float] = (9.0, 3.2)) -> Figure:
    """Draw several grids of images side by side, each under its name.

    Args:
        parts: images of shape (N, 1 or 3, H, W) in [−1, 1], by the title to draw above them.
        columns: the number of images in a row of each grid, 1 to 1,000.
        size: width and height of the figure in inches.

    Raises:
        InputError: if ``parts`` is not a dict of images or is empty.

    >>> import torch
    >>> fig = grids({"real": torch.zeros(4, 1, 8, 8), "generated": torch.zeros(4, 1, 8, 8)}, columns=2)
    >>> [axes.get_title() for axes in fig.axes]
    ['real', 'generated']
    """
    check_dict(parts=parts)
    fig, axes = figure(1, len(parts), size, squeeze=False)
    for panel, (title, images) in zip(axes[0], parts.items(), strict=True):
        grid(images, title, columns, panel)
    return fig


@checked(columns=PANEL_COUNT)
def image_rows(parts: Mapping[str, Tensor], columns: int = 15) -> Figure:
    """Draw several grids of images below one another, all at one size, each under its name.

    Args:
        parts: images of shape (N, 1 or 3, H, W) in [−1, 1], by the title to draw above them.
        columns: the number of images in a row, 1 to 1,000.

    Raises:
        InputError: if ``parts`` is not a dict of images or is empty.

    >>> import torch
    >>> fig = image_rows({"real": torch.zeros(4, 1, 8, 8), "generated": torch.zeros(8, 1, 8, 8)}, columns=4)
    >>> [axes.get_title(loc="left") for axes in fig.axes]
    ['real', 'generated']
    """
    check_dict(parts=parts)
    pictures = {}
    for title, images in parts.items():
        picture = tile(images, columns)
        pictures[title] = picture[:, : min(columns, len(images)) * (images.shape[3] + 1)]
    full = max(picture.shape[1] for picture in pictures.values())
    width = min(WIDTH, full / 52)
    heights = [width * picture.shape[0] / full for picture in pictures.values()]
    total = sum(heights) + TITLE_HEIGHT * len(heights)
    dots = full / width * math.ceil(SCREEN_DPI * width / full)  # whole dots for each pixel of an image
    fig = Figure(figsize=(width, total), dpi=dots)
    below = total
    for (title, picture), height in zip(pictures.items(), heights, strict=True):
        below -= TITLE_HEIGHT + height
        panel = fig.add_axes((0.0, below / total, picture.shape[1] / full, height / total))
        panel.imshow(
            picture.float().numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto"
        )
        panel.set_title(title, fontsize=9, loc="left", pad=3)
        panel.set_axis_off()
        panel.set_in_layout(False)
    words = "; ".join(f"{title} ({len(images):,} images)" for title, images in parts.items())
    describe(fig, f"Rows of images: {words}.")
    return fig
