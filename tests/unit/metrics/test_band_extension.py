"""Scores of bandwidth extension: closed forms, and a blurred band against a sharp one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import gantutor as gt
from gantutor.metrics import band_distance, band_energy_error, extension_scores, local_contrast


def bands(count: int = 40) -> tuple[Tensor, Tensor]:
    """The upper and the lower bands of real recordings."""
    upper, lower = gt.data.band_pairs(gt.data.spoken_digits().held_out.tensors[0][:count]).tensors
    return upper, lower


def test_white_noise_has_the_contrast_of_its_deviation() -> None:
    noise = 0.1 * torch.randn(20, 1, 40, 40, generator=torch.Generator().manual_seed(0)).double()
    # a value and the mean of its 9 neighbours (itself among them): variance σ² (1 − 1/9); 34 dB a unit
    assert local_contrast(noise) == pytest.approx(34 * 0.1 * (8 / 9) ** 0.5, rel=0.02)
    assert local_contrast(noise * 0 + 0.3) == pytest.approx(0, abs=1e-9)


def test_contrast_does_not_depend_on_the_level_nor_on_a_slope() -> None:
    noise = 0.1 * torch.randn(2, 1, 30, 30)
    slope = torch.linspace(-0.3, 0.3, 30).view(1, 1, 30, 1)
    assert local_contrast(noise + slope) == pytest.approx(local_contrast(noise), rel=1e-3)


def test_twice_the_magnitude_is_six_decibels() -> None:
    quiet, loud = (
        (20 * (torch.full((1, 1, 8, 8), size) + 10**-1.5).log10() + 30) / 34 - 1 for size in (2.0, 4.0)
    )
    assert band_energy_error(loud, quiet) == pytest.approx(6.02, abs=0.01)
    assert band_energy_error(quiet, loud) == pytest.approx(-6.02, abs=0.01)


def test_the_distance_is_that_of_decibels() -> None:
    first, second = torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)
    second[:, :, ::2] = 0.5  # 17 dB in every other bin
    assert band_distance(second, first) == pytest.approx(17 / 2**0.5, rel=1e-6)


def test_real_bands_have_the_real_values() -> None:
    upper, lower = bands()
    scores = extension_scores(upper, upper, lower)
    assert [score.value for score in scores.values()] == pytest.approx([0, 1, 0, 0], abs=1e-4)
    assert [score.real for score in scores.values()] == [0, 1, 0, 0]
    assert list(scores) == [
        "extension_frechet",
        "extension_contrast",
        "extension_energy",
        "extension_distortion",
    ]


def test_a_blur_wins_on_distance_and_loses_on_contrast_against_another_real_texture() -> None:
    upper, lower = bands()
    blurred = F.avg_pool2d(F.pad(upper, (2, 2, 2, 2), mode="replicate"), 5, 1)
    noise = torch.randn(upper.shape, generator=torch.Generator().manual_seed(0))
    textured = (blurred + 0.12 * noise * (upper > -0.95)).clamp(-1, 1)
    smooth, rough = (extension_scores(part, upper, lower) for part in (blurred, textured))
    assert smooth["extension_distortion"].value < rough["extension_distortion"].value
    assert smooth["extension_contrast"].value < 0.6 < rough["extension_contrast"].value


def test_an_empty_band_is_silent_and_far() -> None:
    upper, lower = bands()
    empty = extension_scores(torch.full_like(upper, -1.0), upper, lower)
    assert empty["extension_energy"].value == -torch.inf and empty["extension_contrast"].value == 0
    assert empty["extension_frechet"].value > 50


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: local_contrast(torch.zeros(2, 8, 8)), "bands must have shape"),
        (lambda: local_contrast(torch.full((1, 1, 8, 8), torch.nan)), "not finite|finite"),
        (lambda: band_distance(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 9)), "shape of the others"),
        (lambda: band_energy_error(torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), -1.0)), "silent"),
        (lambda: extension_scores(*[torch.zeros(4, 1, 64, 64)] * 3), "no contrast"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(call: Any, words: str) -> None:
    with pytest.raises(gt.InputError, match=words):
        call()
