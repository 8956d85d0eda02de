"""Areas under ROC curves against scikit-learn, and how often their intervals cover the truth."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

import gantutor as gt


def draw(count: int, shift: float, seed: int) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.parametrize(("positives", "negatives", "shift"), [(50, 80, 0.0), (200, 30, 1.0), (7, 9, -2.0)])
def test_the_area_is_that_of_scikit_learn(positives: int, negatives: int, shift: float) -> None:
    real, other = draw(positives, shift, 1).round(decimals=1), draw(negatives, 0.0, 2).round(decimals=1)
    expected = roc_auc_score([1] * positives + [0] * negatives, torch.cat([real, other]).numpy())
    assert gt.metrics.roc_area(real, other).value == pytest.approx(expected, abs=1e-12)


def test_the_curve_has_the_area_under_it() -> None:
    positives, negatives = draw(60, 0.7, 1).round(decimals=1), draw(40, 0.0, 2).round(decimals=1)
    false, true = gt.metrics.roc_curve(positives, negatives)
    area = gt.metrics.roc_area(positives, negatives).value
    assert float(torch.trapezoid(true, false)) == pytest.approx(area, abs=1e-12)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
def test_the_interval_covers_the_true_area_about_as_often_as_it_says(shift: float) -> None:
    truth = 0.5 * (1 + math.erf(shift / 2))  # two normal distributions of variance 1
    covered = 0
    for seed in range(400):
        area = gt.metrics.roc_area(draw(40, shift, 2 * seed), draw(60, 0.0, 2 * seed + 1))
        covered += area.low <= truth <= area.high
    assert 0.92 <= covered / 400 <= 0.98


def test_the_interval_of_separate_groups_does_not_vanish() -> None:
    area = gt.metrics.roc_area(draw(20, 100.0, 1), draw(20, 0.0, 2))
    assert area.value == area.high == 1.0 and 0.8 < area.low < 0.95


def test_swapped_groups_have_the_mirrored_area() -> None:
    there, back = (
        gt.metrics.roc_area(draw(30, 1.0, 1), draw(50, 0.0, 2)),
        gt.metrics.roc_area(draw(50, 0.0, 2), draw(30, 1.0, 1)),
    )
    assert back.value == pytest.approx(1 - there.value)
    assert back.low == pytest.approx(1 - there.high, abs=1e-9)


def test_equal_scores_say_nothing() -> None:
    assert gt.metrics.roc_area(torch.zeros(5), torch.zeros(9)).value == 0.5


def test_a_higher_confidence_widens_the_interval() -> None:
    scores = draw(30, 1.0, 1), draw(30, 0.0, 2)
    wide, narrow = gt.metrics.roc_area(*scores, confidence=0.99), gt.metrics.roc_area(*scores, confidence=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("scores", [torch.zeros(0), torch.zeros(2, 2), torch.tensor([math.nan])])
def test_scores_that_are_none_are_refused(scores: Tensor) -> None:
    for function in (gt.metrics.roc_area, gt.metrics.roc_curve):
        with pytest.raises(gt.InputError):
            function(scores, torch.zeros(3))
