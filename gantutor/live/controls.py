"""The controls of a dashboard, each of which calls one method of the run's Control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gantutor._errors import InputError
from gantutor.training.run import Run

WAITING_MESSAGE = "The controls work as soon as the page answers."
"""Shown until the page has answered."""
NO_CLICKS_MESSAGE = (
    "This front end does not deliver clicks while a cell runs. "
    "■ in the toolbar stops the training and keeps what was learnt."
)
"""Shown if the page does not answer while the cell runs."""
READY_MESSAGE = "Pause, step and steer while it trains. Stop, or ■ in the toolbar, keeps what was learnt."
"""Shown once the page has answered."""
RESPONSE_TIMEOUT = 8.0
"""Seconds without an answer from the page after which the controls say that clicks do not arrive."""


class Controls:
    """Pause, Step, Stop, learning rates and slow motion of one training.

    The page sends a message for each press, and shows what the run's ``Control`` says.

    Args:
        run: the training to steer.

    Attributes:
        message: a sentence that says whether the controls work, or what is wrong with a value.
        mark: the mark of the last message that was carried out; the page accepts the kernel's state of its
            buttons once it carries the mark of the page's last message.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.control = run, run.control
        self.message, self.mark = WAITING_MESSAGE, ""
        self._rates = learning_rates(run)
        self._actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "ready": lambda _: None,
            "pause": lambda _: self.control.pause(),
            "resume": lambda _: self.control.resume(),
            "step": self._step,
            "stop": lambda _: self.control.stop(),
            "rate": lambda order: self.control.set_learning_rate(order["name"], order["value"]),
            "slow": lambda order: self.control.slow_down(order["value"]),
        }

    def state(self) -> dict[str, Any]:
        """Return what the page needs to build the buttons and fields, as content for JSON."""
        updates = {turn.name: list(turn.updates) for turn in self.run.gan.turns}
        steps = [_step_button("Step", "", [])]
        if len(updates) > 1:
            steps += [_step_button(f"Only {name}", name, networks) for name, networks in updates.items()]
        rates = [{"name": name, "rate": rate} for name, rate in self._rates.items()]
        return {"steps": steps, "rates": rates, "message": self.message}

    def status(self) -> dict[str, Any]:
        """Return the present settings and the message, as content for JSON."""
        return {
            "paused": self.control.paused,
            "delay": self.control.delay,
            "rates": self._rates | self.control.learning_rates,
            "message": self.message,
            "mark": self.mark,
        }

    def receive(self, order: dict[str, Any]) -> None:
        """Carry out a message of the page.

        Args:
            order: its ``kind`` is one of ``"ready"``, ``"pause"``, ``"resume"``, ``"step"``, ``"stop"``,
                ``"rate"`` and ``"slow"``.
        """
        self.message = READY_MESSAGE
        try:
            self._actions[order["kind"]](order)
        except InputError as error:
            self.message = str(error)
        self.mark = order.get("mark", self.mark)

    def give_up(self) -> None:
        """Say that the page does not answer, if it has not answered yet."""
        if self.message == WAITING_MESSAGE:
            self.message = NO_CLICKS_MESSAGE

    def _step(self, order: dict[str, Any]) -> None:
        self.control.pause()
        self.control.step(*order["networks"])


def _step_button(label: str, name: str, networks: list[str]) -> dict[str, Any]:
    taken = f"the turn of the {' and the '.join(networks)}" if networks else "one step, every turn"
    return {"label": label, "name": name, "networks": networks, "title": f"Pause, and take {taken}"}


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
