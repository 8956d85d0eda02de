"""What the tests of exercises share: all of them, and the reply to a right answer."""

from __future__ import annotations

import pytest

import gantutor as gt
from gantutor.course.exercises import EXERCISES, Reply

ALL = list(EXERCISES.values())
every = pytest.mark.parametrize("exercise", ALL, ids=[exercise.number for exercise in ALL])
WRONG = [(exercise, answer, said) for exercise in ALL for answer, said in exercise.wrong]
CASES = [f"{exercise.number}-{said}" for exercise, _, said in WRONG]


def right(number: str) -> Reply:
    return gt.exercises.check(number, EXERCISES[number].solution)
