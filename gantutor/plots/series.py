"""Series over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gantutor._checks import check_floats, optional, validate
from gantutor._errors import InputError, type_name
from gantutor.plots._checks import MAX_PANELS, check_colours, check_named, figure_size
from gantutor.plots.style import GENERATED, REAL, Figure, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def series(
    parts: Mapping[str, Tensor],
    title: str = "",
    lines: int = 5,
    unit: str = "value",
    colours: Sequence[str] | None = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Series (N, L, F) or (N, L) of several kinds: one column a kind, one row a feature, the first ``lines``
    of each over the time steps.

    The first kind has the colour of real data and the others that of generated data, unless ``colours`` gives
    one each; the panels of a row share their scale. ``unit`` is written at the left. Raises InputError for
    other shapes, or kinds with different numbers of features.

    >>> fig = series({"real": torch.rand(9, 24, 2), "generated": torch.rand(9, 24, 2)})
    >>> [axes.get_title() for axes in fig.axes], len(fig.axes[0].lines)
    (['real', 'generated', '', ''], 5)
    """
    check_named(parts=parts)
    given = {"lines": lines, "size": size, "colours": colours}
    validate(
        given, lines=MAX_PANELS, size=optional(figure_size()), colours=optional(check_colours(len(parts)))
    )
    shown = {name: as_series(part, name) for name, part in parts.items()}
    features = {part.shape[2] for part in shown.values()}
    if len(features) != 1:
        counts = ", ".join(f"{name} {part.shape[2]}" for name, part in shown.items())
        raise InputError(f"series side by side must have the same number of features, not {counts}")
    rows, (one,) = features.copy().pop(), [len(shown)]
    colours = colours or [REAL] + [GENERATED] * (one - 1)
    size = size or (max(4.2, 3.2 * one), 1.2 * rows + 1.2)
    fig, panels = figure(rows, one, size, squeeze=False, sharex="col", sharey="row")
    for column, (colour, (name, part)) in enumerate(zip(colours, shown.items(), strict=True)):
        for row in range(rows):
            panels[row, column].plot(part[:lines, :, row].T.numpy(), color=colour, linewidth=1.0, alpha=0.8)
            what = f"{unit} {row + 1}" if rows > 1 else unit
            label(panels[row, column], "" if row else name, "time step" if row == rows - 1 else "")
            panels[row, column].set_ylabel("" if column else what, fontsize=9)
    if str(title):
        fig.suptitle(title, fontsize=11)
    return fig


def as_series(samples: Tensor, name: str = "the samples") -> Tensor:
    """Samples as series (N, L, F) on the CPU: series as they are, (N, L) with one feature, waveforms (N, 1 or
    2, L) turned over. Raises InputError, which says ``name``, for other shapes.

    >>> as_series(torch.zeros(4, 1, 40)).shape, as_series(torch.zeros(4, 40)).shape
    (torch.Size([4, 40, 1]), torch.Size([4, 40, 1]))
    """
    if not isinstance(samples, Tensor) or samples.dim() not in (2, 3) or not samples.numel():
        shape = tuple(samples.shape) if isinstance(samples, Tensor) else type_name(samples)
        raise InputError(f"{name} must be series of shape (count, length, features), not {shape}")
    samples = samples.detach().float().cpu()
    check_floats(**{name: samples})
    if samples.dim() == 2:
        return samples[:, :, None]
    return samples.transpose(1, 2) if samples.shape[1] <= 2 < samples.shape[2] else samples


def cells(axes: Axes, samples: Tensor, columns: int) -> None:
    """Series (N, L, F) as small curves row by row, ``columns`` in a row, all to the same scale; each stands
    in a square of side 1, the first from (0, −1) to (1, 0)."""
    from matplotlib.collections import LineCollection

    low, high = float(samples.min()), float(samples.max())
    heights = 0.1 + 0.8 * (samples - low) / max(high - low, 1e-12)
    across = torch.linspace(0.06, 0.94, samples.shape[1])
    curves = []
    for index, one in enumerate(heights):
        row, column = divmod(index, columns)
        curves += [torch.stack([column + across, feature - row - 1], 1).numpy() for feature in one.T]
    axes.add_collection(LineCollection(curves, colors=GENERATED, linewidths=0.9, alpha=0.8))
