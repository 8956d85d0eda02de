"""The doctor's rounds: five games, each with one illness, to be diagnosed in notebook 09."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import data, networks, objectives
from gantutor._checks import checked, integer, number
from gantutor._errors import TrainingDiverged
from gantutor.doctor.doctor import Doctor
from gantutor.games.gan import GAN
from gantutor.training.callbacks import Callback
from gantutor.training.optim import adam
from gantutor.training.run import Run
from gantutor.training.trainer import train


@dataclass(frozen=True)
class Patient:
    """A trained game and the doctor that examined it.

    Args:
        run: the finished training.
        doctor: the doctor, with its diagnoses.
        real: the training data, shape (N, …).
        unseen: real samples that were not trained on, shape (M, …).
    """

    run: Run
    doctor: Doctor
    real: Tensor
    unseen: Tensor


@checked(seed=integer(0), budget=number(0.01, 10))
def patients(seed: int = 0, budget: float = 1.0) -> dict[str, Patient]:
    """Train five games with one illness each, A to E, examined by a doctor; 15 seconds on one core.

    The doctor's own tests train the same games, and more (``tests/helpers/doctor_cases.py``).

    Args:
        seed: of weights, data and training, at least 0.
        budget: multiplies the steps of each game, 0.01 to 10.

    Returns:
        The patients by letter.

    Raises:
        InputError: if seed or budget is out of range.

    >>> sorted(patients(budget=0.01))
    ['A', 'B', 'C', 'D', 'E']
    """
    return {letter: train_patient(seed, budget) for letter, train_patient in PATIENTS.items()}


# --- the games ----------------------------------------------------------------------------------------------

Game = tuple[GAN, Any]
"""A game that is not trained yet, and the ``optimizer`` for ``train``."""


def mlp_pair(
    seed: int,
    shape: tuple[int, ...] = (2,),
    latent: int = 4,
    width: int = 64,
    output: Callable[[], nn.Module] = nn.Identity,
) -> tuple[nn.Module, nn.Module]:
    """Return a fully connected generator and discriminator with weights drawn from the seed.

    Args:
        seed: of the weights.
        shape: of one sample, without the batch.
        latent: numbers in a latent.
        width: units in each hidden layer.
        output: makes the generator's last layer.
    """
    torch.manual_seed(seed)
    generator = networks.MLPGenerator(latent, shape, width, output=output)
    return generator, networks.MLPDiscriminator(shape, width)


def digit_pair(seed: int, output: Callable[[], nn.Module] = nn.Tanh) -> tuple[nn.Module, nn.Module]:
    """Return a fully connected generator and discriminator of digits, two layers of 100 as in notebook 02.

    Args:
        seed: of the weights.
        output: makes the generator's last layer.
    """
    return mlp_pair(seed, (1, 28, 28), 64, 100, output)


def too_strong(seed: int) -> Game:
    """Return a minimax game with five turns of a fast discriminator to one of a slow generator.

    Args:
        seed: of the weights.
    """
    gan = GAN(*mlp_pair(seed), objectives.minimax(), latent=4, discriminator_turns=5)
    slow = partial(torch.optim.SGD, lr=0.01)
    return gan, {"discriminator": adam(5e-3, (0.9, 0.99)), "generator": slow}


def too_weak(seed: int) -> Game:
    """Return a game with an R1 penalty so strong that the discriminator stays flat.

    Args:
        seed: of the weights.
    """
    return GAN(*mlp_pair(seed), objectives.non_saturating(r1=1e4, every=1), latent=4), adam(1e-3)


class Shift(nn.Module):
    """A generator x = s + 0.1 z, whose samples can only move as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(2))

    def forward(self, latent: Tensor) -> Tensor:
        return self.place + 0.1 * latent


def oscillating(seed: int) -> Game:
    """Return a game of ``Shift`` against a linear discriminator, with momentum and without a penalty.

    Args:
        seed: of the weights.
    """
    torch.manual_seed(seed)
    gan = GAN(Shift(), nn.Linear(2, 1), objectives.non_saturating(), latent=2)
    return gan, adam(1e-2, (0.5, 0.99))


def without_penalty(seed: int, momentum: float = 0.0) -> Game:
    """Return a game of fully connected networks for digits without a penalty.

    Args:
        seed: of the weights.
        momentum: Adam's β₁, 0 to below 1.
    """
    return GAN(*digit_pair(seed), objectives.non_saturating()), adam(1e-3, (momentum, 0.99))


# --- their training -----------------------------------------------------------------------------------------


def train_under_doctor(
    gan: GAN,
    real: Any,
    seed: int,
    steps: int,
    held_out: Any = None,
    examinations: int = 20,
    callbacks: Sequence[Callback] = (),
    **options: Any,
) -> tuple[Run, Doctor]:
    """Train a game on the CPU, examined by a doctor; a run that diverges is returned like any other.

    Args:
        gan: the game.
        real: the training data.
        seed: of the training.
        steps: the budget, at least 1.
        held_out: data for the doctor that are not trained on, or None.
        examinations: approximate number of examinations.
        callbacks: further callbacks.
        **options: further arguments of ``train``.

    Returns:
        The run and the doctor.
    """
    doctor = Doctor(real, held_out=held_out, every=max(1, steps // examinations))
    settings: dict[str, Any] = {"device": "cpu", "snapshots": 0, "progress": False}
    try:
        run = train(gan, real, steps=steps, seed=seed, callbacks=[doctor, *callbacks], **(settings | options))
    except TrainingDiverged as error:
        run = error.run
    return run, doctor


def _train_patient(
    game: Game, real: Tensor, unseen: Tensor, seed: int, steps: float, batch_size: int = 64
) -> Patient:
    gan, optimizer = game
    whole_steps = max(10, round(steps))
    run, doctor = train_under_doctor(
        gan, real, seed, whole_steps, unseen, optimizer=optimizer, batch_size=batch_size
    )
    return Patient(run, doctor, real, unseen)


def _too_strong(seed: int, budget: float) -> Patient:
    """Data far from the generator's first samples."""
    offset = torch.tensor([6.0, 0.0])
    real, unseen = (data.toy.moons().sample(5000, seed) + offset for seed in (0, 1))
    return _train_patient(too_strong(seed), real, unseen, seed, 300 * budget)


def _too_weak(seed: int, budget: float) -> Patient:
    real, unseen = (data.toy.moons().sample(5000, seed) for seed in (0, 1))
    return _train_patient(too_weak(seed), real, unseen, seed, 600 * budget)


def _oscillating(seed: int, budget: float) -> Patient:
    real, unseen = (0.1 * torch.randn(2, 5000, 2, generator=torch.Generator().manual_seed(0))).unbind()
    return _train_patient(oscillating(seed), real, unseen, seed, 1000 * budget)


def _collapsed(seed: int, budget: float) -> Patient:
    """All digits, with momentum."""
    digits = data.digits()
    real, unseen = digits.train.tensors[0], digits.held_out.tensors[0]
    return _train_patient(without_penalty(seed, momentum=0.9), real, unseen, seed, 500 * budget)


def _overfitting(seed: int, budget: float) -> Patient:
    """Fifty training digits."""
    digits = data.digits()
    real, unseen = digits.train.tensors[0][seed % 80 :: 80], digits.held_out.tensors[0]
    return _train_patient(without_penalty(seed), real, unseen, seed, 1000 * budget, batch_size=32)


PATIENTS: Mapping[str, Callable[[int, float], Patient]] = {
    "A": _oscillating,
    "B": _collapsed,
    "C": _too_weak,
    "D": _overfitting,
    "E": _too_strong,
}
"""The function that trains each patient from a seed and a budget, by letter."""
