"""Measured motion against the motion that was drawn, and what the scores of clips punish."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.metrics.motion import median_scores, medoid
from gantutor.metrics.motion_estimation import MAX_TURN

NAMES = {
    "last_frame_class",
    "displacement_distance",
    "displacement_distance_repeat_frame",
    "displacement_distance_constant_motion",
    "rotation_distance",
    "scale_distance",
    "step_distance",
}


@pytest.fixture(scope="module")
def data() -> gt.data.MovingDigits:
    return gt.data.moving_digits()


@pytest.fixture(scope="module")
def real(data: gt.data.MovingDigits) -> Tensor:
    return data.held_out.tensors[0]


@pytest.fixture(scope="module")
def others() -> Tensor:
    """Other clips of every fourth held-out digit."""
    return gt.data.sample_futures(gt.data.digits().held_out.tensors[0][::4], count=1, seed=7)[:, 0]


# --- registration -------------------------------------------------------------------------------------------


def test_the_error_is_what_the_docstring_says(data: gt.data.MovingDigits, real: Tensor) -> None:
    found, true = gt.metrics.measure_motion(real), data.held_out_motion
    shift = (found.shift - true.shift).norm(dim=2)[:, 1:].flatten()
    turn = (found.turn - true.turn).abs()[:, 1:].flatten()
    growth = (found.growth / true.growth - 1).abs()[:, 1:].flatten()
    for error, half, most in ((shift, 0.2, 0.6), (turn, 0.25, 0.9), (growth, 0.005, 0.016)):
        assert float(error.median()) < half and float(error.quantile(0.95)) < most
    assert abs(float((found.turn - true.turn).mean())) < 0.05  # and to neither side


def test_haze_and_noise_do_little(data: gt.data.MovingDigits, real: Tensor) -> None:
    noisy = (real[::5] + 0.1 * torch.rand(200, 16, 1, 32, 32)).clamp(-1, 1)  # up to 5 % of white
    found, true = gt.metrics.measure_motion(noisy), data.held_out_motion[torch.arange(0, 1000, 5)]
    assert float((found.turn - true.turn).abs().quantile(0.95)) < 3
    assert float((found.growth / true.growth - 1).abs().quantile(0.95)) < 0.06
    assert float((found.shift - true.shift).norm(dim=2).quantile(0.95)) < 1


def test_a_given_first_frame_is_what_is_measured_against(real: Tensor) -> None:
    last = real[:50, -1]
    backwards = gt.metrics.measure_motion(real[:50], last)
    assert float(backwards.turn[:, -1].abs().max()) < 1e-3
    forwards = gt.metrics.measure_motion(real[:50])
    torch.testing.assert_close(backwards.turn[:, 0], -forwards.turn[:, -1], atol=2.0, rtol=0)


def test_clips_of_nothing_and_larger_ones_are_measured() -> None:
    nothing = gt.metrics.measure_motion(torch.full((2, 3, 1, 32, 32), -1.0))
    assert float(nothing.shift.abs().max()) == 0 and bool((nothing.growth == 1).all())
    assert float(nothing.turn.abs().max()) <= MAX_TURN + 1
    clips = gt.data.sample_futures(gt.data.digits().held_out.tensors[0][::100], 2, size=40).flatten(0, 1)
    assert gt.metrics.measure_motion(clips).shift.shape == (20, 16, 2)


def test_real_digits_that_were_brought_back_are_read(data: gt.data.MovingDigits, real: Tensor) -> None:
    motion = gt.metrics.measure_motion(real)
    for frame in (0, 7, 15):
        back = gt.metrics.undo_motion(real[:, frame], motion.turn[:, frame], motion.growth[:, frame])
        read = gt.metrics.classify_digits(back)[1].argmax(1)
        assert float((read == data.held_out_labels).float().mean()) > 0.975
    turned = gt.metrics.classify_digits(
        gt.metrics.undo_motion(real[:, -1], -motion.turn[:, -1], motion.growth[:, -1])
    )
    assert float((turned[1].argmax(1) == data.held_out_labels).float().mean()) < 0.8  # the way back matters


# --- the distance -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(50, 50), (31, 77), (1, 5)])
def test_the_distance_is_that_of_scipy(first: int, second: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    one, other = torch.randn(3, first).double(), torch.randn(3, second).double() * 2 + 1
    other[:, :1] = one[:, :1]  # a tie
    found = gt.metrics.wasserstein_distance(one, other)
    for i in range(3):
        assert float(found[i]) == pytest.approx(stats.wasserstein_distance(one[i].numpy(), other[i].numpy()))


def test_no_other_single_motion_is_nearer() -> None:
    numbers = torch.randn(40, 3)
    distances = gt.metrics.wasserstein_distance(
        numbers.T[:, None].expand(3, 40, 40), numbers.T[:, :, None].contiguous()
    ).mean(0)
    assert torch.equal(medoid(numbers)[0], numbers[distances.argmin()])


# --- the scores ---------------------------------------------------------------------------------------------


def scores_of(clips: Tensor, data: gt.data.MovingDigits, **more: Any) -> gt.metrics.Scores:
    held_out, labels = data.held_out.tensors[0][::2], data.held_out_labels
    return gt.metrics.motion_scores(clips, clips[:, 0], labels[::4], held_out, labels[::2], **more)


def test_real_clips_reach_the_floor(data: gt.data.MovingDigits, others: Tensor) -> None:
    scores = scores_of(others, data)
    assert set(scores) == NAMES
    for name in ("displacement_distance", "rotation_distance", "scale_distance", "step_distance"):
        assert 0 < scores[name].multiple < 3, name
    assert scores["last_frame_class"].value > 0.97 and scores["last_frame_class"].real > 0.97
    assert scores == scores_of(others, data)


def test_baselines_are_far_from_the_floor(data: gt.data.MovingDigits, others: Tensor) -> None:
    scores = scores_of(others, data)
    for baseline in ("repeat_frame", "constant_motion"):
        score = scores[f"displacement_distance_{baseline}"]
        assert score.multiple > 6 and score.real == scores["displacement_distance"].real
    still = scores_of(others[:, :1].expand(-1, 16, -1, -1, -1), data)
    for name in ("displacement_distance", "rotation_distance", "scale_distance", "step_distance"):
        assert still[name].multiple > 6, name
    assert still["displacement_distance"].value == still["displacement_distance_repeat_frame"].value
    assert still["last_frame_class"].value > 0.97  # which is why it is not enough


def test_each_score_sees_its_own_fault(data: gt.data.MovingDigits, others: Tensor) -> None:
    slow = others[:, torch.arange(16) // 2]
    assert scores_of(slow, data)["displacement_distance"].multiple > 3
    mirrored_time = others.clone()
    mirrored_time[:, 1:] = others[:, 1:][:, torch.randperm(15)]
    trembling = scores_of(mirrored_time, data)
    assert trembling["step_distance"].multiple > 6
    other_digit = torch.cat([others[:, :8], others.roll(50, 0)[:, 8:]], 1)
    assert scores_of(other_digit, data)["last_frame_class"].value < 0.3


def test_diversity_is_that_of_the_last_frames() -> None:
    images = gt.data.digits().held_out.tensors[0][::20]
    real, more = gt.data.sample_futures(images, 8, seed=0), gt.data.sample_futures(images, 8, seed=1)
    score = gt.metrics.motion_diversity(more, real)
    assert 0.9 < score.value <= 1 and 0.85 < score.real <= 1
    half = gt.metrics.motion_diversity(torch.cat([real[:, :2]] * 4, 1), real)
    assert 0.4 < half.value < score.value
    assert gt.metrics.motion_diversity(real[:, :1].expand_as(real), real).value == pytest.approx(0, abs=1e-3)


def test_diversity_stands_among_the_scores(data: gt.data.MovingDigits, others: Tensor) -> None:
    real = gt.data.sample_futures(gt.data.digits().held_out.tensors[0][::100], 4)
    assert scores_of(others, data, diversity_clips=(real, real))["motion_diversity"].value == pytest.approx(1)


CLIPS = torch.zeros(12, 4, 1, 32, 32)
LABELS = torch.zeros(12, dtype=torch.int64)
MORE = torch.rand(30, 4, 1, 32, 32)
MORE_LABELS = torch.zeros(30, dtype=torch.int64)


def test_the_median_of_draws_is_taken_of_values_and_of_floors() -> None:
    draws = [
        gt.metrics.Scores(
            a=gt.metrics.Score(value, floor, "pixels", "lower", 10, "10"),
            b=gt.metrics.Score(-value, floor, "share", "higher", 10, "10"),
        )
        for value, floor in ((1.0, 0.3), (9.0, 0.1), (2.0, 0.2))
    ]
    found = median_scores(draws)
    assert [(found[n].value, found[n].real, found[n].unit) for n in "ab"] == [
        (2.0, 0.2, "pixels"),
        (-2.0, 0.2, "share"),
    ]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: gt.metrics.measure_motion(torch.zeros(3, 1, 32, 32)), "clips must be floats of shape"),
        (lambda: gt.metrics.measure_motion(torch.zeros(3, 4, 3, 32, 32)), "clips must be floats of shape"),
        (lambda: gt.metrics.measure_motion(CLIPS * float("nan")), "clips contain values that are not finite"),
        (lambda: gt.metrics.measure_motion(CLIPS + 2), r"clips must lie in \[-1, 1\]"),
        (lambda: gt.metrics.measure_motion(CLIPS, CLIPS[:3, 0]), "first_frames must be floats of shape"),
        (lambda: gt.metrics.measure_motion([1]), "not list"),
        (lambda: gt.metrics.wasserstein_distance(torch.zeros(2, 0), torch.zeros(2, 3)), r"\(…, N\)"),
        (lambda: gt.metrics.wasserstein_distance(torch.zeros(3), torch.full((3,), float("inf"))), "finite"),
        (lambda: gt.metrics.motion_diversity(CLIPS[None, :3], CLIPS[None]), "clips ≥ 4"),
        (lambda: gt.metrics.motion_scores(CLIPS, CLIPS[:, 0], LABELS, CLIPS, LABELS), "at least 10 more"),
        (lambda: gt.metrics.motion_scores(CLIPS, CLIPS[:, 0], LABELS[1:], MORE, MORE_LABELS), r"\(12,\)"),
        (
            lambda: gt.metrics.motion_scores(CLIPS[:, :3], CLIPS[:, 0], LABELS, MORE, MORE_LABELS),
            "same shape",
        ),
        (
            lambda: gt.metrics.motion_scores(
                CLIPS, CLIPS[:, 0], LABELS, MORE[:1].expand_as(MORE), MORE_LABELS
            ),
            "the real clips all have the same",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(call: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        call()
