"""The distributions of the plane: densities against independent ones, samples against densities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special, stats

from gantutor._errors import InputError
from gantutor.data import toy
from gantutor.data.toy import Distribution

ALL = [toy.ring, toy.grid, toy.two_gaussians, toy.spiral, toy.moons, toy.line, toy.two_lines]
each = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
Make = Callable[..., Distribution]


@each
def test_the_density_integrates_to_one(make: Make) -> None:
    distribution = make()
    reach = float(distribution.centres.abs().max()) + 7 * distribution.sigma
    step = distribution.sigma * 0.75  # the rectangle rule on Gaussians errs by about 2 e^(−2π² (σ/step)²)
    line = torch.arange(-reach, reach + step, step, dtype=torch.float64)
    rows = line.split(40)
    total = sum(float(distribution.log_density(torch.cartesian_prod(row, line)).exp().sum()) for row in rows)
    assert total * step**2 == pytest.approx(1, abs=1e-6)


@each
def test_the_density_is_that_of_a_mixture_in_scipy(make: Make) -> None:
    distribution = make()
    points = distribution.sample(50, seed=1).double() + 0.01
    at = points.numpy()
    centres = distribution.centres.double().numpy()
    normals = [stats.multivariate_normal(centre, distribution.sigma**2).logpdf(at) for centre in centres]
    expected = special.logsumexp(normals, axis=0) - math.log(len(normals))
    np.testing.assert_allclose(distribution.log_density(points).numpy(), expected, rtol=1e-9, atol=1e-9)


@each
@pytest.mark.parametrize("axis", [0, 1])
def test_samples_follow_the_density_along_each_axis(make: Make, axis: int) -> None:
    distribution = make()
    centres = distribution.centres[:, axis].double().numpy()

    def cdf(values: Any) -> Any:
        return stats.norm.cdf(np.asarray(values)[..., None], centres, distribution.sigma).mean(-1)

    samples = distribution.sample(5_000, seed=2)[:, axis].double().numpy()
    assert stats.kstest(samples, cdf).pvalue > 1e-3
    assert stats.kstest(samples + 0.1, cdf).pvalue < 1e-3  # the test sees a shift


@pytest.mark.parametrize("distribution", [toy.ring(), toy.grid()], ids=lambda d: d.name)
def test_samples_of_separate_modes_are_round_gaussians_in_equal_shares(distribution: Distribution) -> None:
    samples = distribution.sample(20_000, seed=3)
    distances, mode = torch.cdist(samples, distribution.centres).min(1)
    counts = mode.bincount(minlength=len(distribution.centres))
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    assert stats.kstest(distances.numpy() / distribution.sigma, stats.rayleigh.cdf).pvalue > 1e-3
    # E log p of separate Gaussians is −log K − log(2πσ²) − 1.
    expected = -math.log(len(distribution.centres)) - math.log(2 * math.pi * distribution.sigma**2) - 1
    assert float(distribution.log_density(samples).mean()) == pytest.approx(expected, abs=0.03)


def test_ring_and_grid_are_those_of_pacgan() -> None:
    ring, grid = toy.ring(), toy.grid()
    assert (ring.sigma, grid.sigma) == (0.01, 0.05)
    expected = [(math.cos(i * math.pi / 4), math.sin(i * math.pi / 4)) for i in range(8)]
    np.testing.assert_allclose(ring.centres.numpy(), expected, atol=1e-6)
    line = range(-4, 5, 2)
    assert {tuple(centre) for centre in grid.centres.tolist()} == {(x, y) for x in line for y in line}
    assert ring.modes and grid.modes


@pytest.mark.parametrize("make", [toy.spiral, toy.moons, toy.line, toy.two_lines])
def test_curves_have_no_modes_and_no_gaps(make: Make) -> None:
    distribution = make()
    gaps = torch.cdist(distribution.centres, distribution.centres).fill_diagonal_(math.inf).min(1).values
    assert not distribution.modes
    assert float(gaps.median()) < distribution.sigma
    assert float(gaps.max()) < 3 * distribution.sigma


def test_a_seed_repeats_and_the_global_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    assert torch.equal(toy.moons().sample(10, seed=5), toy.moons().sample(10, seed=5))
    assert not torch.equal(toy.moons().sample(10, seed=5), toy.moons().sample(10, seed=6))
    assert torch.equal(before, torch.get_rng_state())


def test_the_data_set_has_two_parts_of_different_points() -> None:
    data = toy.grid().dataset()
    train, held_out = data.train.tensors[0], data.held_out.tensors[0]
    assert train.shape == (100_000, 2) and held_out.shape == (10_000, 2)
    assert train.dtype == torch.float32
    assert not set(map(tuple, train.tolist())) & set(map(tuple, held_out.tolist()))
    assert "100,000" in str(data.card) and "σ = 0.05" in str(data.card)
    assert not torch.equal(toy.grid().dataset(seed=1).train.tensors[0], train)


@pytest.mark.parametrize("count", [0, -1, True, 2.5, "3", None])
def test_a_count_that_is_no_whole_number_is_refused(count: Any) -> None:
    with pytest.raises(InputError, match=r"^count must be a whole number of at least 1, not "):
        toy.ring().sample(count)


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (toy.ring, {"count": 2.5}),
        (toy.ring, {"count": True}),
        (toy.ring, {"count": 0}),
        (toy.ring, {"radius": -1.0}),
        (toy.ring, {"sigma": math.nan}),
        (toy.grid, {"side": 0}),
        (toy.grid, {"spacing": math.inf}),
        (toy.grid, {"sigma": "0.1"}),
        (toy.spiral, {"turns": 0}),
        (toy.moons, {"sigma": 0}),
        (toy.two_lines, {"sigma": -0.1}),
        (toy.line, {"sigma": None}),
        (toy.two_gaussians, {"distance": -1}),
        (toy.two_gaussians, {"sigma": 0}),
    ],
)
def test_wrong_settings_are_refused_by_name(make: Make, given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"^{next(iter(given))} must be a .*not "):
        make(**given)


@pytest.mark.parametrize("shape", [(3,), (3, 3), (2, 2, 2)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^points must have shape \(count, 2\), not "):
        toy.ring().log_density(torch.zeros(shape))


def test_a_drawing_is_a_mixture_of_its_points() -> None:
    points = [(0.0, 0.0), (1.0, 0.5), (-0.5, 1.0)]
    drawing = toy.from_points(points, sigma=0.1)
    assert drawing.centres.tolist() == [list(point) for point in points] and drawing.modes
    assert torch.equal(toy.from_points(torch.tensor(points).double(), sigma=0.1).centres, drawing.centres)
    distances, nearest = torch.cdist(drawing.sample(6000), drawing.centres).min(1)
    assert stats.chisquare(nearest.bincount(minlength=3).numpy()).pvalue > 1e-3
    assert stats.kstest(distances.numpy() / 0.1, stats.rayleigh.cdf).pvalue > 1e-3


def test_points_of_a_drawing_that_touch_are_no_modes() -> None:
    assert toy.from_points([(0, 0), (0.31, 0), (0, 1)], sigma=0.05).modes
    assert not toy.from_points([(0, 0), (0.29, 0), (0, 1)], sigma=0.05).modes
    assert not toy.from_points([(0, 0), (0, 0), (1, 1)]).modes


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([], "a drawing needs at least 3 points, but this one has 0"),
        ([(0, 0), (1, 1)], "a drawing needs at least 3 points, but this one has 2"),
        ([1.0, 2.0, 3.0], "points must have shape (count, 2), not (3,)"),
        (torch.zeros(4, 3), "points must have shape (count, 2), not (4, 3)"),
        (torch.tensor(1.0), "points must have shape (count, 2), not ()"),
        ([(0, 0), (1,), (2, 2)], "points must be pairs of numbers (x, y), one pair for each point"),
        ("ring", "points must be pairs of numbers (x, y), one pair for each point"),
        (None, "points must be pairs of numbers (x, y), one pair for each point"),
        (
            [(0, 0), (1, math.nan), (2, 2)],
            "the points contain coordinates that are not finite (NaN or infinity)",
        ),
    ],
)
def test_what_is_no_drawing_ends_in_one_sentence(points: Any, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        toy.from_points(points)
    assert str(refused.value) == sentence
