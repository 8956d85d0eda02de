"""The kernel distance against a loop over every pair, against torchmetrics, and where its answer is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gantutor._errors import InputError
from gantutor.metrics import kernel_distance, kernel_distances


def by_pairs(first: Tensor, second: Tensor) -> float:
    """Lemma 6 of Gretton et al. 2012, pair by pair."""

    def kernel(x: list[float], y: list[float]) -> float:
        return float((sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3)

    x, y = first.tolist(), second.tolist()
    n, m = len(x), len(y)
    inside_x = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    inside_y = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(kernel(a, b) for a in x for b in y) / (n * m)
    return inside_x + inside_y - 2 * across


@pytest.mark.parametrize(("n", "m", "d"), [(2, 2, 1), (12, 12, 3), (20, 7, 5)])
def test_it_is_the_sum_over_every_pair(n: int, m: int, d: int) -> None:
    first, second = torch.randn(n, d, dtype=torch.float64), torch.randn(m, d, dtype=torch.float64) + 0.5
    assert kernel_distance(first, second) == pytest.approx(by_pairs(first, second))
    assert kernel_distance(first, second) == pytest.approx(kernel_distance(second, first))


def test_it_is_that_of_torchmetrics() -> None:
    from torchmetrics.image.kid import poly_mmd

    first, second = torch.randn(40, 8, dtype=torch.float64), torch.randn(40, 8, dtype=torch.float64) + 0.3
    assert kernel_distance(first, second) == pytest.approx(float(poly_mmd(first, second)))


def test_it_has_no_bias_however_few_there_are() -> None:
    """Of points at 0 and 1 in one dimension, where the true value is a sum of eight terms."""
    p, q = 0.5, 0.2  # shares of ones
    truth = sum(
        weight * (a * b + 1) ** 3
        for a in (0, 1)
        for b in (0, 1)
        for weight in [(p if a else 1 - p) * (p if b else 1 - p) + (q if a else 1 - q) * (q if b else 1 - q)
                       - 2 * (p if a else 1 - p) * (q if b else 1 - q)]
    )  # fmt: skip
    draw = torch.Generator().manual_seed(0)
    found = torch.tensor([
        kernel_distance(*((torch.rand(5, 1, generator=draw) < share).double() for share in (p, q)))
        for _ in range(4000)
    ])  # fmt: skip
    assert float(found.mean()) == pytest.approx(truth, abs=4 * float(found.std()) / 4000**0.5)
    assert truth == pytest.approx((p - q) ** 2 * 7) and float(found.min()) < 0


def test_subsets_scatter_about_the_distance() -> None:
    first, second = torch.randn(300, 4), torch.randn(200, 4) + 0.5
    parts = kernel_distances(first, second, size=40, subsets=200)
    whole = kernel_distance(first, second)
    assert float(parts.mean()) == pytest.approx(whole, abs=4 * float(parts.std()) / 200**0.5)
    assert float(parts.std()) > 0.01
    assert torch.equal(parts[:5], kernel_distances(first, second, size=40, subsets=5))
    assert not torch.equal(parts[:5], kernel_distances(first, second, size=40, subsets=5, seed=1))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (torch.zeros(9), torch.zeros(9)),
        (torch.zeros(9, 2), torch.zeros(9, 3)),
        (torch.zeros(9, 0), torch.zeros(9, 0)),
    ],
)
def test_other_shapes_are_refused(first: Tensor, second: Tensor) -> None:
    with pytest.raises(InputError, match=r"^features must have shapes \(N, D\) and \(M, D\)"):
        kernel_distance(first, second)


def test_too_few_and_not_finite_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"^a kernel distance needs at least two samples of each set, not 1 and 5"
    ):
        kernel_distance(torch.zeros(1, 2), torch.zeros(5, 2))
    with pytest.raises(InputError, match=r"^the features contain values that are not finite"):
        kernel_distance(torch.full((3, 2), float("nan")), torch.zeros(5, 2))


@pytest.mark.parametrize(("name", "value"), [("size", 1), ("size", 6), ("subsets", 0), ("seed", -1)])
def test_wrong_numbers_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} must be a whole number "):
        kernel_distances(torch.zeros(5, 2), torch.zeros(9, 2), **({"size": 3} | {name: value}))
