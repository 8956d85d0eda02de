"""Scores of generated digits on the features of the shipped digit classifier."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from statistics import median
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_integers, checked, integer
from gantutor._errors import InputError, type_name
from gantutor.data.digits import digits
from gantutor.metrics.digit_classifier import classify_digits
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores

SPLITS = 20
"""Random splits of the real digits over which the real-data values are medians."""

MIN_SHARE = 0.02
"""A digit class is covered if at least this share of the samples belong to it with confidence."""

MIN_CONFIDENCE = 0.9
"""Class probability above which a sample counts for a covered digit."""


@checked(seed=integer(0))
def digit_scores(
    generated: Tensor, reference: Any, *, generated_labels: Tensor | None = None, seed: int = 0
) -> Scores:
    """Return the Fréchet distance, precision, recall and class coverage of digits, on classifier features.

    Each real-data value is the median over 20 random splits of the package's 5,000 real digits into parts of
    N and of the reference's size; hence the two may not exceed 5,000 together.

    Args:
        generated: images (N, 1, 28, 28) in [−1, 1], N ≥ 10.
        reference: a TensorDataset of at least 10 real, held-out digits.
        generated_labels: the labels (N,) that the images were generated for, if any.
        seed: the seed of the splits and subsets.

    Returns:
        ``digit_fid``; ``precision`` and ``recall``, of equal numbers, with k = 3; ``digits_covered``, the
        number of digits to which at least 2 % of the samples belong with a confidence above 0.9; and with
        labels ``class_accuracy``, the share classified as the label they were generated for.

    Raises:
        InputError: for other types, shapes, ranges or sizes.

    >>> held_out = digits().held_out
    >>> scores = digit_scores(digits().train.tensors[0][:500], held_out)
    >>> sorted(scores)
    ['digit_fid', 'digits_covered', 'precision', 'recall']
    """
    tensors = getattr(reference, "tensors", None)
    if not tensors:
        raise InputError(
            f"reference must be a TensorDataset such as digits().held_out, not {type_name(reference)}"
        )
    if not isinstance(generated, Tensor) or not generated.dim():
        raise InputError(f"digits must be a tensor of images, not {type_name(generated)}")
    counts = len(generated), len(tensors[0])
    if min(counts) < 10 or sum(counts) > 5000:
        raise InputError(
            f"generated must hold 10 to {5000 - counts[1]:,} samples against these {counts[1]:,}, "
            f"not {counts[0]:,}"
        )
    features, probabilities = classify_digits(generated)
    reference_features, _ = classify_digits(tensors[0])
    real = _real_data_values(*counts, seed)
    against = f"{counts[1]:,} held-out digits"
    values = _measure(features, reference_features, probabilities, seed)
    scores = Scores(
        digit_fid=Score(
            values["digit_fid"],
            real["digit_fid"],
            "Fréchet distance on digit features",
            "lower",
            counts[0],
            against,
        ),
        precision=Score(values["precision"], real["precision"], "share", "higher", min(counts), against),
        recall=Score(values["recall"], real["recall"], "share", "higher", min(counts), against),
        digits_covered=Score(
            values["digits_covered"],
            real["digits_covered"],
            "digits",
            "higher",
            counts[0],
            "the digit classifier",
        ),
    )
    if generated_labels is not None:
        if getattr(generated_labels, "shape", None) != (counts[0],):
            shape = getattr(generated_labels, "shape", type_name(generated_labels))
            raise InputError(f"generated_labels must be a tensor of shape ({counts[0]},), not {shape}")
        check_integers(generated_labels=generated_labels)
        accuracy = float((probabilities.argmax(1) == generated_labels.cpu()).double().mean())
        scores["class_accuracy"] = Score(
            accuracy, _real_data_accuracy(), "share", "higher", counts[0], "the digit classifier"
        )
    return scores


def _measure(features: Tensor, real: Tensor, probabilities: Tensor, seed: int) -> dict[str, float]:
    count = min(len(features), len(real))
    rng = torch.Generator().manual_seed(seed)
    # Digits are often ordered by class, so that the first ones would all be zeros: draw at random.
    generated_subset, real_subset = (
        rows[torch.randperm(len(rows), generator=rng)[:count]] for rows in (features, real)
    )
    precision, recall = precision_recall(real_subset, generated_subset)
    confidence, predicted = probabilities.max(1)
    shares = predicted[confidence > MIN_CONFIDENCE].bincount(minlength=10) / len(features)
    return {
        "digit_fid": frechet_distance(features, real),
        "precision": precision,
        "recall": recall,
        "digits_covered": float((shares >= MIN_SHARE).sum()),
    }


def real_data_splits(
    features: Tensor, labels: Tensor, first_size: int, second_size: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield twenty random pairs of disjoint subsets of real features.

    Every class has an equal share in both subsets, as it has among the held-out digits. Uneven shares would
    raise the real-data value of a distance, and make generated samples look better beside it.

    Args:
        features: features (N, D) of real digits, as many of each class.
        labels: their labels (N,), from 0 to 9.
        first_size: rows of the first subset.
        second_size: rows of the second subset.
        seed: the seed of the splits.

    Yields:
        Features (``first_size``, D) and (``second_size``, D).

    >>> splits = real_data_splits(torch.rand(20, 3), torch.arange(20) % 10, 10, 5, seed=0)
    >>> [tuple(subset.shape) for subset in next(splits)]
    [(10, 3), (5, 3)]
    """
    rng = torch.Generator().manual_seed(seed)
    for _ in range(SPLITS):
        order = torch.randperm(len(features), generator=rng)
        order = order[labels[order].argsort(stable=True)]  # by class, at random within each
        order = order.view(10, -1).T.flatten()  # one of each class in turn
        yield features[order[:first_size]], features[order[first_size : first_size + second_size]]


@cache
def _real() -> tuple[Tensor, Tensor, Tensor]:
    """Features (5000, 64), probabilities (5000, 10) and labels (5000,) of the package's real digits."""
    train, held_out = digits().train.tensors, digits().held_out.tensors
    return *classify_digits(torch.cat([train[0], held_out[0]])), torch.cat([train[1], held_out[1]])


@cache
def _real_data_values(first_size: int, second_size: int, seed: int) -> dict[str, float]:
    features, probabilities, labels = _real()
    both, dimension = torch.cat([features, probabilities], 1), features.shape[1]
    splits = real_data_splits(both, labels, first_size, second_size, seed)
    draws = [
        _measure(first[:, :dimension], second[:, :dimension], first[:, dimension:], seed)
        for first, second in splits
    ]
    return {name: median(draw[name] for draw in draws) for name in draws[0]}


@cache
def _real_data_accuracy() -> float:
    """The accuracy of the classifier on the held-out digits."""
    _, probabilities, labels = _real()
    held_out = slice(-len(digits().held_out), None)
    return float((probabilities[held_out].argmax(1) == labels[held_out]).double().mean())


@checked(count=integer(1))
def class_means(count: int = 4000) -> Tensor:
    """Return the mean image of each training digit, in turn, as a baseline for digit scores.

    Args:
        count: how many images to return, at least 1.

    Returns:
        Images (``count``, 1, 28, 28) in [−1, 1]: 0, 1, …, 9, 0, 1, ….

    Raises:
        InputError: if the count is out of range.

    >>> class_means(20).shape
    torch.Size([20, 1, 28, 28])
    """
    images, labels = digits().train.tensors
    means = torch.stack([images[labels == digit].mean(0) for digit in range(10)])
    return means[torch.arange(count) % 10]
