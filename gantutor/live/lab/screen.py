"""What a lab shows: messages to the browser when they are due, and the still figure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gantutor.live.lab import curves, plane
from gantutor.live.lab.courier import Courier
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import FIRST_LAYERS, compute_layers
from gantutor.live.lab.messages import Message, curves_message, frame_message, plane_message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAME_INTERVAL = 1 / 40
"""Seconds from one frame to the next."""
CURVES_INTERVAL = 0.5
"""Seconds from one message of curves to the next."""


class Screen:
    """Makes the messages that show the present game of a lab.

    Attributes:
        courier: says when the next frame may be sent.

    >>> from gantutor.live.lab.settings import Settings, plane_of
    >>> screen, game = Screen(), Game(Settings(), plane_of("line"))
    >>> [message.kind for message in screen.draw(game, FIRST_LAYERS)]
    ['plane', 'curves', 'frame']
    >>> [message.kind for message in screen.draw(game, FIRST_LAYERS)]
    ['frame']
    """

    def __init__(self) -> None:
        self.courier = Courier(FRAME_INTERVAL)
        self._game: Game | None = None
        self._due = 0.0
        self._previous = (0, 0.0)

    def draw(self, game: Game, shown: frozenset[str], redraw_all: bool = False) -> list[Message]:
        """Return what the browser needs in order to show a game in its present state.

        Args:
            game: the game.
            shown: the names of the layers to draw.
            redraw_all: whether to send the curves even if they are not due.
        """
        now = time.monotonic()
        messages = []
        if game is not self._game:
            messages.append(plane_message(game))
            self._game, redraw_all, self._previous = game, True, (game.run.step, now)
        if redraw_all or now >= self._due:
            self._due = now + CURVES_INTERVAL
            game.measure()
            messages.append(curves_message(game, self._speed(game, now)))
        return [*messages, frame_message(game, shown, self.courier.number_next())]

    def _speed(self, game: Game, now: float) -> float:
        """Return the steps a second since the last call, or 0 if that was too short a time ago."""
        step, previous = self._previous
        self._previous = (game.run.step, now)
        steps = game.run.step - step
        return steps / (now - previous) if steps > 1 and now - previous > 0.1 else 0.0


def still(game: Game) -> Figure:
    """Return a figure of the layers that are shown at first, and of the curves of a game.

    pyplot does not know this figure. Whenever a widget's message is handled, IPython lets pyplot draw all its
    figures on the thread of the message, and a figure must be drawn by one thread only.
    """
    from matplotlib.figure import Figure

    game.measure()
    figure = Figure(figsize=(12.6, 3.7), dpi=100, layout="constrained")
    panels = figure.subplots(1, 4, width_ratios=[1.75, 1.1, 1.1, 1.1])
    plane.draw_plane(panels[0], game, compute_layers(game, FIRST_LAYERS))
    curves.Curves(panels[1:], game).set(game)
    return figure
