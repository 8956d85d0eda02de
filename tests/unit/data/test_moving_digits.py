"""Moving digits: the motion that is stated is the motion that is drawn, and each part keeps its digits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.data.affine import affine_transform, ink_moments
from gantutor.data.moving_digits import (
    DIGIT_SCALE,
    MAX_LOG_GROWTH,
    MAX_SPIN,
    SPEED_RANGE,
    radii,
    sample_motions,
    sample_starts,
)


@pytest.fixture(scope="module")
def data() -> gt.data.MovingDigits:
    return gt.data.moving_digits()


def place(frames: Tensor) -> Tensor:
    return ink_moments(frames)[:, 1:3]


def test_shapes_ranges_and_the_condition(data: gt.data.MovingDigits) -> None:
    for part, motion, labels, count in (
        (data.train, data.train_motion, data.train_labels, 4000),
        (data.held_out, data.held_out_motion, data.held_out_labels, 1000),
    ):
        clips, first = part.tensors
        assert clips.shape == (count, 16, 1, 32, 32) and clips.dtype == torch.float32
        assert float(clips.min()) >= -1 and float(clips.max()) <= 1 and torch.equal(first, clips[:, 0])
        assert motion.shift.shape == (count, 16, 2) and motion.turn.shape == motion.growth.shape
        assert len(motion) == len(labels) == count


def test_the_parts_keep_their_digits_in_their_order(data: gt.data.MovingDigits) -> None:
    still = gt.data.digits()
    assert torch.equal(data.train_labels, still.train.tensors[1])
    assert torch.equal(data.held_out_labels, still.held_out.tensors[1])
    for moving, part in ((data.train, still.train), (data.held_out, still.held_out)):
        first = moving.tensors[1][::50]
        centred = affine_transform(first, -place(first), torch.zeros(len(first)), torch.ones(len(first)))
        ours = gt.data.place_digit(part.tensors[0][::50])
        wanted = affine_transform(ours, -place(ours), torch.zeros(len(first)), torch.ones(len(first)))
        alike = torch.nn.functional.cosine_similarity(centred.flatten(1) + 1, wanted.flatten(1) + 1)
        assert float(alike.min()) > 0.93


def test_the_ink_moves_and_grows_as_is_stated(data: gt.data.MovingDigits) -> None:
    clips, motion = data.held_out.tensors[0], data.held_out_motion
    moments = ink_moments(clips.flatten(0, 1)).view(1000, 16, 6)
    found = moments[..., 1:3] - moments[:, :1, 1:3]
    assert float((found - motion.shift).norm(dim=2).mean()) < 0.3
    size = (moments[..., 3] + moments[..., 5]).sqrt()
    torch.testing.assert_close(size / size[:, :1], motion.growth, atol=0.05, rtol=0)


def test_the_digit_turns_as_is_stated(data: gt.data.MovingDigits) -> None:
    clips, motion = data.held_out.tensors[0], data.held_out_motion
    last, first = clips[:, -1], clips[:, 0]
    back = affine_transform(
        last, -place(last), -motion.turn[:, -1].deg2rad(), 1 / motion.growth[:, -1], place(last)
    )
    wrong = affine_transform(
        last, -place(last), motion.turn[:, -1].deg2rad(), 1 / motion.growth[:, -1], place(last)
    )
    still = affine_transform(first, -place(first), torch.zeros(1000), torch.ones(1000))
    missed, much = ((picture - still).square().mean((1, 2, 3)) for picture in (back, wrong))
    turned = motion.turn[:, -1].abs() > 30
    assert float(missed.median()) < 0.01
    assert float((missed < much)[turned].float().mean()) > 0.99


def test_motion_is_within_its_bounds_and_visible(data: gt.data.MovingDigits) -> None:
    motion = data.train_motion
    steps = motion.shift.diff(dim=1).norm(dim=2)
    assert float(steps.max()) <= SPEED_RANGE[1] * 32 * 1.5  # a wall that comes nearer may push
    assert SPEED_RANGE[0] * 32 < float(steps.median()) < SPEED_RANGE[1] * 32
    assert float(motion.turn.abs().max()) <= MAX_SPIN * 15 and float(motion.turn[:, -1].abs().median()) > 25
    assert float(motion.growth.log().abs().max()) <= MAX_LOG_GROWTH + 1e-5
    assert float(motion.shift.norm(dim=2).amax(1).median()) > 6
    # Neither direction is preferred.
    assert abs(float(motion.turn[:, -1].mean())) < 2 and float(motion.shift.mean((0, 1)).abs().max()) < 0.3


def test_digits_bounce_and_their_ink_stays_inside(data: gt.data.MovingDigits) -> None:
    velocity = data.train_motion.shift.diff(dim=1)
    turned_back = (velocity[:, 1:] * velocity[:, :-1] < -1e-6).any(1).any(1)
    assert 0.2 < float(turned_back.float().mean()) < 0.95
    images = gt.data.digits().train.tensors[0][::10]
    draw = torch.Generator().manual_seed(0)
    begin = sample_starts(images, 32, draw)
    motion = sample_motions(images, begin, 32, draw)
    where = (begin[:, None] + motion.shift).flatten(0, 1)
    how = motion.turn.flatten().deg2rad(), DIGIT_SCALE * 32 * motion.growth.flatten()
    # The same pictures, with their surroundings.
    wide = affine_transform(images.repeat_interleave(16, 0), where, *how, size=48) + 1
    inside = wide[:, :, 8:40, 8:40].sum((1, 2, 3))
    assert float((inside / wide.sum((1, 2, 3))).min()) > 0.995


def test_a_seed_gives_its_own_clips_and_copies_move_differently(data: gt.data.MovingDigits) -> None:
    images = gt.data.digits().held_out.tensors[0][:20]
    one, same, other = (gt.data.sample_futures(images, 2, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, same) and not torch.equal(one, other)
    twice = gt.data.moving_digits(copies=2)
    assert len(twice.train) == 8000 and torch.equal(twice.train_labels[:4000], twice.train_labels[4000:])
    assert not torch.allclose(twice.train_motion.turn[:4000], twice.train_motion.turn[4000:], atol=1)
    assert torch.equal(twice.held_out.tensors[0], data.held_out.tensors[0])  # the same at every call


def test_larger_frames_move_in_proportion() -> None:
    images = gt.data.digits().held_out.tensors[0][:100]
    small, large = (gt.data.sample_futures(images, 2, size=size)[:, 0] for size in (32, 40))
    assert large.shape[-1] == 40
    near, far = (place(clips[:, -1]) - place(clips[:, 0]) for clips in (small, large))
    torch.testing.assert_close(far, near * 40 / 32, atol=0.2, rtol=0)


def test_futures_begin_alike_and_part() -> None:
    clips = gt.data.sample_futures(gt.data.digits().held_out.tensors[0][:20], count=6, seed=2)
    assert bool((clips[:, :, 0] == clips[:, :1, 0]).all())
    assert float(place(clips[:, :, -1].flatten(0, 1)).view(20, 6, 2).std(1).mean()) > 2


def test_a_digit_of_ones_own_is_placed_as_the_data_are(data: gt.data.MovingDigits) -> None:
    images = gt.data.digits().held_out.tensors[0][::50]
    draw = torch.Generator().manual_seed(1)  # that of the held-out part of seed 0
    every = gt.data.digits().held_out.tensors[0]
    where = sample_starts(every, 32, draw)[::50]
    first = data.held_out.tensors[1][::50]
    for image, at, frame in zip(images, where, first, strict=True):
        mine = gt.data.place_digit(image, position=tuple(at.tolist()))
        torch.testing.assert_close(mine, frame, atol=1e-3, rtol=0)
    assert gt.data.place_digit(images, size=40).shape == (20, 1, 40, 40)


def test_no_digit_begins_beyond_an_edge() -> None:
    images = gt.data.digits().train.tensors[0]
    begin = sample_starts(images, 32, torch.Generator().manual_seed(0))
    assert bool((begin.abs() + radii(images)[:, None] * DIGIT_SCALE * 32 <= 16 + 1e-4).all())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: gt.data.moving_digits(size=28), "size must be one of 32, 40, not 28"),
        (lambda: gt.data.moving_digits(copies=0), "copies must be a whole number of at least 1, not 0"),
        (lambda: gt.data.moving_digits("letters"), "name must be one of digits"),
        (lambda: gt.data.sample_futures(torch.zeros(0, 1, 28, 28)), "digits must be floats of shape"),
        (lambda: gt.data.place_digit(torch.zeros(28, 28)), "digits must be floats of shape"),
        (lambda: gt.data.place_digit(torch.full((1, 28, 28), 3.0)), r"lie in \[-1, 1\]"),
        (lambda: gt.data.place_digit([1]), "not list"),
        (lambda: gt.data.place_digit(torch.zeros(1, 28, 28), position=(20, 0)), "position must be two"),
        (
            lambda: affine_transform(torch.zeros(1, 1, 3, 4), *[torch.zeros(1)] * 3),
            r"\(count, channels, side, side\)",
        ),
    ],
)
def test_what_makes_no_clip_is_refused(call: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        call()
