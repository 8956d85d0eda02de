"""The panel of the lab: the view in the browser, the requests of its controls, and the messages to it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from gantutor._errors import InputError, first_line
from gantutor.live.lab.controls import (
    DELAYS,
    DISTRIBUTION,
    FIXED_BY_NETWORK,
    GAME_CONTROLS,
    NETWORK_CONTROLS,
    SLOW,
    choice,
    control,
)
from gantutor.live.lab.layers import LAYERS
from gantutor.live.lab.messages import Message
from gantutor.live.lab.pen import parse
from gantutor.live.lab.settings import DISTRIBUTIONS, DRAWING, OWN_DATA, RELATIVE_LOSSES
from gantutor.live.widget import BrowserView

INVITATION = "Drag with the mouse in the plane, or type at least three points as x y; x y; x y."
"""Shown until there are enough points."""

BUTTONS = {
    "step": ("Step", "Pause, and take one step of D and of G"),
    "step-d": ("Only D", "Pause, and take one step of D alone"),
    "step-g": ("Only G", "Pause, and take one step of G alone"),
    "reset": ("Reset", "Back to step 0 and the first weights"),
}
"""Labels and tooltips of the buttons beside Play."""


class Panel:
    """The controls of one lab: it does what the browser requests, and tells it the state of the lab.

    A request that fails is reported in the status line, in one sentence.

    Args:
        lab: the lab that is controlled.
        opening: the messages of the first frame. They are part of the view's first state, since a page that
            opens while the kernel is busy cannot ask for them.

    Attributes:
        view: the view in the browser; the trait ``state`` of its widget holds what it shows beside the
            plane and the curves.
        drawing: whether "draw your own" is chosen.
        typed: the text of the field for points.
    """

    def __init__(self, lab: Any, opening: Sequence[Message] = ()) -> None:
        self.lab = lab
        current = lab.game.settings.distribution
        self.drawing, self.typed = current == DRAWING, ""
        self._own_data = lab.game.plane if current == OWN_DATA else None
        self._lock = threading.RLock()
        first = self.state() | {"opening": [message._asdict() for message in opening]}
        self.view = BrowserView("lab", first, lambda request, _: self.receive(request))

    @property
    def box(self) -> Any:
        """The widget."""
        return self.view.widget

    # --- what the page does -------------------------------------------------------------------------------

    def receive(self, request: dict[str, Any]) -> None:
        """Do what the browser requests.

        Args:
            request: "kind" is one of ready, ack, alive, press, set, layer, stroke and typed.
        """
        kind = request.get("kind")
        if kind == "ack":
            self.lab.acknowledge(int(request["number"]))
            return
        self.lab.sign_of_life()
        if kind not in ("alive", "ready"):
            self._do(lambda: self._request(kind, request))

    def _request(self, kind: Any, request: dict[str, Any]) -> None:
        lab = self.lab
        if kind == "press":
            presses: dict[str, Callable[[], None]] = {
                "play": lambda: lab.pause() if lab.playing else lab.play(),
                "step": lab.step,
                "step-d": lambda: lab.step("discriminator"),
                "step-g": lambda: lab.step("generator"),
                "reset": lab.reset,
                "clear": self._clear,
                "stroke": lab.pause,  # a stroke begins
            }
            presses[request["name"]]()
        elif kind == "set":
            self._set(request["name"], request["value"])
        elif kind == "layer":
            lab.shown = lab.shown - {request["name"]} | ({request["name"]} if request["on"] else set())
            lab.show()
        elif kind == "stroke":
            self._stroke(request["points"])
        elif kind == "typed":
            self._type(request["text"])

    def _set(self, name: str, value: Any) -> None:
        if name == "slow":
            self.lab.slow_down(value)
        elif name == "distribution":
            self._choose(value)
        else:
            self.lab.change(**{name: value})

    def _choose(self, name: str) -> None:
        """Learn the distribution of this name, or begin to draw one."""
        self.drawing = name == DRAWING
        if name == DRAWING:
            self.lab.pause()
            if len(self.lab.pen.points) >= 3:
                self.lab.draw(self.lab.pen.points)
            else:
                self.lab.say(INVITATION)
                self.lab.show()
        elif name == OWN_DATA and self._own_data is not None:
            self.lab.learn(self._own_data)
        else:
            self.lab.change(distribution=name)

    def _stroke(self, points: list[list[float]]) -> None:
        """Add a stroke of the mouse to the drawing and learn it; it begins and ends in the plane."""
        if not self.drawing or not points:
            return
        plane, pen = self.lab.game.plane, self.lab.pen
        self.lab.pause()
        inside = [
            tuple(
                min(max(float(value), middle - plane.reach), middle + plane.reach)
                for value, middle in zip(point, plane.centre, strict=True)
            )
            for point in points
            if all(math.isfinite(value) for value in point)
        ]
        for index, (x, y) in enumerate(inside):
            if index == 0:
                pen.press(x, y, plane.reach)
            else:
                pen.move(x, y)
        pen.lift()
        self.typed = pen.to_text() if pen.points else ""
        try:
            self.lab.draw(pen.points)
        except InputError:
            self.lab.show()
            raise

    def _type(self, text: str) -> None:
        self.typed = text
        if text.strip():
            points = parse(text)
            self.lab.draw(points)
            self.drawing, self.lab.pen.points = True, points

    def _clear(self) -> None:
        self.lab.pause()
        self.lab.pen.clear()
        self.typed = ""
        self.lab.say(f"No points are drawn. {INVITATION}" if self.drawing else "No points are drawn.")
        self.lab.show()

    def _do(self, action: Callable[[], Any]) -> None:
        """Do what a control requests, and set all controls to the state of the lab."""
        try:
            action()
        except InputError as error:
            self.lab.say(f"{error}.")
        except Exception as error:
            self.lab.say(f"this could not be done: {first_line(error)}.")
        self.sync()

    # --- what the lab says --------------------------------------------------------------------------------

    def on_messages(self, messages: list[Message]) -> None:
        """Send messages to the browser."""
        for kind, content, buffers in messages:
            self.view.send(kind, content, *buffers)

    def sync(self) -> None:
        """Set every control in the browser to the state of the lab."""
        with self._lock:  # of two threads, the one that writes last has seen the newest state
            self.view.widget.state = self.state()

    def state(self) -> dict[str, Any]:
        """Return all that the browser shows beside the plane and the curves."""
        lab, settings = self.lab, self.lab.game.settings
        message = lab.message
        return {
            "playing": lab.playing,
            "message": message[:1].upper() + message[1:],
            "drawing": self.drawing,
            "typed": self.typed,
            "pen": [list(point) for point in lab.pen.points] if self.drawing else [],
            "learnt": not self.drawing or settings.distribution == DRAWING,
            "shown": [name for name in LAYERS if name in lab.shown],
            "layers": list(LAYERS),
            "scale": "D(x), moved to ½ between the means"
            if settings.loss in RELATIVE_LOSSES
            else "D(x), probability of real",
            "buttons": [[name, *words] for name, words in BUTTONS.items()],
            "slow": choice("slow", *SLOW, DELAYS, lab.delay),
            "game": [self._control(name) for name in GAME_CONTROLS],
            "networks": [self._distribution(), *(self._control(name) for name in NETWORK_CONTROLS)],
        }

    def _distribution(self) -> dict[str, Any]:
        names = (*DISTRIBUTIONS, DRAWING, *([OWN_DATA] if self._own_data is not None else []))
        current = DRAWING if self.drawing else self.lab.game.settings.distribution
        return choice("distribution", *DISTRIBUTION, names, current)

    def _control(self, name: str) -> dict[str, Any]:
        game = self.lab.game
        built = control(name, game.settings)
        built["disabled"] = name in ("r1", "r2") and game.settings.loss == "Wasserstein"
        for network, names in FIXED_BY_NETWORK.items():
            if network in game.user_networks and name in names:
                built |= {"disabled": True, "title": f"Your own {network} is played with as it is"}
        return built

    def close(self) -> None:
        """Remove the view from the page and from the kernel's memory."""
        self.view.close()
