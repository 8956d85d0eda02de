"""Exercises of notebook 04: discriminative scores, train on synthetic, straight-through, likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gumbel_softmax, one_hot, pad

from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_number,
    as_numbers,
    as_tensor,
    call,
    describe,
    is_close,
    is_same,
    loss_gradient,
)
from gantutor.course.exercises.exercise import Exercise
from gantutor.data.names import encode_names

# --- 04.1 ---------------------------------------------------------------------------------------------------


def judges() -> tuple[float, ...]:
    """Each judge is asked about 100 real and 100 generated series; these are its right answers."""
    right = {"first": (74, 60), "always real": (100, 0), "third": (38, 30)}
    return tuple(abs((real + generated) / 200 - 0.5) for real, generated in right.values())


SCORE_MISTAKES: tuple[dict[float, str], ...] = (
    {
        0.67: "is the accuracy over all 200 series: the score is its distance from ½, the accuracy of "
        "guessing.",
        0.24: "is the score on the real series alone: what about the 60 of 100 generated ones?",
        0.1: "is the score on the generated series alone: what about the 74 of 100 real ones?",
        0.34: "is twice the score: divide by all 200 series.",
        0.33: "is the share of wrong answers.",
        0.14: "is how much better the judge is on real series than on generated ones.",
        17: "is the score in per cent: a score lies between 0 and ½.",
        -0.17: "is negative; a distance from ½ cannot be negative.",
    },
    {
        0.5: "is its score on the real series, or its accuracy over all 200. It is wrong on every generated "
        "series.",
        1: "is its accuracy on the real series: it is wrong on every generated series.",
    },
    {
        -0.16: "is negative. Exchange the answers of a judge that is mostly wrong, and it is mostly right.",
        0.34: "is the accuracy over all 200 series.",
        0: "would be the score of guessing. A judge that is mostly wrong separates the two kinds as well.",
        0.66: "is the share of wrong answers: how far is it from ½?",
        0.12: "is the score on the real series alone.",
        0.2: "is the score on the generated series alone.",
        16: "is in per cent: a score lies between 0 and ½.",
    },
)


def check_judges(answer: Any) -> None:
    """Check an answer to exercise 04.1."""
    names = ("the first judge's score", "that of “always real”", "the third judge's")
    values = as_numbers(answer, names)
    for name, value, expected, mistakes in zip(names, values, judges(), SCORE_MISTAKES, strict=True):
        label = name[0].upper() + name[1:]
        for wrong_value, mistake in mistakes.items():
            if is_close(value, wrong_value) and not is_close(value, expected):
                raise WrongAnswer(f"{label}: {value:g} {mistake}")
        if not is_close(value, expected):
            raise WrongAnswer(
                f"{label} is not {value:g}: of 200 answers, which share is right, and how far is that from ½?"
            )


JUDGES = Exercise(
    number="04.1",
    title="From answers to a discriminative score",
    question="Three judges are asked about 100 real and 100 generated series. The first is right on 74 real "
    "and 60 generated ones; the second always says “real”; the third is right on 38 and 30. Which "
    "discriminative scores do they give the generator? Three numbers in brackets.",
    hints=(
        "The score is |accuracy − ½|, with the accuracy over all series, real and generated.",
        "The second judge is right on 100 of 200 series. The third is mostly wrong.",
    ),
    solution=judges(),
    explanation="The score is the distance from guessing. A constant answer guesses, so it scores 0. A judge "
    "that is mostly wrong separates the two kinds as well as one that is mostly right.",
    check=check_judges,
    wrong=(
        ((0.67, 0, 0.16), "the accuracy over all"),
        ((0.24, 0, 0.16), "real series alone"),
        ((0.1, 0, 0.16), "generated series alone"),
        ((0.34, 0, 0.16), "twice"),
        ((0.33, 0, 0.16), "wrong answers"),
        ((0.14, 0, 0.16), "how much better"),
        ((17, 0, 16), "in per cent"),
        ((-0.17, 0, 0.16), "is negative"),
        ((0.17, 0.5, 0.16), "its accuracy over all"),
        ((0.17, 1, 0.16), "accuracy on the real"),
        ((0.17, 0.3, 0.16), "not 0.3"),
        ((0.17, 0, -0.16), "Exchange the answers"),
        ((0.17, 0, 0.34), "the accuracy over all"),
        ((0.17, 0, 0), "the score of guessing"),
        ((0.17, 0, 0.66), "how far is it"),
        ((0.17, 0), "should be 3 numbers"),
    ),
    derivation=judges,
)

# --- 04.2 ---------------------------------------------------------------------------------------------------

Fit = Callable[[Tensor], Any]
Error = Callable[[Any, Tensor], float]


def buggy_synthetic_gap(fit: Fit, error: Error, generated: Tensor, real: Tensor, held_out: Tensor) -> float:
    """How much worse a forecaster is that learned from generated series, as a share: 0.05 is 5 % worse."""
    learned_from_generated = error(fit(generated), generated)
    learned_from_real = error(fit(real), real)
    return learned_from_generated / learned_from_real - 1


def synthetic_gap(fit: Fit, error: Error, generated: Tensor, real: Tensor, held_out: Tensor) -> float:
    learned_from_generated = error(fit(generated), held_out)
    learned_from_real = error(fit(real), held_out)
    return learned_from_generated / learned_from_real - 1


def other_gap(
    of_errors: Callable[[float, float], Any] = lambda generated, real: generated / real - 1,
    train: tuple[int, int] = (0, 1),
    test: tuple[int, int] = (2, 2),
) -> Callable[..., Any]:
    """Return the right function with another formula or with other sets of series.

    Args:
        of_errors: computes the answer from the two errors.
        train: the sets that the two forecasters learn from: 0 generated, 1 real, 2 held out.
        test: the sets that they are tested on.
    """

    def gap(fit: Fit, error: Error, *sets: Tensor) -> Any:
        errors = (error(fit(sets[a]), sets[b]) for a, b in zip(train, test, strict=True))
        return of_errors(*errors)

    return gap


SETS = ("generated", "real", "held_out")

ERRORS = {"generated": (0.02, 0.12, 0.147), "real": (0.19, 0.10, 0.14), "held_out": (0.21, 0.13, 0.09)}
"""The error of a forecaster that learned from one set (the key) on each of the sets."""


class ForecastTrial:
    """Sets of series that can be told apart, with ``fit`` and ``error`` that record what they are shown."""

    def __init__(self) -> None:
        self.series = {name: torch.rand(5, 6, 1) + index for index, name in enumerate(SETS)}
        self.trained: list[str] = []
        self.tested: list[tuple[str, str]] = []

    def name_of(self, series: Any, usage: str) -> str:
        for name, known in self.series.items():
            if isinstance(series, Tensor) and series.shape == known.shape and torch.equal(series, known):
                return name
        raise WrongAnswer(f"`{usage}` expects one of the three sets of series, unchanged.")

    def fit(self, series: Any) -> str:
        """Record a set that a forecaster learns from, and return the forecaster."""
        self.trained.append(self.name_of(series, "fit(series)"))
        return self.trained[-1]

    def error(self, forecaster: Any, series: Any) -> float:
        """Return the error of a forecaster on a set."""
        if forecaster not in self.trained:
            raise WrongAnswer("`error(forecaster, series)` expects a forecaster that `fit` returned.")
        name = self.name_of(series, "error(forecaster, series)")
        self.tested.append((forecaster, name))
        return ERRORS[forecaster][SETS.index(name)]


def check_synthetic_gap(answer: Any) -> None:
    """Check an answer to exercise 04.2."""
    trial = ForecastTrial()
    usage = "synthetic_gap(fit, error, generated, real, held_out)"
    result = call(answer, trial.fit, trial.error, *trial.series.values(), usage=usage)
    value = as_number(result, "What your function returns")
    if "held_out" in trial.trained:
        raise WrongAnswer(
            "A forecaster learned from the held-out series: they are for the test alone. Otherwise it has "
            "seen the answers."
        )
    for name in ("generated", "real"):
        if name not in trial.trained:
            raise WrongAnswer(f"No forecaster learned from the set `{name}`: the comparison needs two.")
        if (name, "held_out") not in trial.tested:
            others = [tested for learned, tested in trial.tested if learned == name]
            place = f"is tested on `{others[0]}`" if others else "is never tested"
            raise WrongAnswer(
                f"The forecaster that learned from `{name}` {place}: test it on `held_out`, real series "
                "that no forecaster has seen."
            )
    synthetic, true = (ERRORS[name][SETS.index("held_out")] for name in ("generated", "real"))
    mistakes = {
        "is the ratio of the two errors: subtract 1.": synthetic / true,
        "is the difference of the two errors: divide it by the error after real series.": synthetic - true,
        "divides by the error after generated series: the reference is the one after real series.": 1
        - true / synthetic,
        "has the other sign: a forecaster that is worse should give a positive number.": 1 - synthetic / true,
        "is in per cent: return a share.": 100 * (synthetic / true - 1),
    }
    for mistake, wrong_value in mistakes.items():
        if is_close(value, wrong_value, 5e-4):
            raise WrongAnswer(f"The two errors are {synthetic} and {true}; your {value:.3f} {mistake}")
    if not is_close(value, synthetic / true - 1, 5e-4):
        raise WrongAnswer(
            f"The two errors are {synthetic} and {true}; your {value:.3f} is not how much "
            "larger the first is."
        )


SYNTHETIC_GAP = Exercise(
    number="04.2",
    title="Find the bugs: an unfair test of generated series",
    question="`fit(series)` trains a forecaster, and `error(forecaster, series)` is its mean absolute error. "
    "The function below should return how much worse a forecaster is that learned from generated series, as "
    "a share of the error after real series. It gives the best result to a generator that repeats one simple "
    "series. Write `synthetic_gap(fit, error, generated, real, held_out)` without its two bugs.",
    hints=(
        "Which series do the two forecasters have to predict? A series that repeats is easy to predict.",
        "Both forecasters must be tested on the same real series, which neither has seen: `held_out`.",
    ),
    solution=synthetic_gap,
    explanation="Both forecasters are tested on the same real series, which neither has seen. Only their "
    "training data differ.",
    check=check_synthetic_gap,
    wrong=(
        (buggy_synthetic_gap, "is tested on `generated`"),
        (other_gap(test=(2, 1)), "from `real` is tested on `real`"),
        (other_gap(test=(1, 2)), "from `generated` is tested on `real`"),
        (other_gap(train=(0, 2)), "for the test alone"),
        (other_gap(train=(1, 1)), "No forecaster learned from the set `generated`"),
        (other_gap(train=(0, 0)), "No forecaster learned from the set `real`"),
        (other_gap(lambda generated, real: generated / real), "subtract 1"),
        (other_gap(lambda generated, real: generated - real), "is the difference"),
        (other_gap(lambda generated, real: 1 - real / generated), "divides by the error after generated"),
        (other_gap(lambda generated, real: 1 - generated / real), "other sign"),
        (other_gap(lambda generated, real: 100 * (generated / real - 1)), "in per cent"),
        (other_gap(lambda generated, real: 0.2), "not how much larger"),
        (lambda fit, error, *sets: synthetic_gap(fit, error, *(part + 1 for part in sets)), "unchanged"),
        (lambda fit, error, *sets: error(fit, sets[2]), "that `fit` returned"),
        (other_gap(lambda generated, real: torch.ones(2)), "a number"),
    ),
    listings=(buggy_synthetic_gap,),
)

# --- 04.3 ---------------------------------------------------------------------------------------------------

Judge = Callable[[Tensor], Tensor]

FitJudge = Callable[[Tensor, Tensor], Judge]


def buggy_judge_score(fit: FitJudge, real: Tensor, generated: Tensor) -> Tensor:
    """|accuracy − ½| of the judge that fit(series, answers) trains; an answer is True for a real series."""
    series = torch.cat([real, generated])
    answers = torch.arange(len(series)) < len(real)
    judge = fit(series, answers)
    accuracy = (judge(series) == answers).double().mean()
    return (accuracy - 0.5).abs()


def judge_score(fit: FitJudge, real: Tensor, generated: Tensor) -> Tensor:
    count = min(len(real), len(generated))
    fifth = count // 5
    kinds = [series[torch.randperm(len(series))[:count]] for series in (real, generated)]
    train = torch.cat([series[fifth:] for series in kinds])
    judge = fit(train, torch.arange(len(train)) < count - fifth)
    right = torch.cat([judge(kinds[0][:fifth]), ~judge(kinds[1][:fifth])])
    return (right.double().mean() - 0.5).abs()


def other_score(
    of_answers: Callable[[Tensor, Tensor], Any] = lambda real, generated: abs(
        (real.double().mean() + (~generated).double().mean()) / 2 - 0.5
    ),
    choose: Callable[[int], Tensor] = torch.randperm,
    share: float = 0.2,
    equal_counts: bool = True,
    equal_held_out: bool = False,
    train_on_all: bool = False,
    flip_answers: bool = False,
) -> Callable[[FitJudge, Tensor, Tensor], Any]:
    """Return the right function with one part replaced.

    Args:
        of_answers: computes the score from the answers on real and on generated series.
        choose: makes a random order of a number of series.
        share: of the series that is held out.
        equal_counts: whether as many series of each kind are used.
        equal_held_out: whether as many of each kind are held out.
        train_on_all: whether the judge learns from the held-out series too.
        flip_answers: whether the answers are exchanged.
    """

    def score(fit: FitJudge, real: Tensor, generated: Tensor) -> Any:
        minimum = min(len(real), len(generated))
        kinds = [
            series[choose(len(series))[: minimum if equal_counts else None]] for series in (real, generated)
        ]
        held_out_counts = [int(share * (minimum if equal_held_out else len(series))) for series in kinds]
        train = [
            series[0 if train_on_all else held_out :]
            for series, held_out in zip(kinds, held_out_counts, strict=True)
        ]
        judge = fit(torch.cat(train), (torch.arange(sum(map(len, train))) < len(train[0])) ^ flip_answers)
        return of_answers(judge(kinds[0][: held_out_counts[0]]), judge(kinds[1][: held_out_counts[1]]))

    return score


def mixed_score(fit: FitJudge, real: Tensor, generated: Tensor) -> Any:
    """The fifth that is held out is drawn from both kinds together."""
    count = min(len(real), len(generated))
    series = torch.cat([real[torch.randperm(len(real))[:count]], generated])
    order, answers = torch.randperm(2 * count), torch.arange(2 * count) < count
    held_out, train = order[: 2 * count // 5], order[2 * count // 5 :]
    predictions = fit(series[train], answers[train])(series[held_out])
    return ((predictions == answers[held_out]).double().mean() - 0.5).abs()


def loose_score(fit: FitJudge, real: Tensor, generated: Tensor) -> Any:
    """The answers do not follow the series when these are shuffled."""

    def shuffled(series: Tensor, answers: Tensor) -> Judge:
        return fit(series[torch.randperm(len(series))], answers)

    return judge_score(shuffled, real, generated)


def shuffling_score(fit: FitJudge, real: Tensor, generated: Tensor) -> Any:
    real.copy_(real[torch.randperm(len(real))])
    return judge_score(fit, real, generated)


REAL, GENERATED, SHAPE = 300, 100, (4, 1)


class Trial:
    """Series that carry their own number, real ones from 0 on, and a ``fit`` that records what it is shown.

    Args:
        is_right: returns for the numbers of series, shape (N,), whether the judge's answers are right.
    """

    def __init__(self, is_right: Judge) -> None:
        self.is_right = is_right
        numbers = torch.arange(REAL + GENERATED, dtype=torch.float)
        series = numbers[:, None, None].expand(-1, *SHAPE)
        self.real, self.generated = series[:REAL].clone(), series[REAL:].clone()
        self.trainings: list[tuple[Tensor, list[Tensor]]] = []

    def fit(self, series: Any, answers: Any) -> Judge:
        """Record what the judge learns from, and return the judge."""
        train_numbers = _numbers(series, "fit(series, answers)")
        if not isinstance(answers, Tensor) or answers.shape != train_numbers.shape:
            raise WrongAnswer(
                f"`fit` expects one answer for each of the {len(train_numbers)} series, in a tensor, not "
                f"{describe(answers)}."
            )
        wrong = int(((answers > 0.5) != (train_numbers < REAL)).sum())
        if wrong == len(train_numbers):
            raise WrongAnswer("The answers are exchanged: True is for the real series.")
        if wrong:
            raise WrongAnswer(
                f"Of the answers that the judge learns from, {wrong} belong to other series: shuffle "
                "both in the same way, or neither."
            )
        test_numbers: list[Tensor] = []
        self.trainings.append((train_numbers, test_numbers))

        def judge(series: Any) -> Tensor:
            numbers = _numbers(series, "judge(series)")
            test_numbers.append(numbers)
            return self.predict(numbers)

        return judge

    def predict(self, numbers: Tensor) -> Tensor:
        """The judge's answers on series of these numbers, shape (N,)."""
        return (numbers < REAL) == self.is_right(numbers)

    def check_trainings(self) -> Tensor:
        """Return the numbers of all series asked about; raises WrongAnswer if the test was not fair."""
        if not self.trainings:
            raise WrongAnswer("Your function never calls `fit`: without it there is no judge.")
        for train_numbers, test_numbers in self.trainings:
            if not test_numbers:
                raise WrongAnswer("A judge is trained, but never asked: call `judge(series)`.")
            check_train_and_test(train_numbers, torch.cat(test_numbers))
        return torch.cat([numbers for _, test_numbers in self.trainings for numbers in test_numbers])


def _numbers(series: Any, usage: str) -> Tensor:
    if not isinstance(series, Tensor) or series.dim() != 3 or series.shape[1:] != SHAPE or not len(series):
        raise WrongAnswer(
            f"`{usage}` expects series as they were given, (count, {SHAPE[0]}, {SHAPE[1]}), not "
            f"{describe(series)}."
        )
    numbers = series.detach()[:, 0, 0]
    if not bool(((numbers >= 0) & (numbers < REAL + GENERATED) & (numbers == numbers.round())).all()):
        raise WrongAnswer(
            f"`{usage}` is called with values that none of the series had: pass the series unchanged."
        )
    return numbers.long()


def check_train_and_test(train_numbers: Tensor, test_numbers: Tensor) -> None:
    """Raise WrongAnswer if a judge knows the answers, or can gain by a constant answer.

    Args:
        train_numbers: the numbers of the series that it learnt from.
        test_numbers: the numbers of the series that it was asked about.
    """
    if overlap := int(torch.isin(test_numbers, train_numbers).sum()):
        raise WrongAnswer(
            f"The judge has learnt from {overlap} of the {len(test_numbers)} series that it is asked about: "
            "a judge that memorises gets ½, however good the generator is."
        )
    for numbers, role in ((test_numbers, "is asked about"), (train_numbers, "learns from")):
        real = int((numbers < REAL).sum())
        if real != len(numbers) - real:
            consequence = (
                "a constant answer would score well" if role[0] == "i" else "it learns to prefer one answer"
            )
            raise WrongAnswer(
                f"The judge {role} {real} real and {len(numbers) - real} generated series: {consequence}. "
                "Take equal numbers."
            )
    all_numbers = torch.cat([train_numbers, test_numbers])
    for numbers in (
        test_numbers[test_numbers < REAL],
        test_numbers[test_numbers >= REAL],
        all_numbers[all_numbers < REAL],
    ):
        if len(numbers) > 1 and int(numbers.max() - numbers.min()) < len(numbers):
            raise WrongAnswer(
                "The series come sorted, and you take neighbouring ones, which differ from the rest. "
                "Draw the series at random."
            )
    if not 0.15 <= len(test_numbers) / len(all_numbers) <= 0.25:
        raise WrongAnswer(
            f"Of {len(all_numbers)} series, {len(test_numbers)} are held out: hold out a fifth."
        )


def check_judge_score(answer: Any) -> None:
    """Check an answer to exercise 04.3."""
    good = Trial(lambda numbers: (numbers < REAL) | (numbers % 4 != 0))
    bad = Trial(lambda numbers: (numbers < REAL) & (numbers % 4 == 0))
    for trial, often in ((good, "right"), (bad, "wrong")):
        real, generated = trial.real.clone(), trial.generated.clone()
        result = call(answer, trial.fit, real, generated, usage="judge_score(fit, real, generated)")
        if not torch.equal(real, trial.real) or not torch.equal(generated, trial.generated):
            raise WrongAnswer(
                "The arguments of your function are changed: index the series, and do not write into them."
            )
        value = as_number(result, "What your function returns")
        test_numbers = trial.check_trainings()
        correct = (trial.predict(test_numbers) == (test_numbers < REAL)).double()
        accuracy = float(correct.mean())
        on_real, on_generated = (
            float(correct[test_numbers < REAL].mean()),
            float(correct[test_numbers >= REAL].mean()),
        )
        mistakes = {
            "is its accuracy: subtract ½.": accuracy,
            "has a sign: take the absolute value, as a mostly wrong judge separates them too.": accuracy
            - 0.5,
            "is the share of its wrong answers.": 1 - accuracy,
            "comes from the real series alone.": abs(on_real - 0.5),
            "comes from the generated series alone.": abs(on_generated - 0.5),
            "is twice the score, which goes from 0 to ½.": 2 * abs(accuracy - 0.5),
        }
        for mistake, wrong_score in mistakes.items():
            if is_close(value, wrong_score) and not is_close(value, abs(accuracy - 0.5)):
                raise WrongAnswer(
                    f"A judge that is mostly {often} gets {value:.3f} from you, which {mistake}"
                )
        if not is_close(value, abs(accuracy - 0.5)):
            raise WrongAnswer(
                f"The test is fair, and the judge is right on {accuracy:.3f} of the series. The score "
                f"{value:.3f} does not follow from that."
            )


JUDGE_SCORE = Exercise(
    number="04.3",
    title="Find the bugs: an unfair judge",
    question="`fit(series, answers)` trains a judge (an answer is True for a real series); `judge(series)` "
    "is True where it sees a real one. The score below is also high for a judge that only memorises, and for "
    "one that always says “real”, if there are more real series. Write `judge_score(fit, real, generated)` "
    "without these faults. Hold out a fifth of each kind. The series may come sorted.",
    hints=(
        "Ask the judge about series that it has not learned from, and use equal numbers of both kinds.",
        "`series[torch.randperm(len(series))[:count]]` draws `count` of them: the first fifth for the test, "
        "the rest for the training.",
    ),
    solution=judge_score,
    explanation="On new series, in equal numbers, the accuracy differs from ½ only if the judge has learned "
    "what separates the two kinds.",
    check=check_judge_score,
    wrong=(
        (buggy_judge_score, "learnt from 400 of the 400"),
        (other_score(train_on_all=True), "learnt from 40 of the 40"),
        (other_score(equal_counts=False), "asked about 60 real and 20"),
        (other_score(equal_counts=False, equal_held_out=True), "learns from 280 real and 80"),
        (mixed_score, "would score well"),
        (other_score(choose=torch.arange), "come sorted"),
        (other_score(share=0.5), "100 are held out"),
        (other_score(flip_answers=True), "are exchanged"),
        (loose_score, "belong to other series"),
        (shuffling_score, "are changed"),
        (
            other_score(lambda real, generated: (real.double().mean() + (~generated).double().mean()) / 2),
            "subtract ½",
        ),
        (
            other_score(lambda real, generated: (real.double().mean() - generated.double().mean()) / 2),
            "mostly wrong",
        ),
        (
            other_score(lambda real, generated: (real.double().mean() - generated.double().mean()).abs()),
            "is twice",
        ),
        (other_score(lambda real, generated: (real.double().mean() - 0.5).abs()), "real series alone"),
        (
            other_score(lambda real, generated: (generated.double().mean() - 0.5).abs()),
            "generated series alone",
        ),
        (other_score(lambda real, generated: 0.123), "does not follow"),
        (other_score(lambda real, generated: real), "a number"),
        (lambda fit, real, generated: 0.1, "never calls"),
        (lambda fit, real, generated: fit(real, torch.ones(len(real))) and 0.1, "never asked"),
        (lambda fit, real, generated: judge_score(fit, real[:, 0], generated[:, 0]), "as they were given"),
        (lambda fit, real, generated: judge_score(fit, real / 300, generated / 300), "unchanged"),
    ),
    listings=(buggy_judge_score,),
)

# --- 04.4 ---------------------------------------------------------------------------------------------------


def straight_through(logits: Tensor) -> Tensor:
    soft = logits.softmax(1)
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard - soft.detach() + soft


def chosen(logits: Tensor, axis: int = 1) -> Tensor:
    """Return the one-hot vector of the largest logits along an axis, which has no gradient.

    Args:
        logits: shape (N, letters).
        axis: 0 or 1.
    """
    return one_hot(logits.argmax(axis), logits.shape[axis]).float().movedim(-1, axis)


def backwards(soft: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function with the right values and the gradient of another one.

    Args:
        soft: the function with the gradient.
    """
    return lambda logits: chosen(logits) + (soft(logits) - soft(logits).detach())


FORWARD_MISTAKES: dict[str, Callable[[Tensor], Tensor]] = {
    "are the probabilities of the softmax: return 1 for the chosen letter and 0 for all others.": lambda x: (
        x.softmax(1)
    ),
    "are the one-hot choice plus the softmax: the softmax should count in the backward pass "
    "only.": lambda x: chosen(x) + x.softmax(1),
    "are the probability of the chosen letter, and 0 for all others: it should be 1.": lambda x: (
        chosen(x) * x.softmax(1)
    ),
    "choose among the samples: each row should contain one 1.": lambda x: chosen(x, 0),
    "choose the smallest logit.": lambda x: chosen(-x),
    "are the one-hot choice minus the softmax: the softmax should cancel in the forward pass.": lambda x: (
        chosen(x) - x.softmax(1)
    ),
}

BACKWARD_MISTAKES: dict[str, Callable[[Tensor], Tensor]] = {
    "is passed to the logits unchanged, as if the output were the logits: use that of the "
    "softmax.": lambda x: x,
    "is that of the softmax with the wrong sign: `detach` stands at the wrong term.": lambda x: -x.softmax(1),
    "is 0: the added and the subtracted softmax cancel in the backward pass too. Detach one "
    "of them.": lambda x: 0 * x,
    "comes from the chosen letter alone: all letters should get a gradient.": lambda x: (
        chosen(x) * x.softmax(1)
    ),
    "comes from the chosen letter alone, divided by its probability.": lambda x: chosen(x) * x.log_softmax(1),
    "is that of the logarithm of the softmax.": lambda x: x.log_softmax(1),
    "is that of a softmax over the samples: each row should have its own.": lambda x: x.softmax(0),
    "is that of the sigmoid.": lambda x: x.sigmoid(),
    "is twice that of the softmax.": lambda x: 2 * x.softmax(1),
}


def check_straight_through(answer: Any) -> None:
    """Check an answer to exercise 04.4."""
    logits = (2 * torch.randn(20, 7)).requires_grad_()
    values = logits.detach()
    logits_copy = logits.clone()
    result = call(answer, logits_copy, usage="straight_through(logits)")
    if isinstance(result, Tensor) and result.shape in ((20,), (20, 1)):
        raise WrongAnswer(
            "For each row your function returns one number, as `argmax` does. Return a row with 1 for "
            "the chosen letter and 0 for all others."
        )
    value = as_tensor(result, (20, 7))
    if not is_same(logits_copy.detach(), values):
        raise WrongAnswer("The logits, an argument of your function, are changed.")
    expected = chosen(values)
    if not is_same(value, expected):
        for mistake, wrong_output in FORWARD_MISTAKES.items():
            if is_same(value, wrong_output(values)):
                raise WrongAnswer(f"In the forward pass the numbers {mistake}")
        if bool(((value - value.round()).abs() < 1e-4).all()) and is_same(value.sum(1), torch.ones(20)):
            raise WrongAnswer(
                "In the forward pass the largest logit is not always chosen. The logits already contain "
                "the noise: add none."
            )
        raise WrongAnswer(
            "In the forward pass a row should have 1 for its largest logit and 0 for all others."
        )
    if not result.requires_grad:
        raise WrongAnswer(
            "The forward pass is right. In the backward pass there is no gradient at all, because a choice "
            "has none: use the gradient of the softmax."
        )
    weights = torch.randn(20, 7)

    def gradient_of(outputs: Tensor) -> Tensor:
        return loss_gradient((weights * outputs).sum(), logits)

    gradient = gradient_of(result)
    for mistake, stand_in in BACKWARD_MISTAKES.items():
        if is_same(gradient, gradient_of(stand_in(logits))):
            raise WrongAnswer(f"The forward pass is right. The gradient {mistake}")
    if not is_same(gradient, gradient_of(logits.softmax(1))):
        raise WrongAnswer("The forward pass is right. The gradient is not that of the softmax of the logits.")


STRAIGHT_THROUGH = Exercise(
    number="04.4",
    title="Straight-through: a choice with a gradient",
    question="Write `straight_through(logits)` for logits (N, letters) that contain the Gumbel noise. In the "
    "forward pass, return 1 for the largest logit of each row and 0 for all others. In the backward pass, "
    "use the gradient of the softmax.",
    hints=(
        "Adding and subtracting a term changes no value. `detach()` removes a term from the backward pass.",
        "hard − soft + soft is hard: which of the three should have a gradient?",
    ),
    solution=straight_through,
    explanation="Forward, the two softmax terms cancel and the one-hot choice remains. Backward, the choice "
    "and the detached term are constants, so the gradient is that of the softmax.",
    check=check_straight_through,
    wrong=(
        (chosen, "no gradient at all"),
        (lambda logits: logits.softmax(1), "are the probabilities"),
        (backwards(lambda x: x), "unchanged, as if"),
        (lambda logits: chosen(logits) - logits.softmax(1) + logits.softmax(1).detach(), "wrong sign"),
        (lambda logits: chosen(logits) - logits.softmax(1) + logits.softmax(1), "softmax cancel in"),
        (lambda logits: chosen(logits) + logits.softmax(1), "plus the softmax"),
        (lambda logits: chosen(logits) - logits.softmax(1).detach(), "should cancel in"),
        (lambda logits: chosen(logits) * logits.softmax(1), "the probability of the"),
        (backwards(lambda x: chosen(x) * x.softmax(1)), "chosen letter alone: "),
        (
            lambda logits: chosen(logits) * logits.softmax(1) / logits.softmax(1).detach(),
            "by its probability",
        ),
        (backwards(lambda x: x.log_softmax(1)), "logarithm"),
        (backwards(lambda x: x.softmax(0)), "over the samples"),
        (backwards(lambda x: 2 * x.softmax(1)), "twice"),
        (backwards(lambda x: (x / 2).softmax(1)), "not that of the softmax of the logits"),
        (lambda logits: chosen(logits, 0) + 0 * logits, "among the samples"),
        (lambda logits: chosen(-logits) + 0 * logits, "the smallest"),
        (lambda logits: gumbel_softmax(logits, hard=True), "not always"),
        (lambda logits: 2 * straight_through(logits), "should have 1 for its"),
        (lambda logits: logits.argmax(1), "as `argmax` does"),
        (lambda logits: straight_through(logits.sub_(1)), "are changed"),
    ),
)

# --- 04.5 ---------------------------------------------------------------------------------------------------

Network = Callable[[Tensor], Tensor]


def buggy_letter_loss(network: Network, names: Tensor) -> Tensor:
    """Mean cross-entropy of the letters of names (N, L, 27), one-hot; index 0 is the end and the padding.

    The network reads a row of letters and gives logits for every step, (N, L, 27).
    """
    logits = network(names)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), names.argmax(2).flatten())


def letter_loss(network: Network, names: Tensor) -> Tensor:
    before = torch.cat([torch.zeros_like(names[:, :1]), names[:, :-1]], 1)
    surprise = -(names * network(before).log_softmax(2)).sum(2)
    still_spelling = before[:, :, 0] == 0
    return surprise[still_spelling].mean()


def shifted(names: Tensor) -> Tensor:
    return pad(names, (0, 0, 1, 0))[:, :-1]


def surprises(network: Network, inputs: Tensor, names: Tensor) -> Tensor:
    return -(names * network(inputs).log_softmax(2)).sum(2)


def other_loss(
    reads: Callable[[Tensor], Tensor] = shifted,
    total: Callable[[Tensor, Tensor], Tensor] = lambda surprise, spelling: surprise[spelling].mean(),
) -> Callable[[Network, Tensor], Tensor]:
    """Return the right function with other inputs or another mean.

    Args:
        reads: makes the network's inputs from names (N, L, 27).
        total: makes the loss from the surprise −log p of each letter and from the steps that count, (N, L).
    """
    return lambda network, names: total(surprises(network, reads(names), names), shifted(names)[:, :, 0] == 0)


def letters_alone(surprise: Tensor, spelling: Tensor) -> Tensor:
    return surprise[spelling & spelling.roll(-1, 1)].mean()  # the end mark is the last that counts


def mean_of_names(surprise: Tensor, spelling: Tensor) -> Tensor:
    return ((surprise * spelling).sum(1) / spelling.sum(1)).mean()


def from_the_second(network: Network, names: Tensor) -> Tensor:
    return surprises(network, names[:, :-1], names[:, 1:])[names[:, :-1, 0] == 0].mean()


OTHER_TOTALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "counts the padding after the end as well: it is always the same, so the loss looks smaller than "
    "it is.": lambda surprise, spelling: surprise.mean(),
    "leaves out the end of each name: the network would never learn to stop.": letters_alone,
    "leaves out the first letter: the network would never learn to begin.": lambda surprise, spelling: (
        surprise[:, 1:][spelling[:, 1:]].mean()
    ),
    "is a sum: take the mean.": lambda surprise, spelling: surprise[spelling].sum(),
    "is the mean over names of their sums: it should be the mean over all letters "
    "and ends.": lambda surprise, spelling: (surprise * spelling).sum(1).mean(),
    "is the mean over names of their means: a letter of a short name counts more than one of a "
    "long name.": mean_of_names,
    "divides by the padding too: count only letters and ends.": lambda surprise, spelling: (
        surprise * spelling
    ).mean(),
    "has the wrong sign: it would grow as the network learns.": lambda surprise, spelling: (
        -surprise[spelling].mean()
    ),
    "is that of the padding alone.": lambda surprise, spelling: surprise[~spelling].mean(),
}

OTHER_INPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "At each step the network reads the letter that it should predict. It copies it, and the loss "
    "falls to 0.": lambda names: names,
    "At each step the network reads the letter after the one that it should predict. When it generates, "
    "that letter does not exist yet.": lambda names: pad(names, (0, 0, 0, 1))[:, 1:],
    "At the first step the network reads the last letter, because `roll` wraps around. It should read zeros, "
    "as in generation.": lambda names: names.roll(1, 1),
    "The first letter is never predicted: the network would never learn to begin. Before it the network "
    "reads zeros.": lambda names: names[:, :-1],
    "The network reads only zeros: each step should read the letter before.": torch.zeros_like,
}


class RecordingNetwork(nn.Module):
    """A small network that records what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRU(27, 8, batch_first=True), nn.Linear(8, 27)
        self.seen: list[Tensor] = []

    def forward(self, letters: Tensor) -> Tensor:
        self.seen.append(letters.detach().clone())
        logits: Tensor = 5 * self.head(self.cell(letters)[0])
        return logits


def check_letter_loss(answer: Any) -> None:
    """Check an answer to exercise 04.5."""
    network, names = RecordingNetwork(), encode_names(["ada", "bo", "theodore", "zoe", "maximilian"])
    names_copy = names.clone()
    loss = call(answer, network, names_copy, usage="letter_loss(network, names)")
    seen, value = network.seen, as_tensor(loss, ())
    network.seen = []
    if not torch.equal(names_copy, names):
        raise WrongAnswer("The names, an argument of your function, are changed.")
    if not seen:
        raise WrongAnswer("Your function never calls `network`: the loss needs its logits.")
    for mistake, inputs in OTHER_INPUTS.items():
        if torch.equal(seen[-1], inputs(names)):
            raise WrongAnswer(mistake)
    correct = is_same(value, letter_loss(network, names))
    for mistake, total in OTHER_TOTALS.items():
        if not correct and is_same(value, other_loss(total=total)(network, names)):
            raise WrongAnswer(f"Each step reads the letter before it, but the loss {mistake}")
    if not correct:
        raise WrongAnswer(
            f"In our test the loss is {float(value):.4f}, which is not the mean of −log p over all letters "
            "and ends, each given the letters before it."
        )
    if not loss.requires_grad:
        raise WrongAnswer(
            "The value is right, but no gradient reaches the network: keep the loss a tensor, and "
            "detach nothing."
        )


LETTER_LOSS = Exercise(
    number="04.5",
    title="Find the bugs: a likelihood that reads the answer",
    question="With the loss below, a network that should spell names reaches a loss of nearly 0 and spells "
    "nonsense. Write `letter_loss(network, names)`: each step reads the letter before it, and the first one "
    "zeros. The loss is the mean over all letters and the end of each name, not over the padding after it.",
    hints=(
        "When the network generates a name, which letters exist at the moment of the next one?",
        "Shift all letters one step to the right, with zeros first. A step counts unless the letter that it "
        "reads is an end mark.",
    ),
    solution=letter_loss,
    explanation="In training, a step may read only what exists in generation: the letters before it. The "
    "padding is always the same, so it would only lower the mean.",
    check=check_letter_loss,
    wrong=(
        (buggy_letter_loss, "that it should predict. It copies"),
        (other_loss(lambda names: pad(names, (0, 0, 0, 1))[:, 1:]), "the letter after"),
        (other_loss(lambda names: names.roll(1, 1)), "wraps around"),
        (from_the_second, "never predicted"),
        (other_loss(torch.zeros_like), "only zeros"),
        (other_loss(total=lambda surprise, spelling: surprise.mean()), "the padding after"),
        (other_loss(total=letters_alone), "learn to stop"),
        (
            other_loss(total=lambda surprise, spelling: surprise[:, 1:][spelling[:, 1:]].mean()),
            "the loss leaves out the first",
        ),
        (other_loss(total=lambda surprise, spelling: surprise[spelling].sum()), "is a sum"),
        (other_loss(total=lambda surprise, spelling: (surprise * spelling).sum(1).mean()), "of their sums"),
        (other_loss(total=mean_of_names), "of their means"),
        (other_loss(total=lambda surprise, spelling: (surprise * spelling).mean()), "divides by the padding"),
        (other_loss(total=lambda surprise, spelling: -surprise[spelling].mean()), "wrong sign"),
        (
            other_loss(total=lambda surprise, spelling: surprise[spelling].square().mean()),
            "which is not the mean",
        ),
        (
            other_loss(total=lambda surprise, spelling: surprise[spelling].mean().detach()),
            "no gradient reaches",
        ),
        (lambda network, names: names.mean(), "never calls"),
        (lambda network, names: letter_loss(network, names.mul_(2)), "are changed"),
        (lambda network, names: letter_loss(network, names).item(), "should be a tensor"),
    ),
    listings=(buggy_letter_loss,),
)

EXERCISES = (
    JUDGES,
    SYNTHETIC_GAP,
    JUDGE_SCORE,
    STRAIGHT_THROUGH,
    LETTER_LOSS,
)
