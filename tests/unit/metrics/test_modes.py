"""Modes, quality, reverse KL and spread: against numpy, and on samples whose answer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gantutor._errors import InputError
from gantutor.data import toy
from gantutor.data.toy import Distribution
from gantutor.metrics import mode_scores


def values(samples: Tensor, distribution: Distribution) -> dict[str, float]:
    return {name: score.value for name, score in mode_scores(samples, distribution).items()}


def by_numpy(samples: Tensor, distribution: Distribution) -> dict[str, float]:
    """The protocol in words, sample by sample."""
    centres, sigma, count = distribution.centres.numpy(), distribution.sigma, len(distribution.centres)
    all_in_mode, good_in_mode, squares = np.zeros(count), np.zeros(count), []
    for point in samples.numpy():
        distances = np.sqrt(((centres - point) ** 2).sum(1))
        mode = int(distances.argmin())
        all_in_mode[mode] += 1
        if distances[mode] <= 3 * sigma:
            good_in_mode[mode] += 1
            squares.append(distances[mode] ** 2)
    shares = all_in_mode / len(samples)
    radius = np.linspace(0, 3, 30_001)  # the mean square of a Rayleigh variable cut at 3, by quadrature
    weight = radius * np.exp(-(radius**2) / 2)
    true_square = (radius**2 * weight).sum() / weight.sum()
    return {
        "modes": float((good_in_mode > 0).sum()),
        "modes_strict": float((good_in_mode >= 0.2 * len(samples) / count).sum()),
        "high_quality": len(squares) / len(samples),
        "reverse_kl": float(sum(q * math.log(q * count) for q in shares if q > 0)),
        "spread": math.sqrt(np.mean(squares) / true_square) / sigma,
    }


@pytest.mark.parametrize(
    "distribution", [toy.ring(), toy.grid(), toy.ring(5, 2.0, 0.1)], ids=["ring", "grid", "five"]
)
@pytest.mark.parametrize("wide", [0.4, 1.0, 1.6])
def test_it_is_the_protocol_sample_by_sample(distribution: Distribution, wide: float) -> None:
    draw = torch.Generator().manual_seed(1)
    uneven = torch.rand(len(distribution.centres), generator=draw) ** 3  # some modes get next to nothing
    chosen = uneven.multinomial(1500, replacement=True, generator=draw)
    noise = torch.randn(1500, 2, generator=draw)
    samples = distribution.centres[chosen] + wide * distribution.sigma * noise
    assert values(samples, distribution) == pytest.approx(by_numpy(samples, distribution), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("distribution", [toy.ring(), toy.grid()], ids=lambda d: d.name)
def test_real_samples(distribution: Distribution) -> None:
    count = len(distribution.centres)
    scores = mode_scores(distribution.sample(2500, seed=123), distribution)
    assert scores["modes"].value == scores["modes_strict"].value == count
    assert scores["high_quality"].value == pytest.approx(1 - math.exp(-4.5), abs=0.006)  # 98.9 %
    assert scores["high_quality"].real == pytest.approx(1 - math.exp(-4.5), abs=0.002)
    assert scores["spread"].value == pytest.approx(1, abs=0.03)
    assert scores["spread"].real == pytest.approx(1, abs=0.01)
    # The reverse KL of a true sample is about χ² with K − 1 degrees of freedom over 2N.
    assert scores["reverse_kl"].real == pytest.approx((count - 1) / 5000, rel=0.4)
    assert scores["reverse_kl"].value < 4 * scores["reverse_kl"].real


def test_collapse_to_one_mode() -> None:
    grid = toy.grid()
    samples = grid.centres[7] + grid.sigma * torch.randn(2500, 2, generator=torch.Generator().manual_seed(0))
    found = values(samples, grid)
    assert found["modes"] == found["modes_strict"] == 1
    assert found["reverse_kl"] == pytest.approx(math.log(25), rel=1e-6)
    assert found["high_quality"] > 0.98


def test_one_good_sample_covers_a_mode_but_not_strictly() -> None:
    ring = toy.ring()
    samples = torch.cat([ring.centres[:1].repeat(2493, 1), ring.centres[1:]])
    found = values(samples, ring)
    assert (found["modes"], found["modes_strict"]) == (8, 1)


def test_a_fifth_of_the_fair_share_is_enough() -> None:
    ring = toy.ring()  # a fair share of 800 samples is 100
    for few, strict in ((20, 8), (19, 7)):
        counts = torch.tensor([few, 200 - few, 100, 100, 100, 100, 100, 100])
        assert values(ring.centres.repeat_interleave(counts, 0), ring)["modes_strict"] == strict


def test_narrow_modes_flatter_the_quality_and_show_in_the_spread() -> None:
    grid = toy.grid()
    found = values(Distribution("narrow", grid.centres, grid.sigma / 2).sample(2500), grid)
    assert found["high_quality"] > 0.999
    assert found["spread"] == pytest.approx(0.5, abs=0.02)


def test_samples_far_from_every_mode() -> None:
    found = values(torch.full((100, 2), 50.0), toy.grid())
    assert found["modes"] == found["modes_strict"] == found["high_quality"] == found["spread"] == 0
    assert found["reverse_kl"] == pytest.approx(math.log(25), rel=1e-6)


def test_the_scores_say_what_they_are() -> None:
    scores = mode_scores(toy.grid().sample(500), toy.grid())
    assert {score.samples for score in scores.values()} == {500}
    assert {score.reference for score in scores.values()} == {"the true density of the grid"}
    assert {name for name, score in scores.items() if score.better == "lower"} == {"reverse_kl"}


def test_the_floor_repeats_and_follows_the_seed() -> None:
    samples = toy.ring().sample(400)
    floors = [mode_scores(samples, toy.ring(), seed=seed)["reverse_kl"].real for seed in (0, 0, 1)]
    assert floors[0] == floors[1] != floors[2]


def test_double_precision_and_gradients_are_no_trouble() -> None:
    samples = toy.ring().sample(300)
    assert values(samples.double().requires_grad_(), toy.ring()) == pytest.approx(values(samples, toy.ring()))


@pytest.mark.parametrize("make", [toy.spiral, toy.moons, toy.two_lines])
def test_a_curve_has_no_modes_to_count(make: Any) -> None:
    with pytest.raises(
        InputError, match=r"^the (spiral|moons|two lines) has no modes to count: use ring or grid$"
    ):
        mode_scores(torch.zeros(5, 2), make())


@pytest.mark.parametrize("shape", [(0, 2), (5, 3), (5,), (5, 1, 2)])
def test_samples_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^samples must have shape \(count, 2\), not "):
        mode_scores(torch.zeros(shape), toy.ring())


def test_samples_that_are_not_finite_are_refused() -> None:
    samples = toy.ring().sample(50)
    samples[3, 1] = float("nan")
    with pytest.raises(InputError, match="not finite"):
        mode_scores(samples, toy.ring())
