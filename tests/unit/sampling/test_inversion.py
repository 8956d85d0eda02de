"""Inversion: latents that are known come back, the generator stays as it is, and a seed repeats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.metrics import psnr
from gantutor.sampling.inversion import invert, pyramid_loss


class Blobs(nn.Module):
    """Latents (N, 2) → pictures (N, 1, 16, 16) of a soft dot whose place they say."""

    def __init__(self) -> None:
        super().__init__()
        self.width = nn.Parameter(torch.tensor(2.0))

    def forward(self, latent: Tensor) -> Tensor:
        line = torch.arange(16.0)
        rows, columns = (8 + 3 * latent[:, axis, None] - line for axis in (0, 1))
        distance = rows.square()[:, :, None] + columns.square()[:, None, :]
        return 2 * torch.exp(-distance / (2 * self.width**2))[:, None] - 1


def blobs() -> gt.Run:
    return gt.Run(gt.GAN(Blobs(), gt.networks.ConvDiscriminator(size=16), latent=2))


def test_latents_that_are_known_come_back() -> None:
    run = blobs()
    truth = torch.tensor([[0.0, 1.0], [-1.5, 0.5], [1.9, -1.9]])
    found = invert(run, run.generate(truth), steps=100, prior=0.0, progress=False)
    torch.testing.assert_close(found.latents, truth, atol=0.01, rtol=0)
    assert float(psnr(found.images, run.generate(truth)).min()) > 40
    assert float(found.losses.max()) < 1e-4
    torch.testing.assert_close(found.images, run.generate(found.latents))


def test_one_start_among_few_candidates_is_worse_than_several() -> None:
    """A dot that does not touch the other has no slope to follow; of many candidates some do."""
    run, truth = blobs(), torch.randn(12, 2)
    goal = run.generate(truth)
    few = invert(run, goal, steps=20, starts=1, candidates=1, progress=False)
    many = invert(run, goal, steps=20, starts=4, candidates=64, progress=False)
    assert bool((many.losses <= few.losses + 1e-6).all())
    assert float(many.losses.mean()) < 0.5 * float(few.losses.mean())


def test_the_prior_keeps_latents_near() -> None:
    run = blobs()
    goal = run.generate(torch.tensor([[2.0, -2.0]]))
    lengths = [
        float(invert(run, goal, steps=100, prior=prior, progress=False).latents.norm())
        for prior in (0.0, 0.1, 10.0)
    ]
    assert lengths[0] == pytest.approx(math.sqrt(8), abs=0.02)
    assert lengths[0] > lengths[1] > lengths[2] and lengths[2] < 0.2


def test_more_steps_come_nearer() -> None:
    run = blobs()
    goal = run.sample(12, seed=9)
    near = [
        float(psnr(invert(run, goal, steps, candidates=16, progress=False).images, goal).mean())
        for steps in (1, 10, 100)
    ]
    assert near[0] < near[1] < near[2]
    assert near[2] > float(psnr(run.sample(12, seed=1), goal).mean()) + 10


def test_nothing_of_the_run_changes_and_a_seed_repeats(image_game: Callable[..., gt.GAN]) -> None:
    run = gt.train(image_game(), torch.rand(32, 1, 8, 8), steps=2, batch_size=16, progress=False)
    goal = run.sample(3, seed=5)
    before = {name: value.clone() for name, value in run.weights().items()}
    modes = [module.training for module in run.gan.modules()]
    state = torch.random.get_rng_state()
    first, again = (invert(run, goal, steps=10, progress=False) for _ in range(2))
    assert all(torch.equal(before[name], value) for name, value in run.weights().items())
    assert modes == [module.training for module in run.gan.modules()]
    assert not any(weight.requires_grad for weight in run.generator.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.latents, again.latents) and torch.equal(first.images, again.images)
    assert not first.latents.requires_grad and not first.images.requires_grad
    other = invert(run, goal, steps=10, seed=1, progress=False)
    assert not torch.equal(first.latents, other.latents)


def test_a_target_does_not_mind_the_others() -> None:
    run = blobs()
    goal = run.generate(torch.randn(40, 2))  # more than one part
    together = invert(run, goal, steps=40, progress=False)
    alone = invert(run, goal[37:38], steps=40, progress=False)
    torch.testing.assert_close(together.latents[37:38], alone.latents, atol=1e-3, rtol=0)


def test_it_runs_where_gradients_are_off() -> None:
    run = blobs()
    with torch.no_grad():
        found = invert(run, run.generate(torch.tensor([[0.5, 0.5]])), steps=60, progress=False)
    torch.testing.assert_close(found.latents, torch.tensor([[0.5, 0.5]]), atol=0.05, rtol=0)


def test_conditions_go_along(image_game: Callable[..., gt.GAN]) -> None:
    run = gt.Run(image_game(classes=3))
    labels = torch.tensor([0, 1, 2, 1])
    goal = run.generate(torch.randn(4, 4), labels)
    right = invert(run, goal, steps=60, condition=labels, progress=False)
    assert float(psnr(right.images, goal).min()) > float(psnr(run.sample(4, labels), goal).min())
    torch.testing.assert_close(right.images, run.generate(right.latents, labels))
    one = invert(run, goal[1:2], steps=60, condition=1, progress=False)
    torch.testing.assert_close(one.images, run.generate(one.latents, torch.tensor([1])))


def test_the_pyramid_by_hand() -> None:
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 0] = 4
    # 16/16 at 4 × 4, 1/4 at 2 × 2, (1/4)² at 1 × 1; then there is nothing more to halve.
    assert float(pyramid_loss(image, torch.zeros_like(image))) == pytest.approx((1 + 0.25 + 0.0625) / 3)
    assert float(pyramid_loss(image, torch.zeros_like(image), levels=1)) == pytest.approx(1)
    moved = image.roll(1, 3)
    far = image.roll(3, 3)
    assert float(pyramid_loss(image, moved)) < float(
        pyramid_loss(image, far)
    )  # pixels alone see no difference


def test_psnr_is_that_of_torchmetrics() -> None:
    from torchmetrics.image import PeakSignalNoiseRatio

    one, other = torch.rand(5, 1, 8, 8) * 2 - 1, torch.rand(5, 1, 8, 8) * 2 - 1
    theirs = PeakSignalNoiseRatio(data_range=(-1.0, 1.0), reduction="none", dim=(1, 2, 3))(one, other)
    torch.testing.assert_close(psnr(one, other), theirs)
    assert float(psnr(one, one).min()) == math.inf
    with pytest.raises(gt.InputError, match=r"^images and targets must be of one shape"):
        psnr(one, other[:1])
    with pytest.raises(gt.InputError, match=r"not finite"):
        psnr(one, other * math.nan)
    with pytest.raises(gt.InputError, match=r"^peak must be"):
        psnr(one, other, peak=0)


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (torch.zeros(3, 16, 16), r"^targets must be floats of shape \(N, C, H, W\), not \(3, 16, 16\)"),
        (torch.zeros(3, 1, 16, 16, dtype=torch.int64), r"^targets must be floats"),
        ([1.0], r"^targets must be floats of shape \(N, C, H, W\), not list"),
        (torch.zeros(0, 1, 16, 16), r"^there are no targets"),
        (torch.full((1, 1, 16, 16), 3.0), r"^targets must lie in \[-1, 1\]"),
        (torch.full((1, 1, 16, 16), math.nan), r"not finite"),
        (torch.zeros(1, 1, 8, 8), r"^what the generator makes cannot be compared with these targets"),
    ],
)
def test_other_targets_are_refused(targets: Any, says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        invert(blobs(), targets, steps=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("starts", 0),
        ("starts", "4"),
        ("candidates", 3),
        ("prior", -1.0),
        ("learning_rate", 0),
        ("seed", -1),
        ("progress", 1),
    ],
)
def test_wrong_numbers_are_refused(name: str, value: Any) -> None:
    with pytest.raises(gt.InputError, match=rf"^{name} must be "):
        invert(blobs(), torch.zeros(1, 1, 16, 16), **{name: value})
