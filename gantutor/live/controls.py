"""The controls of a dashboard, each of which calls one method of the run's Control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gantutor._errors import InputError
from gantutor.live import display
from gantutor.training.run import Run

WAITING_MESSAGE = "The controls come to life as soon as the page answers."
"""Shown until the page has answered."""
NO_CLICKS_MESSAGE = (
    "This front end delivers no clicks while a cell runs (it needs kernel subshells: JupyterLab 4.4 or later "
    "with ipykernel 7.1 to 7.3). ■ in the toolbar ends the training and keeps what was learnt."
)
"""Shown where the page does not answer while the cell runs."""
READY_MESSAGE = (
    "Pause, step and steer while it trains. Stop, or ■ in the toolbar, ends it and keeps what was learnt."
)
"""Shown once the page has answered."""
RESPONSE_TIMEOUT = 8.0
"""Seconds without an answer from the page after which the controls say that clicks do not arrive."""


class Controls:
    """Pause, Step, Stop, learning rates and slow motion of one training, as widgets.

    Whether clicks arrive while the cell is busy can only be found out by trying: a hidden ``Play`` widget
    sends a signal as soon as the page answers.

    Args:
        run: the training to steer.

    Attributes:
        row: the box that holds all widgets.
        connected: whether the page has answered.
        unresponsive: whether the page has not answered in time.
    """

    def __init__(self, run: Run) -> None:
        import ipywidgets as widgets

        self.run, self.control = run, run.control
        self.connected = self.unresponsive = False
        self._asked_at = 0.0
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
        self.message = widgets.HTML(display.status(WAITING_MESSAGE))
        self._heartbeat = widgets.Play(interval=200, layout={"display": "none"})
        self._heartbeat.observe(self._on_heartbeat, "value")
        self.row = widgets.VBox(
            [
                widgets.HBox([self.pause, *self.steps.values(), self.stop], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.slow, *self.rates.values()], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.bar, self.status]),
                self.message,
                self._heartbeat,
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

    def check_page(self, now: float, began: float) -> None:
        """Ask the page for a signal until it has answered, and say so if it does not answer in time.

        Args:
            now: the present time in seconds.
            began: the time at which the training began, in seconds.
        """
        if self.connected or self.unresponsive:
            return
        if now - self._asked_at >= 0.5:
            self._asked_at = now
            self._heartbeat.playing = False
            self._heartbeat.playing = True
        if now - began > RESPONSE_TIMEOUT:
            self.unresponsive, self._heartbeat.playing = True, False
            self._say(NO_CLICKS_MESSAGE)

    def _step_button(self, description: str, networks: tuple[str, ...]) -> Any:
        import ipywidgets as widgets

        taken = f"the turn of the {' and the '.join(networks)}" if networks else "one step, every turn"
        button = widgets.Button(
            description=description,
            icon="step-forward",
            tooltip=f"Pause, and take {taken}",
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

    def _on_heartbeat(self, _: Any) -> None:
        if not self.connected:
            self.connected = True
            self._heartbeat.playing = False
            self._say(READY_MESSAGE)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except InputError as error:
            self._say(str(error))

    def _say(self, text: str) -> None:
        self.message.value = display.status(text)


def learning_rates(run: Run) -> dict[str, float]:
    """Return the learning rate that each optimizer of a run began with, by its name.

    Where an optimizer has several parameter groups, it is that of the fastest.
    """
    rates = {}
    for name, (_, *pairs) in run.settings.get("optimizers", {}).items():
        groups = [dict(pairs), *(value for _, value in pairs if isinstance(value, dict))]
        if groups_rates := [float(group["lr"]) for group in groups if "lr" in group]:
            rates[name] = max(groups_rates)
    return rates
