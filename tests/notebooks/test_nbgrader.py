"""Exercises for nbgrader: its metadata are complete, every solution passes, and nothing else gives points.

nbgrader's rules for metadata are repeated here, so that it need not be installed; with nbgrader 0.9.6 its own
commands took these notebooks: validate, generate_assignment, autograde and generate_feedback.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

import gantutor as gt
from gantutor import exercises
from gantutor.cli import main
from gantutor.course.commands import exercises_only, nbgrader_format, notebook_files
from gantutor.course.commands.nbgrader_format import BEGIN, END

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
ROLES = {"grade", "locked", "solution", "task"}


def made(path: Path) -> notebook_files.Notebook:
    content = exercises_only.exercises_only(notebook_files.read(path), path.stem)
    return nbgrader_format.for_nbgrader(content, path.name)


def cells(path: Path, role: str) -> list[dict[str, Any]]:
    return [c for c in made(path)["cells"] if c["metadata"].get("nbgrader", {}).get(role)]


@every
def test_its_metadata_follow_the_rules_of_nbgrader(path: Path) -> None:
    content = made(path)
    marked = [cell for cell in content["cells"] if "nbgrader" in cell["metadata"]]
    assert marked == [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    for cell in marked:
        about = cell["metadata"]["nbgrader"]
        points = {"points"} if about["grade"] else set()
        assert set(about) == ROLES | {"grade_id", "schema_version"} | points
        assert about["schema_version"] == 3 and not about["task"]
        assert all(isinstance(about[role], bool) for role in ROLES)
        assert re.fullmatch(r"\w+", about["grade_id"])
    for key in ([c["metadata"]["nbgrader"]["grade_id"] for c in marked], [c["id"] for c in content["cells"]]):
        assert len(set(key)) == len(key)


@every
def test_each_exercise_is_one_point_behind_a_locked_check(path: Path) -> None:
    own = [number for number in exercises.numbers() if number.startswith(path.stem[:2])]
    checks = cells(path, "grade")
    assert [cell["source"].split('"')[1] for cell in checks] == own
    for cell in checks:
        about = cell["metadata"]["nbgrader"]
        assert (about["points"], about["locked"], about["solution"]) == (1, True, False)
        assert BEGIN not in cell["source"]
    answers = cells(path, "solution")
    assert len(answers) == len(own) and not any(a["metadata"]["nbgrader"]["locked"] for a in answers)


@every
def test_what_learners_get_asks_the_same_and_shows_no_solution(path: Path) -> None:
    whole = exercises_only.exercises_only(notebook_files.read(path), path.stem)
    asked = [c["source"] for c in whole["cells"] if c["cell_type"] == "code" and "s.check(" in c["source"]]
    for cell, source in zip(cells(path, "solution"), asked, strict=True):
        kept, _, solved = cell["source"].partition(f"\n{BEGIN}\n")
        assert solved.endswith(f"\n{END}") and solved.count("### ") == 1
        assert "..." in kept and "gt.exercises.check" not in kept
        assert source.startswith(kept)


@every
def test_every_solution_passes_its_check(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "progress.json"))
    names: dict[str, Any] = {"__name__": "__main__", "display": lambda *_: None}
    for cell in made(path)["cells"]:
        about = cell["metadata"].get("nbgrader")
        if about and "hide-input" not in cell["metadata"]["tags"]:
            source = cell["source"]
            if about["locked"] and not about["grade"]:  # the imports; what 09 trains is not needed
                source = exercises_only.imports(source)
            exec(source, names)
    own = [number for number in exercises.numbers() if number.startswith(path.stem[:2])]
    assert gt.exercises.progress().notebooks[path.stem[:2]] == dict.fromkeys(own, "solved")


@pytest.mark.parametrize("answer", ["answer = 'd'", "answer = ...", "raise NotImplementedError()"])
def test_without_a_right_answer_the_check_raises_an_error(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "progress.json"))
    check = cells(PATHS[1], "grade")[0]["source"]
    names: dict[str, Any] = {"gt": gt, "display": lambda *_: None}
    if answer.startswith("answer"):
        exec(answer, names)
    with pytest.raises((AssertionError, NameError)):
        exec(check, names)


def test_the_command_writes_it(tmp_path: Path) -> None:
    assert main(["exercises", "01", "--format", "nbgrader", "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.iterdir()
    content = notebook_files.read(path)
    assert content == made(PATHS[1])
    assert (
        "**Name:**" not in content["cells"][0]["source"]
        and "01_concepts.ipynb" in content["cells"][0]["source"]
    )


def test_the_examples_run() -> None:
    result = doctest.testmod(nbgrader_format)
    assert result.attempted and not result.failed
