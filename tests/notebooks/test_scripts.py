"""The scripts that run the course, on notebooks small enough to run here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import adopt_outputs
import pytest
from small_course import PARAMETERS, RECORD, cell, executed, notebook, shown

from gantutor.cli import main
from gantutor.course.commands import notebook_files, run_course
from gantutor.course.commands.course_files import find
from gantutor.metrics import MIME

ROOT = Path(__file__).resolve().parents[2]
HERE = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
"""The environment of commands: they are those of this checkout, wherever they are started."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of three notebooks, of which the second fails, and one run of it at seed 1."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "notebooks").mkdir()
    failing = "x = 1\nraise ValueError('first line\\nthe last line')"
    sources = {"01_good": RECORD, "02_bad": failing, "03_good": "2"}
    for name, source in sources.items():
        content = notebook(cell(PARAMETERS, "parameters"), cell(source))
        notebook_files.write(folder / "notebooks" / f"{name}.ipynb", content)
    command = [sys.executable, "-m", "gantutor", "course", "--notebooks", "notebooks", "--seed", "1"]
    done = subprocess.run(command, cwd=folder, env=HERE, capture_output=True, text=True)
    (folder / "said").write_text(done.stdout)
    (folder / "status").write_text(str(done.returncode))
    return folder


def test_a_notebook_that_fails_is_named_and_the_others_run(course: Path) -> None:
    said = (course / "said").read_text()
    assert (course / "status").read_text() == "1"
    assert "FAILED 02_bad: the last line" in said
    assert said.splitlines()[-1] == "notebooks: 2 passed, 1 failed, 0 not run"


def test_each_notebook_runs_in_a_folder_of_its_own(course: Path) -> None:
    folder = course / "runs" / "course" / "01_good"
    assert (folder / "outputs" / "seed.txt").read_text() == "1"
    assert (folder / "01_good.ipynb").exists()
    assert not (course / "notebooks" / "outputs").exists()


def test_the_scores_are_written_as_table_and_as_json(course: Path) -> None:
    content = json.loads((course / "runs" / "scores.json").read_text())
    assert content["parameters"] == {"preset": "cpu", "seed": 1}
    assert content["scores"]["01_good"]["scores"]["modes"]["value"] == 9
    assert [entry["state"] for entry in content["notebooks"].values()] == ["done", "failed", "done"]
    table = (course / "runs" / "scores.md").read_text()
    assert "| 01_good  | modes | 9     | 8         | 1.1    | modes | higher |" in table
    assert table.splitlines()[2] in (course / "said").read_text()


def test_outputs_of_a_run_are_adopted_and_compared(course: Path, tmp_path: Path) -> None:
    path = tmp_path / "01_good.ipynb"
    path.write_text((course / "notebooks" / "01_good.ipynb").read_text())
    assert adopt_outputs.main(["--check", "--notebooks", str(tmp_path)]) == 1
    run = course / "runs" / "course"
    assert run_course.compare(path, run / "01_good" / path.name) == ([], "no outputs are committed")
    notebook_files.write(path, adopt_without_paths(path, run))
    assert adopt_outputs.main(["--check", "--notebooks", str(tmp_path)]) == 0
    assert run_course.compare(path, run / "01_good" / path.name) == ([], "")
    adopted = notebook_files.read(path)
    assert adopted["metadata"]["gantutor"]["seed"] == 1
    for output in adopted["cells"][1]["outputs"]:
        if MIME in output.get("data", {}):
            output["data"][MIME]["modes"]["value"] = 4
    notebook_files.write(path, adopted)
    (difference,), _ = run_course.compare(path, run / "01_good" / path.name)
    assert difference.startswith("modes is 9, but 4 is committed")


def adopt_without_paths(path: Path, run: Path) -> dict[str, Any]:
    """The printed working folder lies outside of the project here: it is refused, and adopted without."""
    done = notebook_files.read(run / path.stem / path.name)
    with pytest.raises(adopt_outputs.RefusedError, match="absolute path"):
        adopt_outputs.adopt(notebook_files.read(path), done)
    outputs = done["cells"][2]["outputs"]
    assert {output["output_type"] for output in outputs} == {"display_data", "stream", "execute_result"}
    done["cells"][2]["outputs"] = [output for output in outputs if output.get("name") != "stdout"]
    return adopt_outputs.adopt(notebook_files.read(path), done, 2.2)


def test_a_run_that_differs_from_the_committed_scores_fails(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(path: Path, out: Path, given: dict[str, Any]) -> run_course.Result:
        return run_course.Result(path.stem, "done", 1.0)

    monkeypatch.setattr(run_course, "run_one", answer)
    monkeypatch.setattr(run_course, "compare", lambda path, copy: (["modes is 3, but 8 is committed"], ""))
    arguments = ["01", "--notebooks", str(course / "notebooks"), "--out", str(tmp_path / "a")]
    assert main(["course", *arguments, "--scores", str(tmp_path / "scores")]) == 1
    said = capsys.readouterr().out
    assert "DIFFERS 01_good: modes is 3, but 8 is committed" in said
    assert said.splitlines()[-1] == "notebooks: 0 passed, 1 failed, 0 not run"


def test_another_source_or_seed_is_not_compared(tmp_path: Path) -> None:
    source, done = executed(shown())
    run, path = tmp_path / "run.ipynb", tmp_path / "committed.ipynb"
    notebook_files.write(run, done)
    for about, reason in (
        ({"source_hash": "0"}, "the committed outputs belong to an older source"),
        (
            {"source_hash": notebook_files.source_hash(source), "preset": "cpu", "seed": 0},
            "committed are preset 'cpu' and seed 0",
        ),
    ):
        notebook_files.write(path, {**source, "metadata": {"gantutor": about}})
        assert run_course.compare(path, run) == ([], reason)


def test_no_notebook_begins_once_the_minutes_are_spent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([0.0, 0.0, 61.0])
    monkeypatch.setattr(run_course, "run_one", lambda path, out, given: run_course.Result(path.stem, "done"))
    monkeypatch.setattr(run_course, "compare", lambda path, copy: ([], ""))
    results = run_course.run_all(
        [Path("a"), Path("b"), Path("c")], tmp_path, {}, minutes=1, clock=lambda: next(times)
    )
    assert [result.state for result in results] == ["done", "not run", "not run"]
    assert "NOT RUN: b, c" in run_course.summary(results)
    assert "1 minutes have passed" in capsys.readouterr().out


def test_rotation_gives_each_notebook_its_turn() -> None:
    paths = [Path(name) for name in "abcd"]
    orders = [run_course.rotate(paths, f"{number:x}") for number in range(4)]
    assert {order[0] for order in orders} == set(paths)
    assert all(sorted(order) == paths for order in orders)


def test_names_pick_notebooks(course: Path) -> None:
    folder = course / "notebooks"
    found = find(folder, ["03", "notebooks/01_good.ipynb"])
    assert [path.stem for path in found] == ["01_good", "03_good"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["07"], "there is no notebook '07': the notebooks are 01_good, 02_bad, 03_good"),
        (["--seed", "-1"], "--seed must be a whole number of at least 0, not -1"),
        (["--seed", "1.5"], "--seed must be a whole number of at least 0, not 1.5"),
        (["--minutes", "0"], "--minutes must be a number greater than 0, not 0"),
        (["--minutes", "nan"], "--minutes must be a number greater than 0, not nan"),
        (["--preset", "big"], "invalid choice: 'big'"),
        (["--notebooks", "nowhere"], "there is no notebook in 'nowhere'"),
    ],
)
def test_bad_input_ends_in_a_sentence(
    course: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: Any = main(["course", "--notebooks", str(course / "notebooks"), *arguments])
    except SystemExit as exit:
        status = exit.code
    assert status == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    sleeping = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    for name in ("01", "02"):
        content = notebook(cell(PARAMETERS, "parameters"), cell(sleeping))
        notebook_files.write(tmp_path / "notebooks" / f"{name}.ipynb", content)
    command = [sys.executable, "-m", "gantutor", "course", "--notebooks", "notebooks"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    pid = tmp_path / "runs" / "course" / "01" / "pid"
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-2:] == ["NOT RUN: 01, 02", "notebooks: 0 passed, 0 failed, 2 not run"]
    with pytest.raises(ProcessLookupError):  # the kernel is gone too
        os.kill(int(pid.read_text()), 0)
