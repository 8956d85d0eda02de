"""How many threads a training takes, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.course.recipes import make_recipe
from gantutor.training.threads import (
    choose_threads,
    count_multiply_adds,
    stored_threads,
    use_stored_threads,
    use_threads,
)

PointGame = Callable[..., gt.GAN]


@pytest.fixture
def three_allowed() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


class Threads(gt.Callback):
    """Notes how many threads torch has."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_step(self, run: gt.Run) -> None:
        self.seen.append(torch.get_num_threads())


def large_game() -> gt.GAN:
    """An average operation of more than two hundred million multiply-adds, at 256 samples."""
    torch.manual_seed(0)
    wide = nn.Linear(2048, 2048), nn.ReLU()
    generator = nn.Sequential(nn.Linear(2, 2048), nn.ReLU(), *wide, nn.Linear(2048, 2))
    wide = nn.Linear(2048, 2048), nn.ReLU()
    return gt.GAN(
        generator, nn.Sequential(nn.Linear(2, 2048), nn.ReLU(), *wide, nn.Linear(2048, 1)), latent=2
    )


# --- the rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("multiply_adds", "allowed", "threads"),
    [
        (0.0, 8, 1),
        (100e6, 8, 1),
        (100e6 + 1, 8, 2),
        (650e6, 8, 7),
        (650e6, 2, 2),
        (650e6, 1, 1),
        (None, 8, 8),
    ],
)
def test_one_thread_for_each_hundred_million(multiply_adds: float | None, allowed: int, threads: int) -> None:
    assert choose_threads(multiply_adds, allowed) == threads


@pytest.mark.parametrize(
    ("name", "threads"),
    [("ring", 1), ("fully_connected", 1), ("names", 1), ("digits", 1), ("spoken_digits", 4)],
)
def test_small_recipes_take_one_thread_and_large_ones_several(
    name: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    recipe = make_recipe(name)
    options = {"progress": False, "device": "cpu"} | dict(recipe.options, schedule=gt.optim.constant)
    assert gt.Trainer(recipe.gan, recipe.data, **options).result.settings["threads"] == threads


def test_multiply_adds_of_a_layer_forward_and_backward() -> None:
    layer, x = nn.Linear(3, 5), torch.ones(7, 3)
    _, forward = count_multiply_adds(layer, lambda: layer(x))
    assert forward == 7 * 3 * 5
    _, both = count_multiply_adds(layer, lambda: layer(x).sum().backward())
    assert both == 7 * 3 * 5  # two products of the same size


def test_multiply_adds_of_a_convolution() -> None:
    layer = nn.Conv2d(2, 4, 3, padding=1)
    _, counted = count_multiply_adds(layer, lambda: layer(torch.ones(5, 2, 6, 6)))
    assert counted == 5 * 6 * 6 * 4 * 2 * 9


def test_without_products_there_is_nothing_to_share() -> None:
    assert count_multiply_adds(nn.ReLU(), lambda: torch.ones(3).sum())[1] == 0


def test_what_cannot_be_counted_runs_without_counting() -> None:
    calls = []

    def refuses_to_be_counted() -> int:
        calls.append(len(calls))
        if len(calls) == 1:
            raise RuntimeError("not with a dispatch mode")
        return 7

    assert count_multiply_adds(nn.ReLU(), refuses_to_be_counted) == (7, None)


def test_a_compiled_network_is_left_to_the_compiler() -> None:
    network = nn.Sequential(torch.compile(nn.Linear(2, 2), backend="eager"))
    assert count_multiply_adds(network, lambda: network(torch.ones(1, 2)).shape)[1] is None


def test_the_error_of_a_mistake_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        count_multiply_adds(nn.ReLU(), lambda: 1 // 0)


# --- setting and restoring ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_allowed")
def test_the_number_is_restored_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), use_threads(1):
        assert torch.get_num_threads() == 1
        _ = 1 // 0
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_allowed")
@pytest.mark.parametrize(("settings", "threads"), [({"threads": 2}, 2), ({"threads": 5}, 3), ({}, 3)])
def test_samples_take_what_the_run_was_trained_with(settings: dict[str, Any], threads: int) -> None:
    with use_stored_threads(settings):
        assert torch.get_num_threads() == threads


@pytest.mark.parametrize("value", [0, -1, True, "2", 2.0, None, [2], 2**70])
def test_a_number_that_makes_no_sense_is_passed_over(value: object) -> None:
    assert stored_threads({"threads": value}) is None


# --- in a training ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_allowed")
@pytest.mark.parametrize(("threads", "taken"), [("auto", 1), (1, 1), (2, 2), (None, 3)])
def test_threads_inside_the_steps(
    threads: int | str | None, taken: int, point_game: PointGame, points: Tensor
) -> None:
    noted = Threads()
    run = gt.train(point_game(), points, steps=2, threads=threads, callbacks=[noted], progress=False)
    assert noted.seen == [taken] * 2 and run.settings["threads"] == taken
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_allowed")
def test_a_step_alone_restores_them_too(point_game: PointGame, points: Tensor) -> None:
    noted = Threads()
    trainer = gt.Trainer(point_game(), points, callbacks=[noted])
    trainer.step()
    assert noted.seen == [1] and torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_allowed")
def test_large_networks_take_what_is_allowed(points: Tensor) -> None:
    run = gt.train(large_game(), points, steps=1, batch_size=256, progress=False, snapshots=0)
    assert run.settings["threads"] == 3


def test_never_more_than_allowed(points: Tensor) -> None:
    run = gt.train(large_game(), points, steps=1, batch_size=256, progress=False, snapshots=0)
    assert run.settings["threads"] == torch.get_num_threads() == 1


@pytest.mark.parametrize("threads", [0, -1, 1025, True, 1.0, "all", [1]])
def test_other_values_are_refused(threads: Any, point_game: PointGame, points: Tensor) -> None:
    with pytest.raises(gt.InputError, match="threads must be 'auto', a whole number from 1"):
        gt.Trainer(point_game(), points, threads=threads)


# --- resuming -----------------------------------------------------------------------------------------------


def train(game: gt.GAN, data: Tensor, steps: int, folder: Path | None = None, **options: Any) -> gt.Run:
    stop = [Stop(steps)]
    return gt.train(
        game,
        data,
        steps=6,
        checkpoint=folder,
        callbacks=stop,
        progress=False,
        snapshots=0,
        batch_size=256,
        **options,
    )


class Stop(gt.Callback):
    """Stops a training after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: gt.Run) -> None:
        if run.step == self.step:
            run.control.stop()


def test_a_resumed_training_takes_the_threads_it_had(
    points: Tensor, tmp_path: Path, same_weights: Callable[[gt.Run, gt.Run], bool]
) -> None:
    with use_threads(2):
        whole = train(large_game(), points, 6)
        train(large_game(), points, 3, tmp_path)
    with use_threads(3):  # a new training would take three
        resumed = train(large_game(), points, 6, tmp_path)
    assert whole.settings["threads"] == resumed.settings["threads"] == 2
    assert resumed.step == 6 and same_weights(whole, resumed)


def test_fewer_are_taken_and_announced_where_so_many_are_not_allowed(
    points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with use_threads(2):
        train(large_game(), points, 3, tmp_path)
    resumed = train(large_game(), points, 6, tmp_path)
    assert resumed.settings["threads"] == 1
    assert "threads=2 and goes on with threads=1" in capsys.readouterr().out


def test_a_given_number_goes_before_that_of_the_checkpoint(
    points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(large_game(), points, 3, tmp_path)
    resumed = train(large_game(), points, 6, tmp_path, threads=2)
    assert resumed.settings["threads"] == 2
    assert "threads=1 and goes on with threads=2" in capsys.readouterr().out
