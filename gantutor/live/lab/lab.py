"""The lab: a game that plays on a thread of its own, with a picture, and methods for all its buttons."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gantutor._checks import number, one_of, optional, validate
from gantutor._errors import InputError, TrainingDiverged, first_line
from gantutor.data import toy
from gantutor.live import display
from gantutor.live.lab import screen
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import LAYERS
from gantutor.live.lab.pen import Pen
from gantutor.live.lab.placement import Placement
from gantutor.live.lab.plane import describe
from gantutor.live.lab.settings import DRAW, OWN, Plane, plane_of
from gantutor.live.lab.thread import RepeatingThread
from gantutor.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAME = 1 / 15
"""Seconds from one picture to the next, while they can be drawn that fast."""

IDLE = 300.0
"""Seconds without a sign of life from the page after which the lab pauses by itself."""


class Lab:
    """A pair of small networks on a plane that train while one looks: what ``lab()`` returns.

    It trains on a background thread from ``play`` to ``pause``; everything else may be called at any time,
    from any thread. ``run`` is the training so far, a ``gantutor.Run``.

    >>> from gantutor.live.lab.settings import Settings
    >>> game = Game(Settings(), plane_of("ring"))
    >>> lab = Lab(game); lab.step(); lab.step("discriminator"); lab.run.step
    2
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.shown = frozenset(LAYERS)
        self.delay = 0.0
        self.pen = Pen()
        self.said = "Press Play, or take single steps."
        self.panel: Any = None
        self._lock = threading.RLock()
        self._player = RepeatingThread(self._turn, self._last)
        self._screen = screen.Screen()
        self._sign = time.monotonic()
        self._closed = False
        self._showing = Placement(lambda: self._end(settle=False))

    @property
    def run(self) -> Run:
        """The training so far; another one after Reset, or once the networks were built anew."""
        return self.game.run

    @property
    def playing(self) -> bool:
        """Whether it trains just now."""
        return self._player.playing

    def play(self) -> None:
        """Train until paused; raises InputError for a drawing that has fewer than three points."""
        self._check()
        self.sign_of_life()
        self.say("Playing.")
        self._player.start()
        self._tell("on_play", True)

    def pause(self, words: str = "Paused.") -> None:
        """Stop training: when this returns, the present step is over and no other begins."""
        played = self.playing
        self._player.stop()
        if played:
            self.say(words)
        self._tell("on_play", False)

    def step(self, network: str | None = None) -> None:
        """Pause, and take one step: of both networks, or only of the ``"discriminator"`` or
        ``"generator"``."""
        validate({"network": network}, network=optional(one_of("discriminator", "generator")))
        self._check()
        self.pause()
        with self._lock:
            self._safely(lambda: self.game.advance(allowed=(network,) if network else ()))
        self._safely(lambda: self.show(everything=True))

    def reset(self) -> None:
        """Go back to step 0 and the weights at the start, with the settings as they are; playing goes on."""
        self._check_open()
        with self._lock:
            self.game = self.game.again()
        self._renewed("Back at step 0.")

    def change(self, **settings: Any) -> None:
        """Set controls by name, as in ``change(loss="hinge", r1=1.0)``: see ``Settings``.

        The distribution, sizes, the latent dimension and the seed build new networks; all else changes the
        game while it is played. Raises InputError for what is out of range, and leaves the lab as it was.
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
        self._renewed(words)

    def learn(self, data: Any, name: str = OWN) -> None:
        """Learn other points or another distribution, as in ``lab(data=…)``, with new networks."""
        self._check_open()
        where = data if isinstance(data, Plane) else plane_of(data, self.game.settings.seed)
        with self._lock:
            self.game = self.game.changed(self.game.settings.changed(distribution=name), where)
        self._renewed(f"New networks, at step 0, for the {where.name}.")

    def draw(self, points: Any, sigma: float = 0.05) -> None:
        """Learn one's own drawing, a Gaussian of ``sigma`` at each of at least three points (K, 2)."""
        self.learn(toy.from_points(points, sigma), DRAW)

    def slow_down(self, seconds: float) -> None:
        """Wait so long after each step, from 0 to 10 seconds."""
        validate({"seconds": seconds}, seconds=number(0, 10))
        self.delay = float(seconds)

    def close(self) -> None:
        """End the lab: its thread stops, and a still picture takes its place on the page."""
        self._end(settle=True)

    def still(self) -> Figure:
        """All layers and the curves as a figure."""
        with self._lock:
            return screen.still(self.game)

    def display(self) -> None:
        """Show the lab: its panel where somebody watches, with a still picture for those who read the
        notebook later; elsewhere the still picture alone."""
        if display.in_notebook():
            box = self.open_panel().box if display.watched() and not self._closed else None
            self._showing.show(self.still(), describe(self.game, screen.ALL), box)

    def open_panel(self) -> Any:
        """The widgets of the lab, made when they are first asked for."""
        if self.panel is None:
            from gantutor.live.lab.panel import Panel

            self.panel = Panel(self)
            self.show(everything=True)
        return self.panel

    def _ipython_display_(self) -> None:
        if not self._showing.just_shown():
            self.display()

    def say(self, words: str) -> None:
        """One sentence for whoever looks, on the panel and in ``said``."""
        self.said = words
        self._tell("on_words", words)

    def sign_of_life(self) -> None:
        """Somebody is there."""
        self._sign = time.monotonic()

    def show(self, everything: bool = False) -> None:
        """Draw the plane, and the curves where they are due, and hand them to the panel."""
        if self.panel is None:
            return
        with self._lock:
            waiting = self.panel.drawing and self.game.settings.distribution != DRAW
            pen = self.pen.points if waiting or self.pen.down else []
            shown = frozenset() if waiting else self.shown
            frame = self._screen.draw(self.game, shown, pen, everything)
        self._tell("on_picture", *frame)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The point of the plane at a place of the picture, given as shares from the upper left."""
        with self._lock:
            return self._screen.place(self.game, x, y)

    def _tell(self, what: str, *given: Any) -> None:
        if self.panel is not None:
            getattr(self.panel, what)(*given)

    def _renewed(self, words: str) -> None:
        """The controls and the picture follow a change; while it plays, the next frame shows it."""
        if words:
            self.say(words)
        self._tell("sync")
        if not self.playing:
            self.show(everything=True)

    def _turn(self) -> float | None:
        """Train for the rest of a frame, draw it, and say how long to wait for the next."""
        began = time.monotonic()
        until = began + max(FRAME / 3, FRAME - self._screen.seconds)
        steps = 1 if self.delay else 10_000
        with self._lock:
            if not self._safely(lambda: self.game.advance(steps, until=until)):
                return None
        if not self._safely(self.show):
            return None
        if time.monotonic() - self._sign > IDLE:
            self.pause("Paused, as nobody has been there for some minutes: Play goes on.")
        return began + self.delay - time.monotonic()

    def _last(self) -> None:
        """When it has stopped playing: all that is seen is of the last step."""
        said = self.said
        if not self._safely(lambda: self.show(everything=True)):
            self.say(said)  # the first cause is worth more

    def _safely(self, action: Callable[[], None]) -> bool:
        """Train, or look; whatever goes wrong stops the lab, without waiting, and is said in one sentence."""
        try:
            action()
            return True
        except TrainingDiverged as error:
            words = f"Paused: {error}. Reset starts again."
        except Exception as error:
            words = f"Paused: the networks cannot take this step ({first_line(error)}). Reset starts again."
        self._player.stop(wait=False)
        self.say(words)
        self._tell("on_play", False)
        return False

    def _end(self, settle: bool) -> None:
        """Stop for good and take the widgets away, with a still picture in their place or with none."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        self.run.ended = "stopped"
        if self.panel is not None:
            if settle:
                self._showing.settle(self.still(), describe(self.game, screen.ALL))
            self.panel.close()
            self.panel = None

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("this lab is closed: make another with gantutor.live.lab()")

    def _check(self) -> None:
        self._check_open()
        if self.panel is not None and self.panel.drawing:
            self.pen.enough()
