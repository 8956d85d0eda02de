"""The doctor's rounds: five games that are ill, each in one way, to be diagnosed (notebook 09).

The doctor's own tests play the same games, and more (tests/helpers/doctor_cases.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import data, networks, objectives
from gantutor._checks import integer, number, validate
from gantutor._errors import TrainingDiverged
from gantutor.doctor.doctor import Doctor
from gantutor.games.gan import GAN
from gantutor.training.callbacks import Callback
from gantutor.training.optim import adam
from gantutor.training.run import Run
from gantutor.training.trainer import train


@dataclass(frozen=True)
class Patient:
    """A trained game, the doctor who watched it, what it was trained on, and real samples it never saw."""

    run: Run
    doctor: Doctor
    real: Tensor
    unseen: Tensor


def patients(seed: int = 0, budget: float = 1.0) -> dict[str, Patient]:
    """Train five sick games, A to E, under a doctor: a quarter of a minute on one core at ``budget`` 1.

    ``budget`` multiplies the steps of each, 0.01 to 10. Raises InputError for others.

    >>> sorted(patients(budget=0.01))
    ['A', 'B', 'C', 'D', 'E']
    """
    validate({"seed": seed, "budget": budget}, seed=integer(0), budget=number(0.01, 10))
    return {letter: play(seed, budget) for letter, play in GAMES.items()}


# --- the games ----------------------------------------------------------------------------------------------

Game = tuple[GAN, Any]
"""A game that has yet to be played, and the ``optimizer`` for ``train``."""


def pair(
    seed: int,
    shape: tuple[int, ...] = (2,),
    latent: int = 4,
    width: int = 64,
    output: Callable[[], nn.Module] = nn.Identity,
) -> tuple[nn.Module, nn.Module]:
    """Two fully connected networks with weights drawn from the seed."""
    torch.manual_seed(seed)
    generator = networks.MLPGenerator(latent, shape, width, output=output)
    return generator, networks.MLPDiscriminator(shape, width)


def pair_of_digits(seed: int, output: Callable[[], nn.Module] = nn.Tanh) -> tuple[nn.Module, nn.Module]:
    """The same for digits: two layers of 100, as in notebook 02."""
    return pair(seed, (1, 28, 28), 64, 100, output)


def too_strong(seed: int) -> Game:
    """Minimax, and five turns of a fast discriminator to one of a slow generator."""
    gan = GAN(*pair(seed), objectives.minimax(), latent=4, discriminator_turns=5)
    slow = partial(torch.optim.SGD, lr=0.01)
    return gan, {"discriminator": adam(5e-3, (0.9, 0.99)), "generator": slow}


def too_weak(seed: int) -> Game:
    """R1 so strong that the discriminator is flat."""
    return GAN(*pair(seed), objectives.non_saturating(r1=1e4, every=1), latent=4), adam(1e-3)


class Shift(nn.Module):
    """x = s + 0.1 z: a generator that can do nothing but move."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(2))

    def forward(self, latent: Tensor) -> Tensor:
        return self.place + 0.1 * latent


def in_orbit(seed: int) -> Game:
    """A cloud that can only move, against a line, with momentum and without a penalty."""
    torch.manual_seed(seed)
    gan = GAN(Shift(), nn.Linear(2, 1), objectives.non_saturating(), latent=2)
    return gan, adam(1e-2, (0.5, 0.99))


def without_penalty(seed: int, momentum: float = 0.0) -> Game:
    """Digits without a penalty."""
    return GAN(*pair_of_digits(seed), objectives.non_saturating()), adam(1e-3, (momentum, 0.99))


# --- played -------------------------------------------------------------------------------------------------


def trained(
    gan: GAN,
    real: Any,
    seed: int,
    steps: int,
    held_out: Any = None,
    examinations: int = 20,
    watch: Sequence[Callback] = (),
    **options: Any,
) -> tuple[Run, Doctor]:
    """Train on the CPU under a doctor, with ``options`` of ``train``; a run that diverges is handed back like
    any other."""
    doctor = Doctor(real, held_out=held_out, every=max(1, steps // examinations))
    settings: dict[str, Any] = {"device": "cpu", "snapshots": 0, "progress": False}
    try:
        run = train(gan, real, steps=steps, seed=seed, callbacks=[doctor, *watch], **(settings | options))
    except TrainingDiverged as end:
        run = end.run
    return run, doctor


def _played(
    game: Game, real: Tensor, unseen: Tensor, seed: int, steps: float, batch_size: int = 64
) -> Patient:
    gan, optimizer = game
    count = max(10, round(steps))
    run, doctor = trained(gan, real, seed, count, unseen, optimizer=optimizer, batch_size=batch_size)
    return Patient(run, doctor, real, unseen)


def _strong(seed: int, budget: float) -> Patient:
    """Data far from where the generator begins."""
    far = torch.tensor([6.0, 0.0])
    real, unseen = (data.toy.moons().sample(5000, seed) + far for seed in (0, 1))
    return _played(too_strong(seed), real, unseen, seed, 300 * budget)


def _weak(seed: int, budget: float) -> Patient:
    real, unseen = (data.toy.moons().sample(5000, seed) for seed in (0, 1))
    return _played(too_weak(seed), real, unseen, seed, 600 * budget)


def _orbit(seed: int, budget: float) -> Patient:
    real, unseen = (0.1 * torch.randn(2, 5000, 2, generator=torch.Generator().manual_seed(0))).unbind()
    return _played(in_orbit(seed), real, unseen, seed, 1000 * budget)


def _collapsed(seed: int, budget: float) -> Patient:
    """All digits, with momentum."""
    digits = data.digits()
    real, unseen = digits.train.tensors[0], digits.held_out.tensors[0]
    return _played(without_penalty(seed, momentum=0.9), real, unseen, seed, 500 * budget)


def _learnt_by_heart(seed: int, budget: float) -> Patient:
    """Fifty digits to learn from."""
    digits = data.digits()
    few, unseen = digits.train.tensors[0][seed % 80 :: 80], digits.held_out.tensors[0]
    return _played(without_penalty(seed), few, unseen, seed, 1000 * budget, batch_size=32)


GAMES: Mapping[str, Callable[[int, float], Patient]] = {
    "A": _orbit,
    "B": _collapsed,
    "C": _weak,
    "D": _learnt_by_heart,
    "E": _strong,
}
