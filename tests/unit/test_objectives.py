"""Losses against closed forms, penalties against an independent jacobian, each objective on a problem it must
solve."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor import objectives as obj

REAL = [0.7, -1.3, 2.2, 0.0, -30.0]
FAKE = [-0.4, 0.9, 1.5, -2.0, 40.0]


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0.0, -x)


def expected(name: str) -> tuple[float, float]:
    """The two losses in double precision, from the formulas of the papers."""
    r, f = np.array(REAL), np.array(FAKE)
    cross_entropy = float(-log_sigmoid(r).mean() - log_sigmoid(-f).mean())
    return {
        "minimax": (cross_entropy, float(log_sigmoid(-f).mean())),
        "non_saturating": (cross_entropy, float(-log_sigmoid(f).mean())),
        "least_squares": (
            float((0.5 * (r - 1) ** 2).mean() + (0.5 * f**2).mean()),
            float((0.5 * (f - 1) ** 2).mean()),
        ),
        "hinge": (float(np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean()), float(-f.mean())),
        "wasserstein": (float(f.mean() - r.mean()), float(-f.mean())),
        "relativistic": (float(-log_sigmoid(r - f).mean()), float(-log_sigmoid(f - r).mean())),
    }[name]


NAMES = ["minimax", "non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"]


@pytest.mark.parametrize("name", NAMES)
def test_losses_have_their_closed_form(name: str) -> None:
    objective = getattr(obj, name)()
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    assert objective.name == name
    assert float(objective.discriminator(real, fake)) == pytest.approx(expected(name)[0], rel=1e-6)
    assert float(objective.generator(real, fake)) == pytest.approx(expected(name)[1], rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_wants_higher_logits_and_the_discriminator_lower_ones(name: str) -> None:
    objective = getattr(obj, name)()
    real, fake = torch.tensor([0.3, 0.2]), torch.tensor([-0.1, 0.4], requires_grad=True)
    (down,) = torch.autograd.grad(objective.generator(real, fake), fake)
    (up,) = torch.autograd.grad(objective.discriminator(real, fake), fake)
    assert (down < 0).all() if name != "least_squares" else (down == (fake - 1) / 2).all()
    assert (up > 0).all() if name != "least_squares" else (up == fake / 2).all()


def test_losses_stay_finite_for_enormous_logits() -> None:
    huge = torch.tensor([1e4, -1e4])
    for name in NAMES:
        objective = getattr(obj, name)()
        assert objective.discriminator(huge, -huge).isfinite() and objective.generator(huge, huge).isfinite()


def test_the_least_cross_entropy_gives_the_jensen_shannon_divergence() -> None:
    p, q = torch.tensor([0.1, 0.2, 0.7]), torch.tensor([0.5, 0.25, 0.25])
    middle = (p + q) / 2
    divergence = 0.5 * (p * (p / middle).log()).sum() + 0.5 * (q * (q / middle).log()).sum()
    logits = (p / q).log()
    counts_p, counts_q = (100 * p).long(), (100 * q).long()
    loss = obj.discriminator_cross_entropy(
        logits.repeat_interleave(counts_p), logits.repeat_interleave(counts_q)
    )
    assert float(loss) == pytest.approx(2 * math.log(2) - 2 * float(divergence), rel=1e-5)


def test_relativistic_losses_compare_each_real_sample_with_its_own_partner() -> None:
    real, fake = torch.tensor([3.0, -3.0]), torch.tensor([3.0, -3.0])
    paired, crossed = (
        obj.discriminator_relativistic(real, fake),
        obj.discriminator_relativistic(real, fake.flip(0)),
    )
    assert float(paired) == pytest.approx(math.log(2))
    assert float(crossed) == pytest.approx((math.log1p(math.exp(-6)) + math.log1p(math.exp(6))) / 2)
    assert obj.relativistic().paired and not obj.non_saturating().paired


# --- penalties ----------------------------------------------------------------------------------------------


def small_critic() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def jacobian_norms(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """‖∇D‖ of each sample, one call a sample, by the functional interface: shape (N,)."""
    rows = [torch.autograd.functional.jacobian(lambda one: critic(one[None]).sum(), sample) for sample in x]
    return torch.stack([row.norm() for row in rows])


def test_r1_and_r2_are_half_gamma_times_the_mean_squared_slope() -> None:
    critic = small_critic()
    real, fake = torch.randn(7, 2, 3).double(), torch.randn(7, 2, 3).double()
    for make, where in ((obj.r1_penalty, real), (obj.r2_penalty, fake)):
        value = make(3.0)(critic, real, fake)
        assert value.item() == pytest.approx(
            1.5 * float(jacobian_norms(critic, where).square().mean()), rel=1e-9
        )


def test_penalties_of_a_quadratic_critic_have_their_closed_form() -> None:
    real, fake = torch.randn(9, 4), torch.randn(9, 4)
    quadratic = lambda x: 0.5 * x.square().sum(1)  # noqa: E731   its gradient at x is x
    assert obj.r1_penalty(1.0)(quadratic, real, fake).item() == pytest.approx(
        0.5 * float(real.square().sum(1).mean())
    )
    assert obj.r2_penalty(1.0)(quadratic, real, fake).item() == pytest.approx(
        0.5 * float(fake.square().sum(1).mean())
    )


def test_the_gradient_of_a_penalty_reaches_the_weights() -> None:
    weights = torch.tensor([3.0, 4.0], requires_grad=True)
    for penalty, slope in (
        (obj.r1_penalty(2.0), 2 * weights.detach()),
        (obj.gradient_penalty(10.0), 10 * 2 * (5 - 1) * weights.detach() / 5),
    ):
        value = penalty(lambda x: x @ weights, torch.randn(6, 2), torch.randn(6, 2))
        (gradient,) = torch.autograd.grad(value, weights)
        assert torch.allclose(gradient, slope, rtol=1e-4)


def test_gradient_penalty_of_a_linear_critic() -> None:
    slope = torch.tensor([3.0, 4.0])
    value = obj.gradient_penalty(10.0)(lambda x: x @ slope, torch.randn(5, 2), torch.randn(5, 2))
    assert value.item() == pytest.approx(10 * (5 - 1) ** 2, rel=1e-5)
    flat = obj.gradient_penalty(10.0)(lambda x: 0 * x.sum(1), torch.randn(5, 2), torch.randn(5, 2))
    assert float(flat) == pytest.approx(10.0, rel=1e-4)


def points_between(real: Tensor, fake: Tensor) -> Tensor:
    """Where the gradient penalty looks at its critic."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return x.flatten(1).sum(1)

    obj.gradient_penalty(1.0)(critic, real, fake)
    return seen[0]


def test_gradient_penalty_draws_one_epsilon_for_each_sample_and_none_for_each_pixel() -> None:
    seen = points_between(torch.ones(512, 3, 4, 4), torch.zeros(512, 3, 4, 4)).flatten(1)
    assert (seen == seen[:, :1]).all()  # the same over all dimensions of a sample
    epsilon = seen[:, 0]
    assert (
        0 <= float(epsilon.min()) < 0.05 and 0.95 < float(epsilon.max()) <= 1
    )  # uniform over the whole line
    assert float(epsilon.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(epsilon.std()) == pytest.approx(12**-0.5, abs=0.02)


def test_gradient_penalty_joins_each_real_sample_with_its_own_partner() -> None:
    real, fake = torch.randn(20, 3), torch.randn(20, 3)
    along = (points_between(real, fake) - fake) / (real - fake)
    assert torch.allclose(along, along[:, :1].expand_as(along), atol=1e-3)


def test_penalties_are_chosen_by_their_weight() -> None:
    assert list(obj.relativistic(r1=0.1, r2=0.2).penalties) == ["r1", "r2"]
    assert obj.hinge().penalties == {} and list(obj.wasserstein().penalties) == ["gradient_penalty"]
    assert obj.wasserstein().every == 1 and obj.minimax(every=4).every == 4


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: obj.non_saturating(r1=-1.0), r"r1 .*at least 0"),
        (lambda: obj.hinge(r2=math.nan), r"r2 .*at least 0"),
        (lambda: obj.minimax(r1=math.inf), r"r1 .*number"),
        (lambda: obj.least_squares(r1="1"), r"r1 .*number"),
        (lambda: obj.relativistic(r1=True), r"r1 .*number"),
        (lambda: obj.wasserstein(gradient_penalty=-10), r"gradient_penalty .*at least 0"),
        (lambda: obj.non_saturating(every=0), r"every .*at least 1"),
        (lambda: obj.non_saturating(every=2.0), r"every .*whole"),
        (lambda: obj.non_saturating(every=True), r"every .*whole"),
    ],
)
def test_bad_arguments(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        call()


# --- each objective must solve a small problem --------------------------------------------------------------


def sliced_wasserstein(a: Tensor, b: Tensor) -> float:
    """Mean Wasserstein-1 distance over 32 directions, of samples (N, 2) in equal number."""
    angles = torch.arange(32) * math.pi / 32
    directions = torch.stack([angles.cos(), angles.sin()])
    return float(((a @ directions).sort(0)[0] - (b @ directions).sort(0)[0]).abs().mean())


def target(count: int, seed: int) -> Tensor:
    """A Gaussian of mean (1, −0.5) and standard deviations 0.6 and 0.4, which the untrained generator
    overlaps."""
    noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    return torch.tensor([1.0, -0.5]) + torch.tensor([0.6, 0.4]) * noise


@pytest.mark.parametrize(
    ("objective", "critic_turns"),
    [
        (obj.minimax(r1=0.3), 1),
        (obj.non_saturating(r1=0.3), 1),
        (obj.least_squares(r1=0.3), 1),
        (obj.hinge(r1=0.3), 1),
        (obj.wasserstein(1.0), 5),
        (obj.relativistic(r1=0.3, r2=0.3), 1),
    ],
    ids=NAMES,
)
def test_each_objective_learns_a_gaussian(objective: obj.Objective, critic_turns: int) -> None:
    torch.manual_seed(5)
    gan = gt.GAN(
        gt.networks.MLPGenerator(2, (2,), width=32),
        gt.networks.MLPDiscriminator((2,), width=32),
        objective,
        latent=2,
        discriminator_turns=critic_turns,
    )
    held_out = target(2000, seed=2)
    floor = sliced_wasserstein(target(2000, seed=3), held_out)
    before = sliced_wasserstein(gt.Run(gan).sample(2000), held_out)
    run = gt.train(
        gan,
        target(4000, seed=1),
        steps=1000 if critic_turns == 1 else 350,
        batch_size=128,
        optimizer=gt.optim.adam(6e-3),
        schedule=gt.optim.linear_decay(0.5),
        snapshots=0,
        progress=False,
    )
    generated = run.sample(2000)
    assert floor < 0.05 and before > 0.5  # the judge knows good from bad
    assert sliced_wasserstein(generated, held_out) < 0.1
    assert torch.allclose(generated.mean(0), torch.tensor([1.0, -0.5]), atol=0.1)
    assert torch.allclose(generated.std(0), torch.tensor([0.6, 0.4]), rtol=0.35)
