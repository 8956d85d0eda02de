"""Rejection by a discriminator: exact where it is the best there is, and careful where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

import gantutor as gt
from gantutor.sampling.rejection import acceptance, reject, reject_from

ALONG = torch.distributions.Normal(0.0, 1.0)
WIDE = torch.distributions.Normal(0.5, 1.5)


def draw_wide(count: int, generator: torch.Generator) -> Tensor:
    """Points of a plane, both coordinates N(½, 1.5²)."""
    return 0.5 + 1.5 * torch.randn(count, 2, generator=generator)


def best_logit(x: Tensor) -> Tensor:
    """log p(x) / q(x) of two standard coordinates against wide ones."""
    return (ALONG.log_prob(x) - WIDE.log_prob(x)).sum(1)


def largest_logit() -> float:
    """At the root of its derivative: −x + (x − ½) / 2.25 = 0."""
    x = -0.5 / 1.25
    return float(best_logit(torch.full((1, 2), x)))


def test_what_is_kept_follows_the_data_where_the_discriminator_is_optimal() -> None:
    kept = reject_from(draw_wide, best_logit, 4000, burn_in=4096, progress=False)
    assert kept.samples.shape == (4000, 2)
    for axis in range(2):
        assert stats.kstest(kept.samples[:, axis].numpy(), "norm").pvalue > 1e-3
    raw = draw_wide(4000, torch.Generator().manual_seed(0))
    assert stats.kstest(raw[:, 0].numpy(), "norm").pvalue < 1e-12  # the test can fail
    correlation = float(torch.corrcoef(kept.samples.T)[0, 1])
    assert abs(correlation) < 5 / math.sqrt(4000)


def test_the_rate_is_one_over_the_maximum_of_the_ratio() -> None:
    kept = reject_from(draw_wide, best_logit, 4000, burn_in=4096, progress=False)
    assert kept.max_logit == pytest.approx(largest_logit(), abs=1e-2)
    expected = math.exp(-largest_logit())
    spread = math.sqrt(expected * (1 - expected) / kept.tried)
    assert kept.rate == pytest.approx(expected, abs=5 * spread)
    assert kept.rate == 4000 / kept.tried


def test_a_constant_on_the_logits_changes_nothing() -> None:
    """The ratio need be known but for a factor, as the maximum is measured by the same scale."""
    one, other = (
        reject_from(draw_wide, lambda x, c=c: best_logit(x).double() + c, 200, progress=False)
        for c in (0.0, 7.0)
    )
    assert torch.equal(one.samples, other.samples) and other.max_logit == pytest.approx(one.max_logit + 7)


def test_modes_are_balanced_again() -> None:
    """Nine of ten samples lie in one mode, where the data has halves."""

    def draw(count: int, generator: torch.Generator) -> Tensor:
        return (torch.rand(count, generator=generator) < 0.9).float()

    def judge(x: Tensor) -> Tensor:
        return torch.where(x == 1, math.log(0.5 / 0.9), math.log(0.5 / 0.1))

    kept = reject_from(draw, judge, 3000, progress=False)
    assert float(kept.samples.mean()) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(3000))
    assert kept.rate == pytest.approx(0.2, abs=0.02)


def test_the_probability_by_hand() -> None:
    ratios = torch.tensor([0.001, 0.3, 0.9, 1.0], dtype=torch.float64)
    assert torch.allclose(acceptance(ratios.log(), 0.0), ratios, atol=1e-6)
    odds = ratios[:3] / (1 - ratios[:3])
    for gamma in (-2.0, 0.5, 3.0):  # γ divides the odds by its exponential
        found = acceptance(ratios[:3].log(), 0.0, gamma)
        assert torch.allclose(found / (1 - found), odds * math.exp(-gamma), rtol=1e-5)
    assert float(acceptance(torch.tensor([5.0]), 0.0)) == pytest.approx(1.0, abs=1e-6)
    assert float(acceptance(torch.tensor([-math.inf]), 0.0)) == 0.0
    assert bool(acceptance(torch.tensor([-1e30, -800.0, 0.0, 1e30]), 0.0).isfinite().all())


@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.8])
def test_a_quantile_chooses_gamma(quantile: float) -> None:
    """A long tail: by the bare ratio next to nothing would be kept."""

    def judge(x: Tensor) -> Tensor:
        return 10 * x[:, 0]

    kept = reject_from(draw_wide, judge, 500, quantile=quantile, burn_in=4096, progress=False)
    assert kept.rate == pytest.approx(1 - quantile, abs=0.06) and kept.gamma < 0
    assert float(kept.samples[:, 0].mean()) >= 0.4
    with pytest.raises(
        gt.InputError, match=r"^only \d+ of [\d,]+ samples were kept, fewer than one in 1,000"
    ):
        reject_from(draw_wide, lambda x: 20 * judge(x), 500, progress=False)


def test_a_seed_repeats() -> None:
    first, again, other = (
        reject_from(draw_wide, best_logit, 50, seed=seed, progress=False) for seed in (1, 1, 2)
    )
    assert torch.equal(first.samples, again.samples) and first.rate == again.rate
    assert not torch.equal(first.samples, other.samples)


def test_a_run_is_left_as_it_was_and_augmentation_is_off(point_game: Callable[..., gt.GAN]) -> None:
    plain = point_game()

    class Spoil(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * math.nan if self.training else x

    wrapped = gt.networks.AugmentedDiscriminator(plain.networks["discriminator"], Spoil())
    run = gt.Run(gt.GAN(plain.networks["generator"], wrapped, latent=2))
    before = {name: value.clone() for name, value in run.weights().items()}
    state = torch.random.get_rng_state()
    wrapped.train()
    wrapped.discriminator.eval()
    kept = reject(run, 40, burn_in=64, progress=False)
    assert kept.samples.shape == (40, 2) and 0 < kept.rate <= 1
    assert wrapped.training and wrapped.augment.training and not wrapped.discriminator.training
    assert all(torch.equal(before[name], value) for name, value in run.weights().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(kept.samples, reject(run, 40, burn_in=64, progress=False).samples)


def test_a_run_is_judged_by_its_discriminator(point_game: Callable[..., gt.GAN]) -> None:
    class RightHalf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            return 50 * self.scale * (x[:, :1] > middle).float()

    generator = point_game().networks["generator"]
    run = gt.Run(gt.GAN(generator, RightHalf(), latent=2))
    middle = float(run.sample(500)[:, 0].median())
    kept = reject(run, 100, progress=False)
    assert float(kept.samples[:, 0].min()) > middle and kept.rate == pytest.approx(0.5, abs=0.12)


def test_games_that_cannot_be_judged_are_refused(
    point_game: Callable[..., gt.GAN], image_game: Callable[..., gt.GAN]
) -> None:
    run = gt.Run(image_game(classes=3))
    run.conditions = torch.arange(3)
    with pytest.raises(gt.InputError, match="a game without conditions"):
        reject(run, 5)

    class TwoHeads(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x

    run = gt.Run(gt.GAN(point_game().networks["generator"], TwoHeads(), latent=2))
    with pytest.raises(gt.InputError, match=r"one output, but this one has several"):
        reject(run, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", 0), ("burn_in", 0), ("seed", -1), ("gamma", "low"), ("quantile", 1.5), ("gamma", math.nan)],
)
def test_wrong_numbers_are_refused(name: str, value: Any) -> None:
    with pytest.raises(gt.InputError, match=rf"^{name} must be "):
        reject_from(draw_wide, best_logit, **({"count": 5} | {name: value}))


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (lambda x: x, r"^there must be one logit for each sample, \(64,\), not \(64, 2\)"),
        (lambda x: x[:, 0] * math.nan, r"^the logits are not finite"),
        (lambda x: x[:, 0].abs() * math.inf, r"^the logits are not finite"),
    ],
)
def test_wrong_logits_are_refused(judge: Any, says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        reject_from(draw_wide, judge, 5)
