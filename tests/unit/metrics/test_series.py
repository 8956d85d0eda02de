"""Scores of series and names: judges on controls, closed forms of linear series, scipy, counts by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize, stats
from torch import Tensor, nn

import gantutor as gt
from gantutor.metrics import (
    bigram_names,
    discriminative_score,
    light_classifier_test,
    name_scores,
    nearest_sine,
    ngram_overlap,
    perfect_sampler,
    predictive_score,
    rediscovery,
    sine_scores,
    strong_classifier_test,
    train_on_synthetic,
)
from gantutor.metrics.classifier_test import ClassifierTest, fit, two_sample_error
from gantutor.metrics.names import share_distinct, share_new
from gantutor.metrics.sines import distance_from_uniform

DRAW = torch.Generator()


def waves(count: int, seed: int, highest: float = 0.1, lowest: float = 0.0, length: int = 24) -> Tensor:
    """Sines of the Sines set, of frequencies between two: (count, length, 5)."""
    draw = DRAW.manual_seed(seed)
    frequency = lowest + (highest - lowest) * torch.rand(count, 1, 5, generator=draw)
    phase = 0.1 * torch.rand(count, 1, 5, generator=draw)
    return ((frequency * torch.arange(length).view(1, length, 1) + phase).sin() + 1) / 2


def linear_series(slope: float, count: int, seed: int) -> Tensor:
    """x(t + 1) = slope · x(t) + standard normal noise, in its steady state: (count, 24, 1)."""
    draw = DRAW.manual_seed(seed)
    x = torch.randn(count, 1, generator=draw) / math.sqrt(1 - slope**2)
    steps = [x]
    for _ in range(23):
        steps.append(slope * steps[-1] + torch.randn(count, 1, generator=draw))
    return torch.stack(steps, 1)


# --- judges -------------------------------------------------------------------------------------------------

CONTROLS: dict[str, Callable[[], Tensor]] = {
    "one frequency": lambda: waves(1000, 2, 0.05, 0.05),
    "the fast third missing": lambda: waves(1000, 3, 0.07),
    "a hundredth of noise": lambda: waves(1000, 4) + 0.01 * torch.randn(1000, 24, 5),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_the_strong_judge_tells_bad_controls_from_real_and_not_real_from_real(control: str) -> None:
    score = discriminative_score(
        waves(1000, 0), CONTROLS[control](), strong_classifier_test(120), waves(1000, 1)
    )
    assert score.value >= 0.3 and score.real <= 0.05
    assert score.better == "lower" and score.samples == 1000 and "strong judge" in score.reference


def test_the_light_judge_overlooks_what_the_strong_one_sees() -> None:
    score = discriminative_score(
        waves(600, 0), waves(600, 2, 0.05, 0.05), light_classifier_test(150), waves(600, 1)
    )
    assert score.value <= 0.2 and score.real <= 0.1  # the strong judge: 0.5
    far = discriminative_score(
        waves(200, 0), waves(200, 1) + 3, light_classifier_test(400, hidden=8), waves(200, 2)
    )
    assert far.value == 0.5


def test_real_series_are_halved_where_there_are_no_others() -> None:
    score = discriminative_score(waves(400, 0), waves(1000, 1) + 1, strong_classifier_test(20))
    assert score.samples == 200 and score.value == 0.5


def test_the_accuracy_is_that_on_series_not_learnt_from() -> None:
    class Memory(nn.Module):
        """Calls a series real if it is among the first that it was asked about in training."""

        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(1))
            self.seen: set[float] = set()

        def forward(self, series: Tensor) -> Tensor:
            marks = series[:, 0, 0].tolist()
            if self.training:
                self.seen |= set(marks[: len(marks) // 2])
            return torch.tensor([1.0 if mark in self.seen else -1.0 for mark in marks]) + self.bias * 0

    real, other = torch.randn(100, 3, 1), torch.randn(100, 3, 1)
    memory = ClassifierTest("memory", lambda features, length: Memory(), steps=50)
    assert two_sample_error(real, other, memory) == 0  # on those learnt from it would be ½


def test_judging_repeats_and_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    with torch.no_grad():  # as in a callback
        one, other = (
            discriminative_score(waves(100, 0), waves(100, 1), judge)
            for judge in [strong_classifier_test(6, channels=4, checkpoints=2)] * 2
        )
        predictive_score(waves(20, 0), waves(20, 1), steps=2)
        train_on_synthetic(waves(20, 0), waves(20, 1), waves(20, 2), steps=2)
    assert one == other and torch.equal(before, torch.get_rng_state())


def test_training_ends_at_a_checkpoint_that_leaves_nothing_to_learn() -> None:
    apart, steps = torch.tensor([99]), []

    def loss_of(size: float) -> Callable[[nn.Module, Tensor], Tensor]:
        def loss(network: nn.Module, rows: Tensor) -> Tensor:
            if rows is not apart:
                steps.append(1)
            return size + 0 * network(torch.ones(1, 1)).sum()

        return loss

    for size, expected in ((2e-3, 9), (5e-4, 3)):
        steps.clear()
        fit(lambda: nn.Linear(1, 1), loss_of(size), torch.arange(9), 9, 4, 0.1, 0, [3, 6, 9], apart)
        assert len(steps) == expected


def test_the_best_checkpoint_is_kept() -> None:
    apart, seen = torch.tensor([99]), []

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        error = (network(torch.ones(1, 1)) - 1).square().mean() + 0.01  # never solved
        if rows is apart:
            seen.append(float(error))
        return error

    def make() -> nn.Module:
        layer = nn.Linear(1, 1, bias=False)
        nn.init.constant_(layer.weight, 0.0)
        return layer

    # Steps of 0.3 overshoot 1, so that the least loss is not the last.
    network = fit(make, loss, torch.arange(9), 12, 4, 0.3, 0, [1, 2, 3, 4, 5, 6, 12], apart)
    assert len(seen) == 7 and min(seen) < seen[-1]
    assert float((network(torch.ones(1, 1)) - 1).square()) + 0.01 == pytest.approx(min(seen))


# --- predictors ---------------------------------------------------------------------------------------------


def test_one_step_errors_of_linear_series_are_those_known() -> None:
    good, bad = linear_series(0.5, 500, 0), linear_series(-0.5, 500, 1)
    scores = train_on_synthetic(bad, good, linear_series(0.5, 2000, 2), hidden=8, steps=250)
    # E|N(0, v)| = √(2 v / π); x has variance 1 / (1 − ¼) = 4/3. The best foretells ½ x and keeps the noise;
    # the last value errs by ½ x and the noise; who learnt the opposite slope errs by x and the noise.
    known = {"series_train_on_real": 1.0, "series_last_value": 4 / 3, "series_train_on_synthetic": 7 / 3}
    for name, variance in known.items():
        assert scores[name].value == pytest.approx(math.sqrt(2 * variance / math.pi), rel=0.03), name
        assert scores[name].real == scores["series_train_on_real"].value
    assert [score.samples for score in scores.values()] == [500, 500, 0]


def test_repeated_forecasters_count_by_their_median_and_share_one_reference() -> None:
    real, made, held_out = (linear_series(0.5, 50, seed) for seed in range(3))
    single = [train_on_synthetic(made, real, held_out, 4, 20, seed=seed) for seed in range(3)]
    together = train_on_synthetic(made, real, held_out, 4, 20, repeats=3)
    for name in together:
        assert together[name].value == sorted(scores[name].value for scores in single)[1]
        assert together[name].real == together["series_train_on_real"].value


def test_the_predictive_score_of_a_linear_series_is_the_one_known() -> None:
    def pairs(slope: float, seed: int) -> Tensor:
        noise = torch.randn(300, 24, 2, generator=DRAW.manual_seed(seed))
        noise[:, 1:, 1] = slope * noise[:, :-1, 0] + 0.1 * noise[:, 1:, 1]
        return noise

    score = predictive_score(pairs(1.0, 0), pairs(-1.0, 1), hidden=8, steps=250, learning_rate=0.02)
    # Real: 0.1 of noise is left. From the opposite slope: an error of 2 x and the noise.
    assert score.real == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.5)
    assert score.value == pytest.approx(math.sqrt(2 * 4.01 / math.pi), rel=0.05)


def test_the_predictor_of_independent_features_finds_their_median() -> None:
    score = predictive_score(waves(500, 0), waves(500, 1), hidden=1, steps=150, learning_rate=0.02)
    last = waves(500, 0)[:, 1:, -1]
    by_the_median = float((last - last.median()).abs().mean())
    assert score.value == pytest.approx(score.real, rel=0.05)
    assert 0.8 * by_the_median < score.value <= 1.05 * by_the_median


# --- sines --------------------------------------------------------------------------------------------------


def by_scipy(series: np.ndarray[Any, Any], limit: float) -> float:
    """The least root mean square distance to a sine, from 25 starts."""
    time = np.arange(len(series))

    def misfit(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray((np.sin(at[0] * time + at[1]) + 1) / 2 - series)

    starts = [(a, b) for a in np.linspace(0.1, 0.9, 5) for b in np.linspace(0.1, 0.9, 5)]
    fits = [
        optimize.least_squares(misfit, [a * limit, b * limit], bounds=([0, 0], [limit, limit]), xtol=1e-12)
        for a, b in starts
    ]
    return float(np.sqrt(min(2 * fit.cost for fit in fits) / len(series)))


def test_the_nearest_sine_is_that_of_scipy() -> None:
    off = torch.cat([waves(2, 0) + 0.05 * torch.randn(2, 24, 5), waves(2, 1, 0.2, 0.1), torch.rand(1, 24, 5)])
    found = nearest_sine(off)
    assert float(found.frequency.min()) >= 0 and float(found.frequency.max()) <= 0.1
    for sample, distances in zip(off.double(), found.distance, strict=True):
        for feature in range(5):
            expected = by_scipy(sample[:, feature].numpy(), 0.1)
            assert float(distances[feature]) == pytest.approx(expected, rel=1e-5, abs=1e-8)


def test_true_sines_have_no_distance_and_are_recovered() -> None:
    fit = nearest_sine(waves(200, 7))
    draw = DRAW.manual_seed(7)
    frequency = 0.1 * torch.rand(200, 1, 5, generator=draw)
    assert float(fit.distance.max()) < 1e-6
    torch.testing.assert_close(fit.frequency, frequency[:, 0].double(), atol=1e-5, rtol=0)


def test_a_collapse_to_one_sine_shows_in_the_frequencies() -> None:
    real, one = sine_scores(waves(500, 0)), sine_scores(waves(500, 1, 0.05, 0.05))
    assert real["sine_distance"].value < 1e-6 and one["sine_distance"].value < 1e-6
    assert real["sine_frequencies"].value < 3 * real["sine_frequencies"].real < 0.002
    assert one["sine_frequencies"].value == pytest.approx(0.025, rel=1e-3)


def test_the_distance_from_even_is_scipys() -> None:
    shares = torch.rand(50, dtype=torch.float64) ** 2
    even = (np.arange(200_000) + 0.5) / 200_000
    assert distance_from_uniform(shares) == pytest.approx(
        stats.wasserstein_distance(shares.numpy(), even), rel=1e-4
    )


# --- names --------------------------------------------------------------------------------------------------


def test_triples_by_hand() -> None:
    # anna: ann, nna; hannah: han, ann, nna, nah; bo: none. Known are ann, nna, han, ana.
    assert ngram_overlap(["anna", "Hannah", "bo"], ["ANNA", "hana"]) == pytest.approx(5 / 6)
    assert ngram_overlap(["anna"], ["na"], 2) == pytest.approx(1 / 3)
    assert ngram_overlap(["bo", ""], ["bob"]) == 0


def test_new_and_distinct_by_hand() -> None:
    assert share_new(["anna", "anno", "ANNO", ""], ["Anna"]) == 0.5
    assert share_distinct(["anna", "anno", "ANNO", ""]) == 0.75


def test_name_scores_and_their_real_data_values() -> None:
    scores = name_scores(["anna", "anne", "anne", "xyz"], ["Anna", "Hanna"], ["Johanna", "Anna"])
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {"name_triples": 4 / 7, "names_new": 0.75, "names_distinct": 0.75}
    )
    # anna: ann, nna; anne, twice: ann, nne; xyz. Johanna: joh, oha, han, ann, nna. Known: ann, nna, han.
    assert {name: score.real for name, score in scores.items()} == pytest.approx(
        # A perfect sampler draws 4 of anna, hanna, johanna: one of them is new, 3 (1 − (2/3)⁴) are distinct.
        {"name_triples": 5 / 7, "names_new": 1 / 3, "names_distinct": 3 * (1 - (2 / 3) ** 4) / 4}
    )
    assert scores["names_new"].samples == 4 and scores["names_new"].reference == "2 training names"


def test_a_perfect_sampler_reaches_its_expected_shares() -> None:
    train, held_out = [f"t{k}" for k in range(80)], [f"h{k}" for k in range(20)]
    draw = np.random.default_rng(0)
    trials = [draw.choice([*train, *held_out], 60).tolist() for _ in range(2000)]
    new, distinct = (
        np.mean([share(names) for names in trials])
        for share in (lambda names: share_new(names, train), share_distinct)
    )
    assert perfect_sampler(train, held_out, 60) == pytest.approx((new, distinct), rel=0.01)


def test_rediscovery_tells_a_sampler_of_all_names_from_a_copier() -> None:
    train, held_out = [f"t{k}" for k in range(80)], [f"h{k}" for k in range(20)]
    draw = np.random.default_rng(0)
    assert rediscovery(draw.choice([*train, *held_out], 50_000).tolist(), train, held_out) == pytest.approx(
        1, abs=0.05
    )
    assert rediscovery(train, train, held_out) == 0
    assert rediscovery(held_out, train, held_out) == math.inf
    assert math.isnan(rediscovery(["xyz"], train, held_out))


def test_bigrams_follow_their_shares() -> None:
    before = torch.get_rng_state()
    made = bigram_names(["ab", "ab", "ab", "ac"], 8000, seed=1)
    assert torch.equal(before, torch.get_rng_state())
    assert set(made) == {"ab", "ac"}
    assert made.count("ab") / 8000 == pytest.approx(0.75, abs=0.02)
    assert made == bigram_names(["ab", "ab", "ab", "ac"], 8000, seed=1) != bigram_names(["ab", "ac"], 8000)


def test_bigrams_end_and_are_cut() -> None:
    # After a comes a or the end, each in half of the cases; no name is longer than two.
    made = bigram_names(["aa", "a", ""], 9000)
    # Starts: 2 of 3 with a; then a with 1/3, the end with 2/3.
    shares = {name: made.count(name) / 9000 for name in set(made)}
    assert shares == pytest.approx({"": 1 / 3, "a": 4 / 9, "aa": 2 / 9}, abs=0.02)


# --- bad input ----------------------------------------------------------------------------------------------

REAL = torch.zeros(100, 6, 2)

BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: discriminative_score(REAL, REAL[:, :5]), r"of one shape .*, not \(100, 6, 2\), \(100, 5, 2\)"),
    (lambda: discriminative_score(REAL[0], REAL[0]), "series must be floats of one shape"),
    (lambda: discriminative_score(REAL, REAL.long()), "series must be floats of one shape"),
    (lambda: discriminative_score(REAL, [1, 2]), "series must be floats of one shape"),  # type: ignore[arg-type]
    (lambda: discriminative_score(REAL, REAL / 0), "the series contain values that are not finite"),
    (lambda: discriminative_score(REAL, REAL[:49]), "at least 50 series of each kind, not 49"),
    (lambda: discriminative_score(REAL[:98], REAL), "at least 50 series of each kind, not 49"),
    (lambda: light_classifier_test(0), "steps must be a whole number of at least 1, not 0"),
    (lambda: light_classifier_test(hidden=0), "hidden must be a whole number of at least 1"),
    (lambda: strong_classifier_test(channels=0), "channels must be a whole number of at least 1"),
    (
        lambda: strong_classifier_test(5, checkpoints=6),
        "checkpoints must be a whole number from 1 to 5, not 6",
    ),
    (lambda: strong_classifier_test("5"), "steps must be a whole number of at least 1"),  # type: ignore[arg-type]
    (lambda: predictive_score(REAL[..., :1], REAL[..., :1]), "needs at least 2 features"),
    (lambda: predictive_score(REAL, REAL, steps=0), "steps must be a whole number"),
    (lambda: predictive_score(REAL, REAL, learning_rate=0), "learning_rate must be a number greater than 0"),
    (lambda: train_on_synthetic(REAL, REAL, REAL[:, :3]), "of one shape"),
    (lambda: train_on_synthetic(REAL, REAL, REAL, hidden=0), "hidden must be a whole number"),
    (lambda: nearest_sine(REAL[0]), r"samples must be floats .*, not \(6, 2\)"),
    (lambda: nearest_sine(REAL / 0), "the samples contain values that are not finite"),
    (lambda: nearest_sine(REAL, max_frequency=0), "max_frequency must be a number greater than 0"),
    (lambda: sine_scores(REAL, seed=-1), "seed must be a whole number of at least 0"),
    (lambda: name_scores([], ["a"], ["a"]), r"names must be a list of at least one text, not '\[\]'"),
    (lambda: name_scores("anna", ["a"], ["a"]), "names must be a list of at least one text"),
    (lambda: name_scores(["a"], [3], ["a"]), "names must be a list of at least one text"),  # type: ignore[list-item]
    (lambda: ngram_overlap(["a"], ["a"], 0), "n must be a whole number of at least 1"),
    (lambda: bigram_names(["a"], 0), "count must be a whole number of at least 1"),
]


@pytest.mark.parametrize(("call", "says"), BAD)
def test_bad_input(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        call()
    assert "\n" not in str(error.value)
