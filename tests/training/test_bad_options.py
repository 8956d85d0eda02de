"""Options that train() refuses, and series of unequal length."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from refusal_cases import POINTS, game, refuse
from torch import Tensor, nn
from torch.utils.data import Dataset

import gantutor as gt

WHOLE = [0, -3, 2.5, "10", True, math.nan, [1]]
OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    **{f"steps {v!r}": ({"steps": v}, "steps must be .*whole number of at least 1") for v in WHOLE},
    **{
        f"seconds {v!r}": ({"steps": None, "seconds": v}, "seconds must be .*number greater than 0")
        for v in (0, -1.5, "60", True, math.nan, math.inf)
    },
    "no budget": ({"steps": None}, "either steps= or seconds="),
    "both budgets": ({"seconds": 5}, "either steps= or seconds="),
    **{f"batch {v!r}": ({"batch_size": v}, "batch_size must be a whole number of at least 1") for v in WHOLE},
    **{f"seed {v!r}": ({"seed": v}, "seed must be a whole number") for v in (-1, 0.5, "a", None, True)},
    "snapshots": ({"snapshots": -1}, "snapshots must be a whole number of at least 0"),
    "half life": ({"ema_half_life": -1}, "ema_half_life must be a number of at least 0"),
    "half life text": ({"ema_half_life": "long"}, "ema_half_life must be a number of at least 0"),
    "every": ({"checkpoint_every": math.nan}, "checkpoint_every must be a number of at least 0"),
    "progress": ({"progress": "yes"}, "progress must be True or False"),
    "device": ({"device": "cuda:77"}, "device must be 'auto' or one of .*cpu"),
    "device word": ({"device": "gpu"}, "device must be 'auto' or one of .*cpu"),
    "device none": ({"device": None}, "device must be 'auto' or one of .*cpu"),
    **{
        f"gallery {i}": (
            {"gallery": v},
            r"gallery must be a whole number .*or a pair \(latents, conditions\)",
        )
        for i, v in enumerate(
            (0, -1, True, "all", torch.zeros(3, 2), (torch.zeros(3, 2),), (1, 2), (1, 2, 3))
        )
    },
    "gallery width": ({"gallery": (torch.zeros(3, 5), None)}, "the generator cannot use these latents"),
    "gallery lengths": ({"gallery": (torch.zeros(3, 2), torch.zeros(2))}, "3 latents and 2 conditions"),
    "optimizer name": (
        {"optimizer": "adam"},
        r"optimizer must be a function that makes a torch optimizer.*adam\(1e-3\).*not 'adam'",
    ),
    "optimizer result": (
        {"optimizer": lambda parameters: None},
        "optimizer must be a function that makes a torch optimizer",
    ),
    "optimizers": (
        {"optimizer": {"generator": gt.optim.adam()}},
        "networks discriminator, generator, and names generator",
    ),
    "optimizers of none": ({"optimizer": {}}, "must name the networks discriminator, generator"),
    "optimizers of strangers": (
        {"optimizer": dict.fromkeys(("generator", "discriminator", "critic"), gt.optim.adam())},
        "must name the networks discriminator, generator, and names generator, discriminator, critic",
    ),
    "schedule": ({"schedule": 0.5}, r"schedule must be a function .*linear_decay\(\)"),
    "callback": ({"callbacks": gt.Callback()}, "callbacks must be a list of gantutor.Callback"),
    "callback class": ({"callbacks": [gt.Callback]}, "callbacks must be a list of gantutor.Callback"),
    "control": ({"control": "stop"}, "control must be a gantutor.Control"),
    "checkpoint": ({"checkpoint": 3}, "checkpoint must be the path of a folder"),
    "range": ({"value_range": (1, -1)}, r"value_range must be a pair \(low, high\)"),
    "range text": ({"value_range": "wide"}, r"value_range must be a pair \(low, high\)"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_are_not_allowed(name: str) -> None:
    options, says = OPTIONS[name]
    refuse(says, game(), POINTS, **options)


def test_a_game_that_is_none() -> None:
    refuse("the game must be a gantutor.GAN, not Linear", nn.Linear(2, 2), POINTS)  # type: ignore[arg-type]


def test_a_refusal_leaves_no_checkpoint_behind(tmp_path: Path) -> None:
    refuse("the data set is empty", game(), torch.zeros(0, 2), checkpoint=tmp_path / "here")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gt.optim.adam(0), "learning_rate must be a number greater than 0 and at most 1"),
        (lambda: gt.optim.adam("fast"), "learning_rate must be a number"),
        (lambda: gt.optim.adam(betas=(0.5, 1)), "betas must be two numbers"),
        (lambda: gt.optim.adam(betas=0.9), "betas must be two numbers"),
        (lambda: gt.optim.linear_decay(1), "start must lie from 0"),
        (lambda: gt.optim.linear_decay("half"), "start must lie from 0"),
        (lambda: gt.optim.warm_up(0), "duration must lie above 0 and be at most 1, not 0"),
        (lambda: gt.optim.warm_up(0.1, 0.5), "then must be a function of the budget spent"),
    ],
)
def test_optimizers_and_schedules(call: Callable[[], object], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        call()


def test_whole_numbers_are_betas_too() -> None:
    optimizer = gt.optim.adam(betas=(0, 0.99))([torch.nn.Parameter(torch.zeros(1))])
    assert optimizer.param_groups[0]["betas"] == (0.0, 0.99)


# --- series -------------------------------------------------------------------------------------------------


class Series(Dataset[Tensor]):
    """As many series as lengths are given, with the same label where one is wanted."""

    def __init__(self, lengths: list[int], label: int | None = None) -> None:
        self.lengths, self.label = lengths, label

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Any:
        series = torch.zeros(self.lengths[index], 5)
        return series if self.label is None else (series, self.label)


def series_game() -> gt.GAN:
    return gt.GAN(gt.networks.GRUGenerator(2, 5, 24), gt.networks.GRUDiscriminator(5), latent=2)


@pytest.mark.parametrize("label", [None, 3])
def test_series_of_unequal_length_are_refused(label: int | None) -> None:
    different = r"different shapes, \(24, 5\) and \(23, 5\): cut or pad them"
    refuse(different, series_game(), Series([24] * 20 + [23], label))


def test_single_series_in_a_list_are_told_from_batches() -> None:
    refuse("a list is read as a list of batches: torch.stack", series_game(), [torch.zeros(24, 5)] * 20)
