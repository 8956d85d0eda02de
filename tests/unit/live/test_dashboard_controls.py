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
from gantutor.live import Dashboard, controls, polling, training_figure, training_page
from gantutor.live.training_page import TrainingPage

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]


# --- controls ---------------------------------------------------------------------------------------------


class Presser(gt.Callback):
    """Presses controls from another thread while a training runs, as a subshell does."""

    def __init__(self, board: Dashboard, press: Callable[[TrainingPage], None]) -> None:
        self.board, self.press = board, press

    def on_start(self, run: gt.Run) -> None:
        assert self.board._page is not None
        self.thread = threading.Thread(target=self.press, args=(self.board._page,))
        self.thread.start()

    def on_end(self, run: gt.Run) -> None:
        self.thread.join()


def pressed(
    press: Callable[[TrainingPage], None], game: gt.GAN, points: Tensor, steps: int = 10**6
) -> gt.Run:
    board = Dashboard(lambda run, axes: None)
    presser = Presser(board, press)
    return gt.train(game, points, steps=steps, callbacks=[board, presser], progress=False, snapshots=0)


def order(page: TrainingPage, kind: str, **content: Any) -> None:
    """A message of the page, as ipywidgets hands it to a widget."""
    page.browser.widget._handle_custom_msg({"kind": kind, **content}, [])


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_pause_step_rates_and_stop(display: Display, point_game: Make, points: Tensor) -> None:
    seen: list[Any] = []

    def press(page: TrainingPage) -> None:
        run = page.run
        until(lambda: run.step > 3)
        order(page, "pause")
        until(lambda: run.control.paused)
        time.sleep(0.2)
        stood = run.step
        time.sleep(0.2)
        seen.append(run.step == stood)
        before = {name: [p.clone() for p in net.parameters()] for name, net in run.gan.networks.items()}
        order(page, "step", networks=["generator"])
        until(lambda: run.step == stood + 1)
        time.sleep(0.1)
        moved = {
            name: any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
            for name, net in run.gan.networks.items()
        }
        seen.append(moved == {"generator": True, "discriminator": False})
        order(page, "rate", name="generator", value=0.25)
        order(page, "slow", value=0.5)
        seen.append((run.control.learning_rates, run.control.delay) == ({"generator": 0.25}, 0.5))
        order(page, "slow", value=0)
        order(page, "resume")
        until(lambda: run.step > stood + 5)
        order(page, "stop")

    run = pressed(press, point_game(), points)
    assert run.ended == "stopped" and seen == [True, True, True]


def test_a_step_pauses_first(display: Display, point_game: Make, points: Tensor) -> None:
    def press(page: TrainingPage) -> None:
        until(lambda: page.run.step > 3)
        order(page, "step", networks=[])
        until(lambda: page.run.control.paused)
        time.sleep(0.1)
        order(page, "stop")

    assert pressed(press, point_game(), points).ended == "stopped"


def test_pressed_at_random_nothing_sticks(display: Display, point_game: Make, points: Tensor) -> None:
    def press(page: TrainingPage) -> None:
        draw = random.Random(0)
        actions: list[Callable[[], Any]] = [
            lambda: order(page, draw.choice(["pause", "resume"])),
            lambda: order(page, "step", networks=draw.choice([[], ["generator"], ["discriminator"]])),
            lambda: order(page, "slow", value=draw.choice([0, 0.05])),
            lambda: order(page, "rate", name="generator", value=draw.choice([0, 1e-4, 1e-3, -3])),
            page.run.control.resume,
        ]
        for _ in range(400):
            draw.choice(actions)()
            time.sleep(draw.choice([0, 0, 0.002]))
        order(page, "stop")

    assert pressed(press, point_game(), points).ended == "stopped"


def test_messages_are_looked_for_while_it_trains_and_while_it_waits(
    display: Display, point_game: Make, points: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread brings the presses, as with ipykernel 6: all happens between the steps."""
    board, looks = Dashboard(lambda run, axes: None), list[bool]()
    presses = iter([("pause", {}), ("step", {"networks": []}), ("resume", {}), ("stop", {})])

    def poll(comm_ids: Any) -> int:
        assert board._page is not None and comm_ids == (board._page.browser.comm_id,)
        looks.append(board._page.run.control.paused)
        if len(looks) % 3 == 0 and (press := next(presses, None)) is not None:
            order(board._page, press[0], **press[1])
        return 0

    monkeypatch.setattr(polling, "poll", poll)
    monkeypatch.setattr(training_page, "POLL_INTERVAL", 0.0)
    run = gt.train(point_game(), points, steps=10**6, callbacks=[board], progress=False, snapshots=0)
    assert run.ended == "stopped" and True in looks and False in looks
    assert run.control.while_waiting is None


def test_the_page_is_told_what_its_press_has_done(display: Display, four_steps: gt.Run) -> None:
    row = controls.Controls(four_steps)
    row.receive({"kind": "pause", "mark": "pause 1"})
    assert row.status() == {
        "paused": True,
        "delay": 0.0,
        "rates": {"discriminator": 1.5e-3, "generator": 1.5e-3},
        "message": controls.READY_MESSAGE,
        "mark": "pause 1",
    }
    row.receive({"kind": "rate", "name": "generator", "value": 7, "mark": "rate 2"})
    assert "learning rate of generator" in row.status()["message"] and row.status()["mark"] == "rate 2"
    assert row.status()["rates"]["generator"] == 1.5e-3


def test_where_the_page_does_not_answer_it_is_said(display: Display, four_steps: gt.Run) -> None:
    row = controls.Controls(four_steps)
    assert row.status()["message"] == controls.WAITING_MESSAGE
    row.give_up()
    assert row.status()["message"] == controls.NO_CLICKS_MESSAGE
    row.receive({"kind": "ready"})
    assert row.status()["message"] == controls.READY_MESSAGE
    row.give_up()
    assert row.status()["message"] == controls.READY_MESSAGE


def test_every_button_says_what_it_does(display: Display, four_steps: gt.Run) -> None:
    state = controls.Controls(four_steps).state()
    assert [step["label"] for step in state["steps"]] == ["Step", "Only discriminator", "Only generator"]
    assert all(step["title"].startswith("Pause, and take ") for step in state["steps"])
    assert [rate["name"] for rate in state["rates"]] == ["discriminator", "generator"]


def test_what_no_dashboard_understands_is_refused(display: Display, four_steps: gt.Run) -> None:
    page = TrainingPage(four_steps, None, None, None, None, 1.0)
    with pytest.raises(gt.InputError, match="the dashboard does not know"):
        page._receive({"kind": "dance"}, [])
    page.close()


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
