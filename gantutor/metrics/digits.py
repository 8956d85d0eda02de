"""Scores of generated digits on the features of the shipped digit classifier."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from statistics import median
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_integers, integer, validate
from gantutor._errors import InputError, type_name
from gantutor.data.digits import digits
from gantutor.metrics.digit_classifier import classify_digits
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores

SPLITS = 20
COVERED = 0.02
CONFIDENT = 0.9


def digit_scores(
    generated: Tensor, reference: Any, *, generated_labels: Tensor | None = None, seed: int = 0
) -> Scores:
    """``digit_fid``, ``precision``, ``recall``, ``digits_covered``, and with labels ``class_accuracy``, of
    digits.

    ``generated``: (N, 1, 28, 28) in [−1, 1]; ``reference``: a TensorDataset of real, held-out digits. N and
    the number of the reference together may not exceed 5,000, as the floor of each score is its median over
    20 random splits of the package's 5,000 real digits into parts of these two sizes. Precision and recall
    take equal numbers, k = 3. A digit is covered if at least 2 % of the samples are read as it with a
    confidence above 0.9. Class accuracy is the share read as the label they were generated for. Raises
    InputError for other shapes, ranges or sizes.

    >>> held_out = digits().held_out
    >>> scores = digit_scores(digits().train.tensors[0][:500], held_out)
    >>> sorted(scores)
    ['digit_fid', 'digits_covered', 'precision', 'recall']
    """
    validate({"seed": seed}, seed=integer(0))
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
            f"score from 10 samples up to {5000 - counts[1]:,} against these {counts[1]:,}, not {counts[0]:,}"
        )
    features, probabilities = classify_digits(generated)
    real, _ = classify_digits(tensors[0])
    floors = _floors(*counts, seed)
    against = f"{counts[1]:,} held-out digits"
    values = _measure(features, real, probabilities, seed)
    scores = Scores(
        digit_fid=Score(
            values["digit_fid"],
            floors["digit_fid"],
            "Fréchet distance on digit features",
            "lower",
            counts[0],
            against,
        ),
        precision=Score(values["precision"], floors["precision"], "share", "higher", min(counts), against),
        recall=Score(values["recall"], floors["recall"], "share", "higher", min(counts), against),
        digits_covered=Score(
            values["digits_covered"],
            floors["digits_covered"],
            "digits",
            "higher",
            counts[0],
            "the digit classifier",
        ),
    )
    if generated_labels is not None:
        if getattr(generated_labels, "shape", None) != (counts[0],):
            given = getattr(generated_labels, "shape", type_name(generated_labels))
            raise InputError(f"generated_labels must be a tensor of shape ({counts[0]},), not {given}")
        check_integers(generated_labels=generated_labels)
        right = float((probabilities.argmax(1) == generated_labels.cpu()).double().mean())
        scores["class_accuracy"] = Score(
            right, _accuracy(), "share", "higher", counts[0], "the digit classifier"
        )
    return scores


def _measure(features: Tensor, real: Tensor, probabilities: Tensor, seed: int) -> dict[str, float]:
    few = min(len(features), len(real))
    draw = torch.Generator().manual_seed(seed)
    # Digits often stand in order of class: the first few would be zeros alone.
    some = [cloud[torch.randperm(len(cloud), generator=draw)[:few]] for cloud in (features, real)]
    precision, recall = precision_recall(some[1], some[0])
    confidence, read_as = probabilities.max(1)
    shares = read_as[confidence > CONFIDENT].bincount(minlength=10) / len(features)
    return {
        "digit_fid": frechet_distance(features, real),
        "precision": precision,
        "recall": recall,
        "digits_covered": float((shares >= COVERED).sum()),
    }


def real_data_splits(
    features: Tensor, labels: Tensor, first: int, second: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Twenty random pairs of disjoint parts of real features, of ``first`` and ``second`` rows.

    Every class has its equal share in both parts, as it has among the held-out digits: uneven shares would
    raise the floor and flatter what is measured against it.
    """
    draw = torch.Generator().manual_seed(seed)
    for _ in range(SPLITS):
        order = torch.randperm(len(features), generator=draw)
        order = order[labels[order].argsort(stable=True)]  # by class, at random within each
        order = order.view(10, -1).T.flatten()  # one of each class in turn
        yield features[order[:first]], features[order[first : first + second]]


@cache
def _real() -> tuple[Tensor, Tensor, Tensor]:
    """Features, probabilities and labels of the package's 5,000 digits."""
    train, held_out = digits().train.tensors, digits().held_out.tensors
    return *classify_digits(torch.cat([train[0], held_out[0]])), torch.cat([train[1], held_out[1]])


@cache
def _floors(first: int, second: int, seed: int) -> dict[str, float]:
    features, probabilities, labels = _real()
    both, width = torch.cat([features, probabilities], 1), features.shape[1]
    splits = real_data_splits(both, labels, first, second, seed)
    draws = [_measure(a[:, :width], b[:, :width], a[:, width:], seed) for a, b in splits]
    return {name: median(draw[name] for draw in draws) for name in draws[0]}


@cache
def _accuracy() -> float:
    """How many held-out digits the classifier reads as their label."""
    _, probabilities, labels = _real()
    held_out = slice(-len(digits().held_out), None)
    return float((probabilities[held_out].argmax(1) == labels[held_out]).double().mean())


def class_means(count: int = 4000) -> Tensor:
    """A baseline for digit scores: the ten mean images of the training digits, in turn: shape (count, 1, 28,
    28).

    >>> class_means(20).shape
    torch.Size([20, 1, 28, 28])
    """
    validate({"count": count}, count=integer(1))
    images, labels = digits().train.tensors
    means = torch.stack([images[labels == digit].mean(0) for digit in range(10)])
    return means[torch.arange(count) % 10]
