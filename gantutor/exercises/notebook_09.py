"""Exercise of notebook 09 on scores that lie."""

from __future__ import annotations

from typing import Any

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import check_letters

WHY = {
    "a": "With more samples both means and covariances are estimated better, and the bias, which is always "
    "upwards, shrinks.",
    "b": "A generator that remembers lies nearer to what it has seen than to what it has not.",
    "c": "The least of ten noisy numbers lies below their mean, though nothing has become better.",
    "d": "the mean of ten is as large on average as one of them; it is only less noisy.",
    "e": "a distance that is divided by its floor is another number in another unit, and no smaller where it "
    "counts: both figures are to be given.",
}


def check_lies(answer: Any) -> None:
    check_letters(answer, "abc", WHY)


LIES = Exercise(
    number="09.1",
    title="How to improve a score without improving anything",
    question="The generator stays as it is. Which of these make its Fréchet distance smaller on average? "
    "a: score twice as many samples against twice as many real ones. b: take the training data for "
    "reference. c: score ten times with other latents, and report the least. d: score ten times, and report "
    "the mean. e: divide by the floor. Letters in quotes.",
    hints=(
        "For each: would the number fall even if the generator drew real samples that nobody has seen?",
        "Think of bias (how many samples), of memory (against what), and of choosing (which of the numbers).",
    ),
    solution="abc",
    why="So a distance means something only beside the number of samples, the reference, how the run was "
    "chosen, and what real data score in the same measurement.",
    check=check_lies,
    wrong=(
        ("ab", "The least of ten"),
        ("ac", "nearer to what it has seen"),
        ("bc", "estimated better"),
        ("abcd", "only less noisy"),
        ("abce", "another unit"),
        ("f", "There is no option"),
        ("", "Answer with letters"),
    ),
)

EXERCISES = (LIES,)
