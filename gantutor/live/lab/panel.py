"""The panel of the lab: widgets, each of which calls one method of the lab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from html import escape
from typing import Any

from gantutor._errors import InputError, first_line
from gantutor.live import display
from gantutor.live.lab.controls import (
    DELAYS,
    FIXED_BY_NETWORK,
    GAME_CONTROLS,
    NETWORK_CONTROLS,
    button,
    choice,
    control,
    set_value,
)
from gantutor.live.lab.layers import LAYERS
from gantutor.live.lab.plane import IMAGE_SIZE
from gantutor.live.lab.settings import DISTRIBUTIONS, DRAWING, OWN_DATA
from gantutor.live.lab.sketch import Sketch

SIZE = f"{IMAGE_SIZE}px"
"""Side of the plane's picture, in CSS."""

STYLE = f"""<style>
.gt-lab-plane img {{ width: {SIZE}; height: {SIZE}; pointer-events: none; }}
.gt-lab-plane {{ width: {SIZE}; height: {SIZE}; user-select: none; line-height: 0; margin: 0; }}
.gt-lab-curves {{ line-height: 0; margin: 0; }}
.gt-lab-curves img {{ max-width: none; }}
.gt-lab-drawing {{ cursor: crosshair; }}
.gt-lab-head {{ font-weight: bold; }}
.gt-lab-numbers {{ font-size: 12px; }}
</style>"""

HEARTBEAT = 5000
"""Milliseconds between two signals from the page while the lab trains."""


class Panel:
    """All widgets of one lab.

    A request that fails is reported in the status line, in one sentence.

    Args:
        lab: the lab that the widgets control.

    Attributes:
        box: the box that holds all widgets.
    """

    def __init__(self, lab: Any) -> None:
        import ipywidgets as widgets

        self.lab = lab
        self._syncing = threading.local()
        self.plane, self.curves = widgets.HTML(), widgets.HTML()
        self.numbers, self.status = widgets.HTML(), widgets.HTML()
        self.play = widgets.ToggleButton(
            description="Play", icon="play", tooltip="Train until pressed again", layout={"width": "90px"}
        )
        self._watch(self.play, lambda playing: lab.play() if playing else lab.pause())
        step = partial(self._do, lab.step)
        only_d, only_g = (
            partial(self._do, partial(lab.step, name)) for name in ("discriminator", "generator")
        )
        self.buttons = {
            "step": button("Step", "step-forward", "Pause, and take one step of D and of G", step),
            "step-d": button("Only D", "step-forward", "Pause, and take one step of D alone", only_d),
            "step-g": button("Only G", "step-forward", "Pause, and take one step of G alone", only_g),
            "reset": button(
                "Reset", "undo", "Back to step 0 and the first weights", partial(self._do, lab.reset)
            ),
        }
        self.slow = choice(
            "slow motion, s", DELAYS, 0.0, "Seconds from one step to the next", "260px", "96px"
        )
        self._watch(self.slow, lab.slow_down)
        self.layers = {
            name: widgets.Checkbox(
                name in lab.shown, description=name, indent=False, layout={"width": "auto"}
            )
            for name in LAYERS
        }
        for box in self.layers.values():
            self._watch(box, self._on_layers)
        self.sketch = Sketch(lab, self.plane, self._do, self._quietly)
        self.sketch.active = lab.game.settings.distribution == DRAWING
        current = lab.game.settings.distribution
        self._own_data = lab.game.plane if current == OWN_DATA else None
        names = (*DISTRIBUTIONS, DRAWING, OWN_DATA) if current == OWN_DATA else (*DISTRIBUTIONS, DRAWING)
        self.distribution = choice("learn", names, current, "What to learn; builds new networks")
        self._watch(self.distribution, self._on_distribution)
        self.controls = {name: self._control(name) for name in GAME_CONTROLS | NETWORK_CONTROLS}
        self._heartbeat = widgets.Play(interval=HEARTBEAT, max=10**9, layout={"display": "none"})
        self._heartbeat.observe(lambda _: lab.sign_of_life(), "value")
        self._add_classes()
        self.box = self._layout()
        self.on_words(lab.message)
        self.sync()

    @property
    def drawing(self) -> bool:
        """Whether "draw your own" is chosen."""
        return self.sketch.active

    def _watch(self, widget: Any, action: Callable[[Any], Any]) -> None:
        widget.observe(lambda change: self._do(lambda: action(change["new"])), "value")

    def _control(self, name: str) -> Any:
        widget = control(name, self.lab.game.settings)
        self._watch(widget, lambda value: self.lab.change(**{name: value}))
        for network, names in FIXED_BY_NETWORK.items():
            if network in self.lab.game.user_networks and name in names:
                widget.disabled, widget.tooltip = True, f"Your own {network} is played with as it is"
        return widget

    def _add_classes(self) -> None:
        widgets_by_name = {
            "play": self.play, "plane": self.plane, "curves": self.curves, "status": self.status,
            "numbers": self.numbers, "slow": self.slow, "distribution": self.distribution,
            "draw": self.sketch.typed, "clear": self.sketch.clear,
        } | self.buttons  # fmt: skip
        widgets_by_name |= {name.replace("_", "-"): widget for name, widget in self.controls.items()}
        widgets_by_name |= {f"layer-{name.replace(' ', '-')}": box for name, box in self.layers.items()}
        for name, widget in widgets_by_name.items():
            widget.add_class(f"gt-lab-{name}")

    def _layout(self) -> Any:
        import ipywidgets as widgets

        def head(words: str) -> Any:
            return widgets.HTML(f"<span class='gt-lab-head'>{words}</span>")

        wrap, fixed_size = {"flex_flow": "row wrap"}, {"flex": "0 0 auto"}
        top = widgets.HBox([self.play, *self.buttons.values(), self.slow], layout=wrap)
        layers = widgets.HBox([*self.layers.values()], layout=wrap | {"width": f"{IMAGE_SIZE}px"})
        steering = [head("The game: the networks stay"), *[self.controls[name] for name in GAME_CONTROLS]]
        building = [head("The networks: built anew, at step 0"), self.distribution]
        building += [self.controls[name] for name in NETWORK_CONTROLS]
        sides = widgets.HBox([widgets.VBox(steering), widgets.VBox(building)])
        pen = widgets.HBox([self.sketch.typed, self.sketch.clear], layout={"justify_content": "flex-end"})
        right = widgets.VBox([sides, pen, self.curves, self.numbers], layout=fixed_size)
        main = widgets.HBox(
            [widgets.VBox([self.plane, layers], layout=fixed_size), right],
            layout=wrap | {"align_items": "flex-start"},
        )
        style = widgets.HTML(STYLE, layout={"display": "none"})
        box = widgets.VBox([style, top, self.status, main, self._heartbeat])
        box.add_class("gt-lab")
        return box

    # --- what the page does -------------------------------------------------------------------------------

    def _do(self, action: Callable[[], Any]) -> None:
        """Do what a control requests, and set all controls to the state of the lab."""
        if getattr(self._syncing, "on", False):
            return
        self.lab.sign_of_life()
        try:
            action()
        except InputError as error:
            self.lab.say(f"{error}.")
        except Exception as error:
            self.lab.say(f"this could not be done: {first_line(error)}.")
        self.sync()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Ignore the requests of widgets that this thread sets inside the block."""
        before = getattr(self._syncing, "on", False)
        self._syncing.on = True
        try:
            yield
        finally:
            self._syncing.on = before

    def _on_layers(self, _: bool) -> None:
        self.lab.shown = frozenset(name for name, box in self.layers.items() if box.value)
        self.lab.show()

    def _on_distribution(self, name: str) -> None:
        self.sketch.active = name == DRAWING
        if name == DRAWING:
            self.sketch.begin()
        elif name == OWN_DATA:
            self.lab.learn(self._own_data)
        else:
            self.lab.change(distribution=name)

    # --- what the lab says --------------------------------------------------------------------------------

    def on_picture(self, picture: str, curves: str, numbers: str) -> None:
        """Show a new picture of the plane, and new curves and numbers if they are not empty."""
        self.plane.value = picture
        if curves:
            self.curves.value, self.numbers.value = curves, escape(numbers)

    def on_words(self, words: str) -> None:
        """Show a message in the status line."""
        self.status.value = display.status(words[:1].upper() + words[1:])

    def on_play(self, playing: bool) -> None:
        """Follow the start or the end of training."""
        self._heartbeat.playing = False
        if playing:
            self._heartbeat.playing = True
        self.sync()

    def sync(self) -> None:
        """Set every control to the state of the lab."""
        settings, playing = self.lab.game.settings, self.lab.playing
        with self._quietly():
            self.play.value = playing
            self.play.description, self.play.icon = ("Pause", "pause") if playing else ("Play", "play")
            self.distribution.value = DRAWING if self.drawing else settings.distribution
            set_value(self.slow, self.lab.delay)
            for name, widget in self.controls.items():
                set_value(widget, getattr(settings, name))
            for name in ("r1", "r2"):
                self.controls[name].disabled = settings.loss == "Wasserstein"
            (self.plane.add_class if self.drawing else self.plane.remove_class)("gt-lab-drawing")

    def close(self) -> None:
        """Remove the widgets from the page and from the kernel's memory."""
        self.sketch.close()
        display.close_all(self.box)
