"""Notebooks of exercises alone: what they hold, that nothing in them is missing, and that they run."""

from __future__ import annotations

import ast
import builtins
import doctest
import re
from pathlib import Path
from typing import Any

import pytest
from small_course import PARAMETERS, cell, notebook

from gantutor import exercises
from gantutor._errors import InputError
from gantutor.cli import main
from gantutor.course.commands import exercises_only, notebook_files, run_course
from gantutor.course.commands.notebook_files import text_of

ROOT = Path(__file__).resolve().parents[2]

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
KERNEL = set(dir(builtins)) | {"display"}
REMARK = "*Only in the whole notebook, "


def made(path: Path) -> notebook_files.Notebook:
    return exercises_only.exercises_only(notebook_files.read(path), path.stem)


def code(content: notebook_files.Notebook) -> list[str]:
    return [cell["source"] for cell in content["cells"] if cell["cell_type"] == "code"]


def prose(content: notebook_files.Notebook) -> str:
    return "\n\n".join(cell["source"] for cell in content["cells"] if cell["cell_type"] == "markdown")


# --- the eleven ------------------------------------------------------------------------------------------


@every
def test_it_asks_every_exercise_as_the_notebook_does(path: Path) -> None:
    content, whole = made(path), notebook_files.read(path)
    own = [number for number in exercises.numbers() if number.startswith(path.stem[:2])]
    assert [n for n in own if f'gt.exercises.check("{n}"' in "\n".join(code(content))] == own
    assert all(f"**{number} " in prose(content) for number in own)
    sources = [text_of(cell["source"]) for cell in whole["cells"] if cell["cell_type"] == "code"]
    assert [source for source in code(content) if source not in sources] == (
        [] if path.stem[:2] == "09" else code(content)[1:2]  # the imports alone
    )


@every
def test_it_holds_no_outputs_and_no_answers(path: Path) -> None:
    content = made(path)
    assert not any(
        cell["outputs"] or cell["execution_count"] for cell in content["cells"] if "outputs" in cell
    )
    assert "solution(" not in "\n".join(code(content))
    assert "## You may have read" not in prose(content) and "## Closing" not in prose(content)
    assert not re.search(r"\]\((?!https?:)", prose(content))  # links that would lead nowhere
    names = [cell["id"] for cell in content["cells"]]
    assert len(set(names)) == len(names)


@every
def test_every_name_is_defined_above_where_it_is_used(path: Path) -> None:
    known = set(KERNEL)
    for source in code(made(path)):
        assert exercises_only.wanted(source) <= known
        known |= exercises_only.bound(ast.parse(source))


@every
def test_an_answer_that_fails_keeps_no_other_from_running(path: Path) -> None:
    for one in made(path)["cells"]:
        if one["cell_type"] == "code" and "gt.exercises.check(" in one["source"]:
            assert one["metadata"]["tags"] == ["raises-exception"]


@every
def test_the_parameters_are_there_where_they_do_something(path: Path) -> None:
    content = made(path)
    tagged = [c for c in content["cells"] if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == (path.stem[:2] == "09")
    assert ("validate(" in "\n".join(code(content))) == bool(tagged)


def test_what_only_the_whole_notebook_has_is_said() -> None:
    """A question about something that a notebook computes belongs into ABOUT; an aside is remarked upon."""
    said = {path.stem[:2]: prose(made(path)).split(REMARK)[1:] for path in PATHS}
    found = {number: [text.split(": ")[1].split(".*")[0] for text in texts] for number, texts in said.items()}
    asides = {"00": ["`run`"], "01": ["`learning_rate`, `penalty`"], "03": ["`r1`"]}
    assert {number: texts for number, texts in found.items() if texts} == asides


def test_what_the_questions_are_about_is_made_above_them() -> None:
    (path,) = (path for path in PATHS if path.stem.startswith("09"))
    above = code(made(path))[3:5]  # after the cell that installs, the parameters and their check
    assert "counts, by_count" in above[0] and "patients = gt.doctor.patients(" in above[1]


@pytest.mark.parametrize("number", ["01", "06"])
def test_it_runs_and_answers_that_everything_is_open(
    number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "progress.json"))
    assert main(["exercises", number, "--out", str(tmp_path / "out")]) == 0
    (path,) = (tmp_path / "out").glob("*.ipynb")
    result = run_course.run_one(path, tmp_path, {})
    assert (result.state, result.reason) == ("done", "")
    own = [n for n in exercises.numbers() if n.startswith(number)]
    assert [
        n for n in own if f"○ Not answered yet ({n}, " in replies(tmp_path / path.stem / path.name)
    ] == own


def replies(path: Path) -> str:
    outputs = [one for cell in notebook_files.read(path)["cells"] for one in cell.get("outputs", [])]
    return "\n".join(text_of(one.get("data", {}).get("text/plain", "")) for one in outputs)


def test_answers_are_checked_and_a_broken_one_stops_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "progress.json"))
    content = made(PATHS[1])
    for one in content["cells"]:
        one["source"] = one["source"].replace("answer = ...", "answer = 1 / 0")
        one["source"] = one["source"].replace(
            "saturating, non_saturating = ..., ...", "saturating = non_saturating = 1"
        )
        one["source"] = one["source"].replace("return ...", "return softplus(-fake_logits).mean()")
    path = tmp_path / "ada.ipynb"
    notebook_files.write(path, content)
    result = run_course.run_one(path, tmp_path, {})
    assert (result.state, result.reason) == ("failed", "ZeroDivisionError: division by zero")
    said = replies(tmp_path / "ada" / "ada.ipynb")
    assert "✓ Right (01.4, " in said and "✗ Not yet (01.3, " in said


def test_the_cell_that_installs_stays_hidden(tmp_path: Path) -> None:
    first = next(one for one in made(PATHS[0])["cells"] if one["cell_type"] == "code")
    assert first["metadata"] == {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}


# --- small ones ------------------------------------------------------------------------------------------


def small(*cells: dict[str, Any]) -> dict[str, Any]:
    content = notebook(
        cell("# Title\n\nWords", kind="markdown"),
        cell(PARAMETERS, "parameters"),
        cell("import math as m, os\nfrom a import (\n    b,\n)\nrules.validate(globals())\nsteps = 3"),
        *cells,
    )
    content["metadata"]["language_info"] = {"name": "python"}
    return content


def asking(source: str) -> list[dict[str, Any]]:
    return [cell("Before.\n\n## Exercises\n\nReplace.", kind="markdown"), cell(source)]


def test_without_names_of_its_own_it_keeps_the_imports() -> None:
    content = exercises_only.exercises_only(small(cell("made = 1"), *asking("x = ...\ncheck(x)")), "07_small")
    assert code(content) == ["import math as m, os\nfrom a import (\n    b,\n)", "x = ...\ncheck(x)"]
    assert "Exercises: Title" in prose(content) and "Before." not in prose(content)


def test_what_a_question_uses_is_kept_with_all_it_depends_on() -> None:
    kept, lost = (
        [cell("made = [m.pi * i for i in range(steps)]"), cell("run = train()")],
        cell("other = made"),
    )
    head = cell("About other things.\n\n## The numbers", kind="markdown")
    question = asking("use(total(made, run))")
    content = exercises_only.exercises_only(small(head, *kept, lost, *question), "07_small")
    assert code(content)[0] == PARAMETERS and "rules.validate" in code(content)[1]
    assert code(content)[2:] == [one["source"] for one in (*kept, question[1])]
    assert "## The numbers" in prose(content) and "About other things" not in prose(content)


def test_cells_after_the_exercises_are_left_out() -> None:
    end = [cell("An end.\n\n## Closing\n\nBye.", kind="markdown"), cell("last = 1")]
    content = exercises_only.exercises_only(small(*asking("x = ..."), *end), "07_small")
    assert "An end." in prose(content) and "Bye." not in prose(content) and "last = 1" not in code(content)


def test_a_notebook_without_exercises_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="one section '## Exercises', not 0"):
        exercises_only.exercises_only(small(cell("1")), "07_small")
    notebook_files.write(tmp_path / "07.ipynb", small(cell("1")))
    assert main(["exercises", "--notebooks", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "07: there must be one section" in capsys.readouterr().err
    assert main(["exercises", "99", "--out", str(tmp_path / "out")]) == 2
    assert "there is no notebook '99'" in capsys.readouterr().err
    assert main(["exercises", "--notebooks", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "--out must not be the folder of the notebooks" in capsys.readouterr().err


def test_the_examples_run() -> None:
    result = doctest.testmod(exercises_only)
    assert result.attempted and not result.failed
