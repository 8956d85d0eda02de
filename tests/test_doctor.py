"""The doctor: it names what is ill, is silent where nothing is, and never touches the patient."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import doctor_cases
import pytest
import torch
from benchmark_scripts import load
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import gantutor as gt
from gantutor.companions import budget_spent
from gantutor.doctor import ILLNESSES, Diagnosis, Doctor, Signs
from gantutor.doctor import doctor as module
from gantutor.doctor.illnesses import JUDGES
from gantutor.doctor.measures import difference, k_means, perplexity, separation, shares, within
from gantutor.doctor.units import watching_units
from gantutor.exercises import notebook_09_rounds

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


# --- whole games --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", doctor_cases.CASES, ids=lambda case: case.name)
def test_it_names_what_is_ill_and_is_silent_on_what_is_well(case: doctor_cases.Case) -> None:
    doctor, true = case.play(0)
    assert true, "the game is not what it is meant to be: the test has nothing to tell"
    named = [each.illness for each in doctor.diagnoses]
    assert case.illness in named if case.illness else not named, str(doctor)
    assert set(named) <= set(ILLNESSES)
    for each in doctor.diagnoses:
        assert each.evidence.endswith(".") and each.cause.endswith(".") and each.advice.endswith(".")
        assert "nan" not in each.evidence and "None" not in each.evidence


def test_each_patient_of_the_rounds_has_what_the_exercise_says() -> None:
    patients = gt.doctor.patients(seed=0)
    named = {name: [each.illness for each in patient.doctor.diagnoses] for name, patient in patients.items()}
    for letter, illness in notebook_09_rounds.RIGHT.items():
        assert illness in named[letter], named
        others = set(notebook_09_rounds.RIGHT.values()) - {illness, "discriminator too weak", "mode collapse"}
        assert not others & set(named[letter]), "an illness of another patient is named here"
    with pytest.raises(gt.InputError, match="budget"):
        gt.doctor.patients(budget=0)


def test_the_table_in_the_documentation_is_that_of_the_committed_results() -> None:
    script = load("doctor")
    content = json.loads(script.RESULTS.read_text(encoding="utf-8"))
    assert gt.doctor.__doc__ is not None and script.table(content) in gt.doctor.__doc__
    assert content["counts"] == script.counts(content)


def test_the_committed_results_are_of_these_games_and_seeds() -> None:
    script = load("doctor")
    rows = json.loads(script.RESULTS.read_text(encoding="utf-8"))["rows"]
    assert [(row["game"], row["illness"]) for row in rows] == [
        (case.name, case.illness) for case in doctor_cases.CASES
    ]
    assert all([run["seed"] for run in row["runs"]] == list(range(script.SEEDS)) for row in rows)
    assert all(
        row["recipe"] == " ".join((case.play.__doc__ or "").split())
        for row, case in zip(rows, doctor_cases.CASES, strict=True)
    )


# --- it changes nothing -------------------------------------------------------------------------------------


def test_a_run_is_the_same_with_and_without_it(point_game: Make, points: Tensor, same_weights: Same) -> None:
    def play(*callbacks: gt.Callback) -> gt.Run:
        return gt.train(point_game(), points, steps=30, callbacks=callbacks, progress=False, device="cpu")

    assert same_weights(play(), play(Doctor(points, held_out=points, every=1)))


def test_batch_norm_dropout_modes_and_gradients_are_left_alone(images: Tensor, same_weights: Same) -> None:
    labels = torch.arange(64) % 3

    def play(watched: bool) -> gt.Run:
        torch.manual_seed(5)
        discriminator = gt.networks.ConvDiscriminator(classes=3, size=8, features=16)
        discriminator.body.append(nn.Dropout(0.3))
        gan = gt.GAN(gt.networks.ConvGenerator(4, classes=3, size=8), discriminator, latent=4)
        data = TensorDataset(images, labels)
        doctor = Doctor(data, held_out=data, every=2)
        run = gt.train(
            gan, data, steps=12, batch_size=16, callbacks=[doctor] * watched, progress=False, device="cpu"
        )
        assert all(network.training for network in gan.networks.values())
        if watched:
            assert doctor.signs[-1].variety is not None and doctor.signs[-1].remembered is not None
        return run

    assert same_weights(play(False), play(True))


# --- games of every kind ------------------------------------------------------------------------------------


def watched(gan: gt.GAN, data: Any, doctor: Doctor, steps: int = 12, **options: Any) -> gt.Run:
    return gt.train(
        gan, data, steps=steps, batch_size=16, callbacks=[doctor], progress=False, device="cpu", **options
    )


class Several(nn.Module):
    """A network of x and two conditions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs + 2, 8), nn.ReLU(), nn.Linear(8, outputs))

    def forward(self, x: Tensor, conditions: tuple[Tensor, Tensor]) -> Tensor:
        made: Tensor = self.layers(torch.cat([x, *conditions], 1))
        return made


def test_several_conditions(points: Tensor) -> None:
    data = TensorDataset(points, points[:, :1], points[:, 1:])
    doctor = Doctor(data, held_out=data, every=4)
    watched(gt.GAN(Several(2, 2), Several(2, 1), latent=2), data, doctor)
    assert doctor.signs[-1].separation is not None and doctor.signs[-1].remembered is not None


def test_data_without_the_conditions_of_the_game_show_variety_and_no_strength(
    images: Tensor, image_game: Make
) -> None:
    doctor = Doctor(images, every=4)
    watched(image_game(classes=3), TensorDataset(images, torch.arange(64) % 3), doctor)
    assert doctor.signs[-1].variety is not None and doctor.signs[-1].separation is None
    assert "the discriminator's strength" in str(doctor)


def test_data_with_conditions_that_the_game_does_not_use(points: Tensor, point_game: Make) -> None:
    doctor = Doctor(TensorDataset(points, torch.zeros(256)), every=4)
    watched(point_game(), points, doctor)
    assert doctor.signs[-1].separation is not None


def test_a_loader_and_no_data_at_all(points: Tensor, point_game: Make) -> None:
    doctor = Doctor(every=4)
    watched(point_game(), DataLoader(TensorDataset(points), batch_size=16), doctor)
    assert doctor.signs[-1].fake_logit is not None and doctor.signs[-1].variety is None
    assert "give data=" in str(doctor)


def test_a_game_without_an_adversary() -> None:
    def miss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": (gan.line(batch.real) - batch.condition).square().mean()}

    x = torch.randn(64, 1)
    doctor = Doctor(x, every=4)
    watched(gt.GAN.of({"line": nn.Linear(1, 1)}, [gt.Turn("line", miss)]), TensorDataset(x, 2 * x), doctor)
    assert doctor.signs[-1].update["line"] > 0 and not doctor.diagnoses
    assert "found no generator" in str(doctor)


def test_a_generator_of_pairs_and_networks_that_are_called_in_their_own_way(points: Tensor) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
            return self.layer(z), self.layer(-z)

    class Told(Two):
        def forward(self, z: Tensor, strength: float, *, really: bool) -> Tensor:  # type: ignore[override]
            made: Tensor = strength * self.layer(z)
            return made

    def of_pairs(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": sum(part.square().mean() for part in gan.generator(batch.latent))}

    def of_told(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": gan.generator(batch.latent, 2.0, really=True).square().mean()}

    for generator, loss in ((Two(), of_pairs), (Told(), of_told)):
        gan = gt.GAN.of({"generator": generator}, [gt.Turn("generator", loss)], latent=2, averaged=())
        doctor = Doctor(points, every=4)
        watched(gan, points, doctor)
        assert len(doctor.signs) == 4 and doctor.signs[-1].variety is None and not doctor.diagnoses


def test_several_heads(points: Tensor) -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(2, 1), nn.Linear(2, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.one(x), self.two(x)

    doctor = Doctor(points, every=4)
    watched(gt.GAN(nn.Linear(2, 2), Heads(), gt.objectives.hinge(), latent=2), points, doctor)
    assert doctor.signs[-1].separation is not None and doctor.signs[-1].doubt is None


def test_few_samples(points: Tensor, point_game: Make) -> None:
    doctor = Doctor(points[:16], held_out=points[16:18], every=4)
    watched(point_game(), points[:16], doctor)
    assert doctor.signs[-1].variety is not None and doctor.signs[-1].remembered is None


def test_data_of_another_shape_are_not_compared(points: Tensor, point_game: Make) -> None:
    doctor = Doctor(torch.randn(100, 3), every=4)
    watched(point_game(), points, doctor)
    assert doctor.signs[-1].fake_logit is not None and doctor.signs[-1].variety is None


@pytest.mark.parametrize("objective", [gt.objectives.relativistic(r1=0.1), gt.objectives.least_squares()])
def test_every_objective_has_its_pull(
    objective: gt.objectives.Objective, points: Tensor, point_game: Make
) -> None:
    doctor = Doctor(points, every=4)
    watched(point_game(objective), points, doctor)
    assert doctor.signs[-1].pull is not None and doctor.signs[-1].pull > 0


# --- a run that breaks --------------------------------------------------------------------------------------


def test_a_run_that_diverged_has_a_diagnosis(points: Tensor, point_game: Make) -> None:
    doctor = Doctor(points, every=5)
    with pytest.raises(gt.TrainingDiverged) as raised:
        watched(
            point_game(gt.objectives.least_squares()), points, doctor, 300,
            optimizer=lambda weights: torch.optim.SGD(weights, lr=100.0),
        )  # fmt: skip
    assert doctor.present[0].illness == "divergence"
    assert doctor.present[0].step == raised.value.run.step
    assert "stopped being finite" in str(doctor)


def test_an_error_of_another_kind_is_not_swallowed_by_it(points: Tensor, point_game: Make) -> None:
    class Broken(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        gt.train(point_game(), points, steps=3, callbacks=[Doctor(points, every=1), Broken()], progress=False)


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


@pytest.mark.parametrize("cost, most", [(1.0, 20), (0.001, module.MOST + 2)])
def test_it_takes_its_share_of_the_time_at_most(
    cost: float, most: int, points: Tensor, point_game: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeTime()
    monkeypatch.setattr(module, "time", clock)

    def slow(self: Doctor, run: gt.Run, update: dict[str, float]) -> None:
        clock.now += cost
        self._since = run.step
        self.signs.append(Signs(run.step, budget_spent(run)))

    class Hand(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            clock.now += 1.0

    monkeypatch.setattr(Doctor, "_examine", slow)
    doctor = Doctor(points)
    gt.train(point_game(), points, steps=400, callbacks=[doctor, Hand()], progress=False, device="cpu")
    assert 10 < len(doctor.signs) <= most
    assert (len(doctor.signs) - 2) * cost / (clock.now - 100.0) <= module.SHARE


def test_the_share_of_the_budget() -> None:
    run = gt.Run(gt.GAN(nn.Linear(1, 1), nn.Linear(1, 1)))
    assert budget_spent(run) == 1
    run.step, run.seconds = 30, 2.0
    run.settings = {"steps": 40, "seconds": None}
    assert budget_spent(run) == 0.75
    run.settings = {"steps": None, "seconds": 8.0}
    assert budget_spent(run) == 0.25


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
    assert abs(difference(one, other)) < 0.01 < 0.3 < difference(one, other + 3)
    assert difference(torch.zeros(4, 2), torch.zeros(4, 2)) == 0 and within(torch.zeros(1, 2)) == 0


def test_clusters_of_separate_clouds_are_found() -> None:
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = centres.repeat_interleave(50, 0) + 0.1 * torch.randn(150, 2)
    found = k_means(points, 3, torch.Generator().manual_seed(0))
    assert torch.cdist(centres, found).min(1).values.max() < 0.1
    assert perplexity(shares(points, found)) == pytest.approx(3)
    assert len(k_means(torch.zeros(5, 2), 3, torch.Generator().manual_seed(0))) == 1


def test_dead_channels_are_counted_in_the_worst_layer() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.ReLU())
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([9.0, 9.0, 9.0, -9.0]))
        network[2].weight.fill_(0)
        network[2].bias.copy_(torch.tensor([1.0, -1.0]))
    _, dead = watching_units(network, lambda: network(torch.rand(3, 1, 4, 4)))
    assert dead == 0.5 and not any(each._forward_hooks for each in network.modules())
    assert watching_units(nn.Linear(1, 1), lambda: 7) == (7, None)


# --- the judges ---------------------------------------------------------------------------------------------

HEALTHY: dict[str, Any] = {
    "losses": {"generator": 0.7, "discriminator": 1.3},
    "separation": 0.7, "doubt": (0.4, 0.4), "pull": 0.2, "gap": 0.02, "remembered": 0.51,
    "variety": 0.9, "reached": 9, "clusters": 10, "pairs": 1.0, "difference": 0.02, "mean": torch.zeros(2),
    "outside": 0.02, "width": 1.0, "low_high": (-1.0, 1.0, -1.0, 1.0), "size": 1.2,
    "dead": {"generator": 0.1, "discriminator": 0.5}, "update": {"generator": 0.01, "discriminator": 0.01},
    "travelled": {"generator": 0.5, "discriminator": 0.5},
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
    return [each.illness for each in (judge(signs) for judge in JUDGES) if each is not None]


ILL: dict[str, dict[str, Any]] = {
    "divergence": {"losses": lambda index: {"discriminator": 2.0 * 3**index}},
    "learning rate too high": {"update": {"generator": 0.9}, "difference": 0.4},
    "learning rate too low": {
        "update": {"generator": 1e-6, "discriminator": 1e-6}, "travelled": {"generator": 1e-3},
        "difference": 0.4,
    },
    "dead activations": {"dead": {"generator": 0.99}},
    "wrong range": {"outside": 0.5},
    "discriminator too strong": {"separation": 1.0, "doubt": (1e-4, 1e-4), "pull": 1e-4},
    "discriminator too weak": {"separation": 0.5, "difference": 0.4},
    "discriminator overfitting": {"remembered": 0.8, "gap": 0.6},
    "mode collapse": {"variety": 0.1, "reached": 1},
    "mode collapse, partial": {"variety": 0.4, "reached": 4},
    "oscillation": {"mean": lambda index: torch.tensor([2.0 * (-1) ** index, 0.0]), "difference": 0.4},
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
    signs = [each for each in history(40, **ILL[illness]) if each.spent < 0.25]
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
    assert named(history(width=0.4)) == ["wrong range"]
    assert not named(history(width=0.4, pairs=0.1))
    assert named(history(width=0.4, pairs=0.1, mean=torch.zeros(784))) == ["wrong range"]


def test_a_critic_without_probabilities_is_too_strong_where_it_has_no_slope() -> None:
    signs = {"separation": 1.0, "doubt": None}
    assert named(history(**signs, pull=1e-4)) == ["discriminator too strong"]
    assert not named(history(**signs, pull=1.0))


def test_a_frozen_network_is_no_slow_one() -> None:
    frozen = {"generator": 0.0, "discriminator": 0.01}
    assert not named(
        history(update=frozen, travelled={"generator": 0.0, "discriminator": 1.0}, difference=0.4)
    )


# --- what it says -------------------------------------------------------------------------------------------


def test_what_was_seen_again_keeps_its_first_step_and_what_is_past_is_not_present() -> None:
    doctor = Doctor()
    ill, well = history(**ILL["dead activations"]), history(24)
    for signs in [*ill, *well[12:]]:
        doctor.signs.append(signs)
        doctor._conclude()
    assert [(each.illness, each.step) for each in doctor.diagnoses] == [("dead activations", 200)]
    assert not doctor.present and "Nothing wrong at the last of 24 examinations." in str(doctor)
    assert "not seen any more" in str(doctor) and "(past)" in doctor._repr_html_()


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
    """Every ``objectives.…``, ``optimization.…`` and ``networks.…`` that an advice names exists."""
    import re

    advice = " ".join(
        diagnosis.advice
        for signs in (history(**changed) for changed in ILL.values())
        for diagnosis in (judge(signs) for judge in JUDGES)
        if diagnosis is not None
    )
    for path in re.findall(r"\b((?:objectives|optimization|networks)(?:\.\w+)+)", advice):
        thing: Any = gt
        for name in path.split("."):
            thing = getattr(thing, name)
