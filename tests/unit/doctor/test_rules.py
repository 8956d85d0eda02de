"""The doctor's moments, instruments and judges, and what its report says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from doctor_cases import watched
from torch import Tensor, nn

import gantutor as gt
from gantutor.doctor import ILLNESSES, Diagnosis, Doctor, Signs
from gantutor.doctor import doctor as module
from gantutor.doctor.illnesses import RULES
from gantutor.doctor.measures import (
    cluster_shares,
    energy_coefficient,
    k_means,
    mean_pairwise_distance,
    perplexity,
    separation,
)
from gantutor.doctor.units import measure_dead_units
from gantutor.training.run import Budget

Make = Callable[..., gt.GAN]


# --- when it looks ------------------------------------------------------------------------------------------


class FakeTime:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


def test_it_looks_after_the_first_step_and_every_so_many(points: Tensor, point_game: Make) -> None:
    doctor = Doctor(points, every=10)
    watched(point_game(), points, doctor, 35)
    assert [signs.step for signs in doctor.signs] == [1, 10, 20, 30, 35]
    watched(point_game(), points, doctor, 10)
    assert [signs.step for signs in doctor.signs] == [1, 10]  # a new run, a new patient


@pytest.mark.parametrize("cost, most", [(1.0, 20), (0.001, module.MAX_EXAMINATIONS + 2)])
def test_it_takes_its_share_of_the_time_at_most(
    cost: float, most: int, points: Tensor, point_game: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeTime()
    monkeypatch.setattr(module, "time", clock)

    def slow(self: Doctor, run: gt.Run, update: dict[str, float]) -> None:
        clock.now += cost
        self._last_step = run.step
        self.signs.append(Signs(run.step, run.progress))

    class Hand(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            clock.now += 1.0

    monkeypatch.setattr(Doctor, "_examine", slow)
    doctor = Doctor(points)
    gt.train(point_game(), points, steps=400, callbacks=[doctor, Hand()], progress=False, device="cpu")
    assert 10 < len(doctor.signs) <= most
    assert (len(doctor.signs) - 2) * cost / (clock.now - 100.0) <= module.MAX_TIME_SHARE


def test_the_share_of_the_budget() -> None:
    run = gt.Run(gt.GAN(nn.Linear(1, 1), nn.Linear(1, 1)))
    assert run.progress == 1
    run.step, run.seconds = 30, 2.0
    run.budget = Budget(steps=40)
    assert run.progress == 0.75
    run.budget = Budget(seconds=8.0)
    assert run.progress == 0.25


# --- what it is given ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, words",
    [
        ({"data": [1, 2]}, "data must be a tensor or a TensorDataset, not list"),
        ({"data": torch.zeros(5)}, "in shape"),
        ({"data": torch.zeros(1, 2)}, "at least two samples"),
        ({"data": torch.zeros(5, 2, dtype=torch.int64)}, "of int64"),
        ({"data": torch.full((5, 2), math.nan)}, "not finite"),
        ({"held_out": "digits"}, "held_out must be a tensor"),
        ({"every": 0}, "every must be None or a whole number"),
    ],
)
def test_what_it_cannot_use_is_refused_in_one_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(gt.InputError, match=words):
        Doctor(**given)


# --- its instruments ----------------------------------------------------------------------------------------


def test_separation_does_not_ask_for_the_scale() -> None:
    low, high = torch.randn(200), torch.randn(300) + 1
    assert separation(high, low) == pytest.approx(separation(100 * high + 5, 100 * low + 5))
    assert separation(high, low) == pytest.approx(0.76, abs=0.06)  # Φ(1/√2)
    assert separation(torch.ones(3), torch.ones(3)) == 0.5


def test_difference_of_equal_and_of_moved_clouds() -> None:
    one, other = torch.randn(500, 3), torch.randn(500, 3)
    assert abs(energy_coefficient(one, other)) < 0.01 < 0.3 < energy_coefficient(one, other + 3)
    assert (
        energy_coefficient(torch.zeros(4, 2), torch.zeros(4, 2)) == 0
        and mean_pairwise_distance(torch.zeros(1, 2)) == 0
    )


def test_clusters_of_separate_clouds_are_found() -> None:
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = centres.repeat_interleave(50, 0) + 0.1 * torch.randn(150, 2)
    found = k_means(points, 3, torch.Generator().manual_seed(0))
    assert torch.cdist(centres, found).min(1).values.max() < 0.1
    assert perplexity(cluster_shares(points, found)) == pytest.approx(3)
    assert len(k_means(torch.zeros(5, 2), 3, torch.Generator().manual_seed(0))) == 1


def test_dead_channels_are_counted_in_the_worst_layer() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.ReLU())
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([9.0, 9.0, 9.0, -9.0]))
        network[2].weight.fill_(0)
        network[2].bias.copy_(torch.tensor([1.0, -1.0]))
    _, dead = measure_dead_units(network, lambda: network(torch.rand(3, 1, 4, 4)))
    assert dead == 0.5 and not any(each._forward_hooks for each in network.modules())
    assert measure_dead_units(nn.Linear(1, 1), lambda: 7) == (7, None)


# --- the judges ---------------------------------------------------------------------------------------------

HEALTHY: dict[str, Any] = {
    "losses": {"generator": 0.7, "discriminator": 1.3},
    "separation": 0.7, "doubt": (0.4, 0.4), "gradient": 0.2, "gap": 0.02, "memorised": 0.51,
    "variety": 0.9, "clusters_reached": 9, "clusters": 10, "pairwise_distance": 1.0,
    "energy_coefficient": 0.02, "mean": torch.zeros(2),
    "outside": 0.02, "range_ratio": 1.0, "quantiles": (-1.0, 1.0, -1.0, 1.0), "max_abs": 1.2,
    "dead_units": {"generator": 0.1, "discriminator": 0.5},
    "update": {"generator": 0.01, "discriminator": 0.01},
    "distance_from_start": {"generator": 0.5, "discriminator": 0.5},
}  # fmt: skip


def history(count: int = 12, **changed: Any) -> list[Signs]:
    """``count`` examinations over the whole budget; what is ``changed`` may be a function of the number."""
    return [
        Signs(
            100 * index,
            index / (count - 1),
            **{
                **HEALTHY,
                **{name: value(index) if callable(value) else value for name, value in changed.items()},
            },
        )
        for index in range(count)
    ]


def named(signs: list[Signs]) -> list[str]:
    return [each.illness for each in (rule(signs) for rule in RULES) if each is not None]


ILL: dict[str, dict[str, Any]] = {
    "divergence": {"losses": lambda index: {"discriminator": 2.0 * 3**index}},
    "learning rate too high": {"update": {"generator": 0.9}, "energy_coefficient": 0.4},
    "learning rate too low": {
        "update": {"generator": 1e-6, "discriminator": 1e-6}, "distance_from_start": {"generator": 1e-3},
        "energy_coefficient": 0.4,
    },
    "dead activations": {"dead_units": {"generator": 0.99}},
    "wrong range": {"outside": 0.5},
    "discriminator too strong": {"separation": 1.0, "doubt": (1e-4, 1e-4), "gradient": 1e-4},
    "discriminator too weak": {"separation": 0.5, "energy_coefficient": 0.4},
    "discriminator overfitting": {"memorised": 0.8, "gap": 0.6},
    "mode collapse": {"variety": 0.1, "clusters_reached": 1},
    "mode collapse, partial": {"variety": 0.4, "clusters_reached": 4},
    "oscillation": {
        "mean": lambda index: torch.tensor([2.0 * (-1) ** index, 0.0]), "energy_coefficient": 0.4,
    },
}  # fmt: skip


def test_every_illness_has_its_signs_here() -> None:
    assert tuple(ILL) == ILLNESSES


@pytest.mark.parametrize("illness", ILL)
def test_each_judge_names_its_own_illness_and_no_other(illness: str) -> None:
    assert named(history(**ILL[illness])) == [illness]


def test_healthy_signs_are_healthy() -> None:
    assert not any(named(history()[:count]) for count in range(1, 13))


def test_signs_that_were_not_seen_say_nothing() -> None:
    assert not named([Signs(step, step / 10) for step in range(11)])


@pytest.mark.parametrize("illness", ILLNESSES[5:])
def test_a_game_that_has_just_begun_is_given_time(illness: str) -> None:
    signs = [each for each in history(40, **ILL[illness]) if each.progress < 0.25]
    assert len(signs) > 5 and not named(signs)


@pytest.mark.parametrize("illness", ILLNESSES[5:])
def test_a_rehearsal_is_not_judged(illness: str) -> None:
    assert not named([replace(signs, step=index) for index, signs in enumerate(history(49, **ILL[illness]))])


@pytest.mark.parametrize("illness", ILLNESSES[5:])
def test_one_examination_is_no_reason(illness: str) -> None:
    ill, well = history(**ILL[illness]), history()
    assert not named([*well[:-1], ill[-1]])


def test_a_variety_that_rises_is_no_collapse() -> None:
    assert not named(history(20, variety=lambda index: 0.02 * index))


def test_samples_beyond_the_data_have_not_collapsed_on_to_them() -> None:
    assert named(history(variety=0.1, outside=0.9)) == ["wrong range"]


def test_a_narrow_range_needs_samples_that_vary_or_have_many_values() -> None:
    assert named(history(range_ratio=0.4)) == ["wrong range"]
    assert not named(history(range_ratio=0.4, pairwise_distance=0.1))
    assert named(history(range_ratio=0.4, pairwise_distance=0.1, mean=torch.zeros(784))) == ["wrong range"]


def test_a_critic_without_probabilities_is_too_strong_where_it_has_no_slope() -> None:
    signs = {"separation": 1.0, "doubt": None}
    assert named(history(**signs, gradient=1e-4)) == ["discriminator too strong"]
    assert not named(history(**signs, gradient=1.0))


def test_a_frozen_network_is_no_slow_one() -> None:
    frozen = {"generator": 0.0, "discriminator": 0.01}
    assert not named(
        history(
            update=frozen,
            distance_from_start={"generator": 0.0, "discriminator": 1.0},
            energy_coefficient=0.4,
        )
    )


def exploded(peak: float = 1000.0, count: int = 7, **changed: Any) -> list[Signs]:
    """A short run whose discriminator's loss exploded before the second examination and is small again."""
    signs = history(count, losses={"generator": 1.3, "discriminator": 0.9}, **changed)
    return [
        replace(s, step=step, loss_peaks={"discriminator": peak if i == 1 else 1.4}, real_logit=-800.0)
        for i, (s, step) in enumerate(zip(signs, (1, *range(10, 10 * count, 10)), strict=True))
    ]


def test_a_loss_that_passed_100_is_named_although_it_is_small_again() -> None:
    signs = exploded()
    assert all(named(signs[:count]) == ["divergence"] for count in range(2, 8))
    (found,) = [diagnosis for diagnosis in (rule(signs) for rule in RULES) if diagnosis is not None]
    assert "1,000 by step 10" in found.evidence and "-800" in found.evidence and "0.9" in found.evidence
    assert "warm_up" in found.advice


def test_a_loss_that_stays_below_100_or_grew_little_has_not_exploded() -> None:
    assert not named(exploded(99.0))
    signs = exploded(400.0)
    assert not named([replace(signs[0], losses={"discriminator": 20.0}), *signs[1:]])  # a critic's scale


def test_an_explosion_is_past_when_ten_times_as_many_steps_are_done() -> None:
    signs = exploded()
    assert named([*signs, replace(signs[-1], step=99)]) == ["divergence"]
    assert not named([*signs, replace(signs[-1], step=100)])


def test_a_training_with_steps_too_large_for_it_is_reported_although_it_ends_calm(
    points: Tensor, point_game: Make
) -> None:
    class Throw(gt.Callback):
        """Throws the discriminator's last layer far away at step 5, and back at step 8."""

        def on_step(self, run: gt.Run) -> None:
            factor = {5: 3000.0, 8: 1 / 3000.0}.get(run.step, 1.0)
            last = [m for m in run.gan.discriminator.modules() if isinstance(m, nn.Linear)][-1]
            with torch.no_grad():
                last.weight.mul_(factor)

    doctor = Doctor(points, every=10)
    gt.train(point_game(), points, steps=30, callbacks=[doctor, Throw()], progress=False, device="cpu")
    assert doctor.signs[1].loss_peaks["discriminator"] > 100 > doctor.signs[-1].loss_peaks["discriminator"]
    assert "divergence" in [diagnosis.illness for diagnosis in doctor.present]


# --- what it says -------------------------------------------------------------------------------------------


def test_what_was_seen_again_keeps_its_first_step_and_what_is_past_is_not_present() -> None:
    doctor = Doctor()
    ill, well = history(**ILL["dead activations"]), history(24)
    for signs in [*ill, *well[12:]]:
        doctor.signs.append(signs)
        doctor._diagnose()
    assert [(each.illness, each.step) for each in doctor.diagnoses] == [("dead activations", 200)]
    assert not doctor.present and "Nothing wrong at the last of 24 examinations." in str(doctor)
    assert "no longer found" in str(doctor) and "(past)" in doctor._repr_html_()


def test_the_report_reads_well() -> None:
    doctor = Doctor()
    assert str(doctor) == "No examination yet." and "No examination" in doctor._repr_html_()
    doctor.signs = history(3)
    assert str(doctor) == "Nothing wrong found in 3 examinations."
    found = Diagnosis("wrong range", 1200, "values < −1.", "no tanh.", "output=nn.Tanh.")
    doctor.diagnoses = doctor.present = [found]
    assert str(doctor) == (
        "Found in 3 examinations: wrong range.\n\nWrong range, first seen at step 1,200\n"
        "  evidence      values < −1.\n  likely cause  no tanh.\n  try           output=nn.Tanh."
    )
    assert "values &lt; −1." in doctor._repr_html_() and "1,200" in doctor._repr_html_()


def test_the_advice_names_what_there_is() -> None:
    """Every ``objectives.…``, ``optim.…`` and ``networks.…`` that an advice names exists."""
    import re

    advice = " ".join(
        diagnosis.advice
        for signs in (history(**changed) for changed in ILL.values())
        for diagnosis in (rule(signs) for rule in RULES)
        if diagnosis is not None
    )
    for path in re.findall(r"\b((?:objectives|optim|networks)(?:\.\w+)+)", advice):
        thing: Any = gt
        for name in path.split("."):
            thing = getattr(thing, name)
