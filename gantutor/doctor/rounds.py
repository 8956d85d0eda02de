"""The doctor's rounds: five games that are ill, each in one way, to be diagnosed (notebook 09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import data, networks, objectives
from gantutor.doctor.doctor import Doctor
from gantutor.gan import GAN
from gantutor.optimization import adam
from gantutor.parameters import number, validate, whole
from gantutor.run import Run
from gantutor.train import train


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
    validate({"seed": seed, "budget": budget}, seed=whole(0), budget=number(0.01, 10))
    return {letter: play(seed, budget) for letter, play in GAMES.items()}


def _strong(seed: int, budget: float) -> Patient:
    """Minimax, five turns of the discriminator, and data far from where the generator begins."""
    far = torch.tensor([6.0, 0.0])
    real, unseen = (data.toy.moons().sample(5000, seed) + far for seed in (0, 1))
    gan = GAN(*_pair(seed), objectives.minimax(), latent=4, discriminator_turns=5)
    rates = {
        "discriminator": adam(5e-3, (0.9, 0.99)),
        "generator": lambda weights: torch.optim.SGD(weights, lr=0.01),
    }
    return _watched(gan, real, unseen, seed, 300 * budget, optimizer=rates)


def _weak(seed: int, budget: float) -> Patient:
    """R1 so strong that the discriminator is flat."""
    real, unseen = (data.toy.moons().sample(5000, seed) for seed in (0, 1))
    gan = GAN(*_pair(seed), objectives.non_saturating(r1=1e4, every=1), latent=4)
    return _watched(gan, real, unseen, seed, 600 * budget, optimizer=adam(1e-3))


class Shift(nn.Module):
    """x = s + 0.1 z: a generator that can do nothing but move."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(2))

    def forward(self, latent: Tensor) -> Tensor:
        return self.place + 0.1 * latent


def _orbit(seed: int, budget: float) -> Patient:
    """A cloud that can only move, against a line, with momentum and without a penalty."""
    torch.manual_seed(seed)
    gan = GAN(Shift(), nn.Linear(2, 1), objectives.non_saturating(), latent=2)
    real, unseen = (0.1 * torch.randn(2, 5000, 2, generator=torch.Generator().manual_seed(0))).unbind()
    return _watched(gan, real, unseen, seed, 1000 * budget, optimizer=adam(1e-2, (0.5, 0.99)))


def _collapsed(seed: int, budget: float) -> Patient:
    """Digits with momentum and without a penalty."""
    digits = data.digits()
    gan = GAN(*_pair(seed, digits=True), objectives.non_saturating())
    real, unseen = digits.train.tensors[0], digits.held_out.tensors[0]
    return _watched(gan, real, unseen, seed, 500 * budget, optimizer=adam(1e-3, (0.9, 0.99)))


def _learnt_by_heart(seed: int, budget: float) -> Patient:
    """Fifty digits to learn from, and no penalty."""
    digits = data.digits()
    few, unseen = digits.train.tensors[0][seed % 80 :: 80], digits.held_out.tensors[0]
    gan = GAN(*_pair(seed, digits=True), objectives.non_saturating())
    options = {"optimizer": adam(1e-3), "batch_size": 32}
    return _watched(gan, few, unseen, seed, 1000 * budget, **options)


GAMES: Mapping[str, Callable[[int, float], Patient]] = {
    "A": _orbit,
    "B": _collapsed,
    "C": _weak,
    "D": _learnt_by_heart,
    "E": _strong,
}


def _pair(seed: int, digits: bool = False) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    if digits:
        shape = (1, 28, 28)
        return networks.MLPGenerator(64, shape, output=nn.Tanh), networks.MLPDiscriminator(shape)
    return networks.MLPGenerator(4, (2,), 64), networks.MLPDiscriminator((2,), 64)


def _watched(gan: GAN, real: Tensor, unseen: Tensor, seed: int, steps: float, **options: Any) -> Patient:
    count = max(10, round(steps))
    doctor = Doctor(real, held_out=unseen, every=max(1, count // 20))
    settings: dict[str, Any] = {
        "batch_size": 64,
        "seed": seed,
        "device": "cpu",
        "snapshots": 0,
        "progress": False,
    }
    run = train(gan, real, steps=count, callbacks=[doctor], **(settings | options))
    return Patient(run, doctor, real, unseen)
