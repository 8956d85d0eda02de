"""Pages of handwriting: lines of dark ink on white, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gantutor._checks import check_floats, checked, string
from gantutor._errors import InputError
from gantutor.plots._checks import check_dict
from gantutor.plots.style import WIDTH, Figure, describe, figure


@checked(title=string())
def written_lines(columns: Mapping[str, Tensor], title: str = "", rows: Sequence[str] = ()) -> Figure:
    """Draw lines as dark ink on white: a column for each kind, a row for each text.

    Args:
        columns: lines (N, 1, H, W) in [−1, 1], by the name of the column; all of one shape.
        title: the title.
        rows: names of the rows, N or none.

    Returns:
        The figure.

    Raises:
        InputError: if the columns have different shapes, or there are not as many rows as lines.

    >>> written_lines({"type": torch.zeros(2, 1, 32, 128)}, "Two lines").alternative_text
    'Two lines: 2 lines, in columns type.'
    """
    check_dict(columns=columns)
    for lines in columns.values():
        check_floats(lines=lines)
    shapes = {tuple(lines.shape) for lines in columns.values()}
    count, channels, height, width = next(iter(shapes)) if len(next(iter(shapes))) == 4 else (0, 0, 0, 0)
    if len(shapes) > 1 or channels != 1 or not count:
        raise InputError(f"columns must be lines of one shape (count, 1, height, width), not {shapes}")
    if not isinstance(rows, list | tuple) or not all(isinstance(row, str) for row in rows):
        raise InputError(f"rows must be a list of texts, not {rows!r:.60}")
    if rows and len(rows) != count:
        raise InputError(f"there must be one name for each of {count} rows, not {len(rows)}")
    across = WIDTH - (0.9 if rows else 0.0)
    size = (WIDTH, max(0.8, across * count * height / (width * len(columns)) + (0.7 if title else 0.4)))
    fig, axes = figure(1, len(columns), size, squeeze=False)
    for panel, (name, lines) in zip(axes[0], columns.items(), strict=True):
        page = torch.cat(list(lines[:, 0].detach().cpu().float()), 0)
        panel.imshow(-page.clamp(-1, 1).numpy(), cmap="gray", vmin=-1, vmax=1, interpolation="antialiased")
        panel.set_title(name, fontsize=9)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
    if rows:
        axes[0, 0].set_yticks([height * (row + 0.5) for row in range(count)], rows, fontsize=8)
        axes[0, 0].tick_params(length=0)
    if title:
        fig.suptitle(title, fontsize=10)
    names = ", ".join(columns)
    described = f" The rows: {', '.join(rows)}." if rows else ""
    describe(fig, f"{title or 'Handwriting'}: {count:,} lines, in columns {names}.{described}")
    return fig
