"""What the tests of the lab share: small games, waiting for the thread, hands on the controls."""

from __future__ import annotations

import random
import threading
from typing import Any

from gantutor.live.lab import Lab
from gantutor.live.lab.game import Game
from gantutor.live.lab.settings import Settings, plane_of

SMALL = {"generator_width": 8, "discriminator_width": 8, "generator_depth": 1, "discriminator_depth": 1}


def game(**settings: Any) -> Game:
    chosen = Settings(**(SMALL | settings))
    return Game(chosen, plane_of(chosen.distribution, chosen.seed))


def wait_for(steps: int, made: Lab) -> None:
    """Until so many steps are taken; a minute is a stuck lab."""
    done = threading.Event()
    for _ in range(6000):
        if made.run.step >= steps:
            return
        done.wait(0.01)
    raise AssertionError("the lab does not play")


def threads() -> int:
    return sum(thread.name == "gantutor lab" for thread in threading.enumerate())


def mouse(kind: str, x: float, y: float) -> dict[str, Any]:
    size = {"boundingRectWidth": 420, "boundingRectHeight": 420}
    return {"type": kind, "relativeX": x, "relativeY": y} | size


# --- every control, in any order --------------------------------------------------------------------------


def presses(panel: Any, draw: random.Random) -> list[Any]:
    """One press for each control, with a value drawn at random."""

    def set_value(widget: Any) -> Any:
        if hasattr(widget, "options"):
            return lambda: setattr(widget, "value", draw.choice([value for _, value in widget.options]))
        if isinstance(widget.value, bool):
            return lambda: setattr(widget, "value", not widget.value)
        return lambda: setattr(widget, "value", draw.randint(widget.min, min(widget.max, 24)))

    texts = ["", "0 0", "a", "0 0; 1 1; 0 1", "0 0; 1 nan; 2 2", "1 1; 1 1; 1 1"]
    kinds = ["mousedown", "mousemove", "mouseup", "mouseleave"]
    return [
        *[button.click for button in panel.buttons.values()],
        *[set_value(widget) for widget in panel.controls.values()],
        *[set_value(widget) for widget in panel.layers.values()],
        *[set_value(panel.play)] * 4,
        set_value(panel.distribution),
        lambda: setattr(panel.slow, "value", draw.choice([0.0, 0.05])),
        lambda: setattr(panel.sketch.typed, "value", draw.choice(texts)),
        panel.sketch.clear.click,
        *[
            lambda: panel.sketch._mouse._dom_handlers(
                mouse(draw.choice(kinds), draw.uniform(-50, 500), draw.uniform(-50, 500))
            )
        ]
        * 4,
    ]
