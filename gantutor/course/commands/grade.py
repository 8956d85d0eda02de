"""``gantutor grade``: run each notebook that was handed in again, and report in a table who solved what.

    gantutor grade handed_in
    gantutor grade handed_in/ada --name "Ada Lovelace"    # all of one learner, with a certificate of progress

A run executes the code of those who handed in: do it where that can do no harm. The executed copies lie under
--out, for reading.
"""

from __future__ import annotations

import argparse
import glob
import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from gantutor._errors import InputError
from gantutor._files import new_file
from gantutor.course.commands import notebook_files
from gantutor.course.commands.certificate import Certificate, titles_of
from gantutor.course.commands.course_files import course_folder
from gantutor.course.commands.notebook_files import own_code, text_of
from gantutor.course.commands.run_course import Result, check_papermill, run_in
from gantutor.course.commands.writable_home import settings_elsewhere, why_no_room
from gantutor.course.exercises import numbers, saved_progress
from gantutor.course.score_report import as_table

States = Mapping[str, str]
"""``"solved"`` or ``"tried"`` by exercise; what was not answered is absent."""

SIGNS = {"solved": "✓", "tried": "✗"}


def grade(path: Path, folder: Path, patience: int) -> tuple[Result, States]:
    """Run one notebook in a folder, where the exercises keep what was solved.

    Args:
        path: of the notebook.
        folder: emptied first.
        patience: seconds that a cell may take.

    Returns:
        How the run ended, and the state of each exercise that was answered.
    """
    record = folder.resolve() / "progress.json"
    os.environ[saved_progress.PROGRESS_VARIABLE] = str(record)
    # A cell that takes too long is interrupted, and the next one has its turn.
    options = {"execution_timeout": patience, "interrupt_on_timeout": True}
    result = run_in(folder.resolve(), path, {}, **options)
    try:
        return result, saved_progress.read_states(record)
    except InputError as error:  # an answer has written there
        result.reason = str(error)
        return result, {}


def asked(path: Path) -> list[str]:
    """Return the numbers of the exercises that a notebook checks.

    Args:
        path: of the notebook.

    Raises:
        InputError: if it cannot be read as a notebook.
    """
    try:
        code = "\n".join(text_of(cell["source"]) for cell in own_code(notebook_files.read(path)))
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} cannot be read as a notebook") from None
    return [number for number in numbers() if re.search(rf"check\(\s*[\"']{number}[\"']", code)]


def table(found: Mapping[str, tuple[Result, States]], exercises: Sequence[str]) -> str:
    """A row for each notebook: ✓ solved, ✗ wrong, an empty cell for what is open, and the last error.

    >>> done = Result("ada", "done"), {"01.1": "solved", "01.2": "tried"}
    >>> print(table({"ada": done}, ["01.1", "01.2", "01.3"]))
    | notebook | 01.1 | 01.2 | 01.3 | solved | last error |
    | -------- | ---- | ---- | ---- | ------ | ---------- |
    | ada      | ✓    | ✗    |      | 1 of 3 |            |
    """
    rows = [["notebook", *exercises, "solved", "last error"]]
    for name, (result, states) in found.items():
        signs = [SIGNS.get(states.get(number, ""), "") for number in exercises]
        solved = f"{signs.count(SIGNS['solved'])} of {len(exercises)}"
        rows.append([name, *signs, solved, result.reason.replace("|", "\\|")])
    return as_table(rows)


def handed_in(given: Sequence[str]) -> list[Path]:
    """The notebooks meant by files, folders and patterns, which the shell of Windows leaves to the program.

    >>> [path.name for path in handed_in(["ada.ipynb"])]
    ['ada.ipynb']
    """
    paths: list[Path] = []
    for name in given:
        if Path(name).is_dir():
            paths += sorted(Path(name).glob("*.ipynb"))
        elif not Path(name).exists() and glob.has_magic(name):
            paths += map(Path, sorted(glob.glob(name)))  # noqa: PTH207 (the pattern may be absolute)
        else:
            paths.append(Path(name))
    if not paths:
        raise InputError(f"there is no notebook in {', '.join(given)}")
    return paths


def solved_in(found: Mapping[str, States], asked_in: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the exercises solved in any of the notebooks of one learner, each in a notebook that asks it.

    Args:
        found: the states of exercises by notebook.
        asked_in: the numbers of the exercises that each notebook checks.

    >>> states = {"ada": {"01.1": "solved", "01.2": "tried", "09.1": "solved"}}
    >>> sorted(solved_in(states, {"ada": ["01.1", "01.2"]}))
    ['01.1']
    """
    return {
        number
        for name, states in found.items()
        for number, state in states.items()
        if state == "solved" and number in asked_in[name]
    }


def write_certificate(name: str, solved: set[str], folder: Path) -> str:
    """Write a certificate of progress, unless nothing was solved.

    Args:
        name: of the learner.
        solved: the numbers of the exercises.
        folder: for its two files.

    Returns:
        A sentence that says where they are, or that there are none.

    Raises:
        InputError: if they cannot be written.
    """
    if not solved:
        return "No exercise is solved, so no certificate was written."
    from gantutor import __version__

    titles = titles_of(course_folder() / "notebooks")
    certificate = Certificate(name, solved, numbers(), titles, __version__, date.today())
    paths = certificate.write(folder)
    return f"{name}: {certificate.summary}. The certificate is in {' and '.join(map(str, paths))}."


def run(options: argparse.Namespace) -> int:
    """Grade what was handed in, and print and write the table.

    Args:
        options: of the command line.

    Returns:
        0, or 130 when interrupted.

    Raises:
        InputError: if something that was handed in is no notebook of exercises.
    """
    check_papermill()
    paths = handed_in(options.notebooks)
    stems = [path.stem for path in paths]
    if twice := [stem for stem in stems if stems.count(stem) > 1]:
        raise InputError(f"two notebooks are called {twice[0]}: they would run in one folder")
    asked_in = {path.stem: asked(path) for path in paths}
    exercises = sorted({number for those in asked_in.values() for number in those})
    if not exercises:
        raise InputError("there is no exercise in what was handed in")
    os.environ.update(settings_elsewhere(why_no_room()))
    found: dict[str, tuple[Result, States]] = {}
    for count, path in enumerate(paths, 1):
        print(f"[{count}/{len(stems)}] {path.stem}", flush=True)
        found[path.stem] = grade(path, options.out / path.stem, options.patience)
        if found[path.stem][0].state == "interrupted":
            return 130
    text = table(found, exercises)
    print(f"\n{text}")
    with new_file(options.out / "grades.md") as fresh:
        fresh.write_text(text + "\n", encoding="utf-8")
    if options.name is not None:
        states = {name: of_notebook for name, (_, of_notebook) in found.items()}
        print(f"\n{write_certificate(options.name, solved_in(states, asked_in), options.out)}")
    return 0
