"""The time machine: a slider over the snapshots of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor import plots
from gantutor._checks import boolean, checked, function, integer, optional
from gantutor.live import display
from gantutor.live.widget import BrowserView, available, float_bytes, image_bytes
from gantutor.plots.series import as_series
from gantutor.training.run import Run, check_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_SAMPLES = 60
"""The number of samples that are drawn at one moment."""
MAX_BYTES = 16_000_000
"""The size of all moments together, which the browser is sent at once: of large images fewer are shown."""
MAX_CURVE_LENGTH = 400
"""The number of points that are drawn of one series."""


class TimeMachine:
    """A view of what a run generated from its fixed latents at each snapshot.

    Images and spectrograms are drawn as pictures, series as small curves, and any other samples as texts if
    ``to_text`` is given.

    Args:
        run: a training with snapshots.
        columns: the number of samples in a row, at least 1.
        to_text: a function that turns one sample into the text to draw, for samples that are words.
        output: the name of the output whose samples are drawn; None means the game's first.
        early: whether the still picture shows more of the beginning, where samples change fastest.

    Raises:
        InputError: if ``run`` is not a Run, if it has no snapshots or no such output, or if its samples
            cannot be drawn.

    Attributes:
        moment: the index of the snapshot that ``picture()`` draws, at first the last one.
    """

    @checked(to_text=optional(function()), columns=integer(1), early=boolean())
    def __init__(
        self,
        run: Run,
        columns: int = 12,
        to_text: Callable[[Tensor], str] | None = None,
        output: str | None = None,
        early: bool = False,
    ) -> None:
        check_run(run)
        plots.check_snapshots(run, to_text, output)
        self.early = early
        self.run, self.columns, self.to_text, self.output = run, columns, to_text, output
        self.moment = len(run.snapshots) - 1

    def picture(self) -> Figure:
        """Return the figure of the samples at the present moment."""
        return plots.sample_grid(
            self._samples(self.moment), self._title(self.moment), self.columns, to_text=self.to_text
        )

    def _title(self, moment: int) -> str:
        snapshot = self.run.snapshots[moment]
        return f"Step {snapshot.step:,}, after {snapshot.seconds:,.0f} s of training"

    def _samples(self, moment: int, count: int = MAX_SAMPLES) -> Tensor:
        snapshot = self.run.snapshots[moment]
        return (snapshot.outputs[self.output] if self.output else snapshot.samples)[:count]

    def describe_moment(self, moment: int) -> str:
        """Describe the picture of a moment in one sentence, for screen readers."""
        step = self.run.snapshots[moment].step
        return f"What the generator made of the same latents at step {step:,}."

    def snapshots_message(self) -> tuple[dict[str, Any], bytes]:
        """Return all moments for the browser: what they are, and their numbers as bytes.

        Returns:
            The content, with the form of the samples, and one buffer. Images: uint8 (S, N, H, W, C), as
            ``image_bytes`` returns them. Series: float32 (S, N, F, L), from 0 to 1 at each moment. Texts: the
            buffer is empty and the content holds them.

        >>> from gantutor import GAN, networks
        >>> from gantutor.training.run import Snapshot
        >>> gan = GAN(networks.MLPGenerator(2, (8, 1)), networks.MLPDiscriminator((8, 1)), latent=2)
        >>> run = Run(gan); run.snapshots.append(Snapshot(3, 0.5, {"": torch.rand(4, 8, 1)}))
        >>> content, data = TimeMachine(run).snapshots_message()
        >>> content["form"], content["count"], content["titles"], len(data)
        ('series', 4, ['Step 3, after 0 s of training'], 128)
        """
        moments = range(len(self.run.snapshots))
        content: dict[str, Any] = {
            "columns": self.columns,
            "titles": [self._title(moment) for moment in moments],
            "alts": [self.describe_moment(moment) for moment in moments],
        }
        if self.to_text is not None:
            texts = [[str(self.to_text(sample)) for sample in self._samples(moment)] for moment in moments]
            return content | {"form": "texts", "texts": texts}, b""
        if self._samples(0).dim() == 4:
            bytes_each = plots.spectrograms_to_rgb(self._samples(0, 1)).numel() * len(moments)
            count = max(1, min(MAX_SAMPLES, MAX_BYTES // bytes_each))
            sheets = [
                image_bytes(plots.spectrograms_to_rgb(self._samples(moment, count)), self.columns)
                for moment in moments
            ]
            return content | {"form": "images"} | sheets[0].content, b"".join(sheet.data for sheet in sheets)
        series = torch.stack([self._levels(as_series(self._samples(moment))) for moment in moments])
        _, count, features, length = series.shape
        shape = {"count": count, "features": features, "length": length}
        return content | {"form": "series"} | shape, float_bytes(series)

    @staticmethod
    def _levels(samples: Tensor) -> Tensor:
        """Return series (N, L, F) as curves (N, F, L) from 0 to 1, with at most 400 points."""
        thinned = samples[:, :: -(-samples.shape[1] // MAX_CURVE_LENGTH)].transpose(1, 2)
        low, high = thinned.min(), thinned.max()
        return (thinned - low) / (high - low).clamp(min=1e-12)

    def still(self) -> Figure:
        """Return a figure of all moments: one row for each fixed latent, one column for each step."""
        return plots.time_machine(
            self.run, columns=self.columns, to_text=self.to_text, output=self.output, early=self.early
        )

    def describe(self) -> str:
        """Describe the picture in one sentence, for screen readers."""
        return self.describe_moment(self.moment)


def time_machine(
    run: Run,
    columns: int = 12,
    to_text: Callable[[Tensor], str] | None = None,
    output: str | None = None,
    early: bool = False,
) -> TimeMachine:
    """Show the snapshots of a run with a slider and a play button; elsewhere, show a still picture of them.

    The browser is sent all snapshots at once and plays them by itself, even while the kernel is busy.

    Args:
        run: a training with snapshots.
        columns: the number of samples in a row, at least 1.
        to_text: a function that turns one sample into the text to draw, for samples that are words.
        output: the name of the output whose samples are drawn; None means the game's first.
        early: whether the still picture shows more of the beginning, where samples change fastest.

    Returns:
        The ``TimeMachine`` that is shown.

    Raises:
        InputError: if ``run`` is not a Run, if it has no snapshots, or if its samples cannot be drawn.
    """
    machine = TimeMachine(run, columns, to_text, output, early)
    still, words, pane = machine.still(), machine.describe(), display.Pane()
    if display.watched() and available():
        pane.show(panel(machine).widget, still, words)
    elif display.in_notebook():
        pane.show_still(still, words)
    return machine


def panel(machine: TimeMachine) -> BrowserView:
    """Return the view of a time machine, connected to it."""

    def receive(request: dict[str, Any], _: Any) -> None:
        if request.get("kind") == "moment":
            machine.moment = min(max(0, int(request["moment"])), len(machine.run.snapshots) - 1)

    content, data = machine.snapshots_message()
    # A part of the state, since a page that opens while the kernel is busy cannot ask for it.
    state = {"moment": machine.moment, "opening": {"content": content, "buffers": [data]}}
    return BrowserView("time_machine", state, receive)
