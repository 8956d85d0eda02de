"""Paths between latents, and the directions that change samples most."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy.spatial.transform import Rotation, Slerp
from torch import Tensor

from gantutor import InputError, sampling

Path = Callable[[Tensor, Tensor, int], Tensor]


@pytest.mark.parametrize("path", [sampling.linear_interpolation, sampling.spherical_interpolation])
def test_a_path_begins_and_ends_where_it_should(path: Path) -> None:
    first, last = torch.randn(2, 64)
    walked = path(first, last, 7)
    assert walked.shape == (7, 64)
    assert torch.allclose(walked[0], first, atol=1e-5) and torch.allclose(walked[-1], last, atol=1e-5)


def test_the_arc_keeps_the_length_and_the_line_does_not() -> None:
    first, last = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 3.0, 0.0])
    assert torch.allclose(sampling.spherical_interpolation(first, last, 9).norm(dim=1), torch.full((9,), 3.0))
    assert float(sampling.linear_interpolation(first, last, 9)[4].norm()) == pytest.approx(3 / math.sqrt(2))


def test_the_arc_is_that_of_unit_quaternions() -> None:
    first, last = torch.nn.functional.normalize(torch.randn(2, 4), dim=1)
    last = last if float(first @ last) > 0 else -last  # scipy takes the shorter way of ± the same rotation
    ends = Rotation.from_quat(torch.stack([first, last]).double().numpy())
    theirs = torch.from_numpy(Slerp([0, 1], ends)(torch.linspace(0, 1, 5).numpy()).as_quat())
    ours = sampling.spherical_interpolation(first, last, 5).double()
    assert torch.allclose(ours * (ours * theirs).sum(1, keepdim=True).sign(), theirs, atol=1e-5)


def test_between_equal_latents_the_arc_stays() -> None:
    first = torch.randn(8)
    assert torch.allclose(sampling.spherical_interpolation(first, first, 4), first.expand(4, 8))


def test_latents_of_any_shape_may_be_walked() -> None:
    first, last = torch.randn(2, 3, 5)
    assert sampling.spherical_interpolation(first, last, 6).shape == (6, 3, 5)


def test_directions_are_those_that_samples_follow() -> None:
    latents = torch.randn(4000, 6)
    weights = torch.zeros(6, 20)
    weights[2], weights[5] = 10.0, torch.linspace(-3, 3, 20)
    found = sampling.latent_directions(latents, latents @ weights, count=2)
    assert torch.allclose(found @ found.T, torch.eye(2), atol=1e-5)
    assert found[0, 2].abs() > 0.99 and found[1, 5].abs() > 0.99


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sampling.linear_interpolation(torch.zeros(3), torch.zeros(4), 5), "the same shape"),
        (lambda: sampling.spherical_interpolation(torch.zeros(3), torch.zeros(3), 1), "count must be"),
        (lambda: sampling.spherical_interpolation(torch.ones(3), -torch.ones(3), 5), "opposite directions"),
        (lambda: sampling.latent_directions(torch.zeros(5), torch.zeros(5, 2)), "must have shapes"),
        (lambda: sampling.latent_directions(torch.zeros(5, 3), torch.zeros(4, 2)), "must have shapes"),
        (lambda: sampling.latent_directions(torch.zeros(5, 3), torch.zeros(5, 2), 4), "count must be"),
        (lambda: sampling.latent_directions(torch.randn(5, 3), torch.randn(5, 1), 2), "at most 1 such"),
    ],
)
def test_what_cannot_be_walked_is_said(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
