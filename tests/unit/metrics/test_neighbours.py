"""Nearest neighbours against a tree of scipy, and the ratio that shows copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from gantutor._errors import InputError
from gantutor.data import digits
from gantutor.metrics import nearest_neighbour_ratio, nearest_neighbours


@pytest.mark.parametrize(("count", "size", "width"), [(50, 80, 2), (2300, 400, 3), (10, 1, 5)])
def test_the_neighbours_are_those_of_scipy(count: int, size: int, width: int) -> None:
    draw = torch.Generator().manual_seed(0)
    queries = torch.randn(count, width, generator=draw)
    data = torch.randn(size, width, generator=draw)
    distances, which = nearest_neighbours(queries, data)
    expected, expected_which = cKDTree(data.double().numpy()).query(queries.double().numpy())
    np.testing.assert_allclose(distances.numpy(), expected, rtol=1e-3, atol=2e-3)
    assert distances.shape == which.shape == (count,)
    assert (
        float((which == torch.from_numpy(expected_which)).double().mean()) > 0.998
    )  # near ties may fall either way


def test_images_count_pixel_by_pixel() -> None:
    data = torch.zeros(3, 1, 28, 28)
    data[1] += 0.5
    distances, which = nearest_neighbours(torch.full((1, 1, 28, 28), 0.4), data)
    assert which.tolist() == [1]
    assert float(distances) == pytest.approx(0.1 * 28, rel=1e-4)


def test_a_copy_is_its_own_neighbour() -> None:
    train = digits().train.tensors[0]
    distances, which = nearest_neighbours(train[::40], train)
    assert torch.equal(which, torch.arange(0, 4000, 40))
    assert float(distances.max()) < 0.05  # real digits lie about 6 apart


def test_the_ratio_of_copies_is_zero_of_new_digits_one_of_noise_large() -> None:
    train, held_out = digits().train.tensors[0], digits().held_out.tensors[0]
    draw = torch.Generator().manual_seed(0)
    copies = train[torch.randperm(4000, generator=draw)[:500]]
    assert nearest_neighbour_ratio(copies, train, held_out) < 0.01
    assert nearest_neighbour_ratio(held_out, train, held_out) == 1
    assert nearest_neighbour_ratio(held_out[::2], train, held_out[1::2]) == pytest.approx(1, abs=0.05)
    assert nearest_neighbour_ratio(torch.rand(100, 1, 28, 28, generator=draw) * 2 - 1, train, held_out) > 2


@pytest.mark.parametrize(
    ("queries", "data"),
    [((0, 2), (5, 2)), ((5, 2), (0, 2)), ((5, 2), (5, 3)), ((5, 1, 4, 4), (5, 16))],
)
def test_samples_of_other_shapes_are_refused(queries: Any, data: Any) -> None:
    with pytest.raises(InputError, match=r"^queries and data must be samples of the same shape, not "):
        nearest_neighbours(torch.zeros(queries), torch.zeros(data))


@pytest.mark.parametrize("place", [0, 1])
def test_values_that_are_not_finite_are_refused(place: int) -> None:
    given = [torch.randn(9, 2), torch.randn(9, 2)]
    given[place][0, 0] = float("nan")
    with pytest.raises(InputError, match=r"not finite"):
        nearest_neighbours(given[0], given[1])


def test_held_out_samples_that_are_copies_are_refused() -> None:
    train = torch.randn(20, 2)
    with pytest.raises(InputError, match=r"^the held-out samples are copies of the training data"):
        nearest_neighbour_ratio(torch.randn(5, 2), train, train[:10])
