"""Run notebooks that were handed in anew, each alone, and put into one table what their answers are worth.

    python scripts/course/grade.py handed_in/*.ipynb

A run executes the code of those who handed in: do it where that can do no harm. The executed copies lie under
--out, for reading.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import notebook_files
from notebook_files import own_code, text_of
from run_course import Result, run_in

from gantutor._errors import InputError
from gantutor._files import new_file
from gantutor.course.exercises import numbers, saved_progress
from gantutor.course.score_report import as_table

States = Mapping[str, str]
"""``"solved"`` or ``"tried"`` by exercise; what was not answered is absent."""

SIGNS = {"solved": "✓", "tried": "✗"}


def grade(path: Path, folder: Path, patience: int) -> tuple[Result, States]:
    """Run one notebook in this folder, where the exercises keep what was solved; a cell may take so long."""
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
    """The numbers of the exercises that a notebook checks; raises InputError where it is no notebook."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, 2 where something handed in is no notebook of exercises, 130 when interrupted."""
    parser = argparse.ArgumentParser(description="Run notebooks that were handed in, and grade them.")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/grades"))
    parser.add_argument("--patience", type=int, default=120, help="seconds a cell may take (default 120)")
    options = parser.parse_args(arguments)
    found: dict[str, tuple[Result, States]] = {}
    exercises: list[str] = []
    try:
        stems = [path.stem for path in options.notebooks]
        if twice := [stem for stem in stems if stems.count(stem) > 1]:
            raise InputError(f"two notebooks are called {twice[0]}: they would run in one folder")
        exercises = sorted({number for path in options.notebooks for number in asked(path)})
        if not exercises:
            raise InputError("there is no exercise in what was handed in")
        for count, path in enumerate(options.notebooks, 1):
            print(f"[{count}/{len(stems)}] {path.stem}", flush=True)
            found[path.stem] = grade(path, options.out / path.stem, options.patience)
            if found[path.stem][0].state == "interrupted":
                return 130
        text = table(found, exercises)
        print(f"\n{text}")
        with new_file(options.out / "grades.md") as fresh:
            fresh.write_text(text + "\n", encoding="utf-8")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
