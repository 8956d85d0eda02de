"""Exercises in the form that nbgrader takes: answers between marks, and checks that carry points.

nbgrader removes what lies between the marks when it makes the version for learners, and counts the points of
each check that raises no error: https://nbgrader.readthedocs.io.
"""

from __future__ import annotations

import ast
import copy
import inspect

from gantutor.course.commands.notebook_files import Cell, Notebook
from gantutor.course.exercises import EXERCISES

SCHEMA_VERSION = 3
"""Of the metadata; nbgrader 0.6 and later read it."""

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

OPENING = (
    "The exercises of {file} alone. Run the first cells, answer, and run all cells once more before you "
    "submit."
)


def for_nbgrader(notebook: Notebook, file: str) -> Notebook:
    """Return a notebook of exercises in the form that an nbgrader course has in its folder ``source``.

    Each cell that checks an answer becomes two: one with the solution between nbgrader's marks, and a locked
    one of one point that raises an error unless the answer is right. The other code cells are locked.

    Args:
        notebook: as ``exercises_only`` returns it.
        file: the name of the whole notebook's file.
    """
    cells: list[Cell] = []
    locked = 0
    for cell in copy.deepcopy(notebook["cells"]):
        if cell["cell_type"] != "code":
            cells.append(cell)
        elif number := _number(cell["source"]):
            cells += _answer_and_check(cell, number)
        else:
            locked += 1
            cells.append(_marked(cell, f"preparation_{locked}", locked=True))
    heading = cells[0]["source"].split("\n")[0]
    cells[0]["source"] = f"{heading}\n\n{OPENING.format(file=file)}"
    return {**notebook, "cells": cells}


def solution(number: str, target: str) -> str:
    """Return code that binds an answer to the name, or names, that an exercise checks.

    Args:
        number: of the exercise.
        target: what the check is given, such as ``"answer"`` or ``"(left, right)"``.

    >>> solution("01.1", "letters")
    "letters = 'ab'"
    """
    exercise = EXERCISES[number]
    code = exercise.solution_source
    names = target.removeprefix("(").removesuffix(")")
    if exercise.derivation is not None:
        return f"{code}\n\n\n{names} = {exercise.derivation.__name__}()"
    if not inspect.isfunction(exercise.solution):
        return f"{names} = {code.removeprefix('answer = ')}"
    name = exercise.solution.__name__
    return code if name == names else f"{code}\n\n\n{names} = {name}"


def _call(source: str) -> ast.Call | None:
    """The check that a cell ends with."""
    last = ast.parse(source).body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    return call if isinstance(call, ast.Call) and ast.unparse(call.func) == "gt.exercises.check" else None


def _number(source: str) -> str:
    """The number of the exercise that a cell checks; empty where it checks none."""
    call = _call(source)
    return str(ast.literal_eval(call.args[0])) if call else ""


def _answer_and_check(cell: Cell, number: str) -> list[Cell]:
    call = _call(cell["source"])
    assert call is not None
    target = ast.unparse(call.args[1])
    above = "\n".join(cell["source"].split("\n")[: call.lineno - 1]).rstrip()
    check = (
        f'reply = gt.exercises.check("{number}", {target})\n'
        'display(reply)\nassert reply.verdict == "right", reply.text'
    )
    name = f"exercise_{number.replace('.', '_')}"
    answer = {**cell, "source": f"{above}\n{BEGIN}\n{solution(number, target)}\n{END}"}
    checked = {**copy.deepcopy(cell), "source": check, "id": f"{cell['id']}-check"}
    return [
        _marked(answer, name, solution=True),
        _marked(checked, f"{name}_check", grade=True, locked=True, points=1),
    ]


def _marked(cell: Cell, name: str, points: int | None = None, **roles: bool) -> Cell:
    """The cell with what nbgrader reads about it."""
    about: dict[str, object] = {"grade": False, "locked": False, "solution": False, "task": False}
    about |= {**roles, "grade_id": name, "schema_version": SCHEMA_VERSION}
    if points is not None:
        about["points"] = points
    return {**cell, "metadata": {**cell["metadata"], "nbgrader": about}}
