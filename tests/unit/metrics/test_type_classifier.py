"""The reader of type reads type and knows nothing of handwriting; the best permutation is the best."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.data.typefaces import matplotlib_fonts, typefaces
from gantutor.data.typeset import render, typeset
from gantutor.metrics.clustering import clustering_accuracy
from gantutor.metrics.type_classifier import (
    TypeClassifier,
    classify_type,
    degrade,
    train_type_classifier,
    type_scores,
)

REAL = typeset(copies=20, seed=7)


@pytest.fixture(scope="module")
def reader() -> TypeClassifier:
    return train_type_classifier()


# --- the reader ---------------------------------------------------------------------------------------------


def test_it_reads_renderings_that_it_has_not_seen(reader: TypeClassifier) -> None:
    images, labels, faces = REAL.train.tensors
    character, face = classify_type(images, reader)
    assert float((character == labels).float().mean()) >= 0.99
    assert float((face == faces).float().mean()) >= 0.97


def test_it_reads_what_is_a_little_blurred(reader: TypeClassifier) -> None:
    images, labels, _ = REAL.held_out.tensors
    character, _ = classify_type(degrade(images, torch.Generator().manual_seed(3)), reader)
    assert float((character == labels).float().mean()) >= 0.98


def test_it_is_no_reader_of_handwriting(reader: TypeClassifier) -> None:
    """What it reads well has become type: the input itself does not pass."""
    images, labels = gt.data.digits().held_out.tensors
    character, _ = classify_type(images, reader)
    assert float((character == labels).float().mean()) < 0.85


def test_the_same_seed_gives_the_same_reader_and_touches_no_random_state() -> None:
    faces, before = typefaces()[:1], torch.get_rng_state()
    one, two = train_type_classifier(faces, "01", steps=10), train_type_classifier(faces, "01", steps=10)
    assert torch.equal(before, torch.get_rng_state())
    images = render(faces, "01", torch.tensor([0, 1]), torch.tensor([0, 0]))
    assert torch.equal(one(images)[0], two(images)[0])
    assert not any(weight.requires_grad for weight in one.parameters())


def test_it_learns_typefaces_and_characters_of_ones_own() -> None:
    faces = typefaces([matplotlib_fonts() / name for name in ("cmr10.ttf", "DejaVuSans-Bold.ttf")], "AB7")
    images, labels, typeface = typeset(faces, "AB7", copies=20).train.tensors
    character, face = classify_type(images, train_type_classifier(faces, "AB7", steps=80))
    assert (
        float((character == labels).float().mean()) > 0.98 and float((face == typeface).float().mean()) > 0.98
    )


# --- scores -------------------------------------------------------------------------------------------------


def test_scores_of_type_are_those_of_the_floor(reader: TypeClassifier) -> None:
    images, labels, faces = REAL.train.tensors
    scores = type_scores(images, labels, faces, reader, REAL.held_out)
    assert sorted(scores) == ["reader_accuracy", "reader_best_permutation", "typeface_match"]
    for score in scores.values():
        assert score.real > 0.97 and score.value > 0.97 and score.better == "higher" and score.samples == 1600


def test_each_score_falls_where_it_should(reader: TypeClassifier) -> None:
    images, labels, faces = REAL.held_out.tensors

    def values(labels: Tensor, faces: Tensor) -> list[float]:
        found = type_scores(images, labels, faces, reader, REAL.held_out)
        names = ("reader_accuracy", "typeface_match", "reader_best_permutation")
        return [round(found[name].value, 1) for name in names]

    assert values(labels, faces) == [1.0, 1.0, 1.0]
    assert values((labels + 3) % 10, faces) == [
        0.0,
        1.0,
        1.0,
    ]  # all classes exchanged: the permutation finds it
    assert values(labels, (faces + 1) % 8) == [1.0, 0.0, 1.0]
    merged = values(torch.where(labels == 9, 4, labels), faces)
    assert merged == [0.9, 1.0, 0.9]  # two classes that became one are no permutation
    blank = type_scores(torch.full_like(images, -1), labels, faces, reader, REAL.held_out)
    assert blank["reader_accuracy"].value == blank["reader_best_permutation"].value == pytest.approx(0.1)


# --- permutations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 6])
def test_the_permutation_is_the_best_of_all(classes: int) -> None:
    draw = torch.Generator().manual_seed(classes)
    for _ in range(10):
        predicted, labels = torch.randint(classes, (2, 40), generator=draw)
        accuracy, permutation = gt.metrics.clustering_accuracy(predicted, labels, classes)
        orders = (torch.tensor(order) for order in itertools.permutations(range(classes)))
        assert accuracy == max(float((order[predicted] == labels).double().mean()) for order in orders)
        assert accuracy == float((permutation[predicted] == labels).double().mean())


def test_a_hidden_permutation_is_found() -> None:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (500,), generator=draw)
    hidden = torch.randperm(10, generator=draw)
    read = hidden[labels]
    wrong = torch.rand(500, generator=draw) < 0.2
    read[wrong] = torch.randint(10, (int(wrong.sum()),), generator=draw)
    share, permutation = clustering_accuracy(read, labels, 10)
    assert torch.equal(permutation[hidden], torch.arange(10))
    assert share == float((permutation[read] == labels).double().mean()) > 0.75
    nothing = torch.randint(10, (500,), generator=draw)
    assert 0.1 < clustering_accuracy(nothing, labels, 10)[0] < 0.25  # a little more than chance


# --- bad input ----------------------------------------------------------------------------------------------

SMALL = TypeClassifier(10, 8).eval()
IMAGES, INDICES = torch.zeros(4, 1, 28, 28), torch.zeros(4, dtype=torch.long)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TypeClassifier(0, 8), "characters must be a whole number of at least 1, not 0"),
        (
            lambda: classify_type(torch.zeros(2, 28, 28), SMALL),
            r"shape \(count, 1, 28, 28\), not torch.float32 of",
        ),
        (lambda: classify_type(IMAGES[:0], SMALL), "images must be floats of shape"),
        (lambda: classify_type(3, SMALL), "images must be floats of shape .* not int"),  # type: ignore[arg-type]
        (lambda: classify_type(IMAGES + 2, SMALL), r"must be finite and lie in \[-1, 1\]"),
        (lambda: classify_type(IMAGES * float("nan"), SMALL), "must be finite"),
        (
            lambda: type_scores(IMAGES, INDICES[:3], INDICES, SMALL, REAL.held_out),
            r"labels must be a tensor of shape \(4,\), not \(3,\)",
        ),
        (
            lambda: type_scores(IMAGES, INDICES, INDICES, SMALL, gt.data.digits().held_out),
            "real must be a TensorDataset",
        ),
        (
            lambda: clustering_accuracy(INDICES, INDICES[:2], 10),
            r"the same shape, \(count,\), not \(4,\) and \(2,\)",
        ),
        (lambda: clustering_accuracy(INDICES + 10, INDICES, 10), "must lie from 0 to 9"),
    ],
)
def test_bad_input(make: Any, says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
