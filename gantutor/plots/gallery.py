"""Generated samples, drawn in the form that suits their shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor._checks import check_floats, check_tensors, checked, function, integer, optional
from gantutor._conditions import rows
from gantutor._errors import InputError, type_name
from gantutor.plots._checks import PANEL_COUNT, check_run, matplotlib_axes
from gantutor.plots.images import grid
from gantutor.plots.series import as_series, draw_series_grid
from gantutor.plots.spectrograms import is_spectrogram, spectrograms_to_rgb
from gantutor.plots.style import GENERATED, Figure, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked(columns=PANEL_COUNT, axes=optional(matplotlib_axes()), to_text=optional(function()))
def sample_grid(
    samples: Tensor,
    title: str = "",
    columns: int = 10,
    axes: Axes | None = None,
    to_text: Callable[[Tensor], str] | None = None,
) -> Figure:
    """Draw samples in a grid, row by row: images, spectrograms, series, or texts.

    Images and spectrograms are drawn one pixel apart, so that a picture of width W takes W + 1 units of the x
    axis. Series are drawn as small curves on one common scale; a curve or a text takes 1 unit.

    Args:
        samples: images (N, 1 or 3, H, W) in [−1, 1], spectrograms (N, 1, 128, T) in [−1, 1], series (N, L, F)
            or (N, L), waveforms (N, 1 or 2, L), or any tensor if ``to_text`` is given.
        title: the title of the panel.
        columns: the number of samples in a row, 1 to 1,000.
        axes: where to draw; None makes a new figure.
        to_text: a function that turns one sample into the text to draw, for samples that are words.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if there are no samples, if their shape is none of these, or if ``to_text`` fails or does
            not return a string.

    >>> import torch
    >>> sample_grid(torch.zeros(4, 24, 2), "four series", columns=2).axes[0].get_title()
    'four series'
    """
    check_tensors(samples=samples)
    if not samples.dim() or not len(samples):
        raise InputError(f"samples must hold at least one sample, but have shape {tuple(samples.shape)}")
    if samples.is_floating_point():
        check_floats(samples=samples)
    if to_text is None and samples.dim() == 4:
        return grid(spectrograms_to_rgb(samples), title, columns, axes)
    row_count = -(-len(samples) // columns)
    if axes is None:
        _, axes = figure(size=(0.8 * columns + 0.3, 0.55 * row_count + 0.4))
    if to_text is None:
        draw_series_grid(axes, as_series(samples), columns)
    words = [_text_of(to_text, sample) for sample in samples] if to_text is not None else []
    font_size = _text_size(axes, words, columns)
    for index, text in enumerate(words):
        row, column = divmod(index, columns)
        place = column + 0.5, -row - 0.5
        axes.text(*place, text, ha="center", va="center", fontsize=font_size, parse_math=False)
    axes.set(xlim=(0, columns), ylim=(-row_count, 0))
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    return axes.figure  # type: ignore[return-value]


def _text_size(axes: Axes, words: list[str], columns: int) -> float:
    """The font size in points, at most 8, at which the longest of the words fits into its column."""
    width: float = axes.get_position().width * axes.get_figure().get_size_inches()[0] * 72 / columns  # type: ignore[union-attr]
    longest = max(map(len, words), default=1) or 1
    return max(4.0, min(8.0, width / (0.58 * longest)))


def _text_of(to_text: Any, sample: Tensor) -> str:
    """Call ``to_text`` for one sample and check what it returns."""
    text = to_text(sample)
    if not isinstance(text, str):
        raise InputError(f"to_text must give the text of one sample, not {type_name(text)}")
    return text


@checked(axes=matplotlib_axes(), count=integer(1))
def samples(run: Any, axes: Axes, count: int = 500) -> Figure:
    """Draw what a run generates from its fixed latents, in the form that suits the shape of a sample.

    Images (N, 1 or 3, H, W) and spectrograms (N, 1, 128, T) become a grid, clips (N, T, 1 or 3, H, W) rows of
    frames, points (N, 2) a scatter plot, numbers (N, 1) a histogram, and series (N, L) or (N, L, F) and
    waveforms (N, 1 or 2, L) lines over time. Networks that the game averages are used with their averaged
    weights. A run without fixed latents draws new samples. Of several outputs each makes an equal share.

    Args:
        run: the training, as ``gantutor.train`` returns it.
        axes: where to draw.
        count: the number of samples to generate, at least 1; a grid shows at most 60 images, 30 spectrograms
            or 6 clips, a plot of lines at most 8.

    Returns:
        The figure that holds the panel.

    Raises:
        InputError: if ``run`` is not a Run or its samples have another shape.
    """
    check_run(run)
    samples = gallery_samples(run, count)
    title = f"Generated, step {run.step:,}"
    if len(run.outputs) > 1:
        title += f": {' and '.join(run.outputs)}"
    if samples.dim() == 5:  # clips (N, T, C, H, W): one row each
        return grid(samples[:6].flatten(0, 1), title, columns=samples.shape[1], axes=axes)
    if is_spectrogram(samples):  # tall: fewer rows
        return grid(spectrograms_to_rgb(samples[:30]), title, columns=10, axes=axes)
    if samples.dim() == 4 and samples.shape[1] in (1, 3):
        return grid(samples[:60], title, columns=10, axes=axes)
    if samples.dim() == 4:
        shape = tuple(samples.shape[1:])
        raise InputError(f"samples of shape {shape} cannot be drawn by default: pass a view that draws them")
    if samples.shape[1:] == (2,):
        x, y = samples.T.numpy()
        axes.scatter(x, y, s=6, color=GENERATED, linewidths=0, label="generated")
        axes.set_aspect("equal")
        label(axes, title, "x₁", "x₂")
    elif samples.shape[1:] == (1,):
        axes.hist(samples[:, 0].numpy(), bins=20, color=GENERATED)
        label(axes, title, "x", "number of samples")
    else:
        for sequence in as_series(samples)[:8]:
            axes.plot(sequence.numpy(), color=GENERATED, linewidth=0.8, alpha=0.7)
        label(axes, title, "time step", "value")
    return axes.figure  # type: ignore[return-value]


def gallery_samples(run: Any, count: int) -> Tensor:
    """Return samples of a run's fixed latents, or of new ones; of several outputs an equal share each.

    Args:
        run: the training.
        count: the number of samples.
    """
    share = max(1, count // max(1, len(run.outputs)))
    parts = []
    for name in run.outputs or (None,):
        if run.gallery is None:
            parts.append(run.sample(share, output=name))
        else:
            latents, conditions = run.gallery
            parts.append(run.generate(latents[:share], rows(conditions, slice(share)), output=name))
    samples: Tensor = torch.cat([part for part in parts if part.shape[1:] == parts[0].shape[1:]])
    return samples
