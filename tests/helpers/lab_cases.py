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


def press(panel: Any, name: str) -> None:
    """A click on a button, as the browser reports it."""
    panel.receive({"kind": "press", "name": name})


def choose(panel: Any, name: str, value: Any) -> None:
    """A control set to a value, as the browser reports it."""
    panel.receive({"kind": "set", "name": name, "value": value})


def stroke(panel: Any, *points: tuple[float, float]) -> None:
    """A stroke of the mouse through these points of the plane, as the browser reports it."""
    press(panel, "stroke")
    panel.receive({"kind": "stroke", "points": [list(point) for point in points]})


def write(panel: Any, text: str) -> None:
    """Points typed into the field, as the browser reports it."""
    panel.receive({"kind": "typed", "text": text})


def controls(panel: Any) -> dict[str, dict[str, Any]]:
    """The controls that the browser shows, by name."""
    state = panel.box.state
    return {control["name"]: control for control in [state["slow"], *state["game"], *state["networks"]]}


# --- every control, in any order --------------------------------------------------------------------------


def presses(panel: Any, draw: random.Random) -> list[Any]:
    """One press for each control, with a value drawn at random."""

    def set_value(control: dict[str, Any]) -> Any:
        if "options" in control:
            values = [value for _, value in control["options"] if control["name"] != "slow" or value <= 0.05]
            return lambda: choose(panel, control["name"], draw.choice(values))
        return lambda: choose(panel, control["name"], draw.randint(control["low"], min(control["high"], 24)))

    def toggle(name: str) -> Any:
        return lambda: panel.receive({"kind": "layer", "name": name, "on": draw.random() < 0.5})

    def scribble() -> None:
        count = draw.randint(0, 12)
        stroke(panel, *[(draw.uniform(-3, 3), draw.uniform(-3, 3)) for _ in range(count)])

    texts = ["", "0 0", "a", "0 0; 1 1; 0 1", "0 0; 1 nan; 2 2", "1 1; 1 1; 1 1"]
    state = panel.box.state
    return [
        *[lambda name=name: press(panel, name) for name, *_ in state["buttons"]],
        *[set_value(control) for control in controls(panel).values()],
        *[toggle(name) for name in state["layers"]],
        *[lambda: press(panel, "play")] * 4,
        lambda: write(panel, draw.choice(texts)),
        lambda: press(panel, "clear"),
        *[scribble] * 4,
        lambda: panel.receive({"kind": "ack", "number": draw.randint(0, 100)}),
    ]
