"""What moves on the page: how often it is drawn, what it leaves, and that watching changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from pages import Display, FakeTime
from torch import Tensor

import gantutor as gt
from gantutor.live import Dashboard, dashboard, pace, training_page, widget
from gantutor.live import display as page
from gantutor.live.widget import BrowserView

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


class Watched(NamedTuple):
    """What a page did: the share of the time that samples took, and the messages by kind."""

    share: float
    sent: Counter[str]


def watch(
    monkeypatch: pytest.MonkeyPatch, run: gt.Run, drawing: float, step: float, steps: int, seconds: float
) -> Watched:
    """Steps of ``step`` seconds under a dashboard whose samples take ``drawing``, by a clock of its own."""
    clock, sent = FakeTime(), Counter[str]()
    real_samples = training_page.gallery_samples

    def sample(*given: Any) -> Any:
        clock.now += drawing
        return real_samples(*given)

    for module in (dashboard, pace, training_page):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(training_page, "gallery_samples", sample)
    monkeypatch.setattr(BrowserView, "send", lambda view, kind, *_: sent.update([kind]))
    board = Dashboard(seconds=seconds)
    board.on_start(run)
    began = clock.now
    sent.clear()
    for _ in range(steps):
        clock.now += step
        board.on_step(run)
    share = sent["plot"] * drawing / (clock.now - began)
    assert board.sampling_seconds == pytest.approx((sent["plot"] + 1) * drawing)
    board.on_end(run)
    return Watched(share, sent)


def test_slow_samples_take_their_share_of_the_time_at_most(
    display: Display, four_steps: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(monkeypatch, four_steps, drawing=1.0, step=0.1, steps=4000, seconds=2.0)
    assert 0.08 < watched.share <= 1.05 * training_page.SAMPLING_SHARE
    assert watched.sent["logits"] == watched.sent["plot"]


def test_quick_samples_are_shown_as_often_as_asked(
    display: Display, four_steps: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(monkeypatch, four_steps, drawing=0.01, step=0.25, steps=400, seconds=2.0)
    assert watched.share < 0.01 and 45 <= watched.sent["plot"] <= 52


def test_the_discriminator_is_asked_less_often_than_samples_are_made(
    display: Display, four_steps: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(monkeypatch, four_steps, drawing=0.001, step=0.1, steps=200, seconds=0.15)
    assert watched.sent["plot"] >= 95  # in 20 s
    assert 30 <= watched.sent["logits"] <= 41


def test_the_page_moves_four_times_a_second_whatever_samples_cost(
    display: Display, four_steps: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(monkeypatch, four_steps, drawing=0.02, step=0.01, steps=1000, seconds=0.25)
    assert 60 <= watched.sent["status"] <= 90 and watched.sent["losses"] == watched.sent["status"]  # in 11 s
    assert 35 <= watched.sent["plot"] <= 41


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

    monkeypatch.setattr(training_page, "SAMPLING_SHARE", 1.0)
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


def test_a_discriminator_with_a_memory_is_asked_without_a_change(
    display: Display, images: Tensor, same_weights: Same, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_page, "SAMPLING_SHARE", 1.0)
    asked: list[bool] = []

    def go(*callbacks: gt.Callback) -> gt.Run:
        torch.manual_seed(5)
        discriminator = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(64, 16)),
            torch.nn.BatchNorm1d(16),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(16, 1),
        )
        discriminator[4].register_forward_hook(lambda module, *_: asked.append(module.training))
        game = gt.GAN(gt.networks.ConvGenerator(4, size=8), discriminator, latent=4)
        return gt.train(game, images, steps=6, batch_size=8, snapshots=0, callbacks=callbacks, progress=False)

    monkeypatch.setattr(training_page, "LOGITS_INTERVAL", 0.0)
    monkeypatch.setattr(training_page, "LOGITS_SHARE", 1.0)
    watched = go(Dashboard(seconds=0))
    assert asked.count(False) >= 2 * 4  # real and generated samples, at most steps
    asked.clear()
    plain = go()
    assert not asked.count(False) and torch.equal(watched.sample(4), plain.sample(4))
    assert same_weights(watched, plain)


def test_samples_that_fail_are_said_and_end_nothing(
    display: Display, point_game: Make, points: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(
        BrowserView, "send", lambda view, kind, content=None, *_: sent.append((kind, content))
    )

    def fail(*_: Any) -> Any:
        raise RuntimeError("no memory for a look")

    monkeypatch.setattr(training_page, "gallery_samples", fail)
    run = gt.train(point_game(), points, steps=3, callbacks=[Dashboard()], progress=False)
    assert run.ended == "complete"
    assert "no memory for a look" in next(content["text"] for kind, content in sent if kind == "words")


def test_without_anywidget_a_still_picture_is_replaced_in_place(
    display: Display, point_game: Make, points: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widget, "available", lambda: False)
    monkeypatch.setattr(dashboard, "STILL_INTERVAL", 0.0)
    monkeypatch.setattr(dashboard, "STILL_SHARE", 1.0)
    board = Dashboard(seconds=0)
    gt.train(point_game(), points, steps=4, callbacks=[board], progress=False)
    assert len(display.shown) == 1 and len(display.updated) == 5
    assert all(set(bundle) == {"text/plain", "image/png"} for bundle in display.shown + display.updated)
    assert "pip install anywidget" in display.shown[0]["text/plain"]
    assert "anywidget" not in display.updated[-1]["text/plain"]


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
    assert board._page is None and set(display.updated[-1]) == {"text/plain", "image/png"}
