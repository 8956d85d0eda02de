"""Series over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gantutor._checks import check_floats, optional, validate
from gantutor._errors import InputError, type_name
from gantutor.plots._checks import PANEL_COUNT, check_colours, check_dict, figure_size
from gantutor.plots.style import GENERATED, REAL, Figure, describe, figure, label

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
    """Plot series of several kinds: one column for each kind, one row for each feature.

    The first kind has the colour of real data and the others the colour of generated data, unless ``colours``
    says otherwise. The panels of a row share their scale.

    Args:
        parts: series (N, L, F) or (N, L), or waveforms (N, 1 or 2, L), by the title of their column.
        title: the title of the figure; an empty one is left out.
        lines: the number of series to draw in each panel, 1 to 1,000.
        unit: the label of the y axes.
        colours: one colour for each kind, or None.
        size: width and height of the figure in inches; None chooses them by the number of panels.

    Raises:
        InputError: if ``parts`` is not a dict of series or is empty, or if the numbers of features differ.

    >>> fig = series({"real": torch.rand(9, 24, 2), "generated": torch.rand(9, 24, 2)})
    >>> [axes.get_title() for axes in fig.axes], len(fig.axes[0].lines)
    (['real', 'generated', '', ''], 5)
    """
    check_dict(parts=parts)
    options = {"lines": lines, "size": size, "colours": colours}
    validate(
        options, lines=PANEL_COUNT, size=optional(figure_size()), colours=optional(check_colours(len(parts)))
    )
    kinds = {name: as_series(part, name) for name, part in parts.items()}
    features = {part.shape[2] for part in kinds.values()}
    if len(features) != 1:
        counts = ", ".join(f"{name} {part.shape[2]}" for name, part in kinds.items())
        raise InputError(f"series side by side must have the same number of features, not {counts}")
    rows, columns = features.pop(), len(kinds)
    colours = colours or [REAL] + [GENERATED] * (columns - 1)
    size = size or (max(4.2, 3.2 * columns), 1.2 * rows + 1.2)
    fig, panels = figure(rows, columns, size, squeeze=False, sharex="col", sharey="row")
    for column, (colour, (name, part)) in enumerate(zip(colours, kinds.items(), strict=True)):
        for row in range(rows):
            panels[row, column].plot(part[:lines, :, row].T.numpy(), color=colour, linewidth=1.0, alpha=0.8)
            feature_name = f"{unit} {row + 1}" if rows > 1 else unit
            label(panels[row, column], "" if row else name, "time step" if row == rows - 1 else "")
            panels[row, column].set_ylabel("" if column else feature_name, fontsize=9)
    if str(title):
        fig.suptitle(title, fontsize=11)
    counts = ", ".join(f"{min(lines, len(part))} of {name}" for name, part in kinds.items())
    describe(fig, f"{str(title) or 'Series over time'}: lines over the time steps, {counts}.")
    return fig


def as_series(samples: Tensor, name: str = "the samples") -> Tensor:
    """Return samples as series (N, L, F) on the CPU.

    A series (N, L) gets one feature. Waveforms (N, 1 or 2, L) are transposed.

    Args:
        samples: series or waveforms.
        name: what an error message calls them.

    Raises:
        InputError: if the shape is another, or if a value is not finite.

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


def draw_series_grid(axes: Axes, samples: Tensor, columns: int) -> None:
    """Draw series as small curves in a grid, row by row, all on the same scale.

    Each series takes a square of side 1; the first one lies between (0, −1) and (1, 0).

    Args:
        axes: where to draw.
        samples: series (N, L, F).
        columns: the number of series in a row.
    """
    from matplotlib.collections import LineCollection

    low, high = float(samples.min()), float(samples.max())
    levels = 0.1 + 0.8 * (samples - low) / max(high - low, 1e-12)
    xs = torch.linspace(0.06, 0.94, samples.shape[1])
    curves = []
    for index, sample in enumerate(levels):
        row, column = divmod(index, columns)
        curves += [torch.stack([column + xs, feature - row - 1], 1).numpy() for feature in sample.T]
    axes.add_collection(LineCollection(curves, colors=GENERATED, linewidths=0.9, alpha=0.8))
