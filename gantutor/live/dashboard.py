"""The dashboard: a view of a training while it runs, with controls that work during the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from gantutor._checks import checked, number
from gantutor._errors import InputError
from gantutor._random import preserve_random_state
from gantutor.live import display, widget
from gantutor.live.audio_panel import Sounds, audio_panel
from gantutor.live.pace import Pace
from gantutor.live.scoring import Scoring
from gantutor.live.training_figure import View, describe, training_figure
from gantutor.live.training_page import Adviser, TrainingPage
from gantutor.training.callbacks import Callback
from gantutor.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STILL_INTERVAL, STILL_SHARE = 1.0, 0.03
"""Seconds between two still pictures at least, and their share of the time, where anywidget is missing."""


class Dashboard(Callback):
    """A callback that shows a training while it runs, and lets the user pause, step, stop and steer it.

    In JupyterLab, Notebook 7, VS Code and Colab the view moves several times a second: samples, losses, what
    the discriminator says of real and of generated samples, scores beside those of real data, the doctor's
    report. The browser draws it, so that it takes little of the training's time, and nothing in the training
    changes. Elsewhere in a notebook, for instance under papermill, only the last picture and the last sounds
    are made; outside a notebook nothing is. A picture stays when the run ends.

    Args:
        view: a function ``view(run, axes)`` that draws what the networks generate with matplotlib; it is
            called as often as is cheap. None shows the generated samples in the form that suits their shape.
        scoring: a Scoring callback of the same training, whose scores are plotted.
        doctor: a callback of the same training whose report is shown, such as ``gantutor.doctor.Doctor``.
        seconds: the time between two sets of samples at least, 0 or more; generating them takes at most about
            a tenth of the time.
        sounds: a function ``sounds(run)`` that returns at most 10 sounds to play under the picture: waves
            (N, L) in [−1, 1] at 8 kHz, or what ``gantutor.live.listen`` returns. New ones come at most every
            10 s, and when the training is paused.

    Raises:
        InputError: if an argument is of another type, or if ``seconds`` is negative.

    Attributes:
        drawing_seconds: the time spent so far on what the page shows, without generating samples.
        sampling_seconds: the time spent so far on generating samples, and on asking the discriminator about
            them.

    >>> Dashboard(seconds=2).seconds
    2
    """

    keeps_random_state = True

    @checked(seconds=number(0))
    def __init__(
        self,
        view: View | None = None,
        *,
        scoring: Scoring | None = None,
        doctor: Adviser | None = None,
        seconds: float = 0.15,
        sounds: Sounds | None = None,
    ) -> None:
        if view is not None and not callable(view):
            raise InputError(f"view must be a function of (run, axes) that draws into the axes, not {view!r}")
        if scoring is not None and not isinstance(scoring, Scoring):
            raise InputError(f"scoring must be a gantutor.live.Scoring, not {scoring!r}")
        if sounds is not None and not callable(sounds):
            raise InputError(f"sounds must be a function of a run that returns waves, not {sounds!r}")
        self.view, self.scoring, self.doctor, self.seconds = view, scoring, doctor, seconds
        self.sounds = sounds
        self.drawing_seconds = self.sampling_seconds = 0.0
        self._pane = display.Pane()
        self._run: Run | None = None
        self._page: TrainingPage | None = None
        self._still_pace: Pace | None = None

    def on_start(self, run: Run) -> None:
        """Show the controls and the first samples."""
        self._pane, self._run, self._page, self._still_pace = display.Pane(), run, None, None
        self.drawing_seconds = self.sampling_seconds = 0.0
        if not display.watched():
            return
        if widget.available():
            self._page = TrainingPage(run, self.view, self.scoring, self.doctor, self.sounds, self.seconds)
            self._pane.show(self._page.browser.widget, None, "A training that is running: its dashboard")
            self._page.update()
        else:
            self._still_pace = Pace(max(self.seconds, STILL_INTERVAL), STILL_SHARE)
            self._show_still_in_place(run, self._still_pace)

    def on_step(self, run: Run) -> None:
        """Update what is due, and do what the page asks for."""
        if self._page is not None:
            self._page.update()
            self._count(self._page)
        elif self._still_pace is not None and self._still_pace.due(time.monotonic()):
            with preserve_random_state(run.device):
                self._show_still_in_place(run, self._still_pace)

    def on_pause(self, run: Run) -> None:
        """Send new samples and new sounds at once."""
        if self._page is not None:
            self._page.pause()

    def on_end(self, run: Run) -> None:
        """Replace the live page by a still picture and the last sounds."""
        if self._run is not run:  # interrupted before it had begun
            return
        try:
            if display.in_notebook():
                self._pane.show_still(self.still(), describe(run))
                if self.sounds is not None:
                    display.Pane().show_bundle(*audio_panel(run, self.sounds).bundle())
        finally:
            if self._page is not None:
                self._count(self._page)
                self._page.close()
            self._page = self._still_pace = None

    def still(self) -> Figure:
        """Return the figure of the last training.

        Raises:
            InputError: if there was no training yet.
        """
        if self._run is None:
            raise InputError("this dashboard has shown no training yet: pass it to train(callbacks=[…])")
        with self._run.preview():
            return training_figure(self._run, self.view, self.scoring)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self._run is None:
            return {
                "text/plain": "A dashboard that has seen no training yet: give it to train(callbacks=[…])."
            }
        return display.still_bundle(display.png(self.still(), keep=True), describe(self._run))

    def _count(self, page: TrainingPage) -> None:
        self.drawing_seconds = page.drawing.seconds
        self.sampling_seconds = page.sampling.seconds + page.judging.seconds

    def _show_still_in_place(self, run: Run, pace: Pace) -> None:
        """Without anywidget: one picture, replaced now and then, and a word on what is missing."""
        with pace.measured():
            picture = display.png(self.still())
            self._pane.show_bundle(display.still_bundle(picture, f"{describe(run)} {widget.INSTALL_HINT}."))
        self.drawing_seconds = pace.seconds
