"""Bands of spectrograms: split and joined, paired, cut from waves, and added to them again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.data.spectrograms import _stft


def chirps(count: int = 3, length: int = 4096) -> Tensor:
    """Tones that rise from a few hundred hertz to 3.5 kHz, of peak 1."""
    time = torch.arange(length) / 8000
    starts = torch.tensor([200.0, 400.0, 600.0])[:count, None]
    rate = (3500 - starts) / (length / 8000) / 2
    return (2 * torch.pi * (starts * time + rate * time**2)).sin() * torch.hann_window(length)


def test_split_bands_join_to_the_same_spectrograms() -> None:
    spectrograms = gt.data.spectrogram(chirps())
    lower, upper = gt.data.split_bands(spectrograms)
    assert lower.shape == upper.shape == (3, 1, 64, 64)
    assert torch.equal(gt.data.join_bands(lower, upper), spectrograms)


def test_pairs_are_the_upper_and_the_lower_band_whatever_the_volume() -> None:
    waves = chirps()
    pairs, quiet = gt.data.band_pairs(waves), gt.data.band_pairs(waves / 50)
    joined = gt.data.join_bands(pairs.tensors[1], pairs.tensors[0])
    torch.testing.assert_close(joined, gt.data.spectrogram(gt.data.normalize_peak(waves)))
    for loud, soft in zip(pairs.tensors, quiet.tensors, strict=True):
        torch.testing.assert_close(loud, soft, atol=1e-4, rtol=0)


def test_what_lies_above_the_cut_is_removed_and_the_rest_is_kept() -> None:
    time = torch.arange(4096) / 8000
    low, high = ((2 * torch.pi * hertz * time).sin() for hertz in (700, 2900))
    cut = gt.data.remove_upper_band((low + high)[None] / 2)[0]
    assert float((cut - low / 2)[300:-300].abs().max()) < 0.01


def test_the_true_upper_band_brings_the_wave_nearly_back() -> None:
    waves = gt.data.normalize_peak(chirps())
    upper, _ = gt.data.band_pairs(waves).tensors
    back = gt.data.extend_waves(waves, upper, iterations=100)
    cut = gt.data.remove_upper_band(waves)
    errors = [gt.metrics.log_spectral_distance(estimate, waves).mean() for estimate in (back, cut)]
    assert errors[0] < errors[1] / 3


def test_the_lower_band_of_an_extended_wave_is_the_given_one() -> None:
    waves = gt.data.normalize_peak(chirps())
    extended = gt.data.extend_waves(waves, torch.full((3, 1, 64, 64), -1.0))
    below, wanted = (_stft(clips)[:, :60] for clips in (extended, waves))
    assert float((below - wanted).abs().mean() / wanted.abs().mean()) < 0.05


def test_a_wave_is_extended_alike_alone_and_in_a_batch() -> None:
    waves = gt.data.normalize_peak(chirps())
    upper = gt.data.band_pairs(waves).tensors[0]
    alone = gt.data.extend_waves(waves[:1], upper[:1])
    torch.testing.assert_close(gt.data.extend_waves(waves, upper)[:1], alone, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("clip", [torch.zeros(1, 4096), torch.ones(1, 4096)])
def test_silence_and_a_constant_are_extended_without_an_error(clip: Tensor) -> None:
    upper, lower = gt.data.band_pairs(clip).tensors
    assert bool(gt.data.extend_waves(clip, upper).isfinite().all()) and bool(lower.isfinite().all())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gt.data.split_bands(torch.zeros(2, 1, 64, 64)), "spectrograms must be floats of shape"),
        (lambda: gt.data.join_bands(torch.zeros(2, 1, 64, 8), torch.zeros(2, 1, 64, 9)), "lower and upper"),
        (lambda: gt.data.band_pairs(torch.zeros(2, 100)), "multiple of 64"),
        (lambda: gt.data.remove_upper_band(torch.full((1, 64), torch.nan)), "not finite"),
        (
            lambda: gt.data.extend_waves(torch.zeros(2, 640), torch.zeros(2, 1, 64, 9)),
            "upper must have shape",
        ),
        (lambda: gt.data.extend_waves(torch.zeros(1, 640), torch.zeros(1, 1, 64, 10), -1), "iterations"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(call: Any, words: str) -> None:
    with pytest.raises(gt.InputError, match=words):
        call()
