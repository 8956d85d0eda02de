"""The data that a dashboard sends to the page: samples, curves, logits and scores, as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gantutor import plots
from gantutor._calling import apply, evaluation_mode
from gantutor._conditions import rows
from gantutor.live.widget import float_bytes, image_bytes
from gantutor.plots.series import as_series
from gantutor.plots.spectrograms import is_spectrogram, spectrograms_to_rgb
from gantutor.training.run import Run

if TYPE_CHECKING:
    from gantutor.live.scoring import Scoring

MAX_CURVE_POINTS = 400
"""Largest number of points of a curve; more would not be visible on a chart of a few hundred pixels."""

IMAGE_COUNT, POINT_COUNT, LINE_COUNT = 60, 500, 8
"""Largest numbers of images, points and series that are shown."""

BINS = 24
"""Number of bars of a histogram."""

THEMED_COLOURS = {
    plots.REAL: "real",
    plots.GENERATED: "generated",
    plots.GENERATOR: "generator",
    plots.DISCRIMINATOR: "discriminator",
    "#000000": "neutral",
}
"""Colours of ``gantutor.plots`` that the style sheet has by name, one for each theme."""


class Message(NamedTuple):
    """A message to the page.

    Attributes:
        kind: the function of ``static/dashboard.js`` that receives it.
        content: content for JSON.
        data: bytes.
    """

    kind: str
    content: dict[str, Any]
    data: bytes = b""


class Series(NamedTuple):
    """A curve or a cloud of points on a chart.

    Attributes:
        name: what the key calls it; empty for none.
        colour: a colour of the style sheet, or a hexadecimal code.
        x: the x values.
        y: as many y values.
        style: ``"line"``, ``"dashed"``, ``"points"``, ``"markers"`` or ``"filled"``.
    """

    name: str
    colour: str
    x: Any
    y: Any
    style: str = "line"


def chart(kind: str, series: Sequence[Series], **content: Any) -> Message:
    """Return the message of a chart.

    Args:
        kind: the kind of the message.
        series: what is drawn.
        **content: further entries, as ``chart`` in ``static/common.js`` lists them.

    >>> message = chart("losses", [Series("generator", "generator", [1, 2], [0.5, 0.25])])
    >>> message.content["series"][0]["count"], len(message.data)
    (2, 16)
    """
    parts = [
        {"name": part.name, "colour": part.colour, "style": part.style, "count": len(part.x)}
        for part in series
    ]
    data = b"".join(float_bytes(values) for part in series for values in (part.x, part.y))
    return Message(kind, {**content, "series": parts}, data)


class Curve:
    """A curve that grows, reduced to at most ``MAX_CURVE_POINTS`` means of consecutive values.

    Only values that are new since the last call are read, so that an update of a long training costs no more
    than one of a short one.

    >>> curve = Curve()
    >>> curve.extend([0, 1, 2], [1.0, 2.0, 3.0]); curve.extend([0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])
    >>> curve.x.tolist(), curve.y.tolist()
    ([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0])
    """

    def __init__(self) -> None:
        self._group = 1  # values behind each point
        self._used = 0
        self.x = self.y = np.zeros(0)

    def extend(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """Add the values since the last call.

        Args:
            steps: all x values so far.
            values: all y values so far, as many.
        """
        count = (len(values) - self._used) // self._group
        end = self._used + count * self._group
        new = np.array([steps[self._used : end], values[self._used : end]], dtype=float)
        self._used = end
        points = np.concatenate([np.stack([self.x, self.y]), new.reshape(2, count, self._group).mean(2)], 1)
        while points.shape[1] > MAX_CURVE_POINTS:
            rest = points.shape[1] % 2  # an odd point's values are read again
            self._used -= rest * self._group
            points = points[:, : points.shape[1] - rest].reshape(2, -1, 2).mean(2)
            self._group *= 2
        self.x, self.y = points


class Curves:
    """The losses of a training, and its mean logits, as charts.

    Args:
        run: the training.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._curves: dict[str, Curve] = {}

    def losses(self) -> Message:
        """Return the losses of all turns."""
        names = self.run.history.names
        turns = [turn.name for turn in self.run.gan.turns if turn.name in names]
        series = [
            self._series(name, name.replace("_", " "), THEMED_COLOURS.get(colour, colour))
            for name, colour in plots.player_colours(turns).items()
        ]
        last = ", ".join(f"{part.name} {part.y[-1]:.3g}" for part in series if len(part.y))
        return chart("losses", series, alt=f"Losses over {self.run.step:,} steps: {last or 'none yet'}.")

    def logits(self) -> Message | None:
        """Return the mean logits of real and generated samples, or None if the game records none."""
        turn = judging_turn(self.run)
        if turn is None:
            return None
        series = [
            self._series(f"{turn}.real_logit", "real", "real"),
            self._series(f"{turn}.fake_logit", "generated", "generated", "dashed"),
        ]
        title = "Mean logits of the discriminator"
        labels = {"xLabel": "step", "yLabel": "mean logit"}
        return chart("logits", series, title=title, alt=f"{title} over {self.run.step:,} steps.", **labels)

    def _series(self, column: str, name: str, colour: str, style: str = "line") -> Series:
        curve = self._curves.setdefault(column, Curve())
        curve.extend(*self.run.history.column(column))
        return Series(name, colour, curve.x, curve.y, style)


def judging_turn(run: Run) -> str | None:
    """Return the name of the first turn that records the logits of real and generated samples, or None."""
    names = run.history.names
    return next((turn.name for turn in run.gan.turns if f"{turn.name}.real_logit" in names), None)


def sample_count(run: Run) -> int:
    """Return how many samples of a run a page shows; images are few and large, points are many."""
    real = run.real_batch[0] if run.real_batch is not None else None
    return POINT_COUNT if isinstance(real, Tensor) and real.dim() <= 2 else IMAGE_COUNT


def samples_message(samples: Tensor, title: str, alt: str) -> Message:
    """Return samples in the form that suits their shape, as ``gantutor.plots.samples`` draws them.

    Args:
        samples: images, spectrograms, clips, points, numbers, series or waveforms.
        title: the title of the panel.
        alt: the text for screen readers.

    >>> samples_message(torch.zeros(4, 1, 8, 8), "Generated", "").kind
    'images'
    >>> samples_message(torch.zeros(4, 2), "Generated", "").kind
    'plot'
    """
    words = {"title": title, "alt": alt}
    columns = 10
    if samples.dim() == 5:  # clips (N, T, C, H, W): one row each
        columns = samples.shape[1]
        samples = samples[:6].flatten(0, 1)
    elif is_spectrogram(samples):
        samples = spectrograms_to_rgb(torch.nan_to_num(samples[:30], -1.0))
    if samples.dim() == 4 and samples.shape[1] in (1, 3):
        images = image_bytes(samples[:IMAGE_COUNT] if columns == 10 else samples, columns)
        return Message("images", {**images.content, **words}, images.data)
    if samples.dim() == 4:
        text = f"Samples of shape {tuple(samples.shape[1:])} cannot be drawn by default: pass a view."
        return Message("words", {"title": title, "text": text})
    if samples.shape[1:] == (2,):
        cloud = Series("generated", "generated", samples[:, 0], samples[:, 1], "points")
        return chart("plot", [cloud], equal=True, **words)
    if samples.shape[1:] == (1,):
        low, high = rounded_range(samples)
        return chart("plot", [histogram(samples, "generated", "generated", low, high)], **words)
    lines = [feature for line in as_series(samples[:LINE_COUNT]) for feature in line.T]
    series = [Series("", "generated", np.arange(len(line)), line) for line in lines]
    return chart("plot", series, **words)


def histogram(values: Tensor, name: str, colour: str, low: float, high: float) -> Series:
    """Return the outline of a histogram: the share of the values in each of ``BINS`` equal parts of a range.

    Args:
        values: any shape; values that are not finite are left out.
        name: the name of the series.
        colour: its colour.
        low: the lower end of the range.
        high: the upper end.

    >>> sorted(set(histogram(torch.tensor([0.1, 0.2, 0.9]), "x", "real", 0, 1).y.round(2).tolist()))
    [0.0, 0.33]
    """
    flat = values.detach().float().flatten().cpu().numpy()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, BINS, (low, high))
    shares = counts / max(1, len(flat))
    return Series(
        name, colour, np.repeat(edges, 2), np.concatenate([[0], np.repeat(shares, 2), [0]]), "filled"
    )


def rounded_range(*values: Tensor) -> tuple[float, float]:
    """Return the range of all finite values, with round ends, so that it seldom moves.

    >>> rounded_range(torch.tensor([-1.3, 2.2]))
    (-1.5, 2.5)
    """
    flat = torch.cat([value.detach().float().flatten().cpu() for value in values])
    flat = flat[torch.isfinite(flat)]
    if not len(flat):
        return -1.0, 1.0
    low, high = float(flat.min()), float(flat.max())
    part = 2.0 ** math.ceil(math.log2(max(high - low, 1e-6) / 8))
    return math.floor(low / part) * part, (math.floor(high / part) + 1) * part


def logits_message(run: Run, samples: Tensor) -> Message | None:
    """Return the logits of real and of generated samples as two histograms.

    The discriminator is called in evaluation mode and without gradients, so that nothing in it changes.

    Args:
        run: the training; the real samples are those of its first batch.
        samples: generated samples of the run's fixed latents.

    Returns:
        The message, or None if the game has no discriminator of single samples.
    """
    turn = next((turn for turn in run.gan.turns if turn.name == judging_turn(run)), None)
    if turn is None or run.real_batch is None or len(run.outputs) != 1 or len(turn.updates) != 1:
        return None
    network = run.gan.networks[turn.updates[0]]
    real, condition = run.real_batch
    compiled = any(hasattr(module, "_orig_mod") for module in network.modules())  # a mode change recompiles
    if compiled or not isinstance(real, Tensor) or real.shape[1:] != samples.shape[1:]:
        return None
    count = min(len(samples), IMAGE_COUNT)
    wanted = run.gallery[1] if run.gallery is not None else run.conditions
    if (condition is None) != (wanted is None):
        return None
    with torch.no_grad(), evaluation_mode(network):
        real_logits = _flat(apply(network, real[:count], rows(condition, slice(count))))
        conditions = rows(wanted, slice(count))
        fake_logits = _flat(apply(network, samples[:count].to(real.device, real.dtype), conditions))
    low, high = rounded_range(real_logits, fake_logits)
    series = [
        histogram(real_logits, "real", "real", low, high),
        histogram(fake_logits, "generated", "generated", low, high),
    ]
    alt = (
        f"What the discriminator says at step {run.step:,}: "
        f"mean logit {float(real_logits.mean()):.2f} of real "
        f"and {float(fake_logits.mean()):.2f} of generated samples."
    )
    title = "Logits of the discriminator"
    labels = {"xLabel": "logit", "yLabel": "share"}
    return chart("logits", series, title=title, alt=alt, verticals=[{"value": 0}], **labels)


def _flat(logits: Any) -> Tensor:
    heads = logits if isinstance(logits, tuple) else (logits,)
    return torch.cat([head.reshape(-1).float() for head in heads]).cpu()


def scores_message(scoring: Scoring) -> Message | None:
    """Return the first score over time, and the last value of all of them, beside those of real data.

    Args:
        scoring: the callback that scores the training.

    Returns:
        The message, or None if nothing was scored yet.
    """
    if not scoring.moments or not scoring.moments[-1][2]:
        return None
    last = scoring.moments[-1][2]
    name = next(iter(last))
    moments = [(step, scores[name].value) for step, _, scores in scoring.moments if name in scores]
    steps, values = zip(*moments, strict=True)
    title = f"{plain_name(name)} ({last[name].better} is better)"
    return chart(
        "scores",
        [Series("generated", "generated", steps, values, "markers")],
        levels=[{"name": "real data", "colour": "real", "value": last[name].real}],
        log=min(values) > 0 and last[name].real > 0 and last[name].better == "lower",
        title=title,
        alt=f"{title}: {values[-1]:.4g} at step {steps[-1]:,}; real data {last[name].real:.4g}.",
        rows=[
            [plain_name(key), _finite(score.value), _finite(score.real), score.better]
            for key, score in last.items()
        ],
    )


def _finite(value: float) -> float | None:
    """JSON has no other numbers."""
    return value if math.isfinite(value) else None


def plain_name(name: str) -> str:
    """Return the name of a score in words.

    >>> plain_name("digit_fid")
    'digit FID'
    """
    return name.replace("_", " ").replace("frechet", "Fréchet distance").replace("fid", "FID")
