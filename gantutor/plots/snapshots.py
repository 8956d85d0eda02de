"""Snapshots of a run: the same latents at one moment after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import function, optional, validate
from gantutor._errors import InputError
from gantutor.plots._checks import MAX_PANELS, check_trained
from gantutor.plots.gallery import sample_page
from gantutor.plots.style import Figure, figure


def time_machine(
    run: Any,
    rows: int = 6,
    columns: int = 12,
    title: str = "The same latents over the training",
    show: Callable[[Tensor], str] | None = None,
) -> Figure:
    """Snapshots of a run: one row a fixed latent, one column a moment, from the first to the last.

    Images and spectrograms are shown as such, series as small curves to one scale, and where ``show(sample)``
    says what a sample reads, what it says. Raises InputError for a run without snapshots, or samples of other
    shapes.
    """
    refuse_no_snapshots(run, show)
    validate({"rows": rows, "columns": columns}, rows=MAX_PANELS, columns=MAX_PANELS)
    count = len(run.snapshots)
    chosen = sorted({round(i * (count - 1) / max(1, columns - 1)) for i in range(columns)})
    picked = [run.snapshots[i] for i in chosen]
    rows = min(rows, len(picked[0].samples))
    pictures = show is None and picked[0].samples.dim() == 4
    wide, high = (0.62, 0.6) if pictures else (0.8, 0.5)
    if pictures:
        high *= max(1.0, picked[0].samples.shape[2] / picked[0].samples.shape[3])
    fig, axes = figure(size=(len(picked) * wide + 0.6, rows * high + 0.7))
    made = torch.stack([snapshot.samples[:rows] for snapshot in picked], 1).flatten(0, 1)
    sample_page(made, title, len(picked), axes, show)
    width = made.shape[3] + 1 if pictures else 1
    axes.set_axis_on()
    axes.set_yticks([])
    axes.set_xticks(
        [width * (i + 0.5) for i in range(len(picked))], [f"{s.step:,}" for s in picked], fontsize=8
    )
    axes.set_xlabel("step", fontsize=9)
    return fig


def refuse_no_snapshots(run: Any, show: Callable[[Tensor], str] | None = None) -> None:
    """Raise InputError where a run has no snapshots, or snapshots that are neither images nor series and that
    nothing ``show``s as words."""
    check_trained(run)
    validate({"show": show}, show=optional(function()))
    if not run.snapshots:
        raise InputError("this run has no snapshots: train with snapshots= of at least 1")
    shape = tuple(run.snapshots[0].samples.shape)
    images = len(shape) == 4 and shape[1] in (1, 3)
    series = len(shape) == 3 or (len(shape) == 2 and shape[1] > 2)
    if show is None and not images and not series:
        raise InputError(f"the snapshots must be images or series to be shown so, not of shape {shape}")
