"""What of a training moves beside the weights: data with a state, optimisers, named tensors."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_cases import Killed, Steps, go, parts, train_watched
from torch import Tensor

import gantutor as gt
from gantutor.training import checkpoint

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


# --- iterables with a state ---------------------------------------------------------------------------------


class Loader:
    """Batches of 16 in an order drawn anew for each pass, from a place that it can tell and go back to."""

    def __init__(self, points: Tensor, seed: int = 0, **more: Any) -> None:
        self.points, self.random, self.more = points, random.Random(seed), more
        self.order: list[int] = []
        self.resumed = False

    def __iter__(self) -> Iterator[Tensor]:
        if not self.resumed:
            self.order = self.random.sample(range(len(self.points)), len(self.points))
        self.resumed = False
        while self.order:
            batch, self.order = self.order[:16], self.order[16:]
            yield self.points[batch]

    def state_dict(self) -> dict[str, Any]:
        return {"random": self.random.getstate(), "order": torch.tensor(self.order), **self.more}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.random.setstate(state["random"])
        self.order, self.resumed = state["order"].tolist(), True


@pytest.mark.parametrize("kill", [1, 4, 13])
def test_an_iterable_with_a_state_is_resumed_bit_for_bit(
    kill: int, point_game: Make, points: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    """64 samples are four batches, so that the fourth step ends a pass."""
    straight = go(point_game(), Loader(points[:64]), None)
    with pytest.raises(Killed):
        go(point_game(), Loader(points[:64]), tmp_path, kill)
    resumed = go(point_game(), Loader(points[:64], seed=5), tmp_path)
    assert same_weights(straight, resumed) and straight.history.to_json() == resumed.history.to_json()
    assert not same_weights(straight, go(point_game(), Loader(points[:64], seed=5), None))


def test_a_state_that_cannot_be_kept_is_refused_before_anything_is_trained(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    steps = Steps()
    said = r"^state\['data'\]\['source'\]\['rng'\] cannot be saved: it is a Random, and only dicts, lists, "
    with pytest.raises(gt.InputError, match=said) as error:
        train_watched(point_game(), Loader(points, rng=random.Random(0)), tmp_path / "here", steps)
    assert not steps.taken and "\n" not in str(error.value) and not list((tmp_path / "here").glob("*"))


def test_a_state_that_cannot_be_kept_any_more_ends_no_training(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = Loader(points)
    steps = Steps(step5=lambda: loader.more.update(seen={1, 2}))
    run = train_watched(point_game(), loader, tmp_path, steps)
    assert run.ended == "complete" and run.step == 20
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and all("state['data']['source']['seen'] cannot be saved" in line for line in said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000004.zip", "step-000000005.zip"]


def test_named_tensors_are_handed_back(tmp_path: Path) -> None:
    extra = {"random.of.ranks": torch.randint(256, (3, 5), dtype=torch.uint8), "one": torch.tensor(1.5)}
    noise = {"noise": torch.Generator().manual_seed(1)}
    run, optimizers, batches = parts(0)
    checkpoint.save(tmp_path, checkpoint.TrainingState(run, optimizers, batches, noise), extra)
    resumed = checkpoint.resume(tmp_path, checkpoint.TrainingState(*parts(1), {"noise": torch.Generator()}))
    assert resumed is not None and resumed.extra.keys() == extra.keys()
    assert all(torch.equal(resumed.extra[name], extra[name]) for name in extra)
    assert str(resumed) == resumed.message == f"Resumed at step 0 from {tmp_path / 'step-000000000.zip'}."


def test_without_named_tensors_none_are_handed_back(tmp_path: Path) -> None:
    noise = {"noise": torch.Generator().manual_seed(1)}
    assert checkpoint.resume(tmp_path / "nowhere", checkpoint.TrainingState(*parts(1), noise)) is None
    checkpoint.save(tmp_path, checkpoint.TrainingState(*parts(0), noise))
    resumed = checkpoint.resume(tmp_path, checkpoint.TrainingState(*parts(1), noise))
    assert resumed is not None and resumed.extra == {}


def test_nested_states_of_optimizers_come_back_and_tensors_of_groups_stay_the_same_ones(
    tmp_path: Path,
) -> None:
    run, optimizers, batches = parts(0)
    for _ in range(3):
        run.gan.networks["generator"](torch.ones(1, 2)).sum().backward()
        optimizers["generator"].step()
    optimizers["generator"].param_groups[0]["lr"].fill_(0.25)
    checkpoint.save(tmp_path, checkpoint.TrainingState(run, optimizers, batches, {}))
    other, others, more = parts(1)
    rate = others["generator"].param_groups[0]["lr"]
    checkpoint.resume(tmp_path, checkpoint.TrainingState(other, others, more, {}))
    assert others["generator"].param_groups[0]["lr"] is rate and rate == 0.25
    mine, theirs = (each["generator"].state_dict()["state"] for each in (optimizers, others))
    assert mine.keys() == theirs.keys() == {0, 1}
    for index in mine:
        assert torch.equal(mine[index]["momentum_buffer"], theirs[index]["momentum_buffer"])
        assert mine[index]["past"] == theirs[index]["past"] and len(theirs[index]["past"]) == 2
        assert theirs[index]["deep"] == {"counts": (2, None)}
