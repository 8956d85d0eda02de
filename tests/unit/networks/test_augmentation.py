"""Augmentation: each change against a case made by hand, and what a game with it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.data.dataset import with_mirror_images
from gantutor.networks.augmentation import (
    AugmentedDiscriminator,
    DiffAugment,
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    cutout,
    translate,
)

SURE: dict[str, float] = {"colour": 1.0, "translation": 1.0, "cutout": 1.0}


def only(name: str, probability: float = 1.0, **more: float) -> DiffAugment:
    """An augmentation of one kind alone."""
    return DiffAugment(**(dict.fromkeys(SURE, 0.0) | {name: probability} | more))


@pytest.mark.parametrize("shift", [(0, 0), (2, 0), (-1, 3), (-5, -2), (6, 7), (9, 0)])
def test_a_translation_is_a_crop_of_the_padded_image(shift: tuple[int, int]) -> None:
    images, (down, right) = torch.randn(3, 2, 6, 7), shift
    padded = F.pad(images, (9, 9, 9, 9))
    expected = padded[:, :, 9 - down : 15 - down, 9 - right : 16 - right]
    assert torch.equal(translate(images, torch.tensor([shift] * 3)), expected)


def test_every_sample_goes_its_own_way() -> None:
    images = torch.zeros(3, 1, 5, 5)
    images[:, 0, 2, 2] = 1
    moved = translate(images, torch.tensor([[0, 0], [1, -2], [-2, 2]]))
    assert [tuple(place.tolist()) for place in moved[:, 0].nonzero()] == [(0, 2, 2), (1, 3, 0), (2, 0, 4)]


def test_a_hole_lies_where_it_should_and_may_reach_over_the_edge() -> None:
    images = torch.ones(3, 2, 4, 5)
    holed = cutout(images, torch.tensor([[1, 2], [-1, -1], [3, 4]]), (2, 3))
    expected = torch.ones(3, 2, 4, 5)
    expected[0, :, 1:3, 2:5] = 0
    expected[1, :, :1, :2] = 0
    expected[2, :, 3:, 4:] = 0
    assert torch.equal(holed, expected)


def test_colours_by_hand() -> None:
    pixel = torch.tensor([0.3, 0.0, 0.6]).view(1, 3, 1, 1).repeat(2, 1, 2, 2)
    assert torch.allclose(
        adjust_brightness(pixel, torch.tensor([0.2, -0.1]))[1, :, 0, 0] + 0.1, pixel[1, :, 0, 0]
    )
    grey, twice = adjust_saturation(pixel, torch.tensor([0.0, 2.0]))
    assert torch.allclose(grey, torch.full((3, 2, 2), 0.3))
    assert torch.allclose(twice[:, 0, 0], torch.tensor([0.3, -0.3, 0.9]), atol=1e-6)
    image = torch.randn(2, 3, 4, 4)
    flat, same = adjust_contrast(image, torch.tensor([0.0, 1.0]))
    assert torch.allclose(flat, image[0].mean().expand(3, 4, 4)) and torch.allclose(same, image[1])
    stronger = adjust_contrast(image, torch.tensor([2.0, 2.0]))
    assert torch.allclose(stronger.std((1, 2, 3)), 2 * image.std((1, 2, 3)))
    assert torch.allclose(stronger.mean((1, 2, 3)), image.mean((1, 2, 3)), atol=1e-6)


def test_what_is_grey_has_no_saturation_to_change() -> None:
    grey = torch.randn(4, 1, 5, 5).expand(4, 3, 5, 5)
    assert torch.allclose(adjust_saturation(grey, torch.rand(4) * 2), grey, atol=1e-6)


@pytest.mark.parametrize("name", list(SURE))
def test_probability_0_and_evaluation_change_nothing_and_draw_nothing(name: str) -> None:
    images, before = torch.randn(8, 3, 8, 8), torch.random.get_rng_state()
    for augment in (only(name, 0.0), only(name).eval()):
        assert torch.equal(augment(images), images)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", list(SURE))
@pytest.mark.parametrize("probability", [0.2, 0.6, 1.0])
def test_a_share_of_the_samples_is_changed(name: str, probability: float) -> None:
    images = torch.rand(2000, 1, 16, 16) + 0.1
    share = float((only(name, probability)(images) != images).flatten(1).any(1).double().mean())
    expected = probability * (24 / 25 if name == "translation" else 1)  # one shift of 25 is none
    assert share == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 2000))


@pytest.mark.parametrize("name", list(SURE))
def test_samples_do_not_share_their_change(name: str) -> None:
    image = torch.rand(1, 3, 32, 32) + 0.1
    changed = only(name)(image.expand(64, -1, -1, -1))
    assert len(changed.flatten(1).unique(dim=0)) > 30


def test_the_ranges_are_those_of_the_paper() -> None:
    flat = torch.zeros(4000, 1, 16, 16)
    light = only("colour")(flat).flatten(1)[:, 0]  # contrast leaves what is even
    assert -0.5 <= float(light.min()) < -0.49 and 0.49 < float(light.max()) <= 0.5
    dot = torch.zeros(4000, 1, 16, 16)
    dot[:, 0, 8, 8] = 1
    places = only("translation")(dot)[:, 0].nonzero()[:, 1:]
    assert places.unique().tolist() == [6, 7, 8, 9, 10]  # an eighth of 16 is 2
    hidden = (only("cutout")(torch.ones(4000, 1, 16, 16)) == 0).flatten(1).sum(1)
    assert int(hidden.max()) == 64 and int(hidden.min()) >= 16  # half of each side, or a quarter at a corner
    noise = torch.randn(4000, 1, 8, 8)
    factor = only("colour")(noise).std((1, 2, 3)) / noise.std((1, 2, 3))
    assert 0.5 <= float(factor.min()) < 0.51 and 1.49 < float(factor.max()) <= 1.5 + 1e-5


def test_every_place_is_hidden_as_often_as_the_middle_but_for_the_edge() -> None:
    hidden = (only("cutout")(torch.ones(20_000, 1, 8, 8)) == 0).double().mean(0)[0]
    assert float(hidden[4, 4]) == pytest.approx(0.25, abs=0.02)  # 4 of 8 middles, each way
    assert float(hidden[0, 0]) == pytest.approx((3 / 8) ** 2, abs=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_flow_twice(channels: int) -> None:
    images = torch.randn(8, channels, 8, 8, requires_grad=True)
    augment = DiffAugment(**SURE)
    (slope,) = torch.autograd.grad(augment(images).pow(3).sum(), images, create_graph=True)
    slope.square().sum().backward()
    assert images.grad is not None and float(slope.detach().abs().sum()) > 0
    assert float(images.grad.abs().sum()) > 0


def test_the_gradient_is_that_of_the_change() -> None:
    images = torch.randn(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)

    def change(x: Tensor) -> Tensor:
        moved = translate(x, torch.tensor([[1, 0], [0, -1]]))
        holed = cutout(moved, torch.tensor([[0, 0], [2, 2]]), (2, 2))
        return adjust_contrast(holed, torch.tensor([0.7, 1.3], dtype=torch.float64))

    assert torch.autograd.gradcheck(change, images)


def test_a_seed_repeats() -> None:
    images, augment = torch.randn(8, 3, 16, 16), DiffAugment(**SURE)
    torch.manual_seed(5)
    first = augment(images)
    torch.manual_seed(5)
    assert torch.equal(first, augment(images)) and not torch.equal(first, augment(images))


def test_a_wrapped_discriminator_passes_conditions_and_is_itself_in_evaluation() -> None:
    inner = gt.networks.ConvDiscriminator(classes=3, size=8, features=16)
    wrapped = AugmentedDiscriminator(inner, DiffAugment(**SURE))
    images, labels = torch.randn(8, 1, 8, 8), torch.arange(8) % 3
    assert not torch.allclose(wrapped(images, labels), inner(images, labels))
    wrapped.eval()
    assert torch.equal(wrapped(images, labels), inner(images, labels))
    assert not torch.allclose(wrapped(images, labels), wrapped(images, (labels + 1) % 3))
    assert set(dict(wrapped.named_parameters())) == {
        f"discriminator.{name}" for name in dict(inner.named_parameters())
    }


def test_r1_is_the_slope_before_the_change() -> None:
    """Of a sum over pixels, each counts 1; those in the hole count nothing."""

    class Total(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.sum((1, 2, 3))

    penalty = gt.objectives.r1_penalty(2.0)
    images = torch.randn(4, 1, 8, 8)
    assert float(
        penalty(AugmentedDiscriminator(Total(), only("cutout", 0.0)), images, images)
    ) == pytest.approx(64)
    seen = float(penalty(AugmentedDiscriminator(Total(), only("cutout", cutout_size=1.0)), images, images))
    assert 0 <= seen < 64


def test_a_game_with_it_trains_and_repeats_and_both_kinds_are_changed(
    image_game: Callable[..., gt.GAN], images: Tensor, same_weights: Callable[..., bool]
) -> None:
    counted: list[int] = []

    class Counting(DiffAugment):
        def forward(self, x: Tensor) -> Tensor:
            counted.append(len(x))
            return super().forward(x)

    def play(augment: nn.Module | None, steps: int = 4) -> gt.Run:
        networks = image_game().networks
        discriminator = networks["discriminator"]
        wrapped = discriminator if augment is None else AugmentedDiscriminator(discriminator, augment)
        gan = gt.GAN(networks["generator"], wrapped, gt.objectives.non_saturating(r1=1.0, every=2), latent=4)
        return gt.train(gan, TensorDataset(images), steps=steps, batch_size=16, seed=1, progress=False)

    runs = [play(Counting(**SURE)) for _ in range(2)]
    before = len(counted) // 2
    play(Counting(**SURE), steps=8)
    # A step shows real and generated images to the discriminator, then generated ones again; R1 comes every
    # other step.
    assert set(counted) == {16} and len(counted) - 2 * before == before + 4 * 3 + 2
    assert same_weights(*runs)
    without, never = play(None), play(DiffAugment(0.0, 0.0, 0.0))
    assert torch.equal(without.sample(4), never.sample(4))
    assert not torch.equal(without.sample(4), runs[0].sample(4))


def test_mirrored_data() -> None:
    images, people = torch.randn(5, 1, 4, 6), torch.arange(5)
    both, twice = with_mirror_images(TensorDataset(images, people)).tensors
    assert torch.equal(both[:5], images) and torch.equal(both[5:].flip(3), images)
    assert twice.tolist() == [0, 1, 2, 3, 4] * 2
    assert len(with_mirror_images(TensorDataset(images)).tensors) == 1


@pytest.mark.parametrize("data", [torch.zeros(3, 1, 4, 4), TensorDataset(torch.zeros(3, 4)), None])
def test_only_images_are_mirrored(data: Any) -> None:
    with pytest.raises(gt.InputError, match=r"^data must be a TensorDataset of images"):
        with_mirror_images(data)


@pytest.mark.parametrize("name", ["colour", "translation", "cutout", "max_shift", "cutout_size"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_wrong_shares_are_refused(name: str, value: Any) -> None:
    with pytest.raises(gt.InputError, match=rf"^{name} must be a number of at least 0 and at most 1, not "):
        DiffAugment(**{name: value})


def test_other_shapes_and_no_networks_are_refused() -> None:
    with pytest.raises(gt.InputError, match=r"must be images of shape \(N, C, H, W\), not \(3, 4\)"):
        DiffAugment()(torch.zeros(3, 4))
    with pytest.raises(gt.InputError, match=r"must be images of shape .*, not tuple"):
        DiffAugment()((torch.zeros(3, 1, 4, 4),))
    with pytest.raises(gt.InputError, match=r"^discriminator must be a torch\.nn\.Module, not function"):
        AugmentedDiscriminator(lambda x: x)
    with pytest.raises(gt.InputError, match=r"^augment must be a torch\.nn\.Module, not str"):
        AugmentedDiscriminator(nn.Identity(), "flip")
