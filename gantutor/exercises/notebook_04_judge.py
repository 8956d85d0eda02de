"""Exercise of notebook 04 on judges: a score that is fooled by memory and by unequal numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_number, call, describe, near

Judge = Callable[[Tensor], Tensor]
Fit = Callable[[Tensor, Tensor], Judge]

# --- 04.3 ---------------------------------------------------------------------------------------------------


def buggy_judge_score(fit: Fit, real: Tensor, generated: Tensor) -> Tensor:
    """|accuracy − ½| of the judge that fit(series, answers) trains; an answer is True for a real series."""
    series = torch.cat([real, generated])
    answers = torch.arange(len(series)) < len(real)
    judge = fit(series, answers)
    accuracy = (judge(series) == answers).double().mean()
    return (accuracy - 0.5).abs()


def judge_score(fit: Fit, real: Tensor, generated: Tensor) -> Tensor:
    count = min(len(real), len(generated))
    fifth = count // 5
    kinds = [series[torch.randperm(len(series))[:count]] for series in (real, generated)]
    train = torch.cat([series[fifth:] for series in kinds])
    judge = fit(train, torch.arange(len(train)) < count - fifth)
    right = torch.cat([judge(kinds[0][:fifth]), ~judge(kinds[1][:fifth])])
    return (right.double().mean() - 0.5).abs()


def other_score(
    of_answers: Callable[[Tensor, Tensor], Any] = lambda real, generated: abs(
        (real.double().mean() + (~generated).double().mean()) / 2 - 0.5),
    choose: Callable[[int], Tensor] = torch.randperm, share: float = 0.2, as_many: bool = True,
    as_many_apart: bool = False, learn_all: bool = False, flip: bool = False,
) -> Callable[[Fit, Tensor, Tensor], Any]:  # fmt: skip
    """The right function with another part; ``of_answers`` makes the score of what is said of each kind."""

    def score(fit: Fit, real: Tensor, generated: Tensor) -> Any:
        least = min(len(real), len(generated))
        kinds = [series[choose(len(series))[: least if as_many else None]] for series in (real, generated)]
        apart = [int(share * (least if as_many_apart else len(series))) for series in kinds]
        train = [
            series[0 if learn_all else held_out :] for series, held_out in zip(kinds, apart, strict=True)
        ]
        judge = fit(torch.cat(train), (torch.arange(sum(map(len, train))) < len(train[0])) ^ flip)
        return of_answers(judge(kinds[0][: apart[0]]), judge(kinds[1][: apart[1]]))

    return score


def mixed_score(fit: Fit, real: Tensor, generated: Tensor) -> Any:
    """The fifth that is held out is drawn from both kinds together."""
    count = min(len(real), len(generated))
    series = torch.cat([real[torch.randperm(len(real))[:count]], generated])
    order, answers = torch.randperm(2 * count), torch.arange(2 * count) < count
    held_out, train = order[: 2 * count // 5], order[2 * count // 5 :]
    said = fit(series[train], answers[train])(series[held_out])
    return ((said == answers[held_out]).double().mean() - 0.5).abs()


def loose_score(fit: Fit, real: Tensor, generated: Tensor) -> Any:
    """The answers do not follow the series when these are shuffled."""

    def shuffled(series: Tensor, answers: Tensor) -> Judge:
        return fit(series[torch.randperm(len(series))], answers)

    return judge_score(shuffled, real, generated)


def shuffling_score(fit: Fit, real: Tensor, generated: Tensor) -> Any:
    real.copy_(real[torch.randperm(len(real))])
    return judge_score(fit, real, generated)


# --- the trial ----------------------------------------------------------------------------------------------

REAL, GENERATED, SHAPE = 300, 100, (4, 1)


class Trial:
    """Series that carry their own number, real ones from 0 on, and a ``fit`` that notes what it is shown.

    ``able`` says for the numbers of series (N,) whether the judge answers rightly.
    """

    def __init__(self, able: Judge) -> None:
        self.able = able
        numbers = torch.arange(REAL + GENERATED, dtype=torch.float)
        series = numbers[:, None, None].expand(-1, *SHAPE)
        self.real, self.generated = series[:REAL].clone(), series[REAL:].clone()
        self.lessons: list[tuple[Tensor, list[Tensor]]] = []

    def fit(self, series: Any, answers: Any) -> Judge:
        learnt = _numbers(series, "fit(series, answers)")
        if not isinstance(answers, Tensor) or answers.shape != learnt.shape:
            raise Wrong(f"`fit` wants one answer for each of the {len(learnt)} series, in a tensor, not "
                        f"{describe(answers)}.")  # fmt: skip
        wrong = int(((answers > 0.5) != (learnt < REAL)).sum())
        if wrong == len(learnt):
            raise Wrong("The answers are exchanged: True is for the real series.")
        if wrong:
            raise Wrong(f"Of the answers that the judge learns from, {wrong} belong to other series: shuffle "
                        "both in the same way, or neither.")  # fmt: skip
        asked: list[Tensor] = []
        self.lessons.append((learnt, asked))

        def judge(series: Any) -> Tensor:
            numbers = _numbers(series, "judge(series)")
            asked.append(numbers)
            return self.says(numbers)

        return judge

    def says(self, numbers: Tensor) -> Tensor:
        return (numbers < REAL) == self.able(numbers)

    def check_lessons(self) -> Tensor:
        """The numbers of all series that were asked about; Wrong where that was no honest examination."""
        if not self.lessons:
            raise Wrong("Your function never calls `fit`: without it there is no judge.")
        for learnt, asked in self.lessons:
            if not asked:
                raise Wrong("A judge is trained, but it is never asked: call `judge(series)`.")
            check_examination(learnt, torch.cat(asked))
        return torch.cat([numbers for _, asked in self.lessons for numbers in asked])


def _numbers(series: Any, usage: str) -> Tensor:
    if not isinstance(series, Tensor) or series.dim() != 3 or series.shape[1:] != SHAPE or not len(series):
        raise Wrong(f"`{usage}` wants series as they were given, (count, {SHAPE[0]}, {SHAPE[1]}), not "
                    f"{describe(series)}.")  # fmt: skip
    numbers = series.detach()[:, 0, 0]
    if not bool(((numbers >= 0) & (numbers < REAL + GENERATED) & (numbers == numbers.round())).all()):
        raise Wrong(f"`{usage}` is called with values that none of the series had: hand them on unchanged.")
    return numbers.long()


def check_examination(learnt: Tensor, asked: Tensor) -> None:
    """Raise Wrong where a judge knows the answers, or can gain by always saying the same."""
    if known := int(torch.isin(asked, learnt).sum()):
        raise Wrong(f"The judge has learnt from {known} of the {len(asked)} series that it is asked about: "
                    "with a good memory it gets ½, however good the generator is.")  # fmt: skip
    for numbers, what in ((asked, "is asked about"), (learnt, "learns from")):
        real = int((numbers < REAL).sum())
        if real != len(numbers) - real:
            pays = "always saying the same would pay" if what[0] == "i" else "it learns to lean to one side"
            raise Wrong(f"The judge {what} {real} real and {len(numbers) - real} generated series: {pays}. "
                        "Take as many of each.")  # fmt: skip
    used = torch.cat([learnt, asked])
    for numbers in (asked[asked < REAL], asked[asked >= REAL], used[used < REAL]):
        if len(numbers) > 1 and int(numbers.max() - numbers.min()) < len(numbers):
            raise Wrong("The series come sorted, and you take neighbours: those held out, or those used at "
                        "all, are then of another sort than the rest. Draw them at random.")  # fmt: skip
    if not 0.15 <= len(asked) / len(used) <= 0.25:
        raise Wrong(f"Of {len(used)} series, {len(asked)} are held out: it should be a fifth.")


def check_judge_score(answer: Any) -> None:
    good = Trial(lambda numbers: (numbers < REAL) | (numbers % 4 != 0))
    bad = Trial(lambda numbers: (numbers < REAL) & (numbers % 4 == 0))
    for trial, often in ((good, "right"), (bad, "wrong")):
        real, generated = trial.real.clone(), trial.generated.clone()
        given = call(answer, trial.fit, real, generated, usage="judge_score(fit, real, generated)")
        if not torch.equal(real, trial.real) or not torch.equal(generated, trial.generated):
            raise Wrong("The series that your function was given are changed: draw numbers of series, and "
                        "leave the series where they are.")  # fmt: skip
        value = as_number(given, "What your function returns")
        asked = trial.check_lessons()
        well = (trial.says(asked) == (asked < REAL)).double()
        accuracy = float(well.mean())
        on_real, on_generated = float(well[asked < REAL].mean()), float(well[asked >= REAL].mean())
        slips = {
            "is its accuracy: subtract ½.": accuracy,
            "has lost its distance from ½: whoever is so often wrong tells the two apart as well.": accuracy
            - 0.5,
            "is the share of its wrong answers.": 1 - accuracy,
            "comes from the real series alone.": abs(on_real - 0.5),
            "comes from the generated series alone.": abs(on_generated - 0.5),
            "is twice the score, which goes from 0 to ½.": 2 * abs(accuracy - 0.5),
        }
        for slip, other in slips.items():
            if near(value, other) and not near(value, abs(accuracy - 0.5)):
                raise Wrong(f"A judge that is mostly {often} gets {value:.3f} from you, which {slip}")
        if not near(value, abs(accuracy - 0.5)):
            raise Wrong(f"The judge is asked honestly, and is right on {accuracy:.3f} of the series; the "
                        f"score of {value:.3f} does not follow from that.")  # fmt: skip


JUDGE_SCORE = Exercise(
    number="04.3",
    title="Find the bugs: a judge that is fooled",
    question="`fit(series, answers)` trains a judge (an answer is True for a real series); `judge(series)` "
    "says True where it sees a real one. The score below also praises a judge that only remembers, and one "
    "that always says “real” where there are more real series. Write `judge_score(fit, real, generated)` "
    "that does not, with a fifth of each kind held out. The series may come sorted.",
    hints=(
        "The judge must not have met the series that it is asked about, and must meet as many of each kind.",
        "`series[torch.randperm(len(series))[:count]]` draws `count` of them: the first fifth to ask, the "
        "rest to learn from.",
    ),
    solution=judge_score,
    why="Asked about new series, as many of each kind, a judge gets more than ½ right only if it has learnt "
    "what tells them apart.",
    check=check_judge_score,
    wrong=(
        (buggy_judge_score, "learnt from 400 of the 400"),
        (other_score(learn_all=True), "learnt from 40 of the 40"),
        (other_score(as_many=False), "asked about 60 real and 20"),
        (other_score(as_many=False, as_many_apart=True), "learns from 280 real and 80"),
        (mixed_score, "would pay"),
        (other_score(choose=torch.arange), "come sorted"),
        (other_score(share=0.5), "100 are held out"),
        (other_score(flip=True), "are exchanged"),
        (loose_score, "belong to other series"),
        (shuffling_score, "are changed"),
        (other_score(lambda real, generated: (real.double().mean() + (~generated).double().mean()) / 2),
         "subtract ½"),
        (other_score(lambda real, generated: (real.double().mean() - generated.double().mean()) / 2),
         "mostly wrong"),
        (other_score(lambda real, generated: (real.double().mean() - generated.double().mean()).abs()),
         "is twice"),
        (other_score(lambda real, generated: (real.double().mean() - 0.5).abs()), "real series alone"),
        (other_score(lambda real, generated: (generated.double().mean() - 0.5).abs()),
         "generated series alone"),
        (other_score(lambda real, generated: 0.123), "does not follow"),
        (other_score(lambda real, generated: real), "a number"),
        (lambda fit, real, generated: 0.1, "never calls"),
        (lambda fit, real, generated: fit(real, torch.ones(len(real))) and 0.1, "never asked"),
        (lambda fit, real, generated: judge_score(fit, real[:, 0], generated[:, 0]), "as they were given"),
        (lambda fit, real, generated: judge_score(fit, real / 300, generated / 300), "unchanged"),
    ),
    shown=(buggy_judge_score,),
)  # fmt: skip

EXERCISES = (JUDGE_SCORE,)
