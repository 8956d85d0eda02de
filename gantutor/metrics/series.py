"""Scores of generated series (N, L, F): can a judge tell them from real ones, and can one learn from them?"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantutor._checks import check_finite, integer, number, validate
from gantutor._errors import InputError, type_name
from gantutor.metrics.classifier_test import (
    ClassifierTest,
    fit,
    half_width,
    light_classifier_test,
    two_sample_error,
)
from gantutor.metrics.score import Score, Scores


def discriminative_score(
    real: Tensor,
    generated: Tensor,
    judge: ClassifierTest | None = None,
    others: Tensor | None = None,
    seed: int = 0,
) -> Score:
    """|accuracy − ½| of a judge trained to tell ``generated`` from ``real`` series, on a fifth of both that
    it has not seen (TimeGAN: Yoon, Jarrett & van der Schaar, NeurIPS 2019, section 5).

    The floor is the same judge on ``real`` against ``others``, further real series; without them the real
    ones are halved, and both numbers use one half. As many series are taken of each as there are of the
    fewest. The judge is ``light_classifier_test()`` unless another is given; trust ``strong_judge()``. Raises
    InputError for other shapes, values that are not finite, or fewer than 50 of each.

    >>> from gantutor.metrics.classifier_test import strong_classifier_test
    >>> real = torch.rand(100, 6, 2, generator=torch.Generator().manual_seed(0))
    >>> discriminative_score(real, real + 10, strong_classifier_test(steps=50)).value
    0.5
    """
    validate({"seed": seed}, seed=integer(0))
    judge = light_classifier_test() if judge is None else judge
    if not isinstance(judge, ClassifierTest):
        raise InputError(f"judge must be a Judge, such as strong_judge(), not {type_name(judge)}")
    draw = torch.Generator().manual_seed(seed)
    given = [real, generated] if others is None else [real, generated, others]
    shuffled = [series[torch.randperm(len(series), generator=draw)] for series in _series(*given)]
    if others is None:
        middle = len(shuffled[0]) // 2
        shuffled = [shuffled[0][:middle], shuffled[1], shuffled[0][middle:]]
    count = min(map(len, shuffled))
    if count < 50:
        raise InputError(f"a judge needs at least 50 series of each kind, not {count}; real ones are halved")
    truth, made, again = (series[:count] for series in shuffled)
    value, floor = two_sample_error(truth, made, judge, seed), two_sample_error(truth, again, judge, seed)
    against = f"{count:,} real series, by the {judge.name} judge"
    return Score(value, floor, "|accuracy − ½|", "lower", count, against)


def predictive_score(
    real: Tensor,
    generated: Tensor,
    hidden: int | None = None,
    steps: int = 5000,
    batch: int = 128,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> Score:
    """Mean absolute error on ``real`` series of a predictor that has learnt from ``generated`` ones alone
    (TimeGAN, section 5).

    A GRU, by default half as wide as there are features, reads all features but the last and foretells the
    last one a step ahead: so does TimeGAN's public code, while the paper speaks of the whole next vector. The
    floor is the predictor that has learnt from the real series themselves, the paper's "original". Where the
    features are independent, as in its Sines, the score only says whether the last one has the right median.
    Raises InputError for other shapes, values that are not finite, or a single feature.

    >>> real = torch.zeros(50, 6, 2)
    >>> predictive_score(real, real, steps=20).unit
    'mean absolute error'
    """
    settings = {"steps": steps, "batch": batch, "hidden": 1 if hidden is None else hidden, "seed": seed}
    validate(settings, steps=integer(1), batch=integer(1), hidden=integer(1), seed=integer(0))
    validate({"learning_rate": learning_rate}, learning_rate=number(above=0, high=1))
    truth, made = _series(real, generated)
    features = truth.shape[2]
    if features < 2:
        raise InputError("the predictive score needs at least 2 features; for one, take train_on_synthetic")
    make = partial(Predictor, features - 1, 1, hidden or half_width(features))

    def error(train: Tensor) -> float:
        def loss(network: nn.Module, rows: Tensor) -> Tensor:
            return absolute_error(network, train[rows, :-1, :-1], train[rows, 1:, -1:])

        network = fit(make, loss, torch.arange(len(train)), steps, batch, learning_rate, seed)
        return _mean_error(network, truth[:, :-1, :-1], truth[:, 1:, -1:])

    against = f"{len(truth):,} real series"
    return Score(error(made), error(truth), "mean absolute error", "lower", len(made), against)


def train_on_synthetic(
    generated: Tensor,
    real_train: Tensor,
    held_out: Tensor,
    hidden: int = 32,
    steps: int = 1000,
    batch: int = 64,
    seed: int = 0,
) -> Scores:
    """``series_train_on_synthetic``, ``series_train_on_real``, ``series_last_value``: mean absolute errors of
    all features one step ahead, on ``held_out`` series.

    A GRU reads a series up to a step and foretells the change to the next. It learns from ``generated``
    series, or from ``real_train`` (Esteban, Hyland & Rätsch 2017, arXiv:1706.02633, section 4.2); the last
    value stays as it is. The floor of all three is the error after real training. Raises InputError for other
    shapes or values that are not finite.

    >>> zeros = torch.zeros(20, 6, 1)
    >>> train_on_synthetic(zeros, zeros, zeros, steps=5)["series_last_value"].value
    0.0
    """
    settings = {"hidden": hidden, "steps": steps, "batch": batch, "seed": seed}
    validate(settings, hidden=integer(1), steps=integer(1), batch=integer(1), seed=integer(0))
    made, truth, test = _series(generated, real_train, held_out)

    def error(train: Tensor) -> float:
        return _mean_error(forecaster(train, hidden, steps, batch, seed), test[:, :-1], test[:, 1:])

    floor = error(truth)
    values = {
        "series_train_on_synthetic": (error(made), len(made)),
        "series_train_on_real": (floor, len(truth)),
        "series_last_value": (float(test.double().diff(dim=1).abs().mean()), 0),
    }
    against = f"{len(test):,} held-out series"
    return Scores(
        {
            name: Score(value, floor, "mean absolute error", "lower", count, against)
            for name, (value, count) in values.items()
        }
    )


class Predictor(nn.Module):
    """Series (N, L, ``inputs``) → what follows each step, (N, L, ``outputs``), by one GRU.

    >>> Predictor(4, 1, 2)(torch.zeros(3, 23, 4)).shape
    torch.Size([3, 23, 1])
    """

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.cell = nn.GRU(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, series: Tensor) -> Tensor:
        ahead: Tensor = self.head(self.cell(series)[0])
        return ahead


class Forecaster(nn.Module):
    """Series (N, L, F) → the next value at each step, (N, L, F): the last one and a change, foretold in units
    of ``centre`` and ``spread``."""

    def __init__(self, centre: Tensor, spread: Tensor, hidden: int) -> None:
        super().__init__()
        self.centre, self.spread = centre, spread
        self.change = Predictor(len(centre), len(centre), hidden)

    def forward(self, series: Tensor) -> Tensor:
        change: Tensor = self.change((series - self.centre) / self.spread) * self.spread
        return series + change


def forecaster(train: Tensor, hidden: int, steps: int, batch: int, seed: int) -> nn.Module:
    """A Forecaster that has learnt from series (N, L, F)."""
    flat = train.flatten(0, 1)
    make = partial(Forecaster, flat.mean(0), flat.std(0).clamp(min=1e-6), hidden)

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        return absolute_error(network, train[rows, :-1], train[rows, 1:])

    return fit(make, loss, torch.arange(len(train)), steps, batch, 5e-3, seed)


def absolute_error(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """E |network(inputs) − targets|."""
    error: Tensor = (network(inputs) - targets).abs().mean()
    return error


@torch.no_grad()
def _mean_error(network: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    pairs = zip(torch.split(inputs, 1000), torch.split(targets, 1000), strict=True)
    return float(torch.cat([(network(x) - y).abs().double().flatten() for x, y in pairs]).mean())


def _series(*given: Tensor) -> list[Tensor]:
    """The series on the CPU and in single precision, once they are found to be of one shape and finite."""
    for series in given:
        right = isinstance(series, Tensor) and series.dim() == 3 and len(series) and series.shape[1] > 1
        if not right or series.shape[1:] != given[0].shape[1:] or not series.is_floating_point():
            said = ", ".join(str(tuple(getattr(s, "shape", ()))) for s in given)
            raise InputError(f"series must be floats of one shape (count, length ≥ 2, features), not {said}")
    check_finite("series", *given)
    return [series.detach().cpu().float() for series in given]
