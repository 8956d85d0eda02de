"""Exercises of the notebooks, with hints, solutions and a check that answers at once."""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from gantutor._errors import InputError
from gantutor.course.exercises import saved_progress
from gantutor.course.exercises.exercise import Exercise
from gantutor.course.exercises.replies import Note, Progress, Reply

__all__ = [
    "Exercise",
    "Note",
    "Progress",
    "Reply",
    "check",
    "hint",
    "numbers",
    "progress",
    "question",
    "solution",
]


def _in_notebooks() -> Iterator[Exercise]:
    """The EXERCISES of each module ``notebook_…`` in this folder."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("notebook_"):
            yield from import_module(f"{__name__}.{module.name}").EXERCISES


EXERCISES: dict[str, Exercise] = {
    exercise.number: exercise for exercise in sorted(_in_notebooks(), key=lambda exercise: exercise.number)
}
"""All exercises by number, in the order of the course; a new module is found without being named here."""

_hint_counts: Counter[str] = Counter()


def check(number: str, answer: Any) -> Reply:
    """Check an answer: is it right and, if not, what is wrong with it?

    An attempt is saved for ``progress``, in ``~/.cache/gantutor/progress.json`` or the file that the
    environment variable ``GANTUTOR_PROGRESS`` names; where it cannot be saved, the reply says so.

    Args:
        number: of the exercise, such as ``"01.2"``.
        answer: whatever the exercise asks for; no answer raises an error. ``...`` counts as not answered.

    Returns:
        The reply, which a notebook shows as a coloured line.

    Raises:
        InputError: if there is no exercise of that number.

    >>> check("01.2", ...)
    ○ Not answered yet (01.2, ...). `gt.exercises.hint("01.2")` helps to begin.
    """
    reply = _find(number).grade(answer)
    if reply.verdict == "open":
        return reply
    try:
        saved_progress.save_state(reply.number, "solved" if reply.verdict == "right" else "tried")
    except InputError as error:
        return replace(reply, remark=f"Your progress was not saved: {error}.")
    return reply


def question(number: str) -> Note:
    """Return the question of an exercise, with the code that belongs to it.

    Args:
        number: of the exercise, such as ``"01.2"``.

    Raises:
        InputError: if there is no exercise of that number.

    >>> question("01.2").heading
    'Exercise 01.2: ...'
    """
    exercise = _find(number)
    return Note(f"Exercise {exercise.number}: {exercise.title}", exercise.question, exercise.listings_source)


def hint(number: str) -> Note:
    """Return a hint, and with each further call a stronger one.

    Args:
        number: of the exercise, such as ``"01.2"``.

    Raises:
        InputError: if there is no exercise of that number.

    >>> hint("03.1").heading.endswith("of 2 for 03.1")
    True
    """
    exercise = _find(number)
    count, last = _hint_counts[exercise.number], len(exercise.hints) - 1  # both from 0
    _hint_counts[exercise.number] += 1
    text = exercise.hints[min(count, last)]
    if count > last:
        text += f' There is no further hint: `gt.exercises.solution("{exercise.number}")` shows an answer.'
    return Note(f"Hint {min(count, last) + 1} of {last + 1} for {exercise.number}", text)


def solution(number: str) -> Note:
    """Return an answer that passes, as source code, and why it is right.

    Args:
        number: of the exercise, such as ``"01.2"``.

    Raises:
        InputError: if there is no exercise of that number.

    >>> print(solution("01.1").code)
    answer = 'ab'
    """
    exercise = _find(number)
    return Note(
        f"Solution of {exercise.number}: {exercise.title}", exercise.explanation, exercise.solution_source
    )


def progress() -> Progress:
    """Return which exercises have been solved or tried; a notebook shows it as a table.

    >>> progress().summary
    'Exercises: ... of ... solved.'
    """
    remark = ""
    states: dict[str, str] = {}
    try:
        states = saved_progress.read_states(saved_progress.progress_file())
    except InputError as error:
        remark = f"Your progress could not be read: {error}."
    notebooks: dict[str, dict[str, str]] = {}
    for number in EXERCISES:
        notebooks.setdefault(number[:2], {})[number] = states.get(number, "open")
    return Progress(notebooks, {number: exercise.title for number, exercise in EXERCISES.items()}, remark)


def numbers() -> list[str]:
    """Return the numbers of all exercises: the notebook's number, a dot, and a count from 1.

    >>> numbers()[0]
    '00.1'
    """
    return list(EXERCISES)


def _find(number: str) -> Exercise:
    exercise = EXERCISES.get(number.strip()) if isinstance(number, str) else None
    if exercise is None:
        full = str(number).strip().zfill(4)  # 1.2 means 01.2, although 10.2 is as similar
        matches = [full] if full in EXERCISES else get_close_matches(str(number), EXERCISES, n=1)
        guess = f"did you mean {matches[0]!r}? The" if matches else "the"
        raise InputError(f"there is no exercise {number!r}: {guess} exercises are: {', '.join(EXERCISES)}")
    return exercise
