"""Exercises of the notebooks, each answered at once.

``check("01.2", answer)`` says whether an answer is right and, where it is not, what is wrong with it;
``question`` shows what is asked, ``hint`` helps, ``solution`` shows an answer, ``progress`` what has been
solved. An answer that is still ``...`` counts as not answered.

What was solved is kept in ``~/.cache/gantutor/progress.json``; the environment variable ``GANTUTOR_PROGRESS``
names another file.
"""

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
    """Those that the modules beside this one, ``notebook_…``, call their EXERCISES."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("notebook_"):
            yield from import_module(f"{__name__}.{module.name}").EXERCISES


EXERCISES: dict[str, Exercise] = {
    exercise.number: exercise for exercise in sorted(_in_notebooks(), key=lambda exercise: exercise.number)
}
"""All of them by number, in the order of the course: a new module is found without being named here."""

_hints_given: Counter[str] = Counter()


def check(number: str, answer: Any) -> Reply:
    """Whether an answer is right, and what is wrong with it; an answer never makes this raise.

    An attempt is kept for ``progress``; where that cannot be, the reply says so and is given all the same.
    Raises InputError where there is no exercise of that number.

    >>> check("01.2", ...)
    ○ Not answered yet (01.2, ...). `gt.exercises.hint("01.2")` helps to begin.
    """
    reply = _find(number).judge(answer)
    if reply.verdict == "open":
        return reply
    try:
        saved_progress.save_state(reply.number, "solved" if reply.verdict == "right" else "tried")
    except InputError as error:
        return replace(reply, remark=f"Your progress was not saved: {error}.")
    return reply


def question(number: str) -> Note:
    """What an exercise asks, with the code that belongs to it. Raises InputError for an unknown number.

    >>> question("01.2").heading
    'Exercise 01.2: ...'
    """
    exercise = _find(number)
    return Note(f"Exercise {exercise.number}: {exercise.title}", exercise.question, exercise.shown_source)


def hint(number: str) -> Note:
    """A hint, and with each further call a stronger one. Raises InputError for an unknown number.

    >>> hint("03.1").heading.endswith("of 2 for 03.1")
    True
    """
    exercise = _find(number)
    count, last = _hints_given[exercise.number], len(exercise.hints) - 1
    _hints_given[exercise.number] += 1
    text = exercise.hints[min(count, last)]
    if count > last:
        text += f' There is no further hint: `gt.exercises.solution("{exercise.number}")` shows an answer.'
    return Note(f"Hint {min(count, last) + 1} of {last + 1} for {exercise.number}", text)


def solution(number: str) -> Note:
    """An answer that passes, as its source, and why it does. Raises InputError for an unknown number.

    >>> print(solution("01.1").code)
    answer = 'ab'
    """
    exercise = _find(number)
    return Note(f"Solution of {exercise.number}: {exercise.title}", exercise.why, exercise.solution_source)


def progress() -> Progress:
    """What has been solved and what was tried, notebook by notebook; a table in a notebook.

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
    return Progress(notebooks, {number: each.title for number, each in EXERCISES.items()}, remark)


def numbers() -> list[str]:
    """The numbers of all exercises: the notebook's, a dot, and a count from 1.

    >>> numbers()[0]
    '00.1'
    """
    return list(EXERCISES)


def _find(number: str) -> Exercise:
    found = EXERCISES.get(number.strip()) if isinstance(number, str) else None
    if found is None:
        full = str(number).strip().zfill(4)  # 1.2 is meant for 01.2, and 10.2 is as near
        near = [full] if full in EXERCISES else get_close_matches(str(number), EXERCISES, n=1)
        meant = f"did you mean {near[0]!r}? The" if near else "the"
        raise InputError(f"there is no exercise {number!r}: {meant} exercises are: {', '.join(EXERCISES)}")
    return found
