"""The doctor: it names what is ill, is silent where nothing is, and changes nothing of a run."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

import doctor_cases
import pytest
import torch
from benchmark_scripts import load
from doctor_cases import watched
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import gantutor as gt
from gantutor.course.exercises import notebook_09
from gantutor.doctor import ILLNESSES, Doctor

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
    for letter, illness in notebook_09.DIAGNOSES.items():
        assert illness in named[letter], named
        others = set(notebook_09.DIAGNOSES.values()) - {illness, "discriminator too weak", "mode collapse"}
        assert not others & set(named[letter]), "an illness of another patient is named here"
    with pytest.raises(gt.InputError, match="budget"):
        gt.doctor.patients(budget=0)


def test_the_table_in_the_documentation_is_that_of_the_committed_results() -> None:
    script = load("doctor")
    content = json.loads(script.RESULTS.read_text(encoding="utf-8"))
    assert script.table(content) in (inspect.getdoc(Doctor) or "")
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
            assert doctor.signs[-1].variety is not None and doctor.signs[-1].memorised is not None
        return run

    assert same_weights(play(False), play(True))


# --- games of every kind ------------------------------------------------------------------------------------


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
    assert doctor.signs[-1].separation is not None and doctor.signs[-1].memorised is not None


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
    assert "pass data=" in str(doctor)


def test_a_game_without_an_adversary() -> None:
    def miss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": (gan.line(batch.real) - batch.condition).square().mean()}

    x = torch.randn(64, 1)
    doctor = Doctor(x, every=4)
    watched(gt.GAN.of({"line": nn.Linear(1, 1)}, [gt.Turn("line", miss)]), TensorDataset(x, 2 * x), doctor)
    assert doctor.signs[-1].update["line"] > 0 and not doctor.diagnoses
    assert "no generator was found" in str(doctor)


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
    assert doctor.signs[-1].variety is not None and doctor.signs[-1].memorised is None


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
    assert doctor.signs[-1].gradient is not None and doctor.signs[-1].gradient > 0


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
