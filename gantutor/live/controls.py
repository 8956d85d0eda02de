"""The buttons of a dashboard: each calls one method of the Control that the loop reads between turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gantutor._errors import InputError
from gantutor.live import display
from gantutor.training.run import Run

WAITING = "The controls come to life as soon as the page answers."
DEAF = (
    "This front end delivers no clicks while a cell runs (it needs kernel subshells: JupyterLab 4.4 or later "
    "with ipykernel 7.1 to 7.3). ■ in the toolbar ends the training and keeps what was learnt."
)
ALIVE = "Pause, step and steer while it trains. Stop, or ■ in the toolbar, ends it and keeps what was learnt."
PATIENCE = 8.0
"""Seconds without an answer from the page after which it counts as deaf."""


class Controls:
    """Pause, Step, Stop, learning rates and slow motion of one training as a row of widgets.

    Whether clicks arrive while the cell is busy can only be seen by trying: a hidden ``Play`` widget sends a
    sign of life, and ``alive`` is True once one has come.
    """

    def __init__(self, run: Run) -> None:
        import ipywidgets as widgets

        self.run, self.control = run, run.control
        self.alive = self.deaf = False
        self._asked = 0.0
        self.pause = widgets.ToggleButton(
            description="Pause", icon="pause", tooltip="Hold the training before its next step"
        )
        self.stop = widgets.Button(
            description="Stop", icon="stop", tooltip="End the training and keep what was learnt"
        )
        self.pause.observe(self._on_pause, "value")
        self.stop.on_click(lambda _: self._do(self.control.stop))
        self.steps = {"": self._step_button("Step", ())}
        names = list(dict.fromkeys(turn.name for turn in run.gan.turns))
        if len(names) > 1:
            updates = {turn.name: tuple(turn.updates) for turn in run.gan.turns}
            self.steps |= {name: self._step_button(f"Only {name}", updates[name]) for name in names}
        self.slow = widgets.FloatSlider(
            min=0, max=1, step=0.05, description="slow motion", readout_format=".2f",
            tooltip="Seconds to wait after every step", style={"description_width": "initial"},
        )  # fmt: skip
        self.slow.observe(lambda change: self._do(lambda: self.control.slow_down(change["new"])), "value")
        self.rates = {name: self._rate_field(name, rate) for name, rate in learning_rates(run).items()}
        self.bar = widgets.FloatProgress(min=0, max=1, layout={"width": "180px"})
        self.status = widgets.HTML()
        self.said = widgets.HTML(display.status(WAITING))
        self._beat = widgets.Play(interval=200, layout={"display": "none"})
        self._beat.observe(self._on_beat, "value")
        self.row = widgets.VBox(
            [
                widgets.HBox([self.pause, *self.steps.values(), self.stop], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.slow, *self.rates.values()], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.bar, self.status]),
                self.said,
                self._beat,
            ]
        )
        for name, widget in (
            ("pause", self.pause),
            ("stop", self.stop),
            ("slow", self.slow),
            ("status", self.status),
        ):
            widget.add_class(f"gt-{name}")
        for name, button in self.steps.items():
            button.add_class(f"gt-step{'-' if name else ''}{name}")
        for name, field in self.rates.items():
            field.add_class(f"gt-rate-{name}")

    def look(self, now: float, began: float) -> None:
        """Ask the page for a sign of life until it has given one; say so where it gives none."""
        if self.alive or self.deaf:
            return
        if now - self._asked >= 0.5:
            self._asked = now
            self._beat.playing = False
            self._beat.playing = True
        if now - began > PATIENCE:
            self.deaf, self._beat.playing = True, False
            self._say(DEAF)

    def _step_button(self, description: str, networks: tuple[str, ...]) -> Any:
        import ipywidgets as widgets

        whose = f"the turn of the {' and the '.join(networks)}" if networks else "one step, every turn"
        button = widgets.Button(
            description=description,
            icon="step-forward",
            tooltip=f"Pause, and take {whose}",
            layout={"width": "auto"},
        )

        def step(_: Any) -> None:
            self.pause.value = True
            self.control.pause()
            self.control.step(*networks)

        button.on_click(lambda clicked: self._do(lambda: step(clicked)))
        return button

    def _rate_field(self, name: str, rate: float) -> Any:
        import ipywidgets as widgets

        field = widgets.BoundedFloatText(
            value=rate, min=0, max=1, step=rate / 10, description=f"learning rate, {name}",
            tooltip="From 0, which freezes the network, to 1", style={"description_width": "initial"},
            layout={"width": "250px"}, continuous_update=False,
        )  # fmt: skip
        field.observe(
            lambda change: self._do(lambda: self.control.set_learning_rate(name, change["new"])), "value"
        )
        return field

    def _on_pause(self, change: dict[str, Any]) -> None:
        paused = change["new"]
        self._do(self.control.pause if paused else self.control.resume)
        self.pause.description, self.pause.icon = ("Resume", "play") if paused else ("Pause", "pause")

    def _on_beat(self, _: Any) -> None:
        if not self.alive:
            self.alive = True
            self._beat.playing = False
            self._say(ALIVE)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except InputError as error:
            self._say(str(error))

    def _say(self, text: str) -> None:
        self.said.value = display.status(text)


def learning_rates(run: Run) -> dict[str, float]:
    """The learning rate that each optimiser of a run began with, by the name of its network."""
    described = run.settings.get("optimizers", {})
    numbers = {name: dict(pairs) for name, (_, *pairs) in described.items()}
    return {name: float(about["lr"]) for name, about in numbers.items() if "lr" in about}
