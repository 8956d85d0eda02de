"""The time machine: a slider over the snapshots of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gantutor import plots
from gantutor._checks import checked, function, integer, optional
from gantutor.live import display
from gantutor.live.redraw import RedrawnPicture
from gantutor.training.run import Run, check_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_SAMPLES = 60
"""The number of samples that are drawn at one moment."""


class TimeMachine:
    """A view of what a run generated from its fixed latents at each snapshot.

    Images and spectrograms are drawn as pictures, series as small curves, and any other samples as texts if
    ``to_text`` is given.

    Args:
        run: a training with snapshots.
        columns: the number of samples in a row, at least 1.
        to_text: a function that turns one sample into the text to draw, for samples that are words.
        output: the name of the output whose samples are drawn; None means the game's first.

    Raises:
        InputError: if ``run`` is not a Run, if it has no snapshots or no such output, or if its samples
            cannot be drawn.

    Attributes:
        moment: the index of the snapshot that ``picture()`` draws, at first the last one.
    """

    @checked(to_text=optional(function()), columns=integer(1))
    def __init__(
        self,
        run: Run,
        columns: int = 12,
        to_text: Callable[[Tensor], str] | None = None,
        output: str | None = None,
    ) -> None:
        check_run(run)
        plots.check_snapshots(run, to_text, output)
        self.run, self.columns, self.to_text, self.output = run, columns, to_text, output
        self.moment = len(run.snapshots) - 1

    def picture(self) -> Figure:
        """Return the figure of the samples at the present moment."""
        snapshot = self.run.snapshots[self.moment]
        title = f"Step {snapshot.step:,}, after {snapshot.seconds:,.0f} s of training"
        samples = snapshot.outputs[self.output] if self.output else snapshot.samples
        return plots.sample_grid(samples[:MAX_SAMPLES], title, self.columns, to_text=self.to_text)

    def still(self) -> Figure:
        """Return a figure of all moments: one row for each fixed latent, one column for each step."""
        return plots.time_machine(self.run, columns=self.columns, to_text=self.to_text, output=self.output)

    def describe(self) -> str:
        """Describe the picture in one sentence, for screen readers."""
        return (
            f"What the generator made of the same latents at step {self.run.snapshots[self.moment].step:,}."
        )


def time_machine(
    run: Run,
    columns: int = 12,
    to_text: Callable[[Tensor], str] | None = None,
    output: str | None = None,
) -> TimeMachine:
    """Show the snapshots of a run with a slider; outside JupyterLab, show a still picture of them.

    Args:
        run: a training with snapshots.
        columns: the number of samples in a row, at least 1.
        to_text: a function that turns one sample into the text to draw, for samples that are words.
        output: the name of the output whose samples are drawn; None means the game's first.

    Returns:
        The ``TimeMachine`` that is shown.

    Raises:
        InputError: if ``run`` is not a Run, if it has no snapshots, or if its samples cannot be drawn.
    """
    machine = TimeMachine(run, columns, to_text, output)
    display.Pane().show(panel(machine) if display.watched() else None, machine.still(), machine.describe())
    return machine


def panel(machine: TimeMachine) -> Any:
    """Return the widgets of a time machine, connected to it."""
    import ipywidgets as widgets

    last = len(machine.run.snapshots) - 1
    slider = widgets.IntSlider(value=last, max=last, description="moment", layout={"width": "420px"})
    play = widgets.Play(value=last, max=last, interval=300, tooltip="Play the training from its beginning")
    link = widgets.jslink((play, "value"), (slider, "value"))
    frame = RedrawnPicture(machine.picture, machine.describe)

    def changed(change: dict[str, Any]) -> None:
        machine.moment = change["new"]
        frame.refresh()

    slider.add_class("gt-moment")
    slider.observe(changed, "value")
    frame.refresh()
    box = widgets.VBox([widgets.HBox([play, slider]), frame.picture, frame.message])
    box.add_class("gt-time-machine")
    box._link = link  # keeps the link alive as long as the box
    return box
