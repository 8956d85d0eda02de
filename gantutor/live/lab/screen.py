"""What is seen of a lab: the plane and the curves, kept as pictures and drawn when they are due."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from gantutor.live import display
from gantutor.live.lab import curves, plane
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import LAYERS, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES = 1.0
"""Seconds between two drawings of the curves and of the numbers."""

ALL = frozenset(LAYERS)


class Seen(NamedTuple):
    """The plane and the curves as HTML, and the numbers as a line; the latter two are empty while not due."""

    plane: str
    curves: str
    numbers: str


class Screen:
    """Draws one game after another, each with pictures of its own; ``seconds`` is how long the last drawing
    took.

    >>> from gantutor.live.lab.settings import Settings, plane_of
    >>> screen = Screen()
    >>> screen.draw(Game(Settings(), plane_of("line")), ALL, ()).numbers[:6]
    'step 0'
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._game: Game | None = None
        self._due = 0.0
        self._before = (0, 0.0)

    def draw(self, game: Game, shown: frozenset[str], pen: plane.Points, everything: bool = False) -> Seen:
        """The game as it stands; the curves only where they are due, or with ``everything``."""
        began = time.monotonic()
        if game is not self._game:
            if self._game is None or game.plane is not self._game.plane:
                self._plane, self._curves = plane.Picture(game.plane), curves.Picture(game)
            self._game, everything, self._before = game, True, (game.run.step, began)
        due = everything or began >= self._due
        if due:
            game.measure()
        self._plane.draw(look(game, shown), pen)
        seen = display.image(self._plane.encode(), plane.describe(game, shown))
        if not due:
            self.seconds = time.monotonic() - began
            return Seen(seen, "", "")
        curve = display.image(self._curves.draw(game), curves.describe(game))
        self._due = time.monotonic() + CURVES
        self.seconds = self._due - CURVES - began
        return Seen(seen, curve, f"step {game.run.step:,}{self._speed(game, began)}{curves.numbers(game)}")

    def _speed(self, game: Game, now: float) -> str:
        step, then = self._before
        self._before = (game.run.step, now)
        done = game.run.step - step
        return f" · {done / (now - then):,.0f} steps/s · " if done > 1 and now - then > 0.1 else " · "

    def place(self, game: Game, x: float, y: float) -> tuple[float, float]:
        """The point of the plane at a place of its picture: see ``plane.Picture.place``."""
        picture = self._plane if game is self._game else plane.Picture(game.plane)
        return picture.place(x, y)


def still(game: Game) -> Figure:
    """All layers and the curves of a game as a figure.

    pyplot never sees it: whenever a widget's message is handled, IPython lets pyplot draw all it knows of, on
    the thread of the message, and a figure bears only one thread.
    """
    from matplotlib.figure import Figure

    game.measure()
    figure = Figure(figsize=(12.6, 3.7), dpi=100, layout="constrained")
    panels = figure.subplots(1, 4, width_ratios=[1.75, 1.1, 1.1, 1.1])
    plane.paint(panels[0], game, look(game, ALL))
    curves.Curves(panels[1:], game).set(game)
    return figure
