"""Exercises of notebook 07 in numbers and words: the median, and what can be known without labels."""

from __future__ import annotations

from typing import Any

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_numbers, check_letters, near

# --- 07.1 ---------------------------------------------------------------------------------------------------


def best_constants() -> tuple[float, float, float]:
    pixels = (-1, -1, 1)
    median, mean = sorted(pixels)[1], sum(pixels) / 3
    return median, mean, sum(abs(pixel - median) for pixel in pixels) / 3


def check_median(answer: Any) -> None:
    median, mean, left = best_constants()
    names = ("the constant of least absolute distance", "that of least squared distance", "the distance left")
    absolute, squared, distance = as_numbers(answer, names)
    if near(absolute, mean) and near(squared, median):
        raise Wrong("The first two are exchanged: squares are pulled by what is far away, and give the mean.")
    if near(absolute, mean):
        raise Wrong(
            "The mean is best for squares. Move c a little towards −1: two distances shrink and one grows."
        )
    if not near(absolute, median):
        raise Wrong(f"At c = {absolute:g} the mean absolute distance is not least: try −1, −1/3 and 1.")
    if not near(squared, mean):
        raise Wrong("The squared distance is least where its slope, Σ 2 (c − y), is zero: at the mean.")
    if near(distance, 3 * left):
        raise Wrong("That is the sum of the three distances: E asks for their mean.")
    if not near(distance, left):
        raise Wrong(
            f"At c = {median:g} two pixels have distance 0 and one has 2: their mean is not {distance:g}."
        )


MEDIAN = Exercise(
    number="07.1",
    title="The median",
    question="Three results are equally right: a pixel is −1, −1, and 1 in them. Which constant c minimises "
    "E |y − c|, which E (y − c)², and how large is the least E |y − c|?",
    hints=(
        "Try c = −1, −1/3 and 1 in both.",
        "Moving c by a little changes each |y − c| by the same little, so the majority decides; a square "
        "weighs how far away it is.",
    ),
    solution=best_constants(),
    why="A pixel that is black in most of the possible results becomes black: an L1 regression stays sharp "
    "where results are few and clear, and loses what is in the minority. Squares would make it grey.",
    check=check_median,
    wrong=(
        ((-1 / 3, -1, 2 / 3), "exchanged"),
        ((-1 / 3, -1 / 3, 2 / 3), "Move c a little"),
        ((1, -1 / 3, 2 / 3), "is not least"),
        ((-1, -1, 2 / 3), "at the mean"),
        ((-1, -1 / 3, 2), "is the sum"),
        ((-1, -1 / 3, 1), "one has 2"),
        ((-1, -1 / 3), "3 numbers in brackets"),
    ),
    working=best_constants,
)

# --- 07.2 ---------------------------------------------------------------------------------------------------

WHY = {
    "a": "The type stream shows all characters, and what is made shows one: whoever compares the two streams "
    "sees it.",
    "b": "threes as eights and eights as threes: what is made looks like type, and each comes as often as it "
    "should. Who could object, without labels?",
    "c": "If two kinds become one, another is made too seldom, and a cycle cannot bring both back: that can "
    "be seen.",
    "d": "A judge of type sees single results, and this one looks like none.",
    "e": "the next digit for each is one of the 10! orders: all streams look as they should.",
}


def check_known(answer: Any) -> None:
    check_letters(answer, "acd", WHY)


KNOWN = Exercise(
    number="07.2",
    title="What can be known?",
    question="Two streams, no labels. Which of these could a training notice? a: that all handwriting became "
    "one type; b: that all threes became eights and all eights threes; c: that threes and eights both became "
    "threes; d: that a result looks like no type at all; e: that every digit became the next one. Letters in "
    "quotes.",
    hints=(
        "What is there to compare with: single results, how often each comes, whether they can be undone.",
        "Exchange names in the type stream and in the results: does any of these three change?",
    ),
    solution="acd",
    why="Looks, shares, and whether it can be undone are seen without labels; which is which is not. Two "
    "scores are needed therefore: as it stands, and under the best order.",
    check=check_known,
    wrong=(
        ("cd", "sees it"),
        ("abcd", "Who could object"),
        ("ad", "made too seldom"),
        ("ac", "looks like none"),
        ("acde", "10! orders"),
        ("f", "There is no option"),
        ("", "Answer with letters"),
    ),
)

EXERCISES = (MEDIAN, KNOWN)
