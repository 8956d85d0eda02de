"""The settings of the lab: what to learn, the loss, the learning rates and the network sizes."""

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
"""The distributions that the panel offers, by name."""
DRAWING, OWN_DATA = "draw your own", "own data"
"""The names of the choices for a drawing and for the user's points."""
DISTRIBUTION_NAMES = (*DISTRIBUTIONS, DRAWING, OWN_DATA)
"""All values of the setting ``distribution``."""
PENALTY_EVERY = 4
"""Steps between two computations of a gradient penalty (lazy regularisation)."""

LOSSES: dict[str, Callable[[float, float], Objective]] = {
    "non-saturating": lambda r1, r2: objectives.non_saturating(r1, r2, PENALTY_EVERY),
    "minimax": lambda r1, r2: objectives.minimax(r1, r2, PENALTY_EVERY),
    "hinge": lambda r1, r2: objectives.hinge(r1, r2, PENALTY_EVERY),
    "Wasserstein": lambda r1, r2: objectives.wasserstein(gradient_penalty=1.0),
    "relativistic": lambda r1, r2: objectives.relativistic(r1, r2, PENALTY_EVERY),
}
"""Functions of γ of R1 and of R2; Wasserstein has its own penalty, λ = 1, and uses neither."""

RELATIVE_LOSSES = ("Wasserstein", "relativistic")
"""Losses that depend on differences of logits only, so that a logit of 0 has no meaning."""

NETWORK_SETTINGS = {
    "distribution",
    "generator_width",
    "generator_depth",
    "discriminator_width",
    "discriminator_depth",
    "latent",
    "seed",
}
"""Settings that need new networks; all others change the game while it runs."""


@dataclass(frozen=True)
class Settings:
    """The positions of all controls of the lab.

    Args:
        distribution: what to learn.
        loss: the loss function, one of ``LOSSES``.
        r1: γ of the R1 penalty, 0 to 100.
        r2: γ of the R2 penalty, 0 to 100.
        generator_rate: learning rate of the generator, 0 to 1; 0 freezes it.
        discriminator_rate: learning rate of the discriminator, 0 to 1; 0 freezes it.
        discriminator_turns: updates of the discriminator for one of the generator, 1 to 10.
        generator_width: hidden units of each layer, 8 to 256.
        generator_depth: hidden layers, 1 to 4.
        discriminator_width: hidden units of each layer, 8 to 256.
        discriminator_depth: hidden layers, 1 to 4.
        latent: the dimension of the latent space, 1 to 16.
        seed: the seed of weights, batches and latents, 0 to 2³¹.

    Raises:
        InputError: if a value is out of range; the message names the control.

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
            {field.name: getattr(self, field.name) for field in fields(self)},
            distribution=one_of(*DISTRIBUTION_NAMES),
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
        """Return these settings with some values changed.

        Args:
            **settings: the new values by name.

        Raises:
            InputError: if there is no control of that name, or if a value is out of range.

        >>> Settings().changed(width=3)
        Traceback (most recent call last):
        ...
        gantutor.InputError: the lab has no control 'width': it has distribution, loss, r1, ...
        """
        names = [field.name for field in fields(self)]
        unknown = next((name for name in settings if name not in names), None)
        if unknown is not None:
            raise InputError(f"the lab has no control {unknown!r}: it has {', '.join(names)}")
        return replace(self, **settings)

    def needs_new_networks(self, settings: Settings) -> bool:
        """Return whether going from these settings to others needs new networks."""
        return any(getattr(self, name) != getattr(settings, name) for name in NETWORK_SETTINGS)

    def objective(self) -> Objective:
        """Return the chosen loss with its penalties."""
        return LOSSES[self.loss](self.r1, self.r2)


@dataclass(frozen=True)
class Plane:
    """The points to learn, and the square of the plane that is shown.

    Attributes:
        name: the name of the distribution.
        points: the points to train on, (N, 2).
        distribution: the distribution, or None if its density is not known.
        centre: the centre of the square.
        reach: half the side of the square.
    """

    name: str
    points: Tensor
    distribution: Distribution | None
    centre: tuple[float, float]
    reach: float


def plane_of(data: Any, seed: int = 0) -> Plane:
    """Return the plane of a distribution or of points.

    Args:
        data: the name of a distribution, a distribution of ``gantutor.data.toy``, or points (N, 2) as a
            tensor, a ``TensorDataset`` or a ``Dataset``.
        seed: the seed for drawing 20,000 points of a distribution.

    Raises:
        InputError: if ``data`` is anything else, or has fewer than three points.

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
        raise InputError(f"the lab needs at least 3 points, not {len(data)}")
    points = data.detach().cpu().float()
    return _around(OWN_DATA, points, None, points, 0.0)


def _around(
    name: str, points: Tensor, distribution: Distribution | None, extent: Tensor, margin: float
) -> Plane:
    low, high = extent.min(0).values, extent.max(0).values
    x, y = ((low + high) / 2).tolist()
    reach = max(0.62 * float((high - low).max()) + margin, 1e-3)
    # The usual plane, [−1.6, 1.6]², wherever it fits.
    if max(abs(x), abs(y)) + reach <= 1.6 and reach > 0.6:
        x, y, reach = 0.0, 0.0, 1.6
    return Plane(name, points, distribution, (x, y), reach)
