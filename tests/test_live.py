"""What moves on the page: how often a picture is drawn, and when scores are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.live import Picture, Scoring
from gantutor.live import picture as module

Make = Callable[..., gt.GAN]


class FakeTime:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Display:
    """Stands for the page: remembers what was shown and what was drawn over."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.updated: list[str] = []

    def __call__(self, picture: str, display_id: bool) -> Display:
        assert display_id is True
        self.shown.append(picture)
        return self

    def update(self, picture: str) -> None:
        self.updated.append(picture)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeTime, Display]:
    clock, display = FakeTime(), Display()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    return clock, display


def watch(
    page: tuple[FakeTime, Display], drawing: float, step: float, steps: int, seconds: float
) -> tuple[float, int]:
    """Trains for ``steps`` of ``step`` seconds with a picture that takes ``drawing``; its share of the time,
    its number."""
    clock, _ = page
    draws = []

    def draw(run: Any) -> str:
        clock.now += drawing
        draws.append(clock.now)
        return f"picture {len(draws)}"

    picture, began = Picture(draw, seconds), clock.now
    picture.on_start(None)  # type: ignore[arg-type]
    for _ in range(steps):
        clock.now += step
        picture.on_step(None)  # type: ignore[arg-type]
    share = len(draws) * drawing / (clock.now - began)
    picture.on_end(None)  # type: ignore[arg-type]
    return share, len(draws)


def test_a_slow_picture_takes_a_twentieth_of_the_time_at_most(page: tuple[FakeTime, Display]) -> None:
    share, count = watch(page, drawing=1.0, step=0.1, steps=4000, seconds=2.0)
    assert 0.045 < share <= 0.0525 and count == 22  # one at the start, one every 20 s, one at the end
    assert page[1].shown == ["picture 1"] and page[1].updated == [f"picture {i}" for i in range(2, 23)]


def test_a_quick_picture_is_drawn_as_often_as_asked(page: tuple[FakeTime, Display]) -> None:
    share, count = watch(page, drawing=0.01, step=0.25, steps=400, seconds=2.0)
    assert share < 0.01 and 45 <= count <= 52


def test_a_second_training_begins_a_new_picture(page: tuple[FakeTime, Display]) -> None:
    picture = Picture(lambda run: "still")  # type: ignore[arg-type, return-value]
    for _ in range(2):
        picture.on_start(None)  # type: ignore[arg-type]
        picture.on_end(None)  # type: ignore[arg-type]
    assert page[1].shown == ["still", "still"] and page[1].updated == ["still", "still"]


def test_outside_of_a_notebook_nothing_is_drawn(point_game: Make, points: Tensor) -> None:
    def draw(run: gt.Run) -> Any:
        raise AssertionError("nobody looks")

    assert (
        gt.train(point_game(), points, steps=3, callbacks=[Picture(draw, seconds=0)], progress=False).step
        == 3
    )


def test_a_picture_changes_nothing(
    page: tuple[FakeTime, Display],
    point_game: Make,
    points: Tensor,
    same_weights: Callable[[gt.Run, gt.Run], bool],
) -> None:
    picture = Picture(lambda run: run.sample(9), seconds=0)  # type: ignore[arg-type, return-value]
    watched = gt.train(point_game(), points, steps=5, callbacks=[picture], progress=False)
    assert len(page[1].updated) == 6
    assert same_weights(watched, gt.train(point_game(), points, steps=5, progress=False))


def test_scores_are_taken_at_their_moments_and_change_nothing(
    point_game: Make, points: Tensor, same_weights: Callable[[gt.Run, gt.Run], bool]
) -> None:
    given: list[tuple[int, Any]] = []

    def score(generated: Tensor, reference: Any) -> gt.metrics.Scores:
        given.append((len(generated), reference))
        return {}

    reference = TensorDataset(points[:10])
    scoring = Scoring(reference, steps=[0, 2, 5, 99], samples=17, score=score)
    run = gt.train(point_game(), points, steps=6, callbacks=[scoring], progress=False)
    assert [(step, scores) for step, _, scores in scoring.moments] == [(0, {}), (2, {}), (5, {})]
    assert given == [(17, reference)] * 3
    seconds = [moment for _, moment, _ in scoring.moments]
    assert seconds == sorted(seconds) and 0 == seconds[0] < seconds[1] < run.seconds
    assert same_weights(run, gt.train(point_game(), points, steps=6, progress=False))


@pytest.mark.parametrize("steps", [[-1], [1.5], [True], ["2"]])
def test_moments_are_whole_numbers(steps: Any) -> None:
    with pytest.raises(gt.InputError, match="steps must be whole numbers"):
        Scoring(None, steps=steps)
