"""The live page of a training: when data are sent, and the messages that come back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import torch

from gantutor._errors import InputError, first_line
from gantutor._random import preserve_random_state
from gantutor.live import display, polling, training_messages
from gantutor.live.audio_panel import Sounds, audio_panel
from gantutor.live.controls import RESPONSE_TIMEOUT, Controls
from gantutor.live.pace import Pace
from gantutor.live.training_figure import View, describe, view_figure
from gantutor.live.widget import BrowserView
from gantutor.plots.gallery import gallery_samples
from gantutor.training.run import Run

if TYPE_CHECKING:
    from gantutor.live.scoring import Scoring

STATUS_INTERVAL = 0.15
"""Seconds between two updates of the line of progress and the curves."""

STATUS_SHARE = 0.03
"""Largest share of the time that these may take."""

SAMPLING_SHARE = 0.1
"""Largest share of the time that samples, or the user's view, may take."""

LOGITS_INTERVAL, LOGITS_SHARE = 0.5, 0.03
"""Smallest number of seconds between two histograms of logits, and their share of the time."""

SOUND_INTERVAL, SOUND_SHARE = 10.0, 0.015
"""Smallest number of seconds between two sets of sounds, and their share: a replaced player falls silent."""

POLL_INTERVAL = 0.02
"""Seconds between two polls for messages of the page."""

SOUND_CAPTION = "<div>Sounds of step {step:,}; there are no new sounds during a pause.</div>"
"""The HTML above the players."""


class Adviser(Protocol):
    """An object whose text is a report on a run, such as ``gantutor.doctor.Doctor``."""

    def __str__(self) -> str: ...


class TrainingPage:
    """Shows a training on the page while it runs, and carries out the commands of its buttons.

    The kernel sends numbers and the browser draws them. Four parts are updated at different rates, depending
    on their cost: progress and curves, samples, logits of samples, and sounds.

    Args:
        run: the training.
        view: a function ``view(run, axes)`` that draws what the networks generate, or None.
        scoring: the callback whose scores are shown, or None.
        doctor: an object whose text is shown, or None.
        sounds: a function of the run that returns sounds, or None.
        seconds: the time between two sets of samples at least.

    Attributes:
        browser: the view in the browser.
        controls: what the buttons do.
        drawing: the pace of progress and curves; its ``seconds`` are what they have cost.
        sampling: the pace of samples.
        judging: the pace of the logits of samples.
    """

    def __init__(
        self,
        run: Run,
        view: View | None,
        scoring: Scoring | None,
        doctor: Adviser | None,
        sounds: Sounds | None,
        seconds: float,
    ) -> None:
        self.run, self.view, self.scoring, self.doctor, self.sounds = run, view, scoring, doctor, sounds
        self.controls = Controls(run)
        form = "none" if not run.outputs else "view" if view is not None else "samples"
        state = {**self.controls.state(), "view": form, "step": run.step}
        self.browser = BrowserView("dashboard", state, self._receive)
        self.drawing, self.sampling = Pace(STATUS_INTERVAL, STATUS_SHARE), Pace(seconds, SAMPLING_SHARE)
        self.judging = Pace(LOGITS_INTERVAL, LOGITS_SHARE)
        self.sounding = Pace(SOUND_INTERVAL, SOUND_SHARE)
        self._curves = training_messages.Curves(run)
        self._began, self._fraction = time.monotonic(), run.progress
        self._paused_at: float | None = None
        self._poll_due = 0.0
        self._judges = True
        self._shown: dict[str, object] = {}
        run.control.while_waiting = self.poll

    def update(self) -> None:
        """Look for messages, and send what is due."""
        now = time.monotonic()
        if self._paused_at is not None:  # the clock of the time left stood still
            self._began, self._paused_at = self._began + now - self._paused_at, None
        if now >= self._poll_due:
            self.poll()
            self._poll_due = now + POLL_INTERVAL
        if now - self._began > RESPONSE_TIMEOUT:
            self.controls.give_up()
        if sampled := self.sampling.due(now):
            self.send_samples()
        if sampled or self.drawing.due(now):  # together, so that both tell of the same step
            self.send_progress()
        if self.sounds is not None and self.sounding.due(now):
            self.send_sounds(self.sounds)

    def pause(self) -> None:
        """Send everything at once, because the training waits."""
        self._paused_at = time.monotonic()
        self.send_status()  # at once: samples and sounds take a while
        self.judging.hurry()
        self.send_samples()
        self.send_progress()
        if self.sounds is not None:
            self.send_sounds(self.sounds)

    def poll(self) -> None:
        """Handle the messages in the kernel's queue."""
        polling.poll((self.browser.comm_id,))

    def close(self) -> None:
        """Remove the page."""
        self.run.control.while_waiting = None
        self.browser.close()

    def send_progress(self) -> None:
        """Send the progress, the curves, the scores, and the doctor's report."""
        with self.drawing.measured():
            self.send_status()
            self._send(self._curves.losses())
            if "histograms" not in self._shown and (means := self._curves.logits()) is not None:
                self._send(means)
            scored = len(self.scoring.moments) if self.scoring is not None else 0
            if self.scoring is not None and self._is_new("scores", scored) and scored:
                self._send(training_messages.scores_message(self.scoring))
            if self.doctor is not None and self._is_new("report", text := str(self.doctor)):
                self.browser.send("report", {"text": text})

    def send_status(self) -> None:
        """Send the progress and the settings of the controls."""
        run = self.run
        now = time.monotonic() if self._paused_at is None else self._paused_at
        done = run.progress - self._fraction
        left = (now - self._began) * (1 - run.progress) / done if done > 0 else None
        progress = {
            "step": run.step,
            "progress": run.progress,
            "left": left,
            "speed": run.images / run.seconds if run.seconds else 0.0,
        }
        self.browser.send("status", progress | self.controls.status())

    def send_samples(self) -> None:
        """Send samples and their logits, or the picture of the user's view."""
        run = self.run
        if not run.outputs:
            return
        title, alt = f"Generated, step {run.step:,}", describe(run)
        if len(run.outputs) > 1:
            title += f": {' and '.join(run.outputs)}"
        try:
            with preserve_random_state(run.device), run.preview():
                self._send_picture(title, alt)
        except Exception as error:  # a user's network may raise anything: watching must not end a training
            self.browser.send("words", {"title": title, "text": f"No samples: {first_line(error)}"})

    def send_sounds(self, sounds: Sounds) -> None:
        """Make and send sounds."""
        caption = SOUND_CAPTION.format(step=self.run.step)
        with self.sounding.measured():
            with preserve_random_state(self.run.device):
                html = audio_panel(self.run, sounds).html()
            self.browser.send("sounds", {"html": caption + html})

    def _send_picture(self, title: str, alt: str) -> None:
        with self.sampling.measured():
            if self.view is not None:
                self.browser.send("view", {"alt": alt}, display.png(view_figure(self.run, self.view)))
                return
            samples = gallery_samples(self.run, training_messages.sample_count(self.run))
            self._send(training_messages.samples_message(samples, title, alt))
        if self._judges and self.judging.due(time.monotonic()):
            with self.judging.measured():
                self._send_logits(samples)

    def _send_logits(self, samples: torch.Tensor) -> None:
        try:
            message = training_messages.logits_message(self.run, samples)
        except Exception:  # this discriminator cannot be asked about single samples: the means are shown
            message, self._judges = None, False
        if message is not None:
            self._shown["histograms"] = True
        self._send(message)

    def _send(self, message: training_messages.Message | None) -> None:
        if message is not None:
            self.browser.send(message.kind, message.content, *([message.data] if message.data else []))

    def _is_new(self, name: str, value: object) -> bool:
        new = self._shown.get(name) != value
        self._shown[name] = value
        return new

    def _receive(self, order: dict[str, Any], _: list[Any]) -> None:
        try:
            self.controls.receive(order)
        except (KeyError, TypeError) as error:
            raise InputError(
                f"the page sent a message that the dashboard does not know: {order!r:.100}"
            ) from error
        self.send_status()
