"""Two-dimensional distributions of known density, with which samples of a GAN can be compared exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_floats, check_tensors, checked, integer, number, validate
from gantutor._errors import InputError, type_name
from gantutor.data.dataset import Card, Dataset


@dataclass(frozen=True)
class Distribution:
    """A mixture of isotropic Gaussians in the plane, with equal weights and equal standard deviations.

    Attributes:
        name: the distribution's name.
        centres: (K, 2), the means of the Gaussians.
        sigma: their standard deviation.
        modes: whether the centres are separate modes, to be counted, or only trace a curve.

    >>> ring().log_density(torch.zeros(1, 2)).exp() < 1e-6
    tensor([True])
    """

    name: str
    centres: Tensor
    sigma: float
    modes: bool = True

    @checked(count=integer(1), seed=integer(0))
    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Draw points from the distribution.

        Args:
            count: number of points, at least 1.
            seed: seed of the random numbers.

        Returns:
            Points (``count``, 2).

        Raises:
            InputError: if ``count`` is not a whole number of at least 1, or ``seed`` of at least 0.
        """
        rng = torch.Generator().manual_seed(seed)
        chosen = torch.randint(len(self.centres), (count,), generator=rng)
        return self.centres[chosen] + self.sigma * torch.randn(count, 2, generator=rng)

    def log_density(self, points: Tensor) -> Tensor:
        """Compute the exact logarithm of the density.

        Args:
            points: (N, 2).

        Returns:
            (N,), in nats.

        Raises:
            InputError: if the points have another shape, or are not finite floats.
        """
        check_floats(points=points)
        if points.dim() != 2 or points.shape[1] != 2:
            raise InputError(f"points must have shape (count, 2), not {tuple(points.shape)}")
        squared_distances = torch.cdist(
            points, self.centres.to(points), compute_mode="donot_use_mm_for_euclid_dist"
        ).square()  # (N, K)
        log_normal = -squared_distances / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)
        return log_normal.logsumexp(1) - math.log(len(self.centres))

    def dataset(self, count: int = 100_000, held_out: int = 10_000, seed: int = 0) -> Dataset:
        """Draw points to train on and others to hold out, as a data set.

        Args:
            count: points to train on.
            held_out: points to hold out.
            seed: seed of the random numbers.

        Returns:
            In each part, points (N, 2).

        Raises:
            InputError: if an argument is not a whole number of at least 1 (``seed``: 0).

        >>> ring().dataset(100, 10).held_out.tensors[0].shape
        torch.Size([10, 2])
        """
        train, held_out_points = self.sample(count, seed), self.sample(held_out, seed + 1_000_003)
        card = Card(
            self.name,
            f"{len(self.centres)} Gaussians in the plane, σ = {self.sigma:g}",
            "drawn here from the exact density",
            "none needed",
            f"{count:,} points to train on and {held_out:,} held out",
        )
        return Dataset(self.name, TensorDataset(train), TensorDataset(held_out_points), card)


def check_distribution(distribution: Any) -> None:
    """Check that an argument is a distribution of this module.

    Args:
        distribution: the argument to check.

    Raises:
        InputError: if it is not a ``Distribution``.

    >>> check_distribution("ring")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the distribution must be one of gantutor.data.toy, such as ring(), not str
    """
    if not isinstance(distribution, Distribution):
        raise InputError(
            "the distribution must be one of gantutor.data.toy, such as ring(), "
            f"not {type_name(distribution)}"
        )


def ring(count: int = 8, radius: float = 1.0, sigma: float = 0.01) -> Distribution:
    """Return Gaussians evenly spaced on a circle around the origin.

    The defaults are those of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1).

    Args:
        count: number of Gaussians.
        radius: radius of the circle.
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if an argument is not positive.

    >>> ring().sample(5).shape
    torch.Size([5, 2])
    """
    _check_positive(count=count, radius=radius, sigma=sigma)
    angles = torch.arange(count) * (2 * math.pi / count)
    return Distribution("ring", radius * torch.stack([angles.cos(), angles.sin()], 1), sigma)


def grid(side: int = 5, spacing: float = 2.0, sigma: float = 0.05) -> Distribution:
    """Return Gaussians on a square grid around the origin.

    The defaults are those of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1).

    Args:
        side: number of Gaussians in a row and in a column.
        spacing: distance between neighbours.
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if an argument is not positive.

    >>> grid().centres.max()
    tensor(4.)
    """
    _check_positive(side=side, spacing=spacing, sigma=sigma)
    line = (torch.arange(side) - (side - 1) / 2) * spacing
    return Distribution("grid", torch.cartesian_prod(line, line), sigma)


def spiral(turns: float = 2.0, sigma: float = 0.02) -> Distribution:
    """Return a spiral of outer radius 1: 400 Gaussians, evenly spaced along its length.

    Args:
        turns: number of turns.
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if an argument is not positive.

    >>> spiral().sample(5).shape, spiral().modes
    (torch.Size([5, 2]), False)
    """
    _check_positive(turns=turns, sigma=sigma)
    # The radius is proportional to the angle, so the length grows as the angle's square.
    angle = torch.linspace(0.0, 1.0, 400).sqrt() * turns * 2 * math.pi
    radius = angle / (turns * 2 * math.pi)
    return Distribution(
        "spiral", radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1), sigma, modes=False
    )


def moons(sigma: float = 0.05) -> Distribution:
    """Return two interleaving half circles of radius 1: 200 Gaussians along each.

    Args:
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if ``sigma`` is not positive.

    >>> moons().centres.shape
    torch.Size([400, 2])
    """
    _check_positive(sigma=sigma)
    angle = torch.linspace(0.0, math.pi, 200)
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    return Distribution("moons", torch.cat([upper, -upper]), sigma, modes=False)


def two_lines(sigma: float = 0.03) -> Distribution:
    """Return two horizontal lines of length 2 at a distance of 0.8: 200 Gaussians along each.

    Args:
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if ``sigma`` is not positive.

    >>> two_lines().centres.shape
    torch.Size([400, 2])
    """
    _check_positive(sigma=sigma)
    x = torch.linspace(-1.0, 1.0, 200)
    upper = torch.stack([x, torch.full_like(x, 0.4)], 1)
    return Distribution("two lines", torch.cat([upper, -upper]), sigma, modes=False)


def two_gaussians(distance: float = 1.5, sigma: float = 0.15) -> Distribution:
    """Return two Gaussians on the first axis, with the origin in the middle between them.

    Args:
        distance: distance between their means.
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if an argument is not positive.

    >>> two_gaussians().centres.tolist()
    [[-0.75, 0.0], [0.75, 0.0]]
    """
    _check_positive(distance=distance, sigma=sigma)
    return Distribution("two Gaussians", torch.tensor([[-distance / 2, 0.0], [distance / 2, 0.0]]), sigma)


def line(sigma: float = 0.03) -> Distribution:
    """Return a straight line from (−1, −0.6) to (1, 0.6): 200 Gaussians along it.

    Args:
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if ``sigma`` is not positive.

    >>> line().sample(5).shape, line().modes
    (torch.Size([5, 2]), False)
    """
    _check_positive(sigma=sigma)
    x = torch.linspace(-1.0, 1.0, 200)
    return Distribution("line", torch.stack([x, 0.6 * x], 1), sigma, modes=False)


def from_points(points: Tensor | Sequence[Sequence[float]], sigma: float = 0.05) -> Distribution:
    """Return Gaussians at the user's own points.

    The points count as modes if no two of them are closer than 6σ; otherwise they trace a curve.

    Args:
        points: (K, 2), at least three points.
        sigma: standard deviation of each Gaussian.

    Raises:
        InputError: if there are fewer points, the shape is another one, a coordinate is not finite, or
            ``sigma`` is not positive.

    >>> from_points([(0, 0), (1, 0), (0, 1)]).modes
    True
    >>> from_points([(0, 0), (1, 0)])
    Traceback (most recent call last):
    ...
    gantutor.InputError: a drawing needs at least 3 points, but this one has 2
    """
    _check_positive(sigma=sigma)
    if isinstance(points, Tensor):
        check_tensors(points=points)
    try:
        centres = torch.as_tensor(points, dtype=torch.float32).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise InputError("points must be pairs of numbers (x, y), one pair for each point") from None
    if centres.dim() and len(centres) < 3:
        raise InputError(f"a drawing needs at least 3 points, but this one has {len(centres)}")
    if centres.dim() != 2 or centres.shape[1] != 2:
        raise InputError(f"points must have shape (count, 2), not {tuple(centres.shape)}")
    if not bool(centres.isfinite().all()):
        raise InputError("the points contain coordinates that are not finite (NaN or infinity)")
    nearest = torch.pdist(centres.double()).min()
    return Distribution("drawing", centres, sigma, modes=bool(nearest >= 6 * sigma))


def _check_positive(**values: float) -> None:
    """Raise InputError unless counts are whole numbers, and all values are positive."""
    counts = ("count", "side")
    rules = {name: integer(1) if name in counts else number(above=0, high=1e9) for name in values}
    validate(values, **rules)
