"""Scores of generated series: can classifiers tell them from real ones, and predictors learn from them?"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantutor._checks import check_finite, checked, integer, number, validate
from gantutor._errors import InputError, type_name
from gantutor.metrics.classifier_test import (
    ClassifierTest,
    fit,
    half_width,
    light_classifier_test,
    standardise,
    two_sample_error,
)
from gantutor.metrics.score import Score, Scores

MAX_ABS = 1e100
"""The largest value of a series: squares must be finite."""


@checked(seed=integer(0))
def discriminative_score(
    real: Tensor,
    generated: Tensor,
    test: ClassifierTest | None = None,
    other_real: Tensor | None = None,
    seed: int = 0,
) -> Score:
    """Return the discriminative score: how well a classifier tells generated from real series.

    It is |accuracy − ½| on a fifth of both sets, held out from the training (TimeGAN: Yoon, Jarrett & van der
    Schaar, NeurIPS 2019, section 5). The real-data value is that of the same test on real against real
    series. As many series are taken of each kind as there are of the smallest.

    Args:
        real: series (N, L, F), at least 50, or 100 without ``other_real``.
        generated: series (M, L, F), at least 50.
        test: the classifier and its training, by default ``light_classifier_test()``; trust
            ``strong_classifier_test()``.
        other_real: further real series (K, L, F), for the real-data value; without them the real ones are
            halved, and both numbers use one half.
        seed: the seed of the selection and of the training.

    Returns:
        A score from 0 to ½.

    Raises:
        InputError: for series of another type or shape, values that are not finite or beyond ±1e100, or too
            few series.

    >>> from gantutor.metrics.classifier_test import strong_classifier_test
    >>> real = torch.rand(100, 6, 2, generator=torch.Generator().manual_seed(0))
    >>> discriminative_score(real, real + 10, strong_classifier_test(steps=50)).value
    0.5
    """
    test = light_classifier_test() if test is None else test
    if not isinstance(test, ClassifierTest):
        raise InputError(
            f"test must be a ClassifierTest, such as strong_classifier_test(), not {type_name(test)}"
        )
    rng = torch.Generator().manual_seed(seed)
    sets = [real, generated] if other_real is None else [real, generated, other_real]
    shuffled = [series[torch.randperm(len(series), generator=rng)] for series in _checked_series(*sets)]
    if other_real is None:
        middle = len(shuffled[0]) // 2
        shuffled = [shuffled[0][:middle], shuffled[1], shuffled[0][middle:]]
    count = min(map(len, shuffled))
    if count < 50:
        raise InputError(
            f"a classifier test needs at least 50 series of each kind, not {count} (real ones are halved)"
        )
    real, generated, other_real = (series[:count] for series in shuffled)
    value = two_sample_error(real, generated, test, seed)
    real_value = two_sample_error(real, other_real, test, seed)
    reference = f"{count:,} real series, by the {test.name} judge"
    return Score(value, real_value, "|accuracy − ½|", "lower", count, reference)


@checked(learning_rate=number(above=0, high=1))
def predictive_score(
    real: Tensor,
    generated: Tensor,
    hidden: int | None = None,
    steps: int = 5000,
    batch: int = 128,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> Score:
    """Return the predictive score: the error on real series of a predictor trained on generated series alone.

    The predictor is a GRU (TimeGAN, section 5). It reads all features but the last and predicts the last one
    a step ahead: so does TimeGAN's public code, while the paper speaks of the whole next vector. The
    real-data value is that of the predictor trained on the real series themselves, the paper's "original".
    Where the features are independent, as in its Sines, the score only says whether the last one has the
    right median. Series on an unusual scale are moved for the training, see ``standardise``.

    Args:
        real: series (N, L, F), L ≥ 2, F ≥ 2.
        generated: series (M, L, F).
        hidden: the width of the GRU, at least 1; by default half the number of features.
        steps: training steps, at least 1.
        batch: series in each step, at least 1.
        learning_rate: Adam's rate at the first step, above 0 and at most 1; it falls linearly to 0.
        seed: the seed of the training.

    Returns:
        The mean absolute error, in the unit of the series.

    Raises:
        InputError: for series of another type or shape, values that are not finite, a single feature, or a
            number out of range.

    >>> real = torch.zeros(50, 6, 2)
    >>> predictive_score(real, real, steps=20).unit
    'mean absolute error'
    """
    settings = {"steps": steps, "batch": batch, "hidden": 1 if hidden is None else hidden, "seed": seed}
    validate(settings, steps=integer(1), batch=integer(1), hidden=integer(1), seed=integer(0))
    real, generated = _checked_series(real, generated)
    features = real.shape[2]
    if features < 2:
        raise InputError("the predictive score needs at least 2 features: for one, use train_on_synthetic")
    make_predictor = partial(Predictor, features - 1, 1, hidden or half_width(features))
    (real, generated), unit = standardise(real, [real, generated], common_scale=True)

    def error(train: Tensor) -> float:
        def loss(network: nn.Module, rows: Tensor) -> Tensor:
            return absolute_error(network, train[rows, :-1, :-1], train[rows, 1:, -1:])

        network = fit(make_predictor, loss, torch.arange(len(train)), steps, batch, learning_rate, seed)
        return unit * _mean_error(network, real[:, :-1, :-1], real[:, 1:, -1:])

    reference = f"{len(real):,} real series"
    return Score(error(generated), error(real), "mean absolute error", "lower", len(generated), reference)


@checked(hidden=integer(1), steps=integer(1), batch=integer(1), seed=integer(0))
def train_on_synthetic(
    generated: Tensor,
    real_train: Tensor,
    held_out: Tensor,
    hidden: int = 32,
    steps: int = 1000,
    batch: int = 64,
    seed: int = 0,
) -> Scores:
    """Return the errors on held-out series of forecasters trained on generated and on real series.

    A GRU reads a series up to a step and predicts the change to the next, of all features ("train on
    synthetic, test on real": Esteban, Hyland & Rätsch 2017, arXiv:1706.02633, section 4.2). The real-data
    value of all three scores is the error after training on real series. Series on an unusual scale are moved
    for the training, see ``standardise``.

    Args:
        generated: series (N, L, F), L ≥ 2.
        real_train: real series (M, L, F).
        held_out: real series (K, L, F) for the test.
        hidden: the width of the GRU, at least 1.
        steps: training steps, at least 1.
        batch: series in each step, at least 1.
        seed: the seed of the training.

    Returns:
        Mean absolute errors one step ahead, in the unit of the series: ``series_train_on_synthetic`` after
        training on ``generated``, ``series_train_on_real`` after training on ``real_train``, and
        ``series_last_value`` of the baseline that repeats the last value.

    Raises:
        InputError: for series of another type or shape, values that are not finite, or a number out of range.

    >>> zeros = torch.zeros(20, 6, 1)
    >>> train_on_synthetic(zeros, zeros, zeros, steps=5)["series_last_value"].value
    0.0
    """
    generated, real_train, held_out = _checked_series(generated, real_train, held_out)
    last_value = float(held_out.double().diff(dim=1).abs().mean())
    (generated, real_train, held_out), unit = standardise(
        real_train, [generated, real_train, held_out], common_scale=True
    )

    def error(train: Tensor) -> float:
        network = train_forecaster(train, hidden, steps, batch, seed)
        return unit * _mean_error(network, held_out[:, :-1], held_out[:, 1:])

    real = error(real_train)
    values = {
        "series_train_on_synthetic": (error(generated), len(generated)),
        "series_train_on_real": (real, len(real_train)),
        "series_last_value": (last_value, 0),
    }
    reference = f"{len(held_out):,} held-out series"
    return Scores(
        {
            name: Score(value, real, "mean absolute error", "lower", count, reference)
            for name, (value, count) in values.items()
        }
    )


class Predictor(nn.Module):
    """A GRU that predicts what follows each step: series (N, L, inputs) → (N, L, outputs).

    Args:
        inputs: features of the series.
        outputs: features of the prediction.
        hidden: the width of the GRU.

    >>> Predictor(4, 1, 2)(torch.zeros(3, 23, 4)).shape
    torch.Size([3, 23, 1])
    """

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.cell = nn.GRU(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, series: Tensor) -> Tensor:
        predictions: Tensor = self.head(self.cell(series)[0])
        return predictions


class Forecaster(nn.Module):
    """A GRU that predicts the next value as the last one plus a change: series (N, L, F) → (N, L, F).

    Args:
        centre: the means of the features (F,), by which the series are standardised.
        spread: their standard deviations (F,).
        hidden: the width of the GRU.

    >>> Forecaster(torch.zeros(2), torch.ones(2), 4)(torch.zeros(3, 23, 2)).shape
    torch.Size([3, 23, 2])
    """

    def __init__(self, centre: Tensor, spread: Tensor, hidden: int) -> None:
        super().__init__()
        self.centre, self.spread = centre, spread
        self.change = Predictor(len(centre), len(centre), hidden)

    def forward(self, series: Tensor) -> Tensor:
        change: Tensor = self.change((series - self.centre) / self.spread) * self.spread
        return series + change


def train_forecaster(train: Tensor, hidden: int, steps: int, batch: int, seed: int) -> nn.Module:
    """Train a Forecaster on series, with the mean absolute error as its loss.

    Args:
        train: series (N, L, F).
        hidden: the width of the GRU.
        steps: training steps.
        batch: series in each step.
        seed: the seed of the weights and batches.

    Returns:
        The network, frozen, in evaluation mode.

    >>> network = train_forecaster(torch.rand(9, 5, 2), hidden=4, steps=2, batch=3, seed=0)
    >>> network(torch.zeros(1, 5, 2)).shape
    torch.Size([1, 5, 2])
    """
    flat = train.flatten(0, 1)
    make_forecaster = partial(Forecaster, flat.mean(0), flat.std(0).clamp(min=1e-6), hidden)

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        return absolute_error(network, train[rows, :-1], train[rows, 1:])

    return fit(make_forecaster, loss, torch.arange(len(train)), steps, batch, 5e-3, seed)


def absolute_error(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean absolute error E |network(inputs) − targets|, a scalar.

    >>> absolute_error(nn.Identity(), torch.zeros(3), torch.ones(3))
    tensor(1.)
    """
    error: Tensor = (network(inputs) - targets).abs().mean()
    return error


@torch.no_grad()
def _mean_error(network: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    pairs = zip(torch.split(inputs, 1000), torch.split(targets, 1000), strict=True)
    return float(torch.cat([(network(x) - y).abs().double().flatten() for x, y in pairs]).mean())


def _checked_series(*sets: Tensor) -> list[Tensor]:
    """The sets of series on the CPU, checked to be of one shape, finite and not beyond ±1e100."""
    for series in sets:
        valid = isinstance(series, Tensor) and series.dim() == 3 and len(series) and series.shape[1] > 1
        if not valid or series.shape[1:] != sets[0].shape[1:] or not series.is_floating_point():
            shapes = ", ".join(str(tuple(getattr(s, "shape", ()))) for s in sets)
            raise InputError(
                f"series must be floats of one shape (count, length ≥ 2, features), not {shapes}"
            )
    check_finite("series", *sets)
    if max(float(series.abs().max()) for series in sets) > MAX_ABS:
        raise InputError(f"series must lie within ±{MAX_ABS:.0e}: divide them by a constant")
    return [series.detach().cpu() for series in sets]
