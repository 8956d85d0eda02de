"""Networks for clips: the first frame stays, motion comes from the latent, and the judges see what they
should."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.data.affine import affine_transform, ink_moments
from gantutor.networks import (
    AffineVideoGenerator,
    ClipDiscriminator,
    DecoderVideoGenerator,
    FrameDiscriminator,
)
from gantutor.networks.video_discriminators import ink_trajectory

MakeGenerator = Callable[..., nn.Module]
GENERATORS = pytest.mark.parametrize("make", [AffineVideoGenerator, DecoderVideoGenerator])


@pytest.fixture(scope="module")
def first() -> Tensor:
    """First frames (6, 1, 32, 32) of six real digits."""
    return gt.data.place_digit(gt.data.digits().held_out.tensors[0][100:700:100], position=(-2.0, 3.0))


@pytest.fixture(scope="module")
def clips() -> Tensor:
    return gt.data.sample_futures(gt.data.digits().held_out.tensors[0][100:700:100], count=1)[:, 0]


# --- moving a picture ---------------------------------------------------------------------------------------


def test_a_turn_is_counter_clockwise_and_a_shift_goes_right_and_down() -> None:
    dot = torch.full((1, 1, 9, 9), -1.0)
    dot[0, 0, 4, 7] = 1.0  # three to the right of the middle
    one = torch.ones(1)
    turned = affine_transform(dot, torch.zeros(1, 2), math.pi / 2 * one, one)
    assert turned[0, 0].argmax().item() == 1 * 9 + 4  # three above it
    shifted = affine_transform(dot, torch.tensor([[-1.0, 2.0]]), 0 * one, one)
    assert shifted[0, 0].argmax().item() == 6 * 9 + 6
    shrunk = affine_transform(dot, torch.zeros(1, 2), 0 * one, one / 3)
    assert ink_moments(shrunk)[0, 1].item() == pytest.approx(1, abs=0.1)
    about = affine_transform(dot, torch.zeros(1, 2), math.pi / 2 * one, one, torch.tensor([[1.0, 0.0]]))
    assert about[0, 0].argmax().item() == 2 * 9 + 5


def test_there_and_back_again(first: Tensor) -> None:
    count = len(first)
    angle, scale = torch.full((count,), 0.3), torch.full((count,), 1.2)
    shift, centre = torch.tensor([[1.5, -2.0]]).repeat(count, 1), ink_moments(first)[:, 1:3]
    there = affine_transform(first, shift, angle, scale, centre)
    back = affine_transform(there, -shift, -angle, 1 / scale, centre + shift)
    assert float((back - first).abs().mean()) < 0.04 < float((there - first).abs().mean())


def test_places_have_a_gradient_and_stay_exact_in_16_bits(first: Tensor) -> None:
    shift = torch.full((len(first), 2), 0.37, requires_grad=True)
    no, one = torch.zeros(len(first)), torch.ones(len(first))
    place = ink_moments(affine_transform(first, shift, no, one))[:, 1:3]
    place.sum().backward()
    assert shift.grad is not None
    torch.testing.assert_close(shift.grad, torch.ones_like(shift), atol=0.1, rtol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = ink_moments(affine_transform(first, shift, no, one))[:, 1:3]
    assert torch.equal(again, place)


# --- the generators -----------------------------------------------------------------------------------------


@GENERATORS
def test_a_clip_begins_with_its_first_frame_and_is_in_range(make: MakeGenerator, first: Tensor) -> None:
    made = make()(torch.randn(6, 16), first)
    assert made.shape == (6, 16, 1, 32, 32) and torch.equal(made[:, 0], first)
    assert float(made.detach().abs().max()) <= 1


@GENERATORS
def test_other_sizes_and_lengths(make: MakeGenerator) -> None:
    made = make(latent=5, frames=7, size=40, hidden=8)(torch.randn(2, 5), torch.zeros(2, 1, 40, 40))
    assert made.shape == (2, 7, 1, 40, 40)


def test_colours_are_decoded_too() -> None:
    assert (
        DecoderVideoGenerator(image_channels=3)(torch.zeros(2, 16), torch.zeros(2, 3, 32, 32)).shape[2] == 3
    )


@GENERATORS
def test_latents_make_the_difference_and_clips_do_not_mix(make: MakeGenerator, first: Tensor) -> None:
    generator = make()
    latents = torch.randn(6, 16)
    made = generator(latents, first)
    again = generator(torch.cat([latents[:1], torch.randn(5, 16)]), first)
    torch.testing.assert_close(made[0], again[0], atol=1e-4, rtol=0)
    assert not torch.allclose(made[1:, 1:], again[1:, 1:], atol=1e-2)


@GENERATORS
def test_every_weight_and_input_has_a_gradient(make: MakeGenerator, first: Tensor) -> None:
    generator = make()
    for weight in generator.parameters():  # a last layer of zeros would hide those before it
        weight.data += 0.01 * torch.randn_like(weight)
    latents = torch.randn(6, 16, requires_grad=True)
    (generator(latents, first)[:, 1:] * torch.randn(6, 15, 1, 32, 32)).sum().backward()
    for name, weight in generator.named_parameters():
        assert weight.grad is not None and bool(weight.grad.isfinite().all()), name
        assert float(weight.grad.abs().max()) > 0, name
    assert latents.grad is not None and bool((latents.grad.abs().sum(1) > 0).all())


def test_an_affine_clip_moves_as_its_path_says(first: Tensor) -> None:
    generator = AffineVideoGenerator().eval()
    latents = torch.randn(6, 16)
    with torch.no_grad():
        path = 0.2 * generator.path(latents, first)  # short enough to stay inside the frame
        generator.path = lambda *_: path  # type: ignore[method-assign]
        motion = gt.metrics.measure_motion(generator(latents, first))
    torch.testing.assert_close(motion.shift, path[..., :2], atol=0.4, rtol=0)
    torch.testing.assert_close(motion.turn, path[..., 2].rad2deg(), atol=2.5, rtol=0)
    torch.testing.assert_close(motion.growth, path[..., 3].exp(), atol=0.04, rtol=0)


def test_an_untrained_affine_generator_moves_about_as_much_as_digits_do() -> None:
    images = gt.data.digits().held_out.tensors[0][::10]
    real = gt.data.sample_futures(images, 1)[:, 0]
    with torch.no_grad():
        path = AffineVideoGenerator().path(torch.randn(100, 16), real[:, 0])
    motion = gt.metrics.measure_motion(real)
    for ours, theirs in (
        (path[:, 1, :2].norm(dim=1), motion.shift[:, 1].norm(dim=1)),
        (path[:, 1, 2].rad2deg().abs(), motion.turn[:, 1].abs()),
    ):
        assert 0.3 < float(ours.median() / theirs.median()) < 3


# --- the discriminators -------------------------------------------------------------------------------------


def test_shapes_of_the_judges(clips: Tensor) -> None:
    assert FrameDiscriminator()(clips[:, 5], clips[:, 0]).shape == (6,)
    for more in ({}, {"use_ink_trajectory": False}, {"channels": 8}):
        assert ClipDiscriminator(**more)(clips, clips[:, 0]).shape == (6,)
    colour = ClipDiscriminator(frames=5, size=16, image_channels=3, use_ink_trajectory=False)
    assert colour(torch.zeros(2, 5, 3, 16, 16), torch.zeros(2, 3, 16, 16)).shape == (2,)


def test_the_judges_see_the_first_frame(clips: Tensor) -> None:
    frame, clip = FrameDiscriminator(), ClipDiscriminator()
    others = clips[:, 0].roll(1, 0)
    assert not torch.allclose(frame(clips[:, 5], clips[:, 0]), frame(clips[:, 5], others), atol=1e-4)
    assert not torch.allclose(clip(clips, clips[:, 0]), clip(clips, others), atol=1e-4)


@pytest.mark.parametrize("use_ink_trajectory", [True, False])
def test_the_clip_judge_sees_the_order_of_frames(clips: Tensor, use_ink_trajectory: bool) -> None:
    judge = ClipDiscriminator(use_ink_trajectory=use_ink_trajectory)
    mixed = clips[:, [0, *(torch.randperm(15) + 1).tolist()]]
    assert not torch.allclose(judge(clips, clips[:, 0]), judge(mixed, clips[:, 0]), atol=1e-4)


@pytest.mark.parametrize("use_ink_trajectory", [True, False])
def test_a_penalty_reaches_every_frame_and_the_weights(clips: Tensor, use_ink_trajectory: bool) -> None:
    judge = ClipDiscriminator(use_ink_trajectory=use_ink_trajectory)
    penalty = gt.objectives.r1_penalty(1.0)(lambda x: judge(x, clips[:, 0]), clips, clips)
    penalty.backward()
    reached = [weight for weight in judge.parameters() if weight.grad is not None]
    assert penalty.item() > 0 and all(bool(weight.grad.isfinite().all()) for weight in reached)  # type: ignore[union-attr]
    inputs = clips.clone().requires_grad_(True)
    judge(inputs, clips[:, 0]).sum().backward()
    assert inputs.grad is not None and bool((inputs.grad.abs().sum((0, 2, 3, 4)) > 0).all())


def test_the_path_of_the_ink_follows_the_digit(clips: Tensor) -> None:
    path, motion = ink_trajectory(clips), gt.metrics.measure_motion(clips)
    torch.testing.assert_close(16 * (path - path[:, :1])[..., :2], motion.shift, atol=0.2, rtol=0)
    torch.testing.assert_close((path - path[:, :1])[..., 2].exp(), motion.growth, atol=0.02, rtol=0)
    direction = torch.atan2(path[..., 4], path[..., 3]) / 2
    turned = torch.remainder((direction[:, :1] - direction).rad2deg() - motion.turn + 90, 180) - 90
    oblong = path[:, 0, 3:].norm(dim=1) > 0.3
    assert int(oblong.sum()) >= 2 and float(turned[oblong].abs().max()) < 6


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AffineVideoGenerator(size=30), "size must be a multiple of 8, at least 8, not 30"),
        (lambda: AffineVideoGenerator(latent=0), "latent must be a whole number of at least 1"),
        (lambda: DecoderVideoGenerator(frames=1), "frames must be a whole number of at least 2"),
        (lambda: ClipDiscriminator(size=30), "size must be a multiple of 8"),
        (lambda: ClipDiscriminator(frames=2), "frames must be a whole number of at least 3"),
        (lambda: ClipDiscriminator(image_channels=3), "use_ink_trajectory is for grey clips"),
        (lambda: AffineVideoGenerator()(torch.zeros(2, 16), None), "needs first frames.*not None"),
        (lambda: DecoderVideoGenerator()(torch.zeros(2, 16), torch.arange(2)), r"not \(2,\)"),
    ],
)
def test_what_makes_no_network_is_refused(make: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        make()
