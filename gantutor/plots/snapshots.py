"""Snapshots of a run: samples from the same latents at several steps of the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import function, optional, validate
from gantutor._errors import InputError
from gantutor.plots._checks import PANEL_COUNT, check_run
from gantutor.plots.gallery import sample_grid
from gantutor.plots.style import Figure, figure


def time_machine(
    run: Any,
    rows: int = 6,
    columns: int = 12,
    title: str = "The same latents over the training",
    to_text: Callable[[Tensor], str] | None = None,
) -> Figure:
    """Draw the snapshots of a run: one row for each fixed latent, one column for each step.

    Images and spectrograms are drawn as pictures, series as small curves on one scale. If ``to_text`` is
    given, samples are drawn as texts instead.

    Args:
        run: a training with snapshots.
        rows: the number of latents to draw at most, 1 to 1,000.
        columns: the number of snapshots to draw at most, 1 to 1,000, spread evenly over the run.
        title: the title of the panel.
        to_text: a function that turns one sample into the text to draw, for samples that are words.

    Raises:
        InputError: if the run has no snapshots, or if its samples cannot be drawn in this way.
    """
    check_snapshots(run, to_text)
    validate({"rows": rows, "columns": columns}, rows=PANEL_COUNT, columns=PANEL_COUNT)
    count = len(run.snapshots)
    indices = sorted({round(i * (count - 1) / max(1, columns - 1)) for i in range(columns)})
    snapshots = [run.snapshots[i] for i in indices]
    rows = min(rows, len(snapshots[0].samples))
    are_images = to_text is None and snapshots[0].samples.dim() == 4
    cell_width, cell_height = (0.62, 0.6) if are_images else (0.8, 0.5)
    if are_images:
        cell_height *= max(1.0, snapshots[0].samples.shape[2] / snapshots[0].samples.shape[3])
    fig, axes = figure(size=(len(snapshots) * cell_width + 0.6, rows * cell_height + 0.7))
    samples = torch.stack([snapshot.samples[:rows] for snapshot in snapshots], 1).flatten(0, 1)
    sample_grid(samples, title, len(snapshots), axes, to_text)
    width = samples.shape[3] + 1 if are_images else 1
    axes.set_axis_on()
    axes.set_yticks([])
    axes.set_xticks(
        [width * (i + 0.5) for i in range(len(snapshots))], [f"{s.step:,}" for s in snapshots], fontsize=8
    )
    axes.set_xlabel("step", fontsize=9)
    return fig


def check_snapshots(run: Any, to_text: Callable[[Tensor], str] | None = None) -> None:
    """Check that a run has snapshots that can be drawn.

    Args:
        run: the training, as ``gantutor.train`` returns it.
        to_text: the function that turns one sample into a text, or None.

    Raises:
        InputError: if ``run`` is not a Run, if it has no snapshots, or if the samples are neither images nor
            series and ``to_text`` is None.
    """
    check_run(run)
    validate({"to_text": to_text}, to_text=optional(function()))
    if not run.snapshots:
        raise InputError("this run has no snapshots: train with snapshots= of at least 1")
    shape = tuple(run.snapshots[0].samples.shape)
    are_images = len(shape) == 4 and shape[1] in (1, 3)
    are_series = len(shape) == 3 or (len(shape) == 2 and shape[1] > 2)
    if to_text is None and not are_images and not are_series:
        raise InputError(f"the snapshots must be images or series to be shown so, not of shape {shape}")
