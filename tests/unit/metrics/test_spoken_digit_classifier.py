"""The reader of spoken digits reads, also what came back from a spectrogram, and punishes bad controls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.data import griffin_lim, normalize_peak, spectrogram
from gantutor.metrics import audio_scores, classify_spoken_digits, spoken_digit_classifier
from gantutor.metrics.spoken_digit_classifier import WEIGHTS

pytest.importorskip("soundfile")


@pytest.fixture(scope="module")
def held_out() -> tuple[Tensor, Tensor]:
    waves, labels = gt.data.spoken_digits().held_out.tensors
    return waves, labels


@pytest.fixture(scope="module")
def real(held_out: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return classify_spoken_digits(held_out[0])


@pytest.fixture(scope="module")
def others() -> tuple[Tensor, Tensor]:
    return classify_spoken_digits(gt.data.spoken_digits().train.tensors[0][:900])


def share_right(probabilities: Tensor, labels: Tensor) -> float:
    return float((probabilities.argmax(1) == labels).double().mean())


def test_it_reads_held_out_recordings(held_out: Any, real: Any) -> None:
    assert share_right(real[1], held_out[1]) >= 0.97
    torch.testing.assert_close(real[1].sum(1), torch.ones(len(real[1])))


def test_it_reads_what_came_back_from_a_spectrogram(held_out: Any, real: Any, others: Any) -> None:
    back = griffin_lim(spectrogram(normalize_peak(held_out[0])))
    reading = classify_spoken_digits(back)
    assert share_right(reading[1], held_out[1]) >= 0.97
    # The way back costs less than chance does between two sets of recordings.
    assert audio_scores(reading, real, others)["audio_frechet"].multiple < 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda waves: waves.flip(1),
        lambda waves: torch.randn(waves.shape, generator=torch.Generator().manual_seed(0)),
        lambda waves: torch.nn.functional.avg_pool1d(waves[:, None], 11, 1, 5, count_include_pad=True)[:, 0],
        lambda waves: waves.roll(2000, 1),
    ],
    ids=["reversed", "noise", "muffled", "cut in two"],
)
def test_what_ears_refuse_is_punished(
    change: Callable[[Tensor], Tensor], held_out: Any, real: Any, others: Any
) -> None:
    scores = audio_scores(classify_spoken_digits(change(held_out[0])), real, others)
    assert scores["audio_frechet"].multiple > 8
    assert scores["recall"].value < 0.7 * scores["recall"].real


def test_other_real_recordings_come_near_their_floors(held_out: Any, real: Any, others: Any) -> None:
    waves, labels = gt.data.spoken_digits().train.tensors
    some, same = held_out[1], waves.new_zeros(len(held_out[1]), dtype=torch.int64)
    for digit in range(10):  # as many of each as among the held-out ones
        of_it = (labels == digit).nonzero().flatten()
        same[some == digit] = of_it[: int((some == digit).sum())]
    scores = audio_scores(classify_spoken_digits(waves[same]), real, others, some, some)
    assert scores["reader_on_generated"].real >= 0.97
    assert 0.5 < scores["audio_frechet"].multiple < 2
    assert scores["recall"].multiple > 0.9 and scores["inception_score"].multiple == pytest.approx(
        1, abs=0.05
    )


def test_one_recording_per_word_does_not_pass(held_out: Any, real: Any, others: Any) -> None:
    waves, labels = gt.data.spoken_digits().train.tensors
    first = torch.stack([waves[(labels == digit).nonzero()[0, 0]] for digit in range(10)])
    scores = audio_scores(classify_spoken_digits(first[held_out[1]]), real, others)
    assert scores["inception_score"].multiple > 0.95  # which sees nothing wrong
    assert scores["audio_frechet"].multiple > 8 and scores["recall"].value < 0.1


def test_loudness_plays_no_part(held_out: Any, real: Any) -> None:
    soft, _ = classify_spoken_digits(held_out[0][:9] / 20)
    torch.testing.assert_close(soft, real[0][:9], rtol=1e-3, atol=1e-3)


def test_waves_and_their_spectrograms_are_read_alike(held_out: Any, real: Any) -> None:
    pictures, _ = classify_spoken_digits(spectrogram(normalize_peak(held_out[0][:9])))
    torch.testing.assert_close(pictures, real[0][:9], rtol=1e-4, atol=1e-4)


def test_it_is_frozen_small_and_reads_each_clip_alone(held_out: Any, real: Any) -> None:
    reader = spoken_digit_classifier()
    assert not reader.training and not any(weight.requires_grad for weight in reader.parameters())
    assert WEIGHTS.stat().st_size < 1_000_000
    alone, _ = classify_spoken_digits(held_out[0][3:4])
    torch.testing.assert_close(alone, real[0][3:4], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        (torch.zeros(2, 4095), r"waves of shape \(count, 4096\) or spectrograms .* of \(2, 4095\)"),
        (torch.zeros(1, 1, 128, 32), r"not torch.float32 of \(1, 1, 128, 32\)"),
        (torch.zeros(0, 4096), r"not torch.float32 of \(0, 4096\)"),
        (torch.zeros(2, 4096, dtype=torch.int16), "clips must be floats"),
        (torch.full((1, 4096), float("nan")), "clips must be finite"),
        (torch.full((1, 1, 128, 64), 2.0), r"spectrograms lie in \[-1, 1\]"),
    ],
)
def test_what_cannot_be_read_ends_in_a_sentence(clips: Tensor, said: str) -> None:
    with pytest.raises(gt.InputError, match=said) as caught:
        classify_spoken_digits(clips)
    assert "\n" not in str(caught.value)
