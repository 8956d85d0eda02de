"""ROC curves: how well a number tells two groups apart, with an interval for the area under the curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, checked, number
from gantutor._errors import InputError


@dataclass(frozen=True)
class RocArea:
    """The area under an ROC curve (AUC), with a confidence interval.

    Attributes:
        value: the probability that a positive has a larger score than a negative, from 0 to 1.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def _check_scores(positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Both groups as sorted float64 on the CPU."""
    check_tensors(positives=positives, negatives=negatives)
    if positives.dim() != 1 or negatives.dim() != 1 or not len(positives) or not len(negatives):
        shapes = f"{tuple(positives.shape)} and {tuple(negatives.shape)}"
        raise InputError(f"positives and negatives must be scores of shape (N,), N at least 1, not {shapes}")
    check_finite("scores", positives, negatives)
    return positives.detach().cpu().double().sort().values, negatives.detach().cpu().double().sort().values


@checked(confidence=number(above=0, high=0.9999))
def roc_area(positives: Tensor, negatives: Tensor, confidence: float = 0.95) -> RocArea:
    """Return the area under the ROC curve of a score, with a confidence interval.

    The area is the share of pairs in which the positive has the larger score; a tie counts one half (Mann and
    Whitney 1947). Scores that say nothing have an area of ½. The interval inverts a score test whose variance
    is that of Hanley and McNeil (1982), with both sample sizes replaced by their mean (Newcombe 2006,
    Statistics in Medicine 25:559, method 5). It also holds where the groups separate entirely.

    Args:
        positives: scores of one group, (N,), N ≥ 1.
        negatives: scores of the other group, (M,), M ≥ 1.
        confidence: probability that the interval covers the true area, above 0 and at most 0.9999.

    Raises:
        InputError: for scores that are not one-dimensional, missing or not finite.

    >>> print(roc_area(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([0.1, 0.2, 0.4])))
    0.889 (0.401 to 0.988)
    """
    larger, smaller = _check_scores(positives, negatives)
    below = torch.searchsorted(smaller, larger, side="left")  # negatives below each positive
    not_above = torch.searchsorted(smaller, larger, side="right")
    wins = float((below + not_above).double().sum()) / 2
    area = wins / (len(larger) * len(smaller))
    z = NormalDist().inv_cdf((1 + confidence) / 2)

    def is_plausible(true: float) -> bool:
        return abs(area - true) <= z * math.sqrt(_variance(true, len(larger), len(smaller)))

    return RocArea(area, _end(is_plausible, area, 0.0), _end(is_plausible, area, 1.0))


def _variance(area: float, positives: int, negatives: int) -> float:
    """Variance of the estimated area where the true one is ``area``."""
    pairs = (positives + negatives) / 2 - 1
    spread = 1 + pairs * (1 - area) / (2 - area) + pairs * area / (1 + area)
    return area * (1 - area) * spread / (positives * negatives)


def _end(is_plausible: Callable[[float], bool], inside: float, outside: float) -> float:
    """The end of an interval between a plausible value and a bound, by bisection."""
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_plausible(middle) else (inside, middle)
    return inside


def roc_curve(positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ROC curve of a score: both rates for every threshold, from the highest to the lowest.

    Args:
        positives: scores of one group, (N,), N ≥ 1.
        negatives: scores of the other group, (M,), M ≥ 1.

    Returns:
        The false positive rate and the true positive rate, each (K,), float64, from 0 to 1. Equal scores make
        one step of both.

    Raises:
        InputError: for scores that are not one-dimensional, missing or not finite.

    >>> false, true = roc_curve(torch.tensor([3.0, 1.0]), torch.tensor([2.0, 0.0]))
    >>> false.tolist(), true.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    larger, smaller = _check_scores(positives, negatives)
    thresholds = torch.unique(torch.cat([larger, smaller])).flip(0)
    rates = []
    for group in (smaller, larger):
        above = len(group) - torch.searchsorted(group, thresholds, side="left")
        rates.append(torch.cat([torch.zeros(1, dtype=torch.float64), above.double() / len(group)]))
    return rates[0], rates[1]
