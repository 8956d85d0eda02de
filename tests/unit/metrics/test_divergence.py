"""Reverse KL and JS on cells: against scipy, against integrals, and nothing left out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, spatial, stats

from gantutor._errors import InputError
from gantutor.data import toy
from gantutor.data.toy import Distribution
from gantutor.metrics import divergence, divergence_scores

EACH = [toy.ring(), toy.ring(sigma=0.1), toy.grid(), toy.two_gaussians(), toy.spiral(), toy.line()]
each = pytest.mark.parametrize("distribution", EACH, ids=lambda d: f"{d.name} {d.sigma:g}")


@each
def test_the_probabilities_of_all_cells_add_up_to_one(distribution: Distribution) -> None:
    log_p = divergence.cell_log_probabilities(distribution, divergence.cell_edges(distribution))
    assert log_p.shape == (32 * 32 + 1,) and bool(log_p.isfinite().all())
    assert float(log_p.logsumexp(0)) == pytest.approx(0, abs=1e-12)


@each
def test_the_probability_of_a_cell_is_that_of_scipy(distribution: Distribution) -> None:
    edges = divergence.cell_edges(distribution, 9)
    ours = divergence.cell_log_probabilities(distribution, edges).exp().numpy()[:-1].reshape(9, 9)
    centres = distribution.centres.double().numpy()
    along = [
        np.diff(stats.norm.cdf(edges[axis].numpy()[None], centres[:, axis, None], distribution.sigma), axis=1)
        for axis in (0, 1)
    ]
    np.testing.assert_allclose(ours, np.einsum("ki,kj->ij", *along) / len(centres), atol=1e-14)


def test_a_cell_a_hundred_sigma_away_keeps_its_own_probability() -> None:
    one = Distribution("one", torch.zeros(1, 2), 0.01)
    edges = torch.tensor([[0.0, 1.0, 1.1], [-1.0, 0.0, 1.0]], dtype=torch.float64)
    log_p = divergence.cell_log_probabilities(one, edges)
    # P(1 < x < 1.1) · P(−1 < y < 0): e^−5005 is no float64, its logarithm is.
    assert float(log_p[2]) == pytest.approx(stats.norm.logsf(100) + math.log(0.5), abs=1e-6)
    assert divergence.reverse_kl(torch.tensor([0.0, 0, 1, 0, 0]).double(), log_p) == pytest.approx(-log_p[2])


def test_samples_land_in_the_cells_of_numpy_and_none_is_lost() -> None:
    ring = toy.ring(sigma=0.1)
    edges = divergence.cell_edges(ring, 12)
    samples = torch.cat([ring.sample(900), torch.full((100, 2), 50.0)])
    shares = divergence.cell_shares(samples, edges)
    counts, _, _ = np.histogram2d(*samples.T.double().numpy(), bins=[edges[0].numpy(), edges[1].numpy()])
    np.testing.assert_allclose(shares[:-1].numpy(), counts.flatten() / 1000)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-12) and shares[-1] >= 0.1


def test_both_divergences_are_those_of_scipy() -> None:
    draw = torch.Generator().manual_seed(0)
    p, q = (torch.rand(40, generator=draw, dtype=torch.float64) ** 4 for _ in range(2))
    p, q = p / p.sum(), q / q.sum()
    q[:5] = 0
    q = q / q.sum()
    assert divergence.reverse_kl(q, p.log()) == pytest.approx(stats.entropy(q, p), rel=1e-12)
    expected = spatial.distance.jensenshannon(p.numpy(), q.numpy()) ** 2
    assert divergence.jensen_shannon(q, p.log()) == pytest.approx(expected, rel=1e-12)


def test_a_shift_has_the_reverse_kl_of_the_closed_form() -> None:
    """KL between two Gaussians of equal σ is ‖shift‖² / 2σ²; with fine cells and exact shares nothing else is
    left."""
    p, q = (Distribution("one", torch.tensor([[x, 0.0]]), 0.5) for x in (0.0, 0.4))
    edges = torch.linspace(-5, 5, 401, dtype=torch.float64).expand(2, -1)
    log_p, log_q = (divergence.cell_log_probabilities(each, edges) for each in (p, q))
    assert divergence.reverse_kl(log_q.exp(), log_p) == pytest.approx(0.4**2 / (2 * 0.25), rel=1e-3)


@pytest.mark.parametrize("shift", [0.1, 0.5, 2.0])
def test_js_of_two_gaussians_is_the_integral(shift: float) -> None:
    """The shift lies along one axis, so the integral is one-dimensional."""
    p, q = stats.norm(0, 0.5), stats.norm(shift, 0.5)

    def density(x: float) -> float:
        middle = (p.pdf(x) + q.pdf(x)) / 2
        return sum(one.pdf(x) * math.log(one.pdf(x) / middle) / 2 for one in (p, q))

    exact, _ = integrate.quad(density, -6, 8, limit=200)
    edges = torch.linspace(-6, 8, 561, dtype=torch.float64).expand(2, -1)
    log_p, log_q = (
        divergence.cell_log_probabilities(Distribution("one", torch.tensor([[x, 0.0]]), 0.5), edges)
        for x in (0.0, shift)
    )
    assert divergence.jensen_shannon(log_q.exp(), log_p) == pytest.approx(exact, rel=2e-3)


def test_many_samples_of_a_shift_reach_the_exact_values() -> None:
    """Drawn samples, the default grid: both numbers are those of the exact shares of the same cells, and the
    closed form within what the cells merge."""
    p = Distribution("one", torch.zeros(1, 2), 0.25)
    q = Distribution("one", torch.tensor([[0.25, 0.0]]), 0.25)
    edges = divergence.cell_edges(p)
    log_p, log_q = (divergence.cell_log_probabilities(each, edges) for each in (p, q))
    found = divergence.measure_divergence(q.sample(400_000), p)
    assert found["reverse_kl_cells"] == pytest.approx(divergence.reverse_kl(log_q.exp(), log_p), rel=0.02)
    assert found["js_cells"] == pytest.approx(divergence.jensen_shannon(log_q.exp(), log_p), rel=0.02)
    assert found["reverse_kl_cells"] == pytest.approx(0.5, rel=0.03)


def test_collapse_and_samples_far_away() -> None:
    ring = toy.ring()
    one_mode = ring.centres[3] + ring.sigma * torch.randn(2000, 2)
    found = divergence.measure_divergence(one_mode, ring)
    assert found["reverse_kl_cells"] == pytest.approx(math.log(8), abs=0.02)  # q = 8 p where q is
    far = divergence.measure_divergence(torch.full((100, 2), 1e6), ring)
    assert far["js_cells"] == pytest.approx(math.log(2), rel=1e-9)
    assert 100 < far["reverse_kl_cells"] < math.inf


def test_real_samples_score_their_floor() -> None:
    scores = divergence_scores(toy.ring(sigma=0.05).sample(2000, seed=9), toy.ring(sigma=0.05))
    assert set(scores) == {"reverse_kl_cells", "js_cells"}
    for score in scores.values():
        assert score.better == "lower" and score.samples == 2000 and score.unit == "nats"
        assert score.value == pytest.approx(score.real, rel=0.25)
    assert scores["js_cells"].reference == "the true density of the ring in 32² cells"


def test_the_floor_repeats_and_follows_the_seed() -> None:
    samples = toy.ring().sample(400)
    floors = [divergence_scores(samples, toy.ring(), seed=seed)["js_cells"].real for seed in (0, 0, 1)]
    assert floors[0] == floors[1] != floors[2]


@pytest.mark.parametrize("shape", [(0, 2), (5, 3), (5,), (5, 1, 2)])
def test_samples_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^samples must have shape \(count, 2\), not "):
        divergence_scores(torch.zeros(shape), toy.ring())


@pytest.mark.parametrize("given", [{"side": 0}, {"side": 2.5}, {"seed": -1}])
def test_wrong_settings_are_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"^{next(iter(given))} must be a whole number"):
        divergence_scores(torch.zeros(5, 2), toy.ring(), **given)


def test_samples_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        divergence_scores(torch.full((5, 2), math.inf), toy.ring())
