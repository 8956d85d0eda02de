"""Exercises of notebook 04 on series: what a judge's answers are worth, and what a discriminator is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_numbers, as_tensor, call, near, same, slope

# --- 04.1 ---------------------------------------------------------------------------------------------------


def judges() -> tuple[float, ...]:
    """Each judge is asked about 100 real and 100 generated series; these are its right answers."""
    right = {"first": (74, 60), "always real": (100, 0), "third": (38, 30)}
    return tuple(abs((real + generated) / 200 - 0.5) for real, generated in right.values())


SLIPS: tuple[dict[float, str], ...] = (
    {
        0.67: "is the accuracy over all 200 series: tossing a coin gives ½ of it, and the score is how far "
        "off that the judge is.",
        0.24: "is that on the real series alone: what about the 60 of 100 generated ones?",
        0.1: "is that on the generated series alone: what about the 74 of 100 real ones?",
        0.34: "is twice the score: divide by all 200 series.",
        0.33: "is the share of wrong answers.",
        0.14: "is how much better the judge is on real series than on generated ones.",
        17: "is the score in per cent: a score lies between 0 and ½.",
        -0.17: "is negative, and a distance from ½ is not.",
    },
    {
        0.5: "is what it gets on the real series, or its accuracy over all 200: it is wrong on each of the "
        "generated ones.",
        1: "is its accuracy on the real series: it is wrong on each of the generated ones.",
    },
    {
        -0.16: "has a sign: whoever is wrong so often could turn every answer round.",
        0.34: "is the accuracy over all 200 series.",
        0: "would be that of a coin: who is wrong more often than a coin tells the two kinds apart as well.",
        0.66: "is the share of wrong answers: how far is it from ½?",
        0.12: "is that on the real series alone.",
        0.2: "is that on the generated series alone.",
        16: "is in per cent: a score lies between 0 and ½.",
    },
)


def check_judges(answer: Any) -> None:
    names = ("the first judge's score", "that of “always real”", "the third judge's")
    values = as_numbers(answer, names)
    for name, value, right, slips in zip(names, values, judges(), SLIPS, strict=True):
        begin = name[0].upper() + name[1:]
        for other, slip in slips.items():
            if near(value, other) and not near(value, right):
                raise Wrong(f"{begin}: {value:g} {slip}")
        if not near(value, right):
            raise Wrong(f"{begin} is not {value:g}: of 200 answers, which share is right, and how far is "
                        "that from ½?")  # fmt: skip


JUDGES = Exercise(
    number="04.1",
    title="What a judge's answers are worth",
    question="Three judges are asked about 100 real and 100 generated series. The first is right on 74 real "
    "and 60 generated ones; the second always says “real”; the third is right on 38 and 30. Which "
    "discriminative scores do they give the generator? Three numbers in brackets.",
    hints=(
        "The score is |accuracy − ½|, with the accuracy over all series, real and generated.",
        "The second judge is right on 100 of 200 series. The third is wrong more often than a coin.",
    ),
    solution=judges(),
    why="Only what is told apart counts: always saying the same is worth nothing, and being wrong more often "
    "than a coin is worth as much as being right.",
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
        ((0.17, 0, -0.16), "turn every answer round"),
        ((0.17, 0, 0.34), "the accuracy over all"),
        ((0.17, 0, 0), "that of a coin"),
        ((0.17, 0, 0.66), "how far is it"),
        ((0.17, 0), "should be 3 numbers"),
    ),
    working=judges,
)

# --- 04.2 ---------------------------------------------------------------------------------------------------


def with_changes(series: Tensor, scale: float) -> Tensor:
    changes = torch.zeros_like(series)
    changes[:, 1:] = series[:, 1:] - series[:, :-1]
    return torch.cat([series, scale * changes], 2)


def beside(change: Callable[[Tensor], Tensor], axis: int = 2) -> Callable[[Tensor, float], Tensor]:
    """The right function with other changes, or put elsewhere."""
    return lambda series, scale: torch.cat([series, scale * change(series)], axis)


def changes_along(series: Tensor, axis: int) -> Tensor:
    """Differences along an axis, as many as there are values, the first of them 0."""
    return series.diff(dim=axis, prepend=series.narrow(axis, 0, 1))


def padded_behind(series: Tensor) -> Tensor:
    return series.diff(dim=1, append=series[:, -1:])


def wrapped(series: Tensor) -> Tensor:
    return series - series.roll(1, 1)


OTHER_CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "are taken from one sample to the next: time is the middle axis.": lambda x: changes_along(x, 0),
    "are taken from one feature to the next: time is the middle axis.": lambda x: changes_along(x, 2),
    "stand one step too early: the 0 belongs in front, as nothing comes before the first "
    "step.": padded_behind,
    "are right but for the first step, which is compared with the last: `roll` wraps around.": wrapped,
    "are right but for the first step, which is compared with 0: it has no step before it.": lambda x: x.diff(
        dim=1, prepend=torch.zeros_like(x[:, :1])),
    "have the other sign: what grows should change by more than 0.": lambda x: -changes_along(x, 1),
    "are changes of changes.": lambda x: changes_along(changes_along(x, 1), 1),
    "have lost their sign: a rise and a fall should differ.": lambda x: changes_along(x, 1).abs(),
}  # fmt: skip


def check_changes(answer: Any) -> None:
    for scale in (5.0, 2.0):
        check_scale(answer, scale)


def check_scale(answer: Any, scale: float) -> None:
    series = (torch.randn(3, 6, 2).cumsum(1) + torch.randn(2)).requires_grad_()
    count, length, features = series.shape
    given = series.clone()
    result = call(answer, given, scale, usage="with_changes(series, scale)")
    shapes: dict[tuple[int, ...], str] = {
        (count, length, features): "holds one of the two: series and changes should stand side by side, 2 F "
        "numbers a step.",
        (count, length - 1, features): "holds changes alone, and lost a step: the first change should be 0, "
        "and the series stand beside them.",
        (count, length - 1, 2 * features): "has lost a step: there is one change less than steps, so that "
        "the first is to be 0.",
        (count, 2 * length, features): "has the changes behind the series, as further steps: they should "
        "stand beside it, as further features.",
        (2 * count, length, features): "has the changes as further samples: they should stand beside the "
        "series, as further features.",
    }  # fmt: skip
    if isinstance(result, Tensor) and tuple(result.shape) in shapes:
        raise Wrong(f"What your function returns, of shape {tuple(result.shape)}, "
                    f"{shapes[tuple(result.shape)]}")  # fmt: skip
    value = as_tensor(result, (count, length, 2 * features))
    right = with_changes(series.detach(), scale)
    own, changes = value[:, :, :features], value[:, :, features:]
    if not same(given.detach(), series.detach()):
        raise Wrong("The series that your function was given is changed: `-=` and `x[...] =` write into it.")
    if same(changes, series) and same(own, right[:, :, features:]):
        raise Wrong("The two are in the other order: the series first, then its changes.")
    if same(own, scale * series):
        raise Wrong("The series is magnified too: only its changes should be.")
    if not same(own, series):
        raise Wrong("The first F numbers of each step should be those of the series.")
    for slip, other in OTHER_CHANGES.items():
        if any(same(changes, factor * other(series.detach())) for factor in (scale, 1.0)):
            raise Wrong(f"The changes {slip}")
    if same(changes, right[:, :, features:] / scale):
        raise Wrong("The changes are not magnified: neighbours in a smooth series differ little, and the "
                    "discriminator would hardly see it.")  # fmt: skip
    if not same(value, right):
        raise Wrong(f"With scale = {scale:g} the changes are not {scale:g} × (x(t) − x(t − 1)).")
    weights = torch.randn_like(right)
    pull, wanted = (slope((weights * each).sum(), series) for each in (result, with_changes(series, scale)))
    if not same(pull, wanted):
        raise Wrong("The numbers are right, but a part of the gradient is cut off: a generator learns "
                    "through the series and through its changes.")  # fmt: skip


def in_place(series: Tensor, scale: float) -> Tensor:
    result = with_changes(series, scale)
    with torch.no_grad():
        series[:, 1:] -= series[:, :-1].clone()
    return result


CHANGES = Exercise(
    number="04.2",
    title="Show the discriminator the changes",
    question="Write `with_changes(series, scale)` for series (N, L, F): at each step the F values and, "
    "beside them, `scale` times what has changed since the step before, (N, L, 2 F). At the first step "
    "nothing has changed yet. The gradient must flow.",
    hints=(
        "`series.diff(dim=1)` is one step shorter: what belongs in front of it?",
        "`torch.cat([zeros, changes], 1)` mends the length, `torch.cat([series, scale * changes], 2)` puts "
        "the two side by side.",
    ),
    solution=with_changes,
    why="A series that is nearly right at each step may still tremble: its changes say so, once they are "
    "magnified.",
    check=check_changes,
    wrong=(
        (beside(lambda x: changes_along(x, 0)), "one sample to the next"),
        (beside(lambda x: changes_along(x, 2)), "one feature to the next"),
        (beside(padded_behind), "too early"),
        (beside(wrapped), "wraps around"),
        (beside(lambda x: x.diff(dim=1, prepend=torch.zeros_like(x[:, :1]))), "compared with 0"),
        (beside(lambda x: -changes_along(x, 1)), "other sign"),
        (beside(lambda x: changes_along(changes_along(x, 1), 1)), "changes of changes"),
        (beside(lambda x: changes_along(x, 1).abs()), "lost their sign"),
        (beside(lambda x: changes_along(x, 1).square()), "With scale = 5"),
        (lambda series, scale: with_changes(series, 1), "not magnified"),
        (lambda series, scale: with_changes(series, 5), "With scale = 2"),
        (lambda series, scale: scale * with_changes(series, 1), "magnified too"),
        (lambda series, scale: with_changes(series, scale).roll(2, 2), "other order"),
        (lambda series, scale: with_changes(series, scale)[:, 1:], "has lost a step"),
        (lambda series, scale: scale * series.diff(dim=1), "holds changes alone"),
        (lambda series, scale: with_changes(series, scale)[:, :, 2:], "one of the two"),
        (beside(lambda x: changes_along(x, 1), 1), "further steps"),
        (beside(lambda x: changes_along(x, 1), 0), "further samples"),
        (beside(lambda x: changes_along(x, 1).detach()), "cut off"),
        (lambda series, scale: with_changes(series.detach(), scale), "No gradient"),
        (in_place, "is changed"),
    ),
)

EXERCISES = (JUDGES, CHANGES)
