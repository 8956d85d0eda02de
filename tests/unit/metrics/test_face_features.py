"""Frozen features of faces: what each half sees, and what neither does."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from gantutor._errors import InputError
from gantutor.data import faces
from gantutor.metrics import FaceFeatures, eigenface_features, kernel_distance
from gantutor.metrics.face_features import _blurred as blurred_by
from gantutor.metrics.face_features import texture_statistics


def train() -> Tensor:
    return faces().train.tensors[0]


@cache
def fitted() -> FaceFeatures:
    return FaceFeatures(train())


def spoilt() -> dict[str, Tensor]:
    blurred, draw = blurred_by(train(), 1.0), torch.Generator().manual_seed(0)
    others = train()[torch.randperm(320, generator=draw)]
    noise = 0.1 * torch.randn(train().shape, generator=draw)
    return {
        "blurred": blurred,
        "noise": (train() + noise).clamp(-1, 1),
        "smeared lower half": torch.cat([train()[:, :, :32], blurred[:, :, 32:]], 2),
        "ghosts": (train() + others) / 2,
        "lower half of another": torch.cat([train()[:, :, :32], others[:, :, 32:]], 2),
        "one face": train()[:1] + noise / 10,
    }


def multiple(images: Tensor, part: str) -> float:
    """The kernel distance to held-out people in floors, the distance of the training faces."""
    read = {"both": fitted(), "outline": fitted().eigenface_coefficients, "texture": fitted().texture}[part]
    new = read(faces().held_out.tensors[0])
    return kernel_distance(read(images), new) / kernel_distance(read(train()), new)


@pytest.mark.parametrize("name", spoilt())
def test_what_eyes_refuse_costs_a_multiple_of_the_floor(name: str) -> None:
    assert multiple(spoilt()[name], "both") > 2


@pytest.mark.parametrize("name", ["blurred", "noise", "smeared lower half", "ghosts"])
def test_eigenfaces_alone_would_let_it_pass(name: str) -> None:
    assert multiple(spoilt()[name], "outline") < 1.5


def test_texture_alone_would_let_faces_pass_that_are_too_few() -> None:
    few = train()[:1] + 0.01 * torch.randn(train().shape, generator=torch.Generator().manual_seed(0))
    assert multiple(few, "outline") > 10


def test_over_the_training_faces_each_has_mean_0_and_variance_1() -> None:
    read = fitted()(train())
    assert read.shape == (320, 112)
    torch.testing.assert_close(read.mean(0), torch.zeros(112).double(), atol=1e-8, rtol=0)
    torch.testing.assert_close(read.std(0), torch.ones(112).double(), atol=2e-3, rtol=0)


def test_the_outline_is_that_of_the_eigenfaces() -> None:
    new = faces().held_out.tensors[0]
    torch.testing.assert_close(fitted().eigenface_coefficients(new).abs(), eigenface_features(new).abs())


def test_texture_knows_strength_from_sparseness() -> None:
    """One strong line and a fine pattern of the same mean square: equal strength, other sparseness."""
    line, pattern = torch.zeros(2, 1, 1, 64, 64)
    line[..., 30:32] = 0.8
    pattern[...] = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)) * 0.1
    strength, sparse = texture_statistics(torch.cat([line, pattern])).chunk(2, 1)
    middle = slice(1, 16, 4)  # of the 4 × 4 cells of the finest details, those with the line
    assert (sparse[0, middle] > sparse[1, middle] + 0.2).all()
    assert strength.shape == (2, 24)


def test_a_flat_picture_is_finite_and_brightness_does_not_count() -> None:
    flat = texture_statistics(torch.zeros(2, 3, 32, 32) + torch.tensor([0.1, 0.5]).view(2, 1, 1, 1))
    assert flat.isfinite().all()
    torch.testing.assert_close(flat[0], flat[1], atol=1e-4, rtol=0)


def test_they_fit_colour_and_other_sizes() -> None:
    some = torch.rand(30, 3, 32, 32) * 2 - 1
    assert FaceFeatures(some, eigenfaces=5)(some[:4]).shape == (4, 53)


def test_what_does_not_vary_over_the_training_faces_is_not_magnified() -> None:
    few = train()[:6].repeat(5, 1, 1, 1)  # 30 faces, of rank 5
    features = FaceFeatures(few, eigenfaces=12)
    found = features(train()[100:140])
    assert bool((found[:, 5:12] == 0).all()) and float(found.abs().max()) < 100
    torch.testing.assert_close(features(few)[:, :5].square().mean(0), torch.ones(5, dtype=torch.float64))
    constant = FaceFeatures(torch.full((9, 1, 32, 32), 0.3), eigenfaces=4)
    assert float(constant(torch.full((2, 1, 32, 32), 0.3)).abs().max()) < 1e-6
    assert float(constant(torch.rand(2, 1, 32, 32) * 2 - 1).abs().max()) < 100


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: FaceFeatures(torch.zeros(20, 64, 64)), r"training faces must be floats .*\(20, 64, 64\)"),
        (lambda: FaceFeatures(train()[:10]), r"eigenfaces must be a whole number from 1 to 9, not 64"),
        (lambda: fitted()(torch.zeros(3, 1, 32, 32)), r"of shape \(N, 1, 64, 64\), not \(3, 1, 32, 32\)"),
        (lambda: fitted()(torch.full((3, 1, 64, 64), float("nan"))), "not finite"),
        (lambda: texture_statistics(torch.zeros(3, 1, 8, 8)), "at least 16"),
    ],
)
def test_other_images_are_refused(call: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
