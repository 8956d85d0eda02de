"""Exercises of notebook 10 on time: what the whole gains from a faster part, and a fair comparison."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_number, call, near

# --- 10.1 ---------------------------------------------------------------------------------------------------


def speedup() -> float:
    share, factor = 0.6, 1.5  # of the time that passes before; how much faster that part gets
    before = 1
    after = share / factor + (1 - share)
    return before / after


def check_speedup(answer: Any) -> None:
    value = as_number(answer)
    slips = {
        1.5: "That is how much faster the convolutions get: 40 % of the step take as long as before.",
        0.6 * 1.5 + 0.4: "That is the mean of the two speeds, weighed by shares of time: add up times, and "
        "compare only then.",
        0.8: "That is how long the step takes afterwards, as a share of what it took before: how many times "
        "faster is that?",
        1.2: "A fifth of the time is saved; to be a fifth faster is something else: divide the old time by "
        "the new one.",
        0.2: "That is the share of the time that is saved: how many times as fast is a step that takes so "
        "much less?",
        20.0: "That is the time saved, in per cent; asked for is the old time, divided by the new one.",
        0.25: "That is what the factor is above 1: the factor itself is 1 where nothing gets faster.",
        25.0: "That is what the factor is above 1, in per cent: the factor itself is 1 where nothing gets "
        "faster.",
        2.5: "So fast would the step become if the convolutions took no time at all.",
        1 / (0.6 + 0.4 / 1.5): "The shares are exchanged: this is what you would gain if the other 40 % got "
        "faster.",
    }  # fmt: skip
    for other, slip in slips.items():
        if near(value, other):
            raise Wrong(slip)
    if not near(value, speedup()):
        raise Wrong(f"Not {value:.4g}: say the step took 100 ms. How many of them does each of the two parts "
                    "take afterwards?")  # fmt: skip


SPEEDUP = Exercise(
    number="10.1",
    title="What the whole step gains",
    question="A training step spends 60 % of its time in convolutions. Another memory format makes them 1.5 "
    "times as fast; all else takes as long as before. How many times as fast as before is the whole step? "
    "Give a number.",
    hints=(
        "A step of 100 ms has 60 ms of convolutions and 40 ms of everything else.",
        "Amdahl's law: old time over new time, 1 / (share / factor + (1 − share)).",
    ),
    solution=speedup(),
    why="60 ms become 40 ms and the other 40 ms stay: 80 ms in place of 100 ms. What is left out sets the "
    "limit, here a factor of 2.5.",
    check=check_speedup,
    wrong=(
        (1.5, "as long as before"),
        (1.3, "mean of the two speeds"),
        (0.8, "as a share of what it took"),
        (1.2, "something else"),
        (0.2, "share of the time that is saved"),
        (20, "saved, in per cent"),
        (0.25, "above 1: "),
        (25, "above 1, in per cent"),
        (2.5, "no time at all"),
        (1.154, "exchanged"),
        (3, "Not 3"),
    ),
    working=speedup,
)

# --- 10.2 ---------------------------------------------------------------------------------------------------

Seconds = Sequence[float]


def ratio(ours: Seconds, theirs: Seconds) -> float:
    return median(their / our for our, their in zip(ours, theirs, strict=True))


def of_sorted(ours: Seconds, theirs: Seconds) -> float:
    return ratio(sorted(ours), sorted(theirs))


def of_means(ours: Seconds, theirs: Seconds) -> float:
    return sum(theirs) / sum(ours)


def mean_of_ratios(ours: Seconds, theirs: Seconds) -> float:
    return mean(their / our for our, their in zip(ours, theirs, strict=True))


def in_the_middle(ours: Seconds, theirs: Seconds) -> float:
    pairs = sorted(their / our for our, their in zip(ours, theirs, strict=True))
    return pairs[len(pairs) // 2]


def below_the_middle(ours: Seconds, theirs: Seconds) -> float:
    return 1 / in_the_middle(theirs, ours)


def spoiling(ours: list[float], theirs: list[float]) -> float:
    theirs[:] = [their / our for our, their in zip(ours, theirs, strict=True)]
    return median(theirs)


SEVEN = (
    [1.38, 1.81, 1.04, 1.98, 1.13, 0.93, 0.91],
    [2.06, 2.21, 0.65, 2.65, 1.68, 5.51, 1.09],
)
"""Pairs on a machine of changing speed; in the third of them ours was interrupted, in the sixth theirs."""

SIX = ([1.0, 2.0, 1.5, 0.8, 2.4, 1.2], [1.1, 2.6, 1.8, 1.12, 3.48, 1.26])


def check_ratio(answer: Any) -> None:
    usage = "ratio(ours, theirs)"

    def play(pairs: tuple[list[float], list[float]]) -> float:
        ours, theirs = (list(seconds) for seconds in pairs)
        value = as_number(call(answer, ours, theirs, usage=usage), "What your function returns")
        if near(value, ratio(*pairs)) and (ours, theirs) != pairs:
            raise Wrong("The ratio is right, and the lists that your function was given are changed: a "
                        "figure of them drawn afterwards would show something else.")  # fmt: skip
        return value

    seven = play(SEVEN)
    ours, theirs = SEVEN
    slips = {
        "how many times as long ours takes: above 1 is to mean that ours is faster.": ratio(theirs, ours),
        "the ratio of the means: slow spells of the machine count more than fast ones, and an interrupted "
        "run for as long as it took.": of_means(ours, theirs),
        "the ratio of the two fastest runs: they were not measured side by side, and the machine may have "
        "been faster in one of them.": min(theirs) / min(ours),
        "the ratio of two medians: the middle run of ours and that of theirs come from different pairs, at "
        "different speeds of the machine.": median(theirs) / median(ours),
        "the mean over the pairs: one pair in which a run was interrupted pulls it far away.": mean_of_ratios(
            ours, theirs),
        "what comes out when the lists are sorted first: then a run is no longer beside the one that was "
        "measured next to it.": of_sorted(ours, theirs),
        "the largest of the ratios: the best pair is a lucky one.": max(
            their / our for our, their in zip(ours, theirs, strict=True)),
        "a difference in seconds, which changes with the speed of the machine: divide.": median(
            their - our for our, their in zip(ours, theirs, strict=True)),
    }  # fmt: skip
    for slip, other in slips.items():
        if near(seven, other):
            raise Wrong(f"This is {slip}")
    if not near(seven, ratio(*SEVEN)):
        raise Wrong(f"Of our seven pairs your ratio is {seven:.4g}, and should be another number: divide "
                    "within each pair, and take the median of what comes out.")  # fmt: skip
    six = play(SIX)
    for side, other in (("larger", in_the_middle(*SIX)), ("smaller", below_the_middle(*SIX))):
        if near(six, other):
            raise Wrong(f"Of seven pairs it is right. Of six, two lie in the middle: the median is midway "
                        f"between them, and not the {side} one.")  # fmt: skip
    if not near(six, ratio(*SIX)):
        raise Wrong(f"Of seven pairs it is right; of six it is {six:.4g}, and should be another number.")


RATIO = Exercise(
    number="10.2",
    title="A fair ratio",
    question="On a machine that slows down and speeds up, `ours[i]` seconds were measured right beside "
    "`theirs[i]`; now and then a run was interrupted. Write `ratio(ours, theirs)`: how many times as fast "
    "ours is, as the median over the pairs (of an even number of pairs, midway between the two in the "
    "middle).",
    hints=(
        "The two runs of one pair met the same machine: which number of a pair does not ask how fast it was?",
        "`zip(ours, theirs)` goes through the pairs, and `statistics.median` takes the median of their "
        "ratios.",
    ),
    solution=ratio,
    why="Within a pair the speed of the machine cancels, and a few interrupted runs do not move the median.",
    check=check_ratio,
    wrong=(
        (of_means, "ratio of the means"),
        (lambda ours, theirs: min(theirs) / min(ours), "two fastest"),
        (lambda ours, theirs: median(theirs) / median(ours), "two medians"),
        (lambda ours, theirs: ratio(theirs, ours), "as long ours takes"),
        (mean_of_ratios, "mean over the pairs"),
        (of_sorted, "sorted first"),
        (lambda ours, theirs: max(b / a for a, b in zip(ours, theirs, strict=True)), "lucky"),
        (lambda ours, theirs: median(b - a for a, b in zip(ours, theirs, strict=True)), "a difference"),
        (in_the_middle, "not the larger one"),
        (below_the_middle, "not the smaller one"),
        (spoiling, "are changed"),
        (lambda ours, theirs: ratio(ours[1:], theirs[1:]), "another number: divide"),
        (lambda ours, theirs: [b / a for a, b in zip(ours, theirs, strict=True)], "should be a number"),
    ),
)

EXERCISES = (SPEEDUP, RATIO)
