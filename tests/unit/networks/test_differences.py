"""Series beside their differences: by hand, back again, and written by a generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import gantutor as gt
from gantutor.networks import CumulativeSum, FiniteDifferences, Standardize

REAL = torch.randn(200, 9, 2, generator=torch.Generator().manual_seed(0)).cumsum(1) * torch.tensor([1.0, 30])


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_every_order_is_shown_in_units_of_its_spread(order: int) -> None:
    shown = FiniteDifferences(REAL, order)(REAL)
    assert shown.shape == (200, 9, 2 * (order + 1))
    for k in range(order + 1):
        part, raw = shown[:, k:, 2 * k : 2 * k + 2], REAL.diff(n=k, dim=1)
        assert part.flatten(0, 1).std(0).tolist() == pytest.approx([1, 1], rel=1e-4)
        assert bool((shown[:, :k, 2 * k : 2 * k + 2] == 0).all())
        ratio = (raw - raw.mean((0, 1)) if k == 0 else raw) / part
        assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio), rtol=1e-2)


def test_first_differences_by_hand() -> None:
    shown = FiniteDifferences(torch.tensor([[[1.0], [2.0], [4.0]], [[3.0], [2.0], [0.0]]]), order=1)
    assert shown.centre.tolist() == [2.0]
    spread = torch.tensor([1.0, 2.0, -1.0, -2.0]).std()
    made = shown(torch.tensor([[[2.0], [5.0], [4.0]]]))[0, :, 1]
    assert made.tolist() == pytest.approx([0.0, float(3 / spread), float(-1 / spread)])


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_series_comes_back(order: int) -> None:
    shown = FiniteDifferences(REAL, order)
    assert torch.allclose(shown.series(shown(REAL[:5])), REAL[:5], atol=1e-4)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_what_is_written_is_shown_again(order: int) -> None:
    """A generator that writes what the real series show makes the real series."""
    differences = FiniteDifferences(REAL.double(), order).double()
    shown = differences(REAL.double())
    written = shown[..., 2 * order :].clone()
    for k in range(order):  # the value and the lower differences to begin with
        written[:, k] = shown[:, k, 2 * k : 2 * k + 2]
    assert torch.allclose(CumulativeSum(differences)(written), shown, atol=1e-8)


def test_it_trains_and_its_state_goes_with_the_weights() -> None:
    shown = FiniteDifferences(REAL, 2)
    generator = nn.Sequential(gt.networks.GRUGenerator(4, 2, 9, hidden=8), CumulativeSum(shown))
    discriminator = gt.networks.SequenceConvDiscriminator(6, 9, channels=8)
    gan = gt.GAN(generator, discriminator, gt.objectives.non_saturating(r1=0.1), latent=4)
    run = gt.train(gan, shown(REAL), steps=3, batch_size=16, seed=0, progress=False)
    assert shown.series(run.sample(5)).shape == (5, 9, 2)
    assert {"1.differences.centre", "1.differences.spread"} <= set(generator.state_dict())


def test_standardized_days_are_those_of_the_archive() -> None:
    days = gt.data.electricity().held_out.tensors[0]
    assert torch.allclose(Standardize()(7 * days + 3), days, atol=1e-3)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: FiniteDifferences(REAL, -1), "order must be a whole number of at least 0, not -1"),
    (
        lambda: FiniteDifferences(REAL[:, :3], 2),
        r"length ≥ 4, features\), not torch.float32 of \(200, 3, 2\)",
    ),
    (lambda: FiniteDifferences(REAL[0], 1), r"floats \(count, length ≥ 3, features\), not .* of \(9, 2\)"),
    (lambda: FiniteDifferences(REAL.int(), 1), "floats .*, not torch.int32"),
    (lambda: FiniteDifferences(REAL / 0, 1), "not finite"),
    (lambda: FiniteDifferences(torch.ones(4, 9, 2), 1), "differences of order 0 of a feature do not vary"),
    (
        lambda: FiniteDifferences(torch.rand(4, 1, 1).expand(4, 9, 1), 1),
        "differences of order 1 of a feature",
    ),
    (lambda: FiniteDifferences(REAL, 2)(REAL[:, :2]), r"shape \(count, length > 2, 2\), not \(200, 2, 2\)"),
    (lambda: FiniteDifferences(REAL, 1)(REAL[..., :1]), r"shape \(count, length > 1, 2\), not \(200, 9, 1\)"),
]


@pytest.mark.parametrize(("make", "says"), BAD)
def test_bad_input(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
