"""Distributions in the plane whose density is known, so that what a GAN learns can be compared with the
truth.

All are mixtures of equal Gaussians, some so close that they make a curve; the settings of ``ring`` and
``grid`` are those of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1) unless others are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_floats, check_tensors, integer, number, validate
from gantutor._errors import InputError, type_name
from gantutor.data.dataset import Card, Dataset


@dataclass(frozen=True)
class Distribution:
    """A mixture of equal round Gaussians in the plane: ``centres`` (K, 2), each with standard deviation
    ``sigma``.

    ``modes`` says whether the centres are modes of their own, to be counted, or only trace a curve.

    >>> ring().log_density(torch.zeros(1, 2)).exp() < 1e-6
    tensor([True])
    """

    name: str
    centres: Tensor
    sigma: float
    modes: bool = True

    def sample(self, count: int, seed: int = 0) -> Tensor:
        """``count`` points, shape (count, 2)."""
        validate({"count": count, "seed": seed}, count=integer(1), seed=integer(0))
        draw = torch.Generator().manual_seed(seed)
        chosen = torch.randint(len(self.centres), (count,), generator=draw)
        return self.centres[chosen] + self.sigma * torch.randn(count, 2, generator=draw)

    def log_density(self, points: Tensor) -> Tensor:
        """The exact log density (nats) at points (N, 2): shape (N,)."""
        check_floats(points=points)
        if points.dim() != 2 or points.shape[1] != 2:
            raise InputError(f"points must have shape (count, 2), not {tuple(points.shape)}")
        squares = torch.cdist(
            points, self.centres.to(points), compute_mode="donot_use_mm_for_euclid_dist"
        ).square()
        normal = -squares / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)
        return normal.logsumexp(1) - math.log(len(self.centres))

    def dataset(self, count: int = 100_000, held_out: int = 10_000, seed: int = 0) -> Dataset:
        """Points to train on and others held out, in the form all loaders return."""
        train, rest = self.sample(count, seed), self.sample(held_out, seed + 1_000_003)
        card = Card(
            self.name,
            f"{len(self.centres)} Gaussians in the plane, σ = {self.sigma:g}",
            "drawn here from the exact density",
            "none needed",
            f"{count:,} points to train on and {held_out:,} held out",
        )
        return Dataset(self.name, TensorDataset(train), TensorDataset(rest), card)


def check_distribution(given: Any) -> None:
    """Raise InputError for what is no distribution of the plane.

    >>> check_distribution("ring")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the distribution must be one of gantutor.data.toy, such as ring(), not str
    """
    if not isinstance(given, Distribution):
        raise InputError(
            f"the distribution must be one of gantutor.data.toy, such as ring(), not {type_name(given)}"
        )


def ring(count: int = 8, radius: float = 1.0, sigma: float = 0.01) -> Distribution:
    """Gaussians evenly on a circle.

    >>> ring().sample(5).shape
    torch.Size([5, 2])
    """
    _positive(count=count, radius=radius, sigma=sigma)
    angles = torch.arange(count) * (2 * math.pi / count)
    return Distribution("ring", radius * torch.stack([angles.cos(), angles.sin()], 1), sigma)


def grid(side: int = 5, spacing: float = 2.0, sigma: float = 0.05) -> Distribution:
    """Gaussians on a square grid around the origin.

    >>> grid().centres.max()
    tensor(4.)
    """
    _positive(side=side, spacing=spacing, sigma=sigma)
    line = (torch.arange(side) - (side - 1) / 2) * spacing
    return Distribution("grid", torch.cartesian_prod(line, line), sigma)


def spiral(turns: float = 2.0, sigma: float = 0.02) -> Distribution:
    """A spiral of ``turns`` turns, evenly dense along its length: 400 Gaussians so close that they make a
    curve."""
    _positive(turns=turns, sigma=sigma)
    # r ∝ angle, so that length grows as its square.
    angle = torch.linspace(0.0, 1.0, 400).sqrt() * turns * 2 * math.pi
    radius = angle / (turns * 2 * math.pi)
    return Distribution(
        "spiral", radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1), sigma, modes=False
    )


def moons(sigma: float = 0.05) -> Distribution:
    """Two half circles that reach into one another: 400 Gaussians along them."""
    _positive(sigma=sigma)
    angle = torch.linspace(0.0, math.pi, 200)
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    return Distribution("moons", torch.cat([upper, -upper]), sigma, modes=False)


def two_lines(sigma: float = 0.03) -> Distribution:
    """Two parallel lines with a gap between them: 400 Gaussians along them."""
    _positive(sigma=sigma)
    along = torch.linspace(-1.0, 1.0, 200)
    upper = torch.stack([along, torch.full_like(along, 0.4)], 1)
    return Distribution("two lines", torch.cat([upper, -upper]), sigma, modes=False)


def two_gaussians(distance: float = 1.5, sigma: float = 0.15) -> Distribution:
    """Two round Gaussians, ``distance`` apart on the first axis, the origin between them.

    >>> two_gaussians().centres.tolist()
    [[-0.75, 0.0], [0.75, 0.0]]
    """
    _positive(distance=distance, sigma=sigma)
    return Distribution("two Gaussians", torch.tensor([[-distance / 2, 0.0], [distance / 2, 0.0]]), sigma)


def line(sigma: float = 0.03) -> Distribution:
    """One straight line from (−1, −0.6) to (1, 0.6): 200 Gaussians along it.

    >>> line().sample(5).shape, line().modes
    (torch.Size([5, 2]), False)
    """
    _positive(sigma=sigma)
    along = torch.linspace(-1.0, 1.0, 200)
    return Distribution("line", torch.stack([along, 0.6 * along], 1), sigma, modes=False)


def from_points(points: Tensor | Sequence[Sequence[float]], sigma: float = 0.05) -> Distribution:
    """A Gaussian at each of at least three points of one's own, shape (K, 2).

    They count as modes where no two of them are closer than 6σ; otherwise they trace a curve. Raises
    InputError for fewer points, another shape, or coordinates that are not finite.

    >>> from_points([(0, 0), (1, 0), (0, 1)]).modes
    True
    >>> from_points([(0, 0), (1, 0)])
    Traceback (most recent call last):
    ...
    gantutor.InputError: a drawing needs at least 3 points, and this one has 2
    """
    _positive(sigma=sigma)
    if isinstance(points, Tensor):
        check_tensors(points=points)
    try:
        centres = torch.as_tensor(points, dtype=torch.float32).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise InputError("points must be pairs of numbers (x, y), one pair for each point") from None
    if centres.dim() and len(centres) < 3:
        raise InputError(f"a drawing needs at least 3 points, and this one has {len(centres)}")
    if centres.dim() != 2 or centres.shape[1] != 2:
        raise InputError(f"points must have shape (count, 2), not {tuple(centres.shape)}")
    if not bool(centres.isfinite().all()):
        raise InputError("the points contain coordinates that are not finite (NaN or infinity)")
    nearest = torch.pdist(centres.double()).min()
    return Distribution("drawing", centres, sigma, modes=bool(nearest >= 6 * sigma))


def _positive(**values: float) -> None:
    sizes = ("count", "side")
    rules = {name: integer(1) if name in sizes else number(above=0, high=1e9) for name in values}
    validate(values, **rules)
