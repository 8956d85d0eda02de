"""The controls of the dashboard: pause, step, rates and stop, pressed while it trains."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pages import Display
from torch import Tensor

import gantutor as gt
from gantutor.live import Dashboard, controls, training_figure

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]


# --- controls ---------------------------------------------------------------------------------------------


class Presser(gt.Callback):
    """Presses controls from another thread while a training runs."""

    def __init__(self, board: Dashboard, press: Callable[[controls.Controls], None]) -> None:
        self.board, self.press = board, press

    def on_start(self, run: gt.Run) -> None:
        assert self.board._controls is not None
        self.thread = threading.Thread(target=self.press, args=(self.board._controls,))
        self.thread.start()

    def on_end(self, run: gt.Run) -> None:
        self.thread.join()


def pressed(
    press: Callable[[controls.Controls], None], game: gt.GAN, points: Tensor, steps: int = 10**6
) -> gt.Run:
    board = Dashboard(lambda run, axes: None)
    presser = Presser(board, press)
    return gt.train(game, points, steps=steps, callbacks=[board, presser], progress=False, snapshots=0)


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_pause_step_rates_and_stop(display: Display, point_game: Make, points: Tensor) -> None:
    seen: list[Any] = []

    def press(row: controls.Controls) -> None:
        run = row.run
        until(lambda: run.step > 3)
        row.pause.value = True
        until(lambda: run.control.paused)
        time.sleep(0.2)
        stood = run.step
        time.sleep(0.2)
        seen.append(run.step == stood)
        before = {name: [p.clone() for p in net.parameters()] for name, net in run.gan.networks.items()}
        row.steps["generator"].click()
        until(lambda: run.step == stood + 1)
        time.sleep(0.1)
        moved = {
            name: any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
            for name, net in run.gan.networks.items()
        }
        seen.append(moved == {"generator": True, "discriminator": False})
        row.rates["generator"].value = 0.25
        row.slow.value = 0.5
        seen.append((run.control.learning_rates, run.control.delay) == ({"generator": 0.25}, 0.5))
        row.slow.value = 0
        row.pause.value = False
        until(lambda: run.step > stood + 5)
        row.stop.click()

    run = pressed(press, point_game(), points)
    assert run.ended == "stopped" and seen == [True, True, True]


def test_a_step_pauses_first(display: Display, point_game: Make, points: Tensor) -> None:
    def press(row: controls.Controls) -> None:
        until(lambda: row.run.step > 3)
        row.steps[""].click()
        until(lambda: row.run.control.paused)
        time.sleep(0.1)
        row.stop.click()

    assert pressed(press, point_game(), points).ended == "stopped"


def test_pressed_at_random_nothing_sticks(display: Display, point_game: Make, points: Tensor) -> None:
    def press(row: controls.Controls) -> None:
        draw = random.Random(0)
        actions: list[Callable[[], Any]] = [
            lambda: setattr(row.pause, "value", not row.pause.value),
            *(button.click for button in row.steps.values()),
            lambda: setattr(row.slow, "value", draw.choice([0, 0.05])),
            lambda: setattr(row.rates["generator"], "value", draw.choice([0, 1e-4, 1e-3])),
            row.run.control.resume,
        ]
        for _ in range(400):
            draw.choice(actions)()
            time.sleep(draw.choice([0, 0, 0.002]))
        row.stop.click()

    assert pressed(press, point_game(), points).ended == "stopped"


def test_the_page_is_asked_for_a_sign_of_life(display: Display, four_steps: gt.Run) -> None:
    row = controls.Controls(four_steps)
    row.check_page(now=100.0, began=99.0)
    assert row._heartbeat.playing and controls.WAITING_MESSAGE in row.message.value
    row.check_page(now=100.0 + controls.RESPONSE_TIMEOUT, began=99.0)
    assert controls.NO_CLICKS_MESSAGE in row.message.value and not row._heartbeat.playing
    row._heartbeat.value = 3
    assert row.connected and not row._heartbeat.playing and controls.READY_MESSAGE in row.message.value


def test_every_control_can_be_reached_and_says_what_it_does(display: Display, four_steps: gt.Run) -> None:
    row = controls.Controls(four_steps)
    for widget in (row.pause, row.stop, row.slow, *row.steps.values(), *row.rates.values()):
        assert widget.tooltip and widget.description and widget.tabbable is not False


def test_a_game_of_one_network_has_its_controls(display: Display, points: Tensor) -> None:
    game = gt.GAN.of(
        {"line": torch.nn.Linear(2, 1)},
        [gt.Turn("line", lambda g, b: {"total": g.line(b.real).square().mean()})],
    )
    run = gt.train(game, points, steps=3, callbacks=[Dashboard()], progress=False)
    assert run.step == 3 and len(training_figure.training_figure(run).axes) == 1


@pytest.mark.parametrize("given", [{"view": 3}, {"scoring": "often"}, {"seconds": -1}])
def test_a_wrong_dashboard_is_refused(given: Any) -> None:
    with pytest.raises(gt.InputError):
        Dashboard(**given)


def test_an_unused_dashboard_says_so() -> None:
    assert "no training yet" in Dashboard()._repr_mimebundle_()["text/plain"]
    with pytest.raises(gt.InputError, match="no training yet"):
        Dashboard().still()
