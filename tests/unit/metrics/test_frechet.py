"""The Fréchet distance against scipy, against torchmetrics, and against the closed form of Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import Tensor, nn

from gantutor._errors import InputError
from gantutor.metrics import frechet_distance


def clouds(first: int = 300, second: int = 200, width: int = 8) -> tuple[Tensor, Tensor]:
    """Two clouds with correlated features of different means and spreads."""
    draw = torch.Generator().manual_seed(0)
    mixing = torch.randn(2, width, width, generator=draw, dtype=torch.float64)
    one = torch.randn(first, width, generator=draw, dtype=torch.float64) @ mixing[0]
    other = torch.randn(second, width, generator=draw, dtype=torch.float64) @ mixing[1] + 0.5
    return one, other


def by_scipy(one: Tensor, other: Tensor) -> float:
    """As the authors of the distance compute it: with the matrix root of the product of the covariances."""
    a, b = one.double().numpy(), other.double().numpy()
    first, second = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    root = linalg.sqrtm(first @ second)
    gap = np.sum((a.mean(0) - b.mean(0)) ** 2)
    return float(gap + np.trace(first + second - 2 * root.real))


@pytest.mark.parametrize("width", [1, 2, 8, 64])
def test_it_is_that_of_scipy(width: int) -> None:
    one, other = clouds(width=width)
    assert frechet_distance(one, other) == pytest.approx(by_scipy(one, other), rel=1e-8)


def test_single_precision_is_enough() -> None:
    one, other = clouds(width=64)
    assert frechet_distance(one.float(), other.float()) == pytest.approx(by_scipy(one, other), rel=1e-5)


def test_it_is_that_of_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid")

    class Features(nn.Module):
        num_features = 8

        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1)

    one, other = clouds()
    theirs = fid.FrechetInceptionDistance(feature=Features()).set_dtype(torch.float64)
    theirs.update(one.view(-1, 8, 1, 1), real=True)
    theirs.update(other.view(-1, 8, 1, 1), real=False)
    assert frechet_distance(one, other) == pytest.approx(float(theirs.compute()), rel=1e-5)


def test_gaussians_on_the_axes_have_a_closed_form() -> None:
    # ‖μ₁ − μ₂‖² + Σ (s₁ − s₂)², for diagonal covariances with the standard deviations s.
    means, spreads = (
        torch.tensor([[0.0, 1.0, -2.0], [1.0, 1.0, 0.0]]),
        torch.tensor([[1.0, 2.0, 0.5], [3.0, 2.0, 1.5]]),
    )
    draw = torch.Generator().manual_seed(0)
    samples = [m + s * torch.randn(400_000, 3, generator=draw) for m, s in zip(means, spreads, strict=True)]
    assert frechet_distance(samples[0], samples[1]) == pytest.approx(5.0 + 5.0, rel=0.01)


def test_a_shift_costs_its_square_and_a_scale_its_own() -> None:
    cloud, _ = clouds()
    shift = torch.arange(8.0, dtype=torch.float64)
    assert frechet_distance(cloud, cloud + shift) == pytest.approx(float(shift.square().sum()), rel=1e-9)
    assert frechet_distance(cloud, 3 * cloud) == pytest.approx(
        float(cloud.mean(0).square().sum() * 4 + 4 * cloud.T.cov().trace()), rel=1e-9
    )


def test_it_is_symmetric_and_zero_for_a_cloud_and_itself() -> None:
    one, other = clouds()
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-9)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


@pytest.mark.filterwarnings("ignore:Matrix is singular")  # scipy's, of its own root
def test_fewer_samples_than_features_are_no_trouble() -> None:
    one, other = clouds(10, 5, 32)  # both covariances are singular
    assert frechet_distance(one, other) == pytest.approx(by_scipy(one, other), rel=1e-4)
    assert frechet_distance(one, torch.ones(7, 32)) == pytest.approx(
        by_scipy(one, torch.ones(7, 32)), rel=1e-9
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.zeros(5), torch.zeros(5)),
        (torch.zeros(5, 2), torch.zeros(5, 3)),
        (torch.zeros(1, 2), torch.zeros(5, 2)),
        (torch.zeros(5, 2), torch.zeros(0, 2)),
        (torch.zeros(5, 2, 2), torch.zeros(5, 2, 2)),
    ],
)
def test_clouds_of_other_shapes_are_refused(one: Tensor, other: Tensor) -> None:
    with pytest.raises(InputError, match=r"^features must have shapes \(N₁, D\) and \(N₂, D\)"):
        frechet_distance(one, other)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 1])
def test_values_that_are_not_finite_are_refused(bad: Any, place: int) -> None:
    given = list(clouds())
    given[place][3, 2] = bad
    with pytest.raises(InputError, match=r"^the features contain values that are not finite"):
        frechet_distance(given[0], given[1])
