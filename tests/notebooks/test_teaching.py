"""The page for teachers is fresh and its commands are there; what was handed in is graded."""

from __future__ import annotations

import argparse
import doctest
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import teaching_page
from small_course import PARAMETERS, cell, notebook

from gantutor import cli, exercises
from gantutor._errors import InputError
from gantutor.cli import main
from gantutor.course.commands import grade, notebook_files, sweep

ROOT = Path(__file__).resolve().parents[2]

PAGE = ROOT / "docs" / "teaching.md"
TEXT = PAGE.read_text(encoding="utf-8")

# --- the page --------------------------------------------------------------------------------------------


def test_the_page_is_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "teaching.md"
    page.write_text(TEXT, encoding="utf-8")
    assert teaching_page.main(["--page", str(page)]) == 0
    assert teaching_page.main(["--page", str(page), "--check"]) == 0
    fresh = page.read_text(encoding="utf-8")
    assert fresh.split("<!-- notebooks -->")[0] == TEXT.split("<!-- notebooks -->")[0]
    page.write_text(fresh.replace("### [03 ", "### [3 "), encoding="utf-8")
    assert teaching_page.main(["--page", str(page), "--check"]) == 1
    assert "not fresh: python scripts/course/teaching_page.py writes it" in capsys.readouterr().out
    page.write_text("no marks", encoding="utf-8")
    assert teaching_page.main(["--page", str(page), "--check"]) == 2
    assert "teaching.md must hold <!-- notebooks -->" in capsys.readouterr().err


def test_a_new_time_or_opening_makes_it_stale(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("outputs"))
    page = tmp_path / "teaching.md"
    page.write_text(TEXT, encoding="utf-8")
    arguments = ["--page", str(page), "--notebooks", str(tmp_path / "notebooks")]
    path = next((tmp_path / "notebooks").glob("03*.ipynb"))
    for change in (more_seconds, another_opening):
        assert teaching_page.main(arguments) == teaching_page.main([*arguments, "--check"]) == 0
        content = notebook_files.read(path)
        change(content)
        notebook_files.write(path, content)
        assert teaching_page.main([*arguments, "--check"]) == 1


def more_seconds(content: notebook_files.Notebook) -> None:
    content["metadata"]["gantutor"]["seconds"] += 60


def another_opening(content: notebook_files.Notebook) -> None:
    said = notebook_files.text_of(content["cells"][0]["source"])
    content["cells"][0]["source"] = said.replace(
        "**Afterwards you can** ", "**Afterwards you can** sing and "
    )


def test_an_opening_that_lacks_something_is_named() -> None:
    with pytest.raises(InputError, match="the opening says nothing of 'Before'"):
        teaching_page.opening(notebook(cell("# Title", kind="markdown")), "Before")


def test_its_links_lead_to_files() -> None:
    links = [link.split("#")[0] for link in re.findall(r"\]\((?!https?:)([^)]+)\)", TEXT)]
    assert links and all((PAGE.parent / link).exists() for link in links if link)


def test_every_notebook_that_needs_more_packages_says_so() -> None:
    for number, extra in (("04", "sequences"), ("05", "audio"), ("06", "faces")):
        section = TEXT.split(f"### [{number} ")[1].split("###")[0]
        assert f"(extra `{extra}`)" in section


def commands() -> list[str]:
    return re.findall(r"^    (\S.*?)(?: {2,}#.*)?$", TEXT, re.MULTILINE)


def parsed(line: str) -> argparse.Namespace:
    """The options of a command of the page, which begins with gantutor."""
    program, *words = shlex.split(line)
    assert program == "gantutor"
    return cli._parser().parse_args(words)


def test_its_commands_are_understood() -> None:
    assert {parsed(line).command for line in commands()} == {"course", "exercises", "grade", "sweep"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    given = re.findall(r"`make (\w+) ([^`]+)`", TEXT)
    assert given
    for target, words in given:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert all(f"$({word.split('=')[0]})" in makefile for word in shlex.split(words))


def test_its_sweeps_could_begin() -> None:
    found = [line for line in commands() if "sweep" in line]
    assert len(found) == 2
    for line in found:
        options = parsed(line)
        (path,) = (ROOT / "notebooks").glob(f"{options.name}*.ipynb")
        sweep.check_names(path, [name for name, _ in map(sweep.read_values, options.set)])


def test_make_passes_its_options_on() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    asked = ["exercises", "sweep", "NOTEBOOKS=02", "PRESET=smoke", "SWEEP=--seeds 3 --set compare=False"]
    done = subprocess.run(["make", "-n", *asked], cwd=ROOT, capture_output=True, text=True, check=True)
    said = " ".join(done.stdout.split())
    assert "-m gantutor exercises 02" in said
    assert "-m gantutor sweep 02 --preset smoke --seeds 3 --set compare=False" in said


# --- grades ----------------------------------------------------------------------------------------------


def handed_in(folder: Path, name: str, *answers: str) -> Path:
    path = folder / f"{name}.ipynb"
    checks = [cell(answer, "raises-exception") for answer in answers]
    notebook_files.write(path, notebook(cell(PARAMETERS), cell("import gantutor as gt"), *checks))
    return path


def test_answers_are_graded_and_what_fails_keeps_none_from_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "nobody.json"))
    first, second, third = (f'gt.exercises.check("01.{count}", %s)' for count in (1, 2, 3))
    ada = handed_in(tmp_path, "ada", first % '"ab"', second % "(1, 2, 3)", third % "...")
    bo = handed_in(tmp_path, "bo", second % "1 / 0", first % '"ab"', third % ")")
    spoil = "import os, pathlib\npathlib.Path(os.environ['GANTUTOR_PROGRESS']).write_text('solved')"
    cy = handed_in(tmp_path, "cy", first % '"ab"', spoil)
    out = tmp_path / "out"
    assert main(["grade", *map(str, (ada, bo, cy)), "--out", str(out)]) == 0
    rows = {row.split("|")[1].strip(): row for row in (out / "grades.md").read_text().splitlines()}
    assert rows["ada"].startswith("| ada      | ✓    | ✗    |      | 1 of 3 |            ")
    assert rows["bo"].startswith("| bo       | ✓    |      |      | 1 of 3 | SyntaxError")
    assert rows["cy"].startswith("| cy       |      |      |      | 0 of 3 |")
    assert "progress.json is damaged" in rows["cy"]
    assert rows["ada"] in capsys.readouterr().out
    assert (out / "bo" / "bo.ipynb").exists() and not (tmp_path / "nobody.json").exists()


def test_a_named_learner_gets_a_certificate_of_what_was_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "nobody.json"))
    solved, wrong = (
        f'gt.exercises.check("01.{count}", {answer})' for count, answer in ((1, '"ab"'), (2, "0"))
    )
    forge = "import gantutor.course.exercises.saved_progress as kept\nkept.save_state('09.1', 'solved')"
    one = handed_in(tmp_path, "01_exercises", solved, wrong, forge)
    out = tmp_path / "out"
    assert main(["grade", str(one), "--name", "  Ada  Lovelace ", "--out", str(out)]) == 0
    text = (out / "certificate.txt").read_text(encoding="utf-8")
    assert (
        f"Name:     Ada Lovelace\nSolved:   1 of {len(exercises.numbers())} exercises solved; 0 of " in text
    )
    assert re.search(r"  01 Concepts.* ✓····  1 of 5\n", text)
    assert '<p class="name">Ada Lovelace</p>' in (out / "certificate.html").read_text(encoding="utf-8")
    assert "Ada Lovelace: 1 of " in capsys.readouterr().out


def test_without_a_solved_exercise_there_is_no_certificate(tmp_path: Path) -> None:
    assert "No exercise is solved" in grade.write_certificate("Ada", set(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["", "  ", "a\u0007b", "x" * 81])
def test_a_name_that_cannot_be_printed_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["grade", "handed_in", "--name", name])
    assert ended.value.code == 2 and "must be 1 to 80 characters" in capsys.readouterr().err


def test_a_cell_that_never_ends_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "nobody.json"))
    after = "from pathlib import Path\nPath('after').touch()"
    endless, last = (cell(source, "raises-exception") for source in ("while True:\n    pass", after))
    notebook_files.write(tmp_path / "di.ipynb", notebook(endless, last))
    result, states = grade.grade(tmp_path / "di.ipynb", tmp_path / "out", 5)
    assert result.reason.startswith("KeyboardInterrupt") and not states
    assert (tmp_path / "out" / "after").exists()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a/ada", "b/ada"], "two notebooks are called ada"),
        (["a/none"], "there is no exercise in what was handed in"),
        (["a/nowhere"], "nowhere.ipynb cannot be read as a notebook"),
        (["a/broken"], "broken.ipynb cannot be read as a notebook"),
    ],
)
def test_what_cannot_be_graded_is_named(
    tmp_path: Path, names: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        handed_in(tmp_path / folder, "ada", 'gt.exercises.check("01.1", ...)')
    handed_in(tmp_path / "a", "none", "gt.exercises.check(number, answer)")
    (tmp_path / "a" / "broken.ipynb").write_text("[1]")
    paths: list[Any] = [str(tmp_path / f"{name}.ipynb") for name in names]
    assert main(["grade", *paths, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err


def test_the_examples_run() -> None:
    for module in (grade, teaching_page):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
