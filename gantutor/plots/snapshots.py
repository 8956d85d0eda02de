"""Snapshots of a run: samples from the same latents at several steps of the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import boolean, checked, function, optional
from gantutor._errors import InputError
from gantutor.plots._checks import PANEL_COUNT, check_run
from gantutor.plots.gallery import sample_grid
from gantutor.plots.style import Figure, figure


@checked(rows=PANEL_COUNT, columns=PANEL_COUNT, early=boolean())
def time_machine(
    run: Any,
    rows: int = 6,
    columns: int = 12,
    title: str = "The same latents over the training",
    to_text: Callable[[Tensor], str] | None = None,
    output: str | None = None,
    early: bool = False,
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
        output: the name of the output whose samples are drawn; None means the game's first.
        early: whether the columns are closer together early in the run, where samples change fastest.

    Raises:
        InputError: if the run has no snapshots, no such output, or samples that cannot be drawn in this way.
    """
    check_snapshots(run, to_text, output)
    made = [snapshot.outputs[output] if output else snapshot.samples for snapshot in run.snapshots]
    count = len(run.snapshots)
    indices = spread_indices(count, columns, early)
    snapshots = [run.snapshots[i] for i in indices]
    rows = min(rows, len(made[0]))
    are_images = to_text is None and made[0].dim() == 4
    cell_width, cell_height = (0.62, 0.6) if are_images else (0.8, 0.5)
    if are_images:
        cell_height *= max(1.0, made[0].shape[2] / made[0].shape[3])
    fig, axes = figure(size=(len(snapshots) * cell_width + 0.6, rows * cell_height + 0.7))
    samples = torch.stack([made[i][:rows] for i in indices], 1).flatten(0, 1)
    sample_grid(samples, title, len(snapshots), axes, to_text)
    width = samples.shape[3] + 1 if are_images else 1
    axes.set_axis_on()
    axes.set_yticks([])
    axes.set_xticks(
        [width * (i + 0.5) for i in range(len(snapshots))], [f"{s.step:,}" for s in snapshots], fontsize=8
    )
    axes.set_xlabel("step", fontsize=9)
    return fig


def spread_indices(count: int, columns: int, early: bool = False) -> list[int]:
    """Return at most ``columns`` of the indices from 0 to ``count`` − 1, with the first and the last.

    Args:
        count: the number of snapshots, at least 1.
        columns: the number of indices at most, at least 1.
        early: whether they are closer together at the beginning; otherwise they are spread evenly.

    >>> spread_indices(41, 5), spread_indices(41, 5, early=True)
    ([0, 10, 20, 30, 40], [0, 2, 5, 15, 40])
    """
    fractions = [i / max(1, columns - 1) for i in range(columns)]
    last = count - 1
    places = [count**fraction - 1 if early else last * fraction for fraction in fractions]
    return sorted({round(place) for place in places})


@checked(to_text=optional(function()))
def check_snapshots(
    run: Any, to_text: Callable[[Tensor], str] | None = None, output: str | None = None
) -> None:
    """Check that a run has snapshots that can be drawn.

    Args:
        run: the training, as ``gantutor.train`` returns it.
        to_text: the function that turns one sample into a text, or None.
        output: the name of an output, or None for the first.

    Raises:
        InputError: if ``run`` is not a Run, if it has no snapshots or no such output, or if the samples are
            neither images nor series and ``to_text`` is None.
    """
    check_run(run)
    if not run.snapshots:
        raise InputError("this run has no snapshots: train with snapshots= of at least 1")
    first = run.snapshots[0]
    if output is not None and output not in first.outputs:
        raise InputError(f"no output is called {output!r}; there are {', '.join(first.outputs)}")
    shape = tuple((first.outputs[output] if output else first.samples).shape)
    are_images = len(shape) == 4 and shape[1] in (1, 3)
    are_series = len(shape) == 3 or (len(shape) == 2 and shape[1] > 2)
    if to_text is None and not are_images and not are_series:
        raise InputError(f"the snapshots must be images or series to be shown so, not of shape {shape}")
