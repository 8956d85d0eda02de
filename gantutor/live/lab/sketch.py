"""The panel's widgets for drawing a distribution: mouse, field for typed points, and Clear button."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from gantutor._errors import InputError
from gantutor.live.lab.controls import button
from gantutor.live.lab.pen import parse
from gantutor.live.lab.plane import IMAGE_SIZE

MOUSE_EVENTS = ["mousedown", "mousemove", "mouseup", "mouseleave"]
"""The events of the mouse that ipyevents reports."""
INVITATION = "Drag with the mouse in the plane, or type at least three points as x y; x y; x y."
"""Shown until there are enough points."""

DRAWING_INTERVAL = 0.04
"""Seconds between two drawings under the moving mouse, at least."""

Dispatch = Callable[[Callable[[], Any]], None]
"""A function that calls another one and reports its errors in the panel."""


class Sketch:
    """The widgets for drawing a distribution.

    A stroke is learnt when the mouse button is released or the mouse leaves the plane, typed points when
    Enter is pressed.

    Args:
        lab: the lab that learns the drawing.
        plane: the widget that shows the plane.
        dispatch: a function that does what a widget requests.
        quietly: a context in which requests of widgets are ignored.

    Attributes:
        active: whether "draw your own" is chosen.
    """

    def __init__(
        self, lab: Any, plane: Any, dispatch: Dispatch, quietly: Callable[[], AbstractContextManager[None]]
    ) -> None:
        import ipywidgets as widgets

        self.lab, self.active = lab, False
        self._quietly, self._drawn_at = quietly, 0.0
        self.typed = widgets.Text(
            placeholder="x y; x y; x y",
            description="points",
            tooltip="Points of a drawing, for those without a mouse: Enter learns them",
            continuous_update=False,
            style={"description_width": "76px"},
            layout={"width": "288px"},
        )
        self.typed.observe(lambda change: dispatch(lambda: self._on_typed(change["new"])), "value")
        self.clear = button("Clear", "eraser", "Take all drawn points away", lambda: dispatch(self._on_clear))
        self._mouse: Any = None
        try:
            from ipyevents import Event
        except ImportError:  # points can still be typed
            return
        self._mouse = Event(source=plane, watched_events=MOUSE_EVENTS, prevent_default_action=True)
        self._mouse.on_dom_event(
            lambda event: dispatch(lambda: self.on_mouse(event)) if self.active else None
        )

    def begin(self) -> None:
        """Begin to draw: learn what is drawn already, or ask for points."""
        self.active = True
        self.lab.pause()
        if len(self.lab.pen.points) >= 3:
            self.lab.draw(self.lab.pen.points)
        else:
            self.lab.say(INVITATION)
            self.lab.show()

    def on_mouse(self, event: dict[str, Any]) -> None:
        """Handle one event of the mouse over the plane, as ipyevents reports it."""
        kind, pen = event["type"], self.lab.pen
        if kind != "mousedown" and not pen.down:
            return
        width, height = (
            event.get("boundingRectWidth") or IMAGE_SIZE,
            event.get("boundingRectHeight") or IMAGE_SIZE,
        )
        place = self.lab.place(event["relativeX"] / width, event["relativeY"] / height)
        if kind == "mousedown":
            self.lab.pause()
            pen.press(*place, self.lab.game.plane.reach)
        elif kind == "mousemove":
            pen.move(*place)
            if time.monotonic() - self._drawn_at < DRAWING_INTERVAL:
                return
        else:
            self._on_lift()
            return
        self.lab.show()
        self._drawn_at = time.monotonic()

    def _on_lift(self) -> None:
        """End the stroke: show its points as text, and learn them."""
        pen = self.lab.pen
        pen.lift()
        self._write(pen.to_text())
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
        """Stop listening to the mouse."""
        if self._mouse is not None:
            self._mouse.close()
