"""Scores of sound against torchmetrics and scipy, and where the answer is plain."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import signal, special
from torch import Tensor, nn

import gantutor as gt
from gantutor.metrics import (
    audio_scores,
    frechet_distance,
    inception_score,
    log_spectral_distance,
    scale_invariant_sdr,
    signal_to_noise,
)


def pairs(count: int = 5, length: int = 2048) -> tuple[Tensor, Tensor]:
    """Clean waves, of a mean other than 0, and the same with noise and of another loudness."""
    draw = torch.Generator().manual_seed(0)
    target = torch.randn(count, length, generator=draw).cumsum(1) / 30 + 0.1
    return 0.7 * target + 0.2 * torch.randn(count, length, generator=draw), target


def readings(count: int, seed: int, shift: float = 0.0) -> tuple[Tensor, Tensor]:
    """Features (N, 4) and probabilities (N, 5) of made-up clips of five classes."""
    draw = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 5
    features = torch.randn(count, 4, generator=draw) + shift
    logits = 4.0 * nn.functional.one_hot(classes, 5) + torch.randn(count, 5, generator=draw)
    return features, logits.softmax(1)


# --- restored against clean ---------------------------------------------------------------------------------


def test_ratios_are_those_of_torchmetrics() -> None:
    audio = pytest.importorskip("torchmetrics.functional.audio")
    estimate, target = pairs()
    estimate, target = estimate.double(), target.double()
    torch.testing.assert_close(
        signal_to_noise(estimate, target), audio.signal_noise_ratio(estimate, target), rtol=1e-9, atol=1e-9
    )
    theirs = audio.scale_invariant_signal_distortion_ratio(estimate, target)
    torch.testing.assert_close(scale_invariant_sdr(estimate, target), theirs, rtol=1e-9, atol=1e-9)


def test_loudness_matters_to_the_one_ratio_and_not_to_the_other() -> None:
    estimate, target = pairs()
    torch.testing.assert_close(
        scale_invariant_sdr(5 * estimate, target), scale_invariant_sdr(estimate, target), rtol=1e-5, atol=1e-5
    )
    assert signal_to_noise(target / 2, target).tolist() == pytest.approx([10 * math.log10(4)] * 5, rel=1e-5)
    assert float(scale_invariant_sdr(target / 2, target).min()) > 100


def test_noise_of_a_known_strength_has_a_known_ratio() -> None:
    time = torch.arange(800) / 800
    target = torch.sin(2 * math.pi * 5 * time)[None]
    noise = 0.1 * torch.cos(2 * math.pi * 5 * time)[None]  # at right angles, a tenth as strong
    for ratio in (signal_to_noise, scale_invariant_sdr):
        assert float(ratio(target + noise, target)) == pytest.approx(20, abs=1e-3)


def test_a_perfect_estimate_is_infinitely_good() -> None:
    _, target = pairs()
    assert bool(signal_to_noise(target, target).isinf().all())
    assert bool((log_spectral_distance(target, target) == 0).all())


def test_the_log_spectral_distance_is_that_of_scipy() -> None:
    estimate, target = pairs()

    def levels(waves: Tensor, least: float) -> np.ndarray[Any, Any]:
        window = signal.get_window("hann", 256)
        frames = np.lib.stride_tricks.sliding_window_view(waves.double().numpy(), 256)[::64] * window
        return np.maximum(np.abs(np.fft.rfft(frames)), least)

    for mine, one, other in zip(log_spectral_distance(estimate, target), estimate, target, strict=True):
        least = float(levels(other, 0).max()) / 1000
        difference = 20 * np.log10(levels(one, least) / levels(other, least))
        expected = np.sqrt((difference**2).mean(1)).mean()
        assert float(mine) == pytest.approx(expected, rel=1e-6)
        assert expected > 1


def test_silence_has_a_finite_log_spectral_distance() -> None:
    _, target = pairs()
    assert bool((log_spectral_distance(torch.zeros_like(target), target) <= 60).all())
    # Twice as loud is six decibels at every frequency, however soft.
    doubled = log_spectral_distance(2 * target, target, min_level=-300)
    assert doubled.tolist() == pytest.approx([20 * math.log10(2)] * 5, rel=1e-6)


# --- generated clips ----------------------------------------------------------------------------------------


def test_inception_scores_that_are_plain() -> None:
    assert inception_score(torch.full((50, 8), 1 / 8)) == pytest.approx(1)
    assert inception_score(torch.eye(8).repeat(3, 1)) == pytest.approx(8)
    assert inception_score(torch.eye(8)[:1].repeat(30, 1)) == pytest.approx(1)  # one class alone
    assert inception_score(torch.eye(8)[:3].repeat(30, 1)) == pytest.approx(3)  # three of eight
    # Right with probability 0.9: log 2 less the entropy of 0.9.
    unsure = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    assert inception_score(unsure) == pytest.approx(math.exp(math.log(2) - special.entr([0.9, 0.1]).sum()))


@pytest.mark.filterwarnings("ignore::UserWarning:torchmetrics")
def test_the_inception_score_is_that_of_torchmetrics() -> None:
    module = pytest.importorskip("torchmetrics.image.inception")

    class Logits(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1)

    logits = 3 * torch.randn(64, 6)
    theirs = module.InceptionScore(feature=Logits(), splits=1)
    theirs.update(logits.view(64, 6, 1, 1))
    assert inception_score(logits.softmax(1)) == pytest.approx(float(theirs.compute()[0]), rel=1e-5)


def test_real_clips_reach_their_floors() -> None:
    scores = audio_scores(readings(200, 0), readings(100, 1), readings(300, 2))
    for name, score in scores.items():
        assert score.value == pytest.approx(score.real, rel=0.5), name
    assert scores["audio_frechet"].value == pytest.approx(
        frechet_distance(readings(200, 0)[0], readings(100, 1)[0])
    )
    assert scores["recall"].samples == 100 and scores["audio_frechet"].samples == 200
    assert scores["inception_score"].reference == "100 real clips"


def test_one_clip_per_class_does_not_pass() -> None:
    features, probabilities = readings(5, 0)
    copies = features.repeat(20, 1) + 1e-3 * torch.randn(100, 4), probabilities.repeat(20, 1)
    scores = audio_scores(copies, readings(100, 1), readings(300, 2))
    assert scores["inception_score"].value > 0.8 * scores["inception_score"].real  # this alone sees nothing
    assert scores["recall"].value < 0.2 < 0.7 < scores["recall"].real
    assert scores["audio_frechet"].value > 4 * scores["audio_frechet"].real


def test_the_reader_is_asked_for_the_labels() -> None:
    labels = torch.arange(100) % 5
    made = readings(100, 0)
    real = readings(100, 1)
    score = audio_scores(made, real, readings(100, 2), labels, labels)["reader_on_generated"]
    assert score.value == pytest.approx(float((made[1].argmax(1) == labels).float().mean()))
    assert score.real == pytest.approx(float((real[1].argmax(1) == labels).float().mean()))
    assert min(score.value, score.real) > 0.8
    wrong = audio_scores(made, real, readings(100, 2), (labels + 1) % 5, labels)
    assert wrong["reader_on_generated"].value < 0.1


def test_scoring_repeats_and_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    one, other = (audio_scores(readings(50, 0), readings(60, 1), readings(60, 2), seed=3) for _ in range(2))
    assert one == other and torch.equal(before, torch.get_rng_state())


# --- bad input ----------------------------------------------------------------------------------------------

WAVES = torch.ones(2, 300)
CLIPS, ONES = readings(20, 0), torch.ones(20)

BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: signal_to_noise(WAVES, WAVES[:1]), r"of one shape .*, not \(2, 300\) and \(1, 300\)"),
    (lambda: signal_to_noise(WAVES[0], WAVES[0]), "must be float waves of one shape"),
    (lambda: signal_to_noise(WAVES.short(), WAVES.short()), "must be float waves"),
    (lambda: scale_invariant_sdr(WAVES / 0, WAVES), "the waves contain values that are not finite"),
    (lambda: scale_invariant_sdr(WAVES, 0 * WAVES), "a target is silent"),
    (lambda: log_spectral_distance(WAVES[:, :255], WAVES[:, :255]), "at least 256 samples, not 255"),
    (lambda: inception_score(torch.ones(3)), r"shape \(count, classes\), not \(3,\)"),
    (lambda: inception_score(torch.ones(3, 2)), "add up to 1 for every sample"),
    (lambda: inception_score(torch.tensor([[1.5, -0.5]])), "at least 0"),
    (lambda: inception_score(torch.eye(2) / 0), "at least 0"),
    (lambda: inception_score(torch.zeros(0, 4)), r"not \(0, 4\)"),
    (lambda: inception_score(torch.eye(2, dtype=torch.int64)), "probabilities must be floats"),
    (lambda: audio_scores(CLIPS, CLIPS, readings(19, 1)), "score from 10 clips up to 19 .*, not 20"),
    (lambda: audio_scores(readings(9, 0), CLIPS, CLIPS), "score from 10 clips up to 20 .*, not 9"),
    (lambda: audio_scores((CLIPS[0][:9], CLIPS[1]), CLIPS, CLIPS), r"\(N, D\) and \(N, K\), not \(9, 4\)"),
    (lambda: audio_scores(CLIPS, CLIPS, CLIPS, ONES[:3], ONES), r"must have shape \(20,\), not \(3,\)"),
    (lambda: audio_scores(CLIPS, CLIPS, CLIPS, ONES, ONES[:3]), r"must have shape \(20,\), not \(3,\)"),
    (lambda: audio_scores(CLIPS, CLIPS, CLIPS, ONES), "labels and real_labels must be given together"),
    (lambda: audio_scores(CLIPS, CLIPS, CLIPS, seed=-1), "seed must be a whole number of at least 0"),
]


@pytest.mark.parametrize(("call", "says"), BAD)
def test_bad_input(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        call()
    assert "\n" not in str(error.value)
