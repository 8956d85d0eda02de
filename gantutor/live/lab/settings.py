"""What the panel of the lab sets: the distribution, the loss, the rates, the sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor import objectives
from gantutor._checks import integer, number, one_of, validate
from gantutor._errors import InputError
from gantutor.data import Dataset, toy
from gantutor.data.toy import Distribution
from gantutor.objectives import Objective
from gantutor.training.preflight import check_samples

DISTRIBUTIONS: dict[str, Callable[[], Distribution]] = {
    "ring": lambda: toy.ring(sigma=0.05),
    "grid": lambda: toy.grid(side=4, spacing=0.6, sigma=0.05),
    "two Gaussians": toy.two_gaussians,
    "spiral": lambda: toy.spiral(turns=1.5, sigma=0.03),
    "line": toy.line,
    "moons": toy.moons,
}
DRAW, OWN = "draw your own", "own data"
PLACES = (*DISTRIBUTIONS, DRAW, OWN)
PENALTY_EVERY = 4

LOSSES: dict[str, Callable[[float, float], Objective]] = {
    "non-saturating": lambda r1, r2: objectives.non_saturating(r1, r2, PENALTY_EVERY),
    "minimax": lambda r1, r2: objectives.minimax(r1, r2, PENALTY_EVERY),
    "hinge": lambda r1, r2: objectives.hinge(r1, r2, PENALTY_EVERY),
    "Wasserstein": lambda r1, r2: objectives.wasserstein(gradient_penalty=1.0),
    "relativistic": lambda r1, r2: objectives.relativistic(r1, r2, PENALTY_EVERY),
}
"""Each a function of γ of R1 and of R2; Wasserstein has its own penalty, λ = 1, and takes neither."""

WITHOUT_ZERO = ("Wasserstein", "relativistic")
"""Losses in which only differences of logits count: 0 says nothing there."""

REBUILD = {
    "distribution",
    "generator_width",
    "generator_depth",
    "discriminator_width",
    "discriminator_depth",
    "latent",
    "seed",
}
"""Settings that need new networks; all others change the game while it is played."""


@dataclass(frozen=True)
class Settings:
    """One position of all controls; raises InputError, naming the control, for one that is out of its range.

    >>> Settings(loss="hinge").objective().name
    'hinge'
    >>> Settings(latent=99)
    Traceback (most recent call last):
    ...
    gantutor.InputError: latent must be a whole number from 1 to 16, not 99
    """

    distribution: str = "ring"
    loss: str = "non-saturating"
    r1: float = 0.1
    r2: float = 0.1
    generator_rate: float = 2e-3
    discriminator_rate: float = 2e-3
    discriminator_turns: int = 1
    generator_width: int = 100
    generator_depth: int = 2
    discriminator_width: int = 100
    discriminator_depth: int = 2
    latent: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        validate(
            {each.name: getattr(self, each.name) for each in fields(self)},
            distribution=one_of(*PLACES),
            loss=one_of(*LOSSES),
            r1=number(0, 100),
            r2=number(0, 100),
            generator_rate=number(0, 1),
            discriminator_rate=number(0, 1),
            discriminator_turns=integer(1, 10),
            generator_width=integer(8, 256),
            generator_depth=integer(1, 4),
            discriminator_width=integer(8, 256),
            discriminator_depth=integer(1, 4),
            latent=integer(1, 16),
            seed=integer(0, 2**31),
        )

    def changed(self, **settings: Any) -> Settings:
        """These with others in their place; raises InputError for a name that is none, and as above.

        >>> Settings().changed(width=3)
        Traceback (most recent call last):
        ...
        gantutor.InputError: the lab has no control 'width'; it has distribution, loss, r1, ...
        """
        names = [each.name for each in fields(self)]
        unknown = next((name for name in settings if name not in names), None)
        if unknown is not None:
            raise InputError(f"the lab has no control {unknown!r}; it has {', '.join(names)}")
        return replace(self, **settings)

    def needs_new_networks(self, other: Settings) -> bool:
        """Whether a game with these settings cannot go on with others."""
        return any(getattr(self, name) != getattr(other, name) for name in REBUILD)

    def objective(self) -> Objective:
        """The loss that is chosen, with its penalties."""
        return LOSSES[self.loss](self.r1, self.r2)


@dataclass(frozen=True)
class Plane:
    """What is to be learnt: ``points`` (N, 2) to train on, their density where it is known, and the square
    that is looked at, its ``centre`` and half its side, ``reach``."""

    name: str
    points: Tensor
    distribution: Distribution | None
    centre: tuple[float, float]
    reach: float


def plane_of(data: Any, seed: int = 0) -> Plane:
    """The plane of a distribution, by name or as it is, or of points (N, 2): a tensor, a ``TensorDataset`` or
    a ``Dataset``.

    Raises InputError for anything else, and for fewer than three points.

    >>> import torch
    >>> plane_of("ring").points.shape, plane_of(torch.eye(3, 2)).distribution
    (torch.Size([20000, 2]), None)
    """
    if isinstance(data, str) and data in DISTRIBUTIONS:
        data = DISTRIBUTIONS[data]()
    if isinstance(data, Distribution):
        points = data.dataset(20_000, 1, seed).train.tensors[0]
        return _around(data.name, points, data, data.centres, 4 * data.sigma)
    if isinstance(data, Dataset):
        data = data.train
    if isinstance(data, TensorDataset):
        data = data.tensors[0]
    if not isinstance(data, Tensor):
        raise InputError(
            f"data must be points of the plane, one of {', '.join(DISTRIBUTIONS)}, or a distribution of "
            f"gantutor.data.toy, not {data!r:.60}"
        )
    check_samples(data)
    if data.dim() != 2 or data.shape[1] != 2:
        raise InputError(f"data must be points of the plane, of shape (count, 2), not {tuple(data.shape)}")
    if len(data) < 3:
        raise InputError(f"the lab needs at least 3 points, and these are {len(data)}")
    points = data.detach().cpu().float()
    return _around(OWN, points, None, points, 0.0)


def _around(
    name: str, points: Tensor, distribution: Distribution | None, seen: Tensor, margin: float
) -> Plane:
    low, high = seen.min(0).values, seen.max(0).values
    x, y = ((low + high) / 2).tolist()
    reach = max(0.62 * float((high - low).max()) + margin, 1e-3)
    # The usual plane, [−1.6, 1.6]², wherever it fits.
    if max(abs(x), abs(y)) + reach <= 1.6 and reach > 0.6:
        x, y, reach = 0.0, 0.0, 1.6
    return Plane(name, points, distribution, (x, y), reach)
