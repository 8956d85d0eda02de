"""Pages of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from gantutor._checks import check_floats, check_tensors, optional, validate
from gantutor._errors import InputError
from gantutor.plots._checks import MAX_PANELS, axes_or_none, check_named
from gantutor.plots.style import Figure, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def tile(images: Tensor, columns: int = 10) -> Tensor:
    """Images (N, 1 or 3, H, W) in [−1, 1] as one picture (rows · (H + 1), columns · (W + 1)[, 3]) in [0, 1].

    Raises InputError for other shapes, or numbers that are not finite.

    >>> import torch
    >>> tile(torch.zeros(4, 1, 28, 28), columns=2).shape
    torch.Size([58, 58])
    """
    check_tensors(images=images)
    if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise InputError(f"images must have shape (count, 1 or 3, height, width), not {tuple(images.shape)}")
    check_floats(images=images)
    validate({"columns": columns}, columns=MAX_PANELS)
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    page = images.new_ones(rows * columns, channels, height + 1, width + 1)
    page[:count, :, :height, :width] = images.detach().clamp(-1, 1)
    page = page.view(rows, columns, channels, height + 1, width + 1).permute(0, 3, 1, 4, 2)
    picture = (page.reshape(rows * (height + 1), columns * (width + 1), channels).cpu() + 1) / 2
    return picture.squeeze(-1)


def grid(images: Tensor, title: str = "", columns: int = 10, axes: Axes | None = None) -> Figure:
    """A page of images (N, 1 or 3, H, W) in [−1, 1], row by row. Raises InputError for other shapes.

    >>> import torch
    >>> grid(torch.zeros(20, 1, 28, 28), "twenty black squares").axes[0].get_title()
    'twenty black squares'
    """
    validate({"axes": axes}, axes=optional(axes_or_none()))
    picture = tile(images, columns)
    if axes is None:
        _, axes = figure(size=(picture.shape[1] / 52, picture.shape[0] / 52 + 0.3))
    axes.imshow(picture.float().numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    return axes.figure  # type: ignore[return-value]


def pages(parts: Mapping[str, Tensor], columns: int = 10, size: tuple[float, float] = (9.0, 3.2)) -> Figure:
    """Pages of images (N, 1 or 3, H, W) in [−1, 1] side by side, each under its name. Raises InputError for
    what is no dict of images."""
    check_named(parts=parts)
    fig, axes = figure(1, len(parts), size, squeeze=False)
    for panel, (title, images) in zip(axes[0], parts.items(), strict=True):
        grid(images, title, columns, panel)
    return fig
