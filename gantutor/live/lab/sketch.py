"""Draw-your-own on the panel: the mouse over the plane, a field for points, a button to begin anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from gantutor._errors import InputError
from gantutor.live.lab.controls import button
from gantutor.live.lab.pen import parse
from gantutor.live.lab.plane import PIXELS

EVENTS = ["mousedown", "mousemove", "mouseup", "mouseleave"]
INVITATION = "Drag with the mouse in the plane, or type at least three points as x y; x y; x y."

BETWEEN = 0.04
"""Seconds from one drawing under the moving pen to the next, at least."""

Do = Callable[[Callable[[], Any]], None]


class Sketch:
    """What draws: ``active`` while "draw your own" is chosen.

    ``do`` runs what a widget asks for, and nothing that it asks for inside of ``quietly()``. A stroke is
    learnt when the mouse is let go or leaves the plane, typed points when Enter is pressed.
    """

    def __init__(
        self, lab: Any, plane: Any, do: Do, quietly: Callable[[], AbstractContextManager[None]]
    ) -> None:
        import ipywidgets as widgets

        self.lab, self.active = lab, False
        self._quietly, self._drawn = quietly, 0.0
        self.typed = widgets.Text(
            placeholder="x y; x y; x y",
            description="points",
            tooltip="Points of a drawing, for those without a mouse: Enter learns them",
            continuous_update=False,
            style={"description_width": "76px"},
            layout={"width": "288px"},
        )
        self.typed.observe(lambda change: do(lambda: self._on_typed(change["new"])), "value")
        self.clear = button("Clear", "eraser", "Take all drawn points away", lambda: do(self._on_clear))
        self._mouse: Any = None
        try:
            from ipyevents import Event
        except ImportError:  # points can still be typed
            return
        self._mouse = Event(source=plane, watched_events=EVENTS, prevent_default_action=True)
        self._mouse.on_dom_event(lambda event: do(lambda: self.on_mouse(event)) if self.active else None)

    def begin(self) -> None:
        """Take up the pen: learn what is drawn already, or ask for it."""
        self.active = True
        self.lab.pause()
        if len(self.lab.pen.points) >= 3:
            self.lab.draw(self.lab.pen.points)
        else:
            self.lab.say(INVITATION)
            self.lab.show()

    def on_mouse(self, event: dict[str, Any]) -> None:
        """One event of the mouse over the plane, as ipyevents gives it."""
        kind, pen = event["type"], self.lab.pen
        if kind != "mousedown" and not pen.down:
            return
        width, height = event.get("boundingRectWidth") or PIXELS, event.get("boundingRectHeight") or PIXELS
        place = self.lab.place(event["relativeX"] / width, event["relativeY"] / height)
        if kind == "mousedown":
            self.lab.pause()
            pen.press(*place, self.lab.game.plane.reach)
        elif kind == "mousemove":
            pen.move(*place)
            if time.monotonic() - self._drawn < BETWEEN:
                return
        else:
            self._on_lift()
            return
        self.lab.show()
        self._drawn = time.monotonic()

    def _on_lift(self) -> None:
        """The stroke is over: its points can be edited as text, and are learnt."""
        pen = self.lab.pen
        pen.lift()
        self._write(pen.written())
        try:
            self.lab.draw(pen.points)
        except InputError:
            self.lab.show()
            raise

    def _write(self, text: str) -> None:
        with self._quietly():
            self.typed.value = text

    def _on_typed(self, text: str) -> None:
        if text.strip():
            points = parse(text)
            self.lab.draw(points)
            self.active, self.lab.pen.points = True, points

    def _on_clear(self) -> None:
        self.lab.pause()
        self.lab.pen.clear()
        self._write("")
        self.lab.say(f"No points are drawn. {INVITATION}" if self.active else "No points are drawn.")
        self.lab.show()

    def close(self) -> None:
        """Let go of the mouse."""
        if self._mouse is not None:
            self._mouse.close()
