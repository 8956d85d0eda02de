"""Digit scores: the classifier reads and punishes as it must, the floors are those of real digits."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from gantutor._errors import InputError
from gantutor.data import digits
from gantutor.metrics import (
    Scores,
    class_means,
    classify_digits,
    digit_classifier,
    digit_scores,
    frechet_distance,
    precision_recall,
)
from gantutor.metrics.digits import real_data_splits

COUNT = 1000


def some_training_digits(count: int = COUNT) -> tuple[Tensor, Tensor]:
    images, labels = digits().train.tensors
    chosen = torch.arange(count) * (4000 // count)  # they stand in order of class, 400 of each
    return images[chosen], labels[chosen]


@pytest.fixture(scope="module")
def real() -> Scores:
    images, labels = some_training_digits()
    return digit_scores(images, digits().held_out, generated_labels=labels)


def blurred(images: Tensor, sigma: float) -> Tensor:
    line = torch.arange(-4, 5) / sigma
    kernel = torch.exp(-line.square() / 2)
    kernel = kernel / kernel.sum()
    across = F.conv2d(F.pad(images, (4, 4, 4, 4), value=-1.0), kernel.view(1, 1, 1, 9))
    return F.conv2d(across, kernel.view(1, 1, 9, 1)).clamp(-1, 1)


def test_the_classifier_reads_held_out_digits() -> None:
    images, labels = digits().held_out.tensors
    _, probabilities = classify_digits(images)
    assert float((probabilities.argmax(1) == labels).double().mean()) >= 0.99
    torch.testing.assert_close(probabilities.sum(1), torch.ones(1000))


def test_the_classifier_is_frozen_and_reads_each_image_alone() -> None:
    classifier = digit_classifier()
    assert not classifier.training
    assert not any(parameter.requires_grad for parameter in classifier.parameters())
    images = digits().held_out.tensors[0][::100]
    torch.testing.assert_close(
        classify_digits(images)[0][3:4], classify_digits(images[3:4])[0], rtol=1e-4, atol=1e-4
    )


def test_real_digits_reach_the_floor(real: Scores) -> None:
    assert 0.7 < real["digit_fid"].multiple < 1.4
    assert real["precision"].multiple == pytest.approx(1, abs=0.06)
    assert real["recall"].multiple == pytest.approx(1, abs=0.06)
    assert real["digits_covered"].value == real["digits_covered"].real == 10
    assert real["class_accuracy"].value >= 0.99 and real["class_accuracy"].real >= 0.99


def test_blur_that_eyes_punish_costs_twenty_floors() -> None:
    images = digits().train.tensors[0]
    scores = digit_scores(blurred(images, 1.0), digits().held_out)
    assert scores["digit_fid"].multiple >= 20
    assert scores["recall"].value < 0.5 * scores["recall"].real
    assert digit_scores(images, digits().held_out)["digit_fid"].multiple < 1.3


def test_mean_images_and_noise_are_far_worse_than_real(real: Scores) -> None:
    means = digit_scores(class_means(COUNT), digits().held_out)
    draw = torch.Generator().manual_seed(0)
    noise = digit_scores(torch.rand(COUNT, 1, 28, 28, generator=draw) * 2 - 1, digits().held_out)
    assert means["digit_fid"].multiple > 50 < noise["digit_fid"].multiple
    assert means["recall"].value < 0.05 > noise["recall"].value
    assert means["digit_fid"].real == real["digit_fid"].real  # the floor knows only the sizes


def test_missing_digits_are_seen() -> None:
    images, labels = digits().train.tensors
    kept = images[(labels != 3) & (labels != 8)][::3]
    scores = digit_scores(kept, digits().held_out)
    assert scores["digits_covered"].value == 8
    assert scores["recall"].value < scores["recall"].real - 0.05
    assert scores["digit_fid"].multiple > 5


def test_coverage_begins_at_two_in_a_hundred() -> None:
    images, labels = digits().train.tensors
    confident = classify_digits(images)[1].max(1).values > 0.95
    sixes, sevens = (images[(labels == digit) & confident] for digit in (6, 7))
    for few, covered in ((4, 2), (3, 1)):
        scores = digit_scores(torch.cat([sixes[: 200 - few], sevens[:few]]), digits().held_out)
        assert scores["digits_covered"].value == covered


def test_class_accuracy_is_the_share_read_as_meant(real: Scores) -> None:
    images, labels = some_training_digits()
    wrong = labels.clone()
    wrong[:100] = (wrong[:100] + 1) % 10
    found = digit_scores(images, digits().held_out, generated_labels=wrong)["class_accuracy"].value
    assert found == pytest.approx(real["class_accuracy"].value - 0.1, abs=0.005)
    assert "class_accuracy" not in digit_scores(images, digits().held_out)


@pytest.mark.parametrize("count", [100, 500])
def test_fewer_samples_than_the_reference_are_met_with_all_classes(count: int) -> None:
    scores = digit_scores(some_training_digits(count)[0], digits().held_out)
    assert scores["precision"].value == pytest.approx(scores["precision"].real, abs=0.1)
    assert scores["recall"].value == pytest.approx(scores["recall"].real, abs=0.1)


def test_the_values_are_those_of_the_features(real: Scores) -> None:
    features, _ = classify_digits(some_training_digits()[0])
    reference, _ = classify_digits(digits().held_out.tensors[0])
    assert real["digit_fid"].value == pytest.approx(frechet_distance(features, reference), rel=1e-6)
    assert (real["precision"].value, real["recall"].value) == pytest.approx(
        precision_recall(reference, features)
    )


def test_the_floor_is_the_median_over_twenty_splits(real: Scores) -> None:
    train, held_out = digits().train.tensors, digits().held_out.tensors
    features, _ = classify_digits(torch.cat([train[0], held_out[0]]))
    splits = list(real_data_splits(features, torch.cat([train[1], held_out[1]]), COUNT, 1000, seed=0))
    assert len(splits) == 20
    distances = [frechet_distance(one, other) for one, other in splits]
    assert real["digit_fid"].real == pytest.approx(median(distances), rel=1e-6)
    assert min(distances) < real["digit_fid"].real < max(distances)


def test_the_splits_are_disjoint_and_hold_each_class_in_its_share() -> None:
    labels = torch.arange(50) % 10
    rows = torch.arange(50)[:, None]
    seen = set()
    for one, other in real_data_splits(rows, labels, 30, 20, seed=1):
        first, second = one.flatten(), other.flatten()
        assert sorted([*first.tolist(), *second.tolist()]) == list(range(50))
        assert (
            labels[first].bincount().tolist() == [3] * 10 and labels[second].bincount().tolist() == [2] * 10
        )
        seen.add(tuple(sorted(first.tolist())))
    assert len(seen) == 20


def test_the_scores_say_how_many_and_against_what(real: Scores) -> None:
    assert {name: score.better for name, score in real.items()} == {
        "digit_fid": "lower",
        "precision": "higher",
        "recall": "higher",
        "digits_covered": "higher",
        "class_accuracy": "higher",
    }
    assert all(score.samples == COUNT for score in real.values())
    assert real["digit_fid"].reference == "1,000 held-out digits"
    few = digit_scores(some_training_digits(200)[0], TensorDataset(digits().held_out.tensors[0][::2]))
    assert few["recall"].samples == 200 and few["digit_fid"].reference == "500 held-out digits"


def test_scoring_repeats_and_leaves_the_global_random_state_alone(real: Scores) -> None:
    images, labels = some_training_digits()
    before = torch.get_rng_state()
    again = digit_scores(images, digits().held_out, generated_labels=labels)
    assert again == real
    assert torch.equal(before, torch.get_rng_state())


def test_class_means() -> None:
    means = class_means(20)
    images, labels = digits().train.tensors
    assert torch.equal(means[:10], means[10:])
    torch.testing.assert_close(means[3], images[labels == 3].mean(0))


IMAGES = torch.zeros(20, 1, 28, 28)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (torch.zeros(20, 28, 28), r"^digits must be floats of shape \(count, 1, 28, 28\)"),
        (torch.zeros(20, 1, 32, 32), r"^digits must be floats of shape \(count, 1, 28, 28\)"),
        (torch.zeros(20, 3, 28, 28), r"^digits must be floats of shape \(count, 1, 28, 28\)"),
        (torch.zeros(20, 1, 28, 28, dtype=torch.uint8), r"^digits must be floats .* not torch\.uint8"),
        (IMAGES + 255, r"^digits must be finite and lie in \[-1, 1\]$"),
        (IMAGES - 1.01, r"^digits must be finite and lie in \[-1, 1\]$"),
        (IMAGES + math.nan, r"^digits must be finite and lie in \[-1, 1\]$"),
        (IMAGES[:9], r"^generated must hold 10 to 4,000 samples against these 1,000, not 9$"),
        (
            torch.zeros(4001, 1, 28, 28),
            r"^generated must hold 10 to 4,000 samples against these 1,000, not 4,001$",
        ),
        ([[0.0] * 784] * 20, "^digits must be"),
        (None, "^digits must be"),
    ],
    ids=["rank", "size", "channels", "type", "bright", "dark", "nan", "few", "many", "list", "None"],
)
def test_images_that_cannot_be_scored_are_refused(images: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        digit_scores(images, digits().held_out)


@pytest.mark.parametrize("reference", [None, IMAGES, "digits", digits])
def test_a_reference_must_be_a_tensor_data_set(reference: Any) -> None:
    with pytest.raises(
        InputError, match=r"^reference must be a TensorDataset such as digits\(\)\.held_out, not "
    ):
        digit_scores(IMAGES, reference)


@pytest.mark.parametrize(
    "labels", [torch.zeros(19, dtype=torch.int64), torch.zeros(20, 10), torch.tensor(3), [0] * 20, 7]
)
def test_labels_must_be_one_a_sample(labels: Any) -> None:
    with pytest.raises(InputError, match=r"^generated_labels must "):
        digit_scores(IMAGES, digits().held_out, generated_labels=labels)


def test_a_sample_that_left_the_range_by_rounding_is_taken() -> None:
    images = some_training_digits(200)[0] * (1 + 1e-6)
    assert digit_scores(images, digits().held_out)["digits_covered"].value == 10
