"""The dashboard: a view of a training while it runs, with controls that work during the run."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from gantutor._checks import checked, number
from gantutor._errors import InputError
from gantutor._random import preserve_random_state
from gantutor.live import display
from gantutor.live.audio_panel import Sounds, audio_panel
from gantutor.live.controls import Controls
from gantutor.live.scoring import Scoring
from gantutor.live.training_figure import View, training_figure
from gantutor.training.callbacks import Callback
from gantutor.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_DRAWING_SHARE = 0.03
"""Drawing takes at most this share of the time between two pictures; slow pictures are drawn less often."""

SECOND_DRAWING_DELAY = 3.0
"""Seconds between the first picture and the second."""

SOUND_INTERVAL = 10.0
"""Seconds between two sets of sounds at least, because a player that is replaced falls silent."""

SOUND_CAPTION = "<div>What it sounded like at step {step:,}; while it pauses, no new sounds come.</div>"
"""The HTML above the players."""

STATUS_INTERVAL = 0.25
"""Seconds between two updates of the line of progress."""


class Adviser(Protocol):
    """An object whose text is a report on a run, such as ``gantutor.doctor.Doctor``."""

    def __str__(self) -> str: ...


class Dashboard(Callback):
    """A callback that shows a training while it runs, and lets the user pause, step, stop and steer it.

    In JupyterLab the view is interactive. Elsewhere in a notebook, for instance under papermill, only the
    last picture and the last sounds are made; outside a notebook nothing is. A picture stays when the run
    ends.

    Args:
        view: a function ``view(run, axes)`` that draws what the networks generate; None draws the generated
            samples in the form that suits their shape.
        scoring: a Scoring callback of the same training, whose scores are plotted.
        doctor: a callback of the same training whose report is shown, such as ``gantutor.doctor.Doctor``.
        seconds: the time between two pictures at least, 0 or more; drawing takes at most about a twentieth of
            the time.
        sounds: a function ``sounds(run)`` that returns at most 10 sounds to play under the picture: waves
            (N, L) in [−1, 1] at 8 kHz, or what ``gantutor.live.listen`` returns. New ones come at most every
            10 s, and when the training is paused.

    Raises:
        InputError: if an argument is of another type, or if ``seconds`` is negative.

    Attributes:
        drawing_seconds: the time spent on drawing so far.

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
        seconds: float = 1.0,
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
        self.drawing_seconds = 0.0
        self._pane = display.Pane()
        self._run: Run | None = None
        self._controls: Controls | None = None

    def on_start(self, run: Run) -> None:
        """Show the controls and the first picture."""
        self._pane, self._run, self._controls = display.Pane(), run, None
        self._began, self._next, self._status_due, self.drawing_seconds = time.monotonic(), 0.0, 0.0, 0.0
        self._fraction, self._sounds_due = run.progress, 0.0
        self._paused: float | None = None
        if display.watched():
            import ipywidgets as widgets

            self._controls = Controls(run)
            self._picture, self._players, self._report = (widgets.HTML() for _ in range(3))
            self._picture.add_class("gt-picture")
            box = widgets.VBox([self._controls.row, self._picture, self._players, self._report])
            box.add_class("gt-dashboard")
            self._box = box
            self._pane.show(box, None, "A training that is running: its dashboard")
            self._draw(run)
            # The first picture of a session loads fonts: its duration says nothing of the next.
            self._next = time.monotonic() + max(self.seconds, SECOND_DRAWING_DELAY)

    def on_step(self, run: Run) -> None:
        """Update the picture and the line of progress where they are due."""
        if self._controls is None:
            return
        now = time.monotonic()
        if self._paused is not None:  # the clock of the time left stood still
            self._began, self._paused = self._began + now - self._paused, None
        self._controls.check_page(now, self._began)
        if now >= self._status_due:
            self._write(run, now)
        if now >= self._next:
            with preserve_random_state(run.device):
                self._draw(run)

    def on_pause(self, run: Run) -> None:
        """Draw the picture and make new sounds at once."""
        if self._controls is not None:
            self._paused = time.monotonic()
            self._write(run, self._paused)
            self._sounds_due = 0.0
            self._draw(run)

    def on_end(self, run: Run) -> None:
        """Replace the widgets by a still picture and the last sounds."""
        if self._run is not run:  # interrupted before it had begun
            return
        try:
            if display.in_notebook():
                self._pane.show_still(self.still(), describe(run))
                if self.sounds is not None:
                    display.Pane().show_bundle(*audio_panel(run, self.sounds).bundle())
        finally:
            if self._controls is not None:
                display.close_all(self._box)
                self._controls = None

    def still(self) -> Figure:
        """Return the figure of the last training.

        Raises:
            InputError: if there was no training yet.
        """
        if self._run is None:
            raise InputError("this dashboard has seen no training yet: give it to train(callbacks=[…])")
        with self._run.preview():
            return training_figure(self._run, self.view, self.scoring)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self._run is None:
            return {
                "text/plain": "A dashboard that has seen no training yet: give it to train(callbacks=[…])."
            }
        return display.still_bundle(display.png(self.still()), describe(self._run))

    def _write(self, run: Run, now: float) -> None:
        assert self._controls is not None
        self._controls.bar.value = run.progress
        self._controls.status.value = self._status(run, now)
        self._status_due = now + STATUS_INTERVAL

    def _draw(self, run: Run) -> None:
        began = time.monotonic()
        self._picture.value = display.image(display.png(self.still()), describe(run))
        if self.doctor is not None:
            self._report.value = f"<pre style='white-space:pre-wrap'>{escape(str(self.doctor))}</pre>"
        if self.sounds is not None and began >= self._sounds_due:
            self._sound(run, self.sounds)
        ended = time.monotonic()
        self.drawing_seconds += ended - began
        self._next = ended + pause_after(ended - began, MAX_DRAWING_SHARE, self.seconds)

    def _sound(self, run: Run, sounds: Sounds) -> None:
        began = time.monotonic()
        self._players.value = SOUND_CAPTION.format(step=run.step) + audio_panel(run, sounds).html()
        ended = time.monotonic()
        self._sounds_due = ended + pause_after(ended - began, MAX_DRAWING_SHARE / 2, SOUND_INTERVAL)

    def _status(self, run: Run, now: float) -> str:
        fraction, gone = run.progress, now - self._began
        done = fraction - self._fraction
        left = gone * (1 - fraction) / done if done > 0 else float("nan")
        speed = run.images / run.seconds if run.seconds else 0.0
        words = [
            f"step <b class='gt-step-count'>{run.step}</b>",
            f"{fraction:.0%}",
            "" if left != left else f"{left:,.0f} s left" if left < 100 else f"{left / 60:,.0f} min left",
            f"{speed:,.0f} samples/s",
            "paused" if run.control.paused else "",
        ]
        return " · ".join(word for word in words if word)


def pause_after(duration: float, share: float, minimum: float) -> float:
    """Return how many seconds to wait after a task, so that it takes at most a given share of the time.

    Args:
        duration: the seconds that the task took.
        share: the largest share of the time, between 0 and 1.
        minimum: the seconds to wait at least.

    >>> pause_after(2.0, share=0.25, minimum=1.0), pause_after(0.1, share=0.25, minimum=1.0)
    (6.0, 1.0)
    """
    return max(minimum, duration * (1 - share) / share)


def describe(run: Run) -> str:
    """Describe the picture of a run in one sentence, for screen readers.

    >>> from gantutor import GAN, networks
    >>> run = Run(GAN(networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,)), latent=2))
    >>> describe(run)
    'A training after 0 steps: its generated samples.'
    """
    names = [turn.name for turn in run.gan.turns if turn.name in run.history.names]
    last = ", ".join(f"{name} {recent_mean(run, name):.3g}" for name in names)
    losses = f" and its losses, lately {last}" if last else ""
    what = "its generated samples" if run.outputs else "its networks"
    return f"A training after {run.step:,} steps: {what}{losses}."


def recent_mean(run: Run, name: str, count: int = 50) -> float:
    """Return the mean of the last values of a scalar in the history.

    Args:
        run: the training.
        name: the name of the scalar.
        count: the number of values at the end to average.
    """
    values = run.history.column(name)[1][-count:]
    return sum(values) / len(values)
