"""Scores of faces on sets whose answer is plain: copies, noise, one face, and real people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._errors import InputError
from gantutor.data import faces
from gantutor.metrics import eigenface_features, face_scores, kernel_distance


def train() -> Tensor:
    return faces().train.tensors[0]


def test_copies_reach_every_floor_but_the_one_of_memory() -> None:
    scores = face_scores(train(), faces().held_out)
    assert scores["kernel_distance"].value == pytest.approx(scores["kernel_distance"].real)
    assert scores["precision"].value == 1.0
    assert scores["recall"].value == scores["recall"].real == scores["precision"].real
    assert scores["nearest_neighbour_ratio"].value < 1e-3 and scores["nearest_neighbour_ratio"].real == 1
    assert 0.3 < scores["precision"].real < 1
    assert "held-out people" in str(scores) and "eigenface features" in str(scores)


@pytest.mark.parametrize("what", ["noise", "one face", "upside down", "darker"])
def test_what_eyes_refuse_is_punished(what: str) -> None:
    made = {
        "noise": torch.rand(320, 1, 64, 64) * 2 - 1,
        "one face": (train()[:1] + 0.02 * torch.randn(320, 1, 64, 64)).clamp(-1, 1),
        "upside down": train().flip(2),
        "darker": train() * 0.5 - 0.5,
    }[what]
    scores = face_scores(made, faces().held_out)
    assert scores["kernel_distance"].value > 2 * scores["kernel_distance"].real
    assert scores["recall"].value < 0.5 * scores["recall"].real


def test_eigenfaces_are_blind_to_ghosts_as_their_description_says() -> None:
    """Two people laid over one another, which no eye takes for one: these features do."""
    ghosts = (train() + train().roll(160, 0)) / 2
    distance = face_scores(ghosts, faces().held_out)["kernel_distance"]
    assert distance.value < 1.5 * distance.real


def test_held_out_people_in_the_place_of_generated_faces() -> None:
    """Half of them against the other half: people against people, so near the floor."""
    images, people = faces().held_out.tensors
    first = torch.isin(people, people.unique()[::2])
    scores = face_scores(images[first], TensorDataset(images[~first]))
    assert scores["kernel_distance"].value < 4 * scores["kernel_distance"].real
    assert scores["nearest_neighbour_ratio"].value == pytest.approx(1, abs=0.2)


def test_other_features_and_another_training_set() -> None:
    def mean_and_spread(images: Tensor) -> Tensor:
        return torch.stack([images.mean((1, 2, 3)), images.std((1, 2, 3))], 1)

    made, new, old = torch.rand(50, 3, 8, 8), torch.rand(30, 3, 8, 8), torch.rand(40, 3, 8, 8)
    scores = face_scores(made, TensorDataset(new), TensorDataset(old), mean_and_spread, "two numbers")
    distance = scores["kernel_distance"]
    assert "two numbers" in distance.unit and scores["precision"].samples == 40
    read = [mean_and_spread(images) for images in (made, new, old)]
    assert distance.value == pytest.approx(kernel_distance(read[0], read[1]))
    assert distance.real == pytest.approx(kernel_distance(read[2], read[1]))


def test_the_eigenfaces_are_those_of_numpy() -> None:
    flat = train().flatten(1).double().numpy()
    centred = flat - flat.mean(0)
    values, vectors = np.linalg.eigh(centred @ centred.T)  # by way of the small matrix of Turk & Pentland
    order = np.argsort(values)[::-1][:64]
    faces_of = centred.T @ vectors[:, order] / np.sqrt(values[order])
    new = faces().held_out.tensors[0].flatten(1).double().numpy()
    expected = (new - flat.mean(0)) @ faces_of / np.sqrt(values[order] / 320)
    found = eigenface_features(faces().held_out.tensors[0]).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-6)
    old = eigenface_features(train())
    torch.testing.assert_close(old.T @ old / 320, torch.eye(64).double(), atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            torch.zeros(20, 64, 64),
            r"generated faces must be floats of shape \(N, C, H, W\), not \(20, 64, 64\)",
        ),
        ("faces", r"generated faces must be floats .*, not str"),
        (torch.zeros(20, 1, 32, 32), r"must be of one shape, not \(1, 32, 32\)"),
        (torch.full((20, 1, 64, 64), 2.0), r"generated faces must lie in"),
        (torch.full((20, 1, 64, 64), float("nan")), r"not finite"),
        (torch.zeros(3, 1, 64, 64), r"generated faces must be at least 10, not 3"),
    ],
)
def test_other_images_are_refused(made: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        face_scores(made, faces().held_out)


def test_other_references_are_refused() -> None:
    with pytest.raises(InputError, match=r"^reference must be a TensorDataset such as faces\(\)\.held_out"):
        face_scores(train(), train())
    with pytest.raises(InputError, match=r"^train must be a TensorDataset"):
        face_scores(train(), faces().held_out, train())
    with pytest.raises(InputError, match=r"^eigenfaces take faces of shape"):
        eigenface_features(torch.zeros(3, 1, 32, 32))
    with pytest.raises(InputError, match=r"^k must be "):
        face_scores(train(), faces().held_out, k=0)
