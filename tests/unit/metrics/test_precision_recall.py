"""Precision and recall against a search that tries every pair, and on clouds whose answer is plain."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from gantutor._errors import InputError
from gantutor.metrics import precision_recall


def brute_force(real: list[list[float]], generated: list[list[float]], k: int) -> tuple[float, float]:
    """Equation 2 of Kynkäänniemi et al. 2019, pair by pair."""

    def share_inside(points: list[list[float]], cloud: list[list[float]]) -> float:
        radii = [
            sorted(math.dist(p, q) for j, q in enumerate(cloud) if j != i)[k - 1] for i, p in enumerate(cloud)
        ]
        inside = [any(math.dist(p, q) <= r for q, r in zip(cloud, radii, strict=True)) for p in points]
        return sum(inside) / len(points)

    return share_inside(generated, real), share_inside(real, generated)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("first", "second"), [(40, 40), (60, 25), (12, 70)])
def test_it_is_the_search_of_every_pair(k: int, first: int, second: int) -> None:
    draw = torch.Generator().manual_seed(k)
    real = torch.randn(first, 3, generator=draw, dtype=torch.float64)
    generated = 1.3 * torch.randn(second, 3, generator=draw, dtype=torch.float64) + 2
    found = precision_recall(real, generated, k)
    assert found == pytest.approx(brute_force(real.tolist(), generated.tolist(), k))
    assert any(0 < share < 1 for share in found)  # the comparison is of something


def test_more_than_one_part_of_the_search() -> None:
    draw = torch.Generator().manual_seed(0)
    real, generated = torch.randn(1100, 2, generator=draw), torch.randn(600, 2, generator=draw) + 1
    assert precision_recall(real, generated) == pytest.approx(
        brute_force(real.double().tolist(), generated.double().tolist(), 3)
    )


def test_hand_made() -> None:
    # The real points 0, 1, 2, 3 have balls of radius 1 for k = 1: 1.5 and 4 are inside, 4.1 is not.
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    precision, recall = precision_recall(real, torch.tensor([[1.5], [4.0], [4.1]]), k=1)
    assert precision == pytest.approx(2 / 3)
    # The generated points 1.5, 4, 4.1 reach 2.5, 0.1 and 0.1: so 0, 1, 2 and 3 are inside the first ball.
    assert recall == 1.0
    # Generated points that huddle have small balls: good precision, no recall.
    assert precision_recall(real, torch.tensor([[1.4], [1.41], [1.42]]), k=1) == (1.0, 0.0)


def test_half_of_the_modes_is_half_of_the_recall() -> None:
    draw = torch.Generator().manual_seed(0)
    noise = 0.01 * torch.randn(400, 2, generator=draw)
    real = noise[:200] + torch.tensor([[0.0, 0.0], [10.0, 0.0]]).repeat(100, 1)
    precision, recall = precision_recall(real, noise[200:])
    assert precision > 0.9
    assert 0.45 <= recall <= 0.5


@pytest.mark.parametrize("k", [0, -1, 5, 2.0, True, "3", None])
def test_a_k_that_cannot_be_is_refused(k: Any) -> None:
    with pytest.raises(InputError, match=r"^k must be a whole number from 1 to 4, not "):
        precision_recall(torch.zeros(5, 2), torch.zeros(9, 2), k)


@pytest.mark.parametrize(
    ("real", "generated"),
    [
        (torch.zeros(9), torch.zeros(9)),
        (torch.zeros(9, 2), torch.zeros(9, 3)),
        (torch.zeros(9, 2), torch.zeros(9, 2, 1)),
    ],
)
def test_clouds_of_other_shapes_are_refused(real: Tensor, generated: Tensor) -> None:
    with pytest.raises(InputError, match=r"^features must have shapes \(N, D\) and \(M, D\)"):
        precision_recall(real, generated)


@pytest.mark.parametrize("place", [0, 1])
def test_values_that_are_not_finite_are_refused(place: int) -> None:
    given = [torch.randn(9, 2), torch.randn(9, 2)]
    given[place][0, 0] = float("nan")
    with pytest.raises(InputError, match=r"^the features contain values that are not finite"):
        precision_recall(given[0], given[1])
