"""The lab: a game that trains on a background thread, with a picture and methods for all its buttons."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gantutor._checks import checked, number, one_of, optional
from gantutor._errors import InputError, TrainingDiverged, first_line
from gantutor.data import toy
from gantutor.live import display
from gantutor.live.lab import screen
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import FIRST_LAYERS
from gantutor.live.lab.pen import Pen
from gantutor.live.lab.placement import Placement
from gantutor.live.lab.plane import describe
from gantutor.live.lab.settings import DRAWING, OWN_DATA, Plane, plane_of
from gantutor.live.lab.thread import RepeatingThread
from gantutor.live.widget import available
from gantutor.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_TRAINING = screen.FRAME_INTERVAL / 3
"""Seconds of training between two frames at least, however long a frame takes to compute."""

IDLE_TIMEOUT = 300.0
"""Seconds without a signal from the page after which the lab pauses by itself."""


class Lab:
    """Two small networks that train on a plane while the user watches: what ``lab()`` returns.

    It trains on a background thread between ``play`` and ``pause``. All methods may be called at any time and
    from any thread.

    Args:
        game: the game to train.

    Attributes:
        game: the game; another one after networks were built again.
        shown: the names of the layers that are drawn.
        delay: seconds to wait after each step.
        message: the last message to the user.
        pen: the points drawn with the mouse.
        panel: the view in the browser, or None before it is needed.

    >>> from gantutor.live.lab.settings import Settings
    >>> game = Game(Settings(), plane_of("ring"))
    >>> lab = Lab(game); lab.step(); lab.step("discriminator"); lab.run.step
    2
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.shown = FIRST_LAYERS
        self.delay = 0.0
        self.pen = Pen()
        self.message = "Press Play, or take single steps."
        self.panel: Any = None
        self._lock = threading.RLock()
        self._player = RepeatingThread(self._turn, self._last)
        self._screen = screen.Screen()
        self._last_sign = time.monotonic()
        self._closed = False
        self._placement = Placement(lambda: self._end(settle=False))

    @property
    def run(self) -> Run:
        """The training so far, a ``gantutor.Run``; another one after networks were built again."""
        return self.game.run

    @property
    def playing(self) -> bool:
        """Whether it is training at the moment."""
        return self._player.playing

    def play(self) -> None:
        """Train until paused.

        Raises:
            InputError: if the lab is closed, or if the drawing to learn has fewer than three points.
        """
        self._check()
        self.sign_of_life()
        self.say("Playing.")
        self._player.start()
        self._notify("sync")

    def pause(self, words: str = "Paused.") -> None:
        """Stop training; when this returns, the present step is finished and no other begins.

        Args:
            words: the message to the user.
        """
        played = self.playing
        self._player.stop()
        if played:
            self.say(words)
        self._notify("sync")

    @checked(network=optional(one_of("discriminator", "generator")))
    def step(self, network: str | None = None) -> None:
        """Pause, and take one step.

        Args:
            network: "discriminator" or "generator" to update this network only; None updates both.

        Raises:
            InputError: if the name is another, if the lab is closed, or if a drawing has fewer than three
                points.
        """
        self._check()
        self.pause()
        with self._lock:
            self._safely(lambda: self.game.advance(allowed=(network,) if network else ()))
        self._safely(lambda: self.show(redraw_all=True))

    def reset(self) -> None:
        """Go back to step 0 and the first weights, with the same settings; the lab keeps training if it was.

        Raises:
            InputError: if the lab is closed.
        """
        self._check_open()
        with self._lock:
            self.game = self.game.again()
        self._after_change("Back at step 0.")

    def change(self, **settings: Any) -> None:
        """Set controls by name, as in ``change(loss="hinge", r1=1.0)``.

        The distribution, sizes, the latent dimension and the seed build new networks; all others change the
        game while it runs.

        Args:
            **settings: new values of fields of ``Settings``.

        Raises:
            InputError: if a name or value is not allowed, or if the lab is closed; nothing changes then.
        """
        self._check_open()
        with self._lock:
            before = self.game.settings
            after = before.changed(**settings)
            moved = after.distribution != before.distribution
            self.game = self.game.changed(after, plane_of(after.distribution, after.seed) if moved else None)
        words = "New networks, at step 0." if after.needs_new_networks(before) else ""
        if words and after.latent > 2:
            words += " The warped grid is the plane of the first two latent axes."
        self._after_change(words)

    def learn(self, data: Any, name: str = OWN_DATA) -> None:
        """Learn other points or another distribution, with new networks.

        Args:
            data: a ``Plane``, or what ``lab(data=…)`` takes.
            name: the name of the choice in the panel.

        Raises:
            InputError: if the data do not fit, or if the lab is closed.
        """
        self._check_open()
        plane = data if isinstance(data, Plane) else plane_of(data, self.game.settings.seed)
        with self._lock:
            self.game = self.game.changed(self.game.settings.changed(distribution=name), plane)
        self._after_change(f"New networks, at step 0, for the {plane.name}.")

    def draw(self, points: Any, sigma: float = 0.05) -> None:
        """Learn a drawing: a mixture of Gaussians, one at each point.

        Args:
            points: at least three points (K, 2).
            sigma: the standard deviation of each Gaussian.

        Raises:
            InputError: if the points do not fit, or if the lab is closed.
        """
        self.learn(toy.from_points(points, sigma), DRAWING)

    @checked(seconds=number(0, 10))
    def slow_down(self, seconds: float) -> None:
        """Set the seconds to wait after each step.

        Args:
            seconds: 0 to 10.

        Raises:
            InputError: if the number is out of range.
        """
        self.delay = float(seconds)

    def close(self) -> None:
        """Stop training for good and replace the view by a still picture."""
        self._end(settle=True)

    def still(self) -> Figure:
        """Return a figure of the plane and the curves."""
        with self._lock:
            return screen.still(self.game)

    def display(self) -> None:
        """Show the view with a folded still picture if widgets can be shown, or else the picture only."""
        if display.in_notebook():
            box = self.open_panel().box if interactive() and not self._closed else None
            self._placement.show(self.still(), describe(self.game, FIRST_LAYERS), box)

    def open_panel(self) -> Any:
        """Return the panel of the lab, which is made at the first call."""
        if self.panel is None:
            from gantutor.live.lab.panel import Panel

            with self._lock:
                self.panel = Panel(self, self._screen.draw(self.game, self.shown))
        return self.panel

    def _ipython_display_(self) -> None:
        if not self._placement.just_shown():
            self.display()

    def say(self, words: str) -> None:
        """Show one sentence to the user, and keep it as ``message``."""
        self.message = words
        self._notify("sync")

    def sign_of_life(self) -> None:
        """Note that the user is present."""
        self._last_sign = time.monotonic()

    def show(self, redraw_all: bool = False) -> None:
        """Send the browser the plane, and the curves where they are due.

        Args:
            redraw_all: whether to send the curves even if they are not due.
        """
        if self.panel is None:
            return
        with self._lock:  # of two threads, the frame that is sent last is the newest
            self._notify("on_messages", self._screen.draw(self.game, self.shown, redraw_all))

    def acknowledge(self, number: int) -> None:
        """Note that the browser has drawn the frame of this number."""
        self._screen.courier.acknowledge(number)

    def _notify(self, event: str, *arguments: Any) -> None:
        if self.panel is not None:
            getattr(self.panel, event)(*arguments)

    def _after_change(self, words: str) -> None:
        """Update controls and picture after a change; while the lab trains, the next frame shows it."""
        if words:
            self.say(words)
        self._notify("sync")
        if not self.playing:
            self.show(redraw_all=True)

    def _turn(self) -> float | None:
        """Train until the next frame is due and send it; return the seconds to wait, or None to end.

        Training never waits for the browser: while it has not drawn the frames before, it is sent none.
        """
        began = time.monotonic()
        courier = self._screen.courier
        until = began + max(MIN_TRAINING, courier.seconds_left())
        steps = 1 if self.delay else 10_000
        with self._lock:
            if not self._safely(lambda: self.game.advance(steps, until=until)):
                return None
        if (self.delay or courier.ready()) and not self._safely(self.show):
            return None
        if time.monotonic() - self._last_sign > IDLE_TIMEOUT:
            self.pause("Paused, as nobody has been there for some minutes: Play goes on.")
        return began + self.delay - time.monotonic()

    def _last(self) -> None:
        """Draw the last step after training has stopped."""
        message = self.message
        if not self._safely(lambda: self.show(redraw_all=True)):
            self.say(message)  # the first cause is worth more

    def _safely(self, action: Callable[[], None]) -> bool:
        """Call a function and return whether it worked; an error stops training and is shown."""
        try:
            action()
            return True
        except TrainingDiverged as error:
            words = f"Paused: {error}. Reset starts again."
        except Exception as error:
            words = f"Paused: the networks cannot take this step ({first_line(error)}). Reset starts again."
        self._player.stop(wait=False)
        self.say(words)
        self._notify("sync")
        return False

    def _end(self, settle: bool) -> None:
        """Stop for good and remove the view; a still picture replaces it if ``settle`` is True."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        self.run.ended = "stopped"
        if self.panel is not None:
            if settle:
                self._placement.show_still(self.still(), describe(self.game, FIRST_LAYERS))
            self.panel.close()
            self.panel = None

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("this lab is closed: make another with gantutor.live.lab()")

    def _check(self) -> None:
        self._check_open()
        if self.panel is not None and self.panel.drawing:
            self.pen.check_complete()


def interactive() -> bool:
    """Return whether the page can show the view: widgets, and anywidget is installed."""
    return display.watched() and available()
