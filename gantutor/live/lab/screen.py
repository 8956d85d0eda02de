"""The pictures of a lab: the plane and the curves, drawn when they are due."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from gantutor.live import display
from gantutor.live.lab import curves, plane
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import LAYERS, compute_layers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES_INTERVAL = 1.0
"""Seconds between two drawings of the curves and of the numbers."""

ALL_LAYERS = frozenset(LAYERS)
"""The names of all layers, as a set."""


class Frame(NamedTuple):
    """What the panel shows.

    Attributes:
        plane: the plane, as HTML.
        curves: the curves, as HTML; empty while they are not due.
        numbers: the last values in one line; empty while they are not due.
    """

    plane: str
    curves: str
    numbers: str


class Screen:
    """Draws the plane and the curves of the present game of a lab.

    Attributes:
        seconds: how long the last drawing took.

    >>> from gantutor.live.lab.settings import Settings, plane_of
    >>> screen = Screen()
    >>> screen.draw(Game(Settings(), plane_of("line")), ALL_LAYERS, ()).numbers[:6]
    'step 0'
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._game: Game | None = None
        self._due = 0.0
        self._previous = (0, 0.0)

    def draw(self, game: Game, shown: frozenset[str], pen: plane.Points, redraw_all: bool = False) -> Frame:
        """Draw a game in its present state.

        Args:
            game: the game.
            shown: the names of the layers to draw.
            pen: the points drawn so far.
            redraw_all: whether to draw the curves even if they are not due.
        """
        began = time.monotonic()
        if game is not self._game:
            if self._game is None or game.plane is not self._game.plane:
                self._plane, self._curves = plane.Picture(game.plane), curves.Picture(game)
            self._game, redraw_all, self._previous = game, True, (game.run.step, began)
        due = redraw_all or began >= self._due
        if due:
            game.measure()
        self._plane.draw(compute_layers(game, shown), pen)
        plane_html = display.image(self._plane.encode(), plane.describe(game, shown))
        if not due:
            self.seconds = time.monotonic() - began
            return Frame(plane_html, "", "")
        curves_html = display.image(self._curves.draw(game), curves.describe(game))
        self._due = time.monotonic() + CURVES_INTERVAL
        self.seconds = self._due - CURVES_INTERVAL - began
        return Frame(
            plane_html, curves_html, f"step {game.run.step:,}{self._speed(game, began)}{curves.numbers(game)}"
        )

    def _speed(self, game: Game, now: float) -> str:
        step, previous = self._previous
        self._previous = (game.run.step, now)
        done = game.run.step - step
        return f" · {done / (now - previous):,.0f} steps/s · " if done > 1 and now - previous > 0.1 else " · "

    def place(self, game: Game, x: float, y: float) -> tuple[float, float]:
        """Return the point of the plane at a position in the picture; see ``plane.Picture.place``."""
        picture = self._plane if game is self._game else plane.Picture(game.plane)
        return picture.place(x, y)


def still(game: Game) -> Figure:
    """Return a figure of all layers and the curves of a game.

    pyplot does not know this figure. Whenever a widget's message is handled, IPython lets pyplot draw all its
    figures on the thread of the message, and a figure must be drawn by one thread only.
    """
    from matplotlib.figure import Figure

    game.measure()
    figure = Figure(figsize=(12.6, 3.7), dpi=100, layout="constrained")
    panels = figure.subplots(1, 4, width_ratios=[1.75, 1.1, 1.1, 1.1])
    plane.draw_plane(panels[0], game, compute_layers(game, ALL_LAYERS))
    curves.Curves(panels[1:], game).set(game)
    return figure
