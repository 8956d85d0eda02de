"""Sweeps, on notebooks small enough to run here: several runs at once, failures, interruptions, going on."""

from __future__ import annotations

import doctest
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from small_course import PARAMETERS, cell, notebook

from gantutor.cli import main
from gantutor.course.commands import notebook_files, run_course, run_once, sweep, sweep_table
from gantutor.course.score_report import NotebookScores
from gantutor.metrics import MIME

ROOT = Path(__file__).resolve().parents[2]
HERE = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
"""The environment of commands: they are those of this checkout, wherever they are started."""

RECORD = f"""import os
from IPython.display import display
if width == 13 and seed == 1:
    raise ValueError("thirteen is unlucky")
numbers = {{"modes": width + seed, "threads": int(os.environ["OMP_NUM_THREADS"])}}
scores = {{name: {{"value": value, "floor": 8, "better": "higher"}} for name, value in numbers.items()}}
display({{"{MIME}": scores, "text/plain": "scores"}}, raw=True)"""
ARGUMENTS = ["02", "--notebooks", "notebooks", "--set", "width=3,13", "--seeds", "0", "1", "--threads", "3"]
DONE = ["preset=cpu,width=3,seed=0", "preset=cpu,width=3,seed=1", "preset=cpu,width=13,seed=0"]
FAILED = "preset=cpu,width=13,seed=1"


def course(folder: Path, code: str) -> Path:
    """A folder with a course of two notebooks."""
    (folder / "notebooks").mkdir()
    for name in ("01_other", "02_small"):
        content = notebook(cell(f"{PARAMETERS}\nwidth = 3", "parameters"), cell(code))
        notebook_files.write(folder / "notebooks" / f"{name}.ipynb", content)
    return folder


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of a sweep of four runs, one of which fails, and what it said."""
    folder = course(tmp_path_factory.mktemp("sweep"), RECORD)
    command = [sys.executable, "-m", "gantutor", "sweep", *ARGUMENTS]
    done = subprocess.run(command, cwd=folder, env=HERE, capture_output=True, text=True, check=False)
    return folder, done


def test_a_failing_run_is_named_and_the_others_run(swept: Any) -> None:
    _, done = swept
    assert done.returncode == 1, done.stderr
    assert f"FAILED {FAILED}: ValueError: thirteen is unlucky" in done.stdout
    assert done.stdout.splitlines()[-1] == "runs: 3 passed, 1 failed, 0 not run"


def test_the_table_has_a_row_for_each_setting(swept: Any) -> None:
    folder, done = swept
    content = json.loads((folder / "runs/sweep/02_small/scores.json").read_text())
    rows = {(row["setting"]["width"], row["score"]): row for row in content["table"]}
    three, thirteen = rows[3, "modes"], rows[13, "modes"]
    assert [three[key] for key in ("median", "lowest", "highest", "runs", "of")] == [3.5, 3, 4, 2, 2]
    assert [thirteen[key] for key in ("median", "runs", "of")] == [13, 1, 2]
    assert rows[3, "threads"]["median"] == 3  # --threads reaches the kernels
    states = {name: run["state"] for name, run in content["runs"].items()}
    assert states == dict.fromkeys(DONE, "done") | {FAILED: "failed"}
    table = (folder / "runs/sweep/02_small/scores.md").read_text()
    assert table.splitlines()[0] in done.stdout and "| 1 of 2 |" in table


def test_each_run_has_a_folder_and_a_log(swept: Any) -> None:
    folder = swept[0] / "runs/sweep/02_small"
    for name in (*DONE, FAILED):
        assert (folder / name / "02_small.ipynb").exists() and (folder / f"{name}.log").stat().st_size


def test_started_again_it_repeats_what_failed_alone(
    swept: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = []

    def start(path: Path, folder: Path, given: Any, threads: int) -> subprocess.Popen[bytes]:
        begun.append(folder.name)
        (folder / run_once.RECORD).unlink(missing_ok=True)
        sweep.log_of(folder).write_text("some words\nKilled\n")
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])

    monkeypatch.chdir(swept[0])
    monkeypatch.setattr(sweep, "start", start)
    assert main(["sweep", *ARGUMENTS]) == 1
    assert begun == [FAILED]
    said = capsys.readouterr().out
    assert "4 runs of 02_small, 3 finished before" in said
    assert f"FAILED {FAILED}: its process ended with 1: Killed" in said
    assert "| 3     | modes   | 3.5 " in said  # of the runs before


def test_a_changed_notebook_is_run_again(swept: Any, tmp_path: Path) -> None:
    folder = swept[0] / "runs/sweep/02_small" / DONE[0]
    given = {"preset": "cpu", "width": 3, "seed": 0}
    path = swept[0] / "notebooks/02_small.ipynb"
    found = run_once.ended(path, folder, given)
    assert found and found.state == "done" and found.scores
    assert run_once.ended(path, folder, given | {"width": 4}) is None
    changed = tmp_path / path.name
    content = notebook_files.read(path)
    content["cells"][1]["source"] += "\n"
    notebook_files.write(changed, content)
    assert run_once.ended(changed, folder, given) is None
    assert run_once.ended(path, tmp_path, given) is None


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_the_runs_and_their_kernels(tmp_path: Path) -> None:
    code = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    course(tmp_path, code)
    command = [sys.executable, "-m", "gantutor", "sweep", "02", "--notebooks", "notebooks"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    pids: list[str] = []
    deadline = time.monotonic() + 90
    while len(pids) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        found = [path.read_text() for path in tmp_path.glob("runs/sweep/02_small/*/pid")]
        pids = [pid for pid in found if pid]
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert len(pids) == 2 and process.returncode == 130
    names = ", ".join(f"preset=cpu,seed={seed}" for seed in range(3))
    assert said.splitlines()[-2:] == [f"NOT RUN: {names}", "runs: 0 passed, 0 failed, 3 not run"]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.parametrize(("jobs", "runs", "shared"), [(3, 9, (3, 2)), (16, 9, (9, 1)), (4, 2, (2, 4))])
def test_the_runs_share_the_processors(
    swept: Any, monkeypatch: pytest.MonkeyPatch, jobs: int, runs: int, shared: tuple[int, int]
) -> None:
    asked = []

    def run_all(*arguments: Any) -> list[run_course.Result]:
        asked.append(arguments[3:])
        return [run_course.Result(name) for name in arguments[2]]

    monkeypatch.chdir(swept[0])
    monkeypatch.setattr(sweep, "available_cores", lambda: 8)
    monkeypatch.setattr(sweep, "run_all", run_all)
    seeds = [str(seed) for seed in range(runs)]
    options = ["--notebooks", "notebooks", "--out", "shared", "--jobs", str(jobs), "--seeds", *seeds]
    main(["sweep", "02", *options])
    assert asked == [shared]


def test_scores_that_are_no_numbers_are_not_counted() -> None:
    scored = [NotebookScores("02", {"kl": {"value": value, "floor": 0.1}}) for value in (None, 0.5)]
    (row,) = sweep_table.rows_of([({}, scores) for scores in scored])
    assert (row["median"], row["runs"], row["of"], row["seconds"]) == (0.5, 1, 2, None)
    (row,) = sweep_table.rows_of([({"steps": 3}, None)])
    assert (row["score"], row["median"], row["runs"], row["of"]) == ("", None, 0, 1)
    assert "| 3     |       |        |        |         |           |      |        | 0 of 1 |" in (
        sweep_table.markdown([row])
    )


def test_names_of_folders_are_safe_and_tell_runs_apart() -> None:
    values = {"words": ["../a b", "a", None], "r1": [0.1, 1, 1.0]}
    names = list(sweep.plan("cpu", values, [0]))
    assert len(set(names)) == 9
    assert "preset=cpu,r1=0.1,words=..%2Fa%20b,seed=0" in names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["07"], "there is no notebook '07'"),
        (["0"], "'0' means 01_other, 02_small: name one"),
        (
            ["02", "--set", "widht=3"],
            "no parameter 'widht': did you mean 'width'? They are preset, seed, width",
        ),
        (["02", "--set", "width"], "give a name and values, as in steps=300,600, not 'width'"),
        (["02", "--set", "width=3,"], "give a name and values"),
        (["02", "--set", "seed=3"], "seed has an option of its own, --seeds"),
        (["02", "--set", "width=3", "--set", "width=4"], "--set names a parameter twice"),
        (["02", "--jobs", "0"], "--jobs must be a whole number of at least 1, not 0"),
        (["02", "--seeds", "1", "-1"], "--seeds must be a whole number of at least 0, not -1"),
        (["02", "--preset", "big"], "invalid choice: 'big'"),
    ],
)
def test_bad_input_ends_in_a_sentence(
    swept: Any, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: Any = main(["sweep", *arguments, "--notebooks", str(swept[0] / "notebooks")])
    except SystemExit as exit:
        status = exit.code
    assert status == 2
    assert said in capsys.readouterr().err


def test_the_examples_run() -> None:
    for module in (sweep, sweep_table):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
