"""A slider over the snapshots of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gantutor import plots
from gantutor._checks import function, integer, optional, validate
from gantutor.live import display
from gantutor.live.redraw import RedrawnPicture
from gantutor.training.run import Run, check_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 60


class TimeMachine:
    """The fixed latents of a run at one ``moment``, an index into its snapshots; ``still()`` shows them
    all.

    Images and spectrograms are shown as such, series as small curves, and where ``show(sample)`` says what a
    sample reads, what it says.
    """

    def __init__(self, run: Run, columns: int = 12, show: Callable[[Tensor], str] | None = None) -> None:
        check_run(run)
        validate({"show": show, "columns": columns}, show=optional(function()), columns=integer(1))
        plots.refuse_no_snapshots(run, show)
        self.run, self.columns, self.show = run, columns, show
        self.moment = len(run.snapshots) - 1

    def picture(self) -> Figure:
        """The page of samples at the present moment."""
        snapshot = self.run.snapshots[self.moment]
        title = f"Step {snapshot.step:,}, after {snapshot.seconds:,.0f} s of training"
        return plots.sample_page(snapshot.samples[:SHOWN], title, self.columns, show=self.show)

    def still(self) -> Figure:
        """One row a fixed latent, one column a moment."""
        return plots.time_machine(self.run, columns=self.columns, show=self.show)

    def describe(self) -> str:
        """The picture in one sentence."""
        return (
            f"What the generator made of the same latents at step {self.run.snapshots[self.moment].step:,}."
        )


def time_machine(run: Run, columns: int = 12, show: Callable[[Tensor], str] | None = None) -> TimeMachine:
    """Show the snapshots of a run with a slider, and return the ``TimeMachine``; elsewhere than in JupyterLab
    a still picture, one row a latent and one column a moment.

    ``show(sample)`` says what a sample reads, for samples that are words. Raises InputError for a run without
    snapshots, or one of samples that are no images, series or words.
    """
    machine = TimeMachine(run, columns, show)
    display.Pane().show(panel(machine) if display.watched() else None, machine.still(), machine.describe())
    return machine


def panel(machine: TimeMachine) -> Any:
    """The widgets of a time machine, bound to it."""
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
    box = widgets.VBox([widgets.HBox([play, slider]), frame.picture, frame.said])
    box.add_class("gt-time-machine")
    box._link = link  # keeps the link alive as long as the box
    return box
