"""What moves on the page: how often it is drawn, what it leaves, and that watching changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pages import Display, FakeTime
from torch import Tensor

import gantutor as gt
from gantutor.live import Dashboard, dashboard, display
from gantutor.live import display as page

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


def watch(
    monkeypatch: pytest.MonkeyPatch, run: gt.Run, drawing: float, step: float, steps: int, seconds: float
) -> tuple[float, int]:
    """Steps of ``step`` seconds under a dashboard whose picture takes ``drawing``; its share of the time, and
    how often it was drawn."""
    clock = FakeTime()
    draws = []

    def draw(*_: Any) -> Any:
        clock.now += drawing
        draws.append(clock.now)
        return gt.plots.figure()[0]

    monkeypatch.setattr(dashboard, "time", clock)
    monkeypatch.setattr(dashboard, "training_figure", draw)
    monkeypatch.setattr(display, "png", lambda figure: b"")
    board = Dashboard(seconds=seconds)
    board.on_start(run)
    began, draws[:] = clock.now, []
    for _ in range(steps):
        clock.now += step
        board.on_step(run)
    share = len(draws) * drawing / (clock.now - began)
    board.on_end(run)
    return share, len(draws)


def test_a_slow_picture_takes_its_share_of_the_time_at_most(
    display: Display, four_steps: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, count = watch(monkeypatch, four_steps, drawing=1.0, step=0.1, steps=4000, seconds=2.0)
    assert 0.025 < share <= 0.032 and 11 <= count <= 14


def test_a_quick_picture_is_drawn_as_often_as_asked(
    display: Display, four_steps: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, count = watch(monkeypatch, four_steps, drawing=0.01, step=0.25, steps=400, seconds=2.0)
    assert share < 0.01 and 45 <= count <= 52


def test_a_training_leaves_a_picture_and_no_widget(
    display: Display, point_game: Make, points: Tensor
) -> None:
    board = Dashboard()
    for _ in range(2):
        gt.train(point_game(), points, steps=3, callbacks=[board], progress=False)
    assert len(display.shown) == len(display.updated) == 2
    assert all(page.WIDGET_TYPE in bundle for bundle in display.shown)
    assert all(set(bundle) == {"text/plain", "image/png"} for bundle in display.updated)
    assert "after 3 steps" in display.updated[0]["text/plain"]


def test_where_nobody_watches_only_the_last_picture_is_drawn(
    unwatched: Display, point_game: Make, points: Tensor
) -> None:
    gt.train(point_game(), points, steps=3, callbacks=[Dashboard()], progress=False)
    assert [set(bundle) for bundle in unwatched.shown] == [{"text/plain", "image/png"}]
    assert not unwatched.updated


def test_a_diverged_training_leaves_a_picture_too(
    unwatched: Display, point_game: Make, points: Tensor
) -> None:
    huge = gt.optim.adam(1.0)
    broken = point_game()
    with torch.no_grad():
        next(broken.discriminator.parameters()).fill_(float("nan"))
    with pytest.raises(gt.TrainingDiverged):
        gt.train(broken, points, steps=9, optimizer=huge, callbacks=[Dashboard()], progress=False)
    assert len(unwatched.shown) == 1


def test_outside_of_a_notebook_nothing_is_drawn(point_game: Make, points: Tensor) -> None:
    def draw(run: gt.Run, axes: Any) -> Any:
        raise AssertionError("nobody looks")

    board = Dashboard(draw, seconds=0)
    assert gt.train(point_game(), points, steps=3, callbacks=[board], progress=False).step == 3


def test_watching_changes_nothing(
    display: Display,
    point_game: Make,
    points: Tensor,
    same_weights: Same,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []

    def view(run: gt.Run, axes: Any) -> None:
        drawn.append(run.step)
        axes.scatter(*run.sample(9).T)
        torch.rand(3)

    def slow(control: gt.Control) -> gt.Control:
        control.slow_down(0.01)
        return control

    monkeypatch.setattr(dashboard, "MAX_DRAWING_SHARE", 1.0)
    monkeypatch.setattr(dashboard, "SECOND_DRAWING_DELAY", 0.0)
    board, control = Dashboard(view, seconds=0), slow(gt.Control())
    watched = gt.train(point_game(), points, steps=8, callbacks=[board], progress=False, control=control)
    assert len(drawn) > 3
    assert same_weights(watched, gt.train(point_game(), points, steps=8, progress=False))


def test_batch_norm_is_watched_without_a_change(
    display: Display, image_game: Make, images: Tensor, same_weights: Same
) -> None:
    def go(*callbacks: gt.Callback) -> gt.Run:
        return gt.train(
            image_game(), images, steps=5, batch_size=8, snapshots=0, callbacks=callbacks, progress=False
        )

    watched, plain = go(Dashboard(seconds=0)), go()
    assert torch.equal(watched.sample(4), plain.sample(4))  # a glance is not taken for a measurement
    assert same_weights(watched, plain)


class Interrupting(gt.Callback):
    """Presses ■ at one moment."""

    def __init__(self, when: str) -> None:
        self.when = when

    def on_start(self, run: gt.Run) -> None:
        if self.when == "start":
            raise KeyboardInterrupt

    def on_end(self, run: gt.Run) -> None:
        if self.when == "end":
            raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["start", "end"])
def test_a_stop_while_it_begins_or_ends_still_gives_the_run(
    display: Display, point_game: Make, points: Tensor, when: str
) -> None:
    doctor = gt.doctor.Doctor(points)
    callbacks = [Interrupting(when), doctor, Dashboard(doctor=doctor)]
    run = gt.train(point_game(), points, steps=3, callbacks=callbacks, progress=False)
    assert isinstance(run, gt.Run) and run.ended == ("interrupted" if when == "start" else "complete")


def test_an_error_in_a_callback_closes_the_dashboard(
    display: Display, point_game: Make, points: Tensor
) -> None:
    class Broken(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            raise ZeroDivisionError

    board = Dashboard()
    with pytest.raises(ZeroDivisionError):
        gt.train(point_game(), points, steps=3, callbacks=[board, Broken()], progress=False)
    assert board._controls is None and set(display.updated[-1]) == {"text/plain", "image/png"}
