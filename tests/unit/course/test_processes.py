"""``gt.launch`` and ``python -m gantutor train``: what they refuse, do, and say at an untimely end."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import gantutor as gt
from gantutor import cli as command_line
from gantutor._errors import InputError, ProcessLost
from gantutor.course import processes
from gantutor.course.commands import train
from gantutor.course.processes import STOP_MESSAGE
from gantutor.training.distributed import LOST_PROCESS_MESSAGE

HERE = Path(__file__).resolve().parents[2] / "helpers"


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_run", lambda *_: pytest.fail("started"))


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recipe": "digit"}, "there is no recipe called 'digit': did you mean 'digits'?"),
        ({"processes": 0}, "processes must be a whole number from 1 to 64, not 0"),
        ({"processes": 65}, "processes must be a whole number from 1 to 64, not 65"),
        ({"processes": True}, "processes must be a whole number from 1 to 64, not True"),
        ({"steps": None}, "a training needs a budget: pass either steps or seconds"),
        ({"seconds": 3.0}, "a training needs a budget: pass either steps or seconds"),
        ({"precision": "half"}, "precision must be 'float32' or 'bfloat16', not 'half'"),
        ({"accumulate": 0}, "accumulate must be a whole number of at least 1, not 0"),
        ({"steps": 0}, "steps must be a whole number of at least 1, not 0"),
        ({"steps": None, "seconds": -1}, "seconds must be a number greater than 0, not -1"),
        ({"batch_size": 0}, "batch_size must be None or a whole number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"threads": 0}, "threads must be None or a whole number from 1"),
        ({"checkpoint_every": -1}, "checkpoint_every must be a number of at least 0, not -1"),
        ({"device": "abacus"}, "device must be 'auto' or one of"),
        ({"checkpoint": 3}, "checkpoint must be the path of a folder, not 3"),
        ({"checkpoint": __file__}, "checkpoint must be a folder, and"),
        ({"out": 3}, "out must be the path of a file, not 3"),
        ({"out": ""}, "out must be the path of a file, not ''"),
        ({"out": HERE}, "exists and is not a saved run: choose another name"),
        ({"out": __file__}, "exists and is not a saved run: choose another name"),
        ({"out": "~nobody-of-this-name/run"}, "the home folder in"),
        ({"out": Path(__file__) / "run"}, "cannot write to"),
    ],
)
def test_what_cannot_be_used_ends_in_a_sentence_before_anything_starts(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        gt.launch(**{"recipe": "ring", "steps": 3, "out": tmp_path / "run"} | given)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_two_processes_train_and_the_run_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = gt.launch("ring", 2, steps=3, batch_size=8, seed=1, out=tmp_path / "a" / "run.zip", threads=2)
    assert path == tmp_path / "a" / "run.zip" and path.is_file()
    run = gt.Run.load(path, gt.course.recipes.ring().gan)
    assert (run.step, run.ended, run.settings["batch_size"], run.settings["seed"]) == (3, "complete", 8, 1)
    assert run.settings["threads"] == 2  # where "auto" would take one
    said = capsys.readouterr().out
    assert "training: 100%" in said and f"saved to {path}" in said and said.count("<Run: 3 steps") == 1


def test_a_process_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(ProcessLost) as caught:
        gt.launch("distributed_cases:fails", 1, steps=3, out=tmp_path / "run")
    message = str(caught.value)
    assert message.endswith("\nValueError: the cat sat on the keyboard")
    assert "distributed_cases.py" in message and "gantutor/" not in message.replace("gantutor.", "")


class Impatient(io.StringIO):
    """Presses ■ when the line of progress counts its first steps."""

    pressed = False

    def write(self, text: str) -> int:
        if "left, step" in text and not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_training_is_saved_and_its_processes_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Impatient())
    path = gt.launch("ring", 1, steps=10**9, out=tmp_path / "run")
    monkeypatch.undo()
    assert 0 < gt.Run.load(path, gt.course.recipes.ring().gan).step < 10**9
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_interruption_before_anything_was_saved_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_run", lambda *_: (True, 1))
    with pytest.raises(KeyboardInterrupt, match="before anything was saved"):
        gt.launch("ring", steps=3, out=tmp_path / "run")


def failure(rank: int, exitcode: int, message: str, time: int, own: bool = False) -> dict[str, Any]:
    return {"rank": rank, "exitcode": exitcode, "message": message, "time": time, "own": own}


LOST = f"ProcessLost: {LOST_PROCESS_MESSAGE}"


@pytest.mark.parametrize(
    ("failures", "cause"),
    [
        (
            [failure(0, 1, LOST, 1), failure(1, -signal.SIGKILL, "Signal 9", 2)],
            "process 1 was ended by SIGKILL; started again, a checkpoint folder lets it go on",
        ),
        ([failure(0, 1, "ValueError: no", 2), failure(1, -signal.SIGTERM, "Signal 15", 1)], "ValueError: no"),
        ([failure(0, 1, LOST, 1), failure(1, 1, "out of cheese", 2)], "out of cheese"),
        ([failure(1, 1, "the second", 2), failure(0, 1, "the first", 1)], "the first"),
        ([failure(0, 1, LOST, 1), failure(1, -signal.SIGTERM, "Signal 15", 2)], LOST),
        ([failure(0, -signal.SIGTERM, "no", 2, own=True), failure(1, 1, LOST, 1, own=True)], "no"),
        ([failure(0, -signal.SIGTERM, "Signal 15", 2)], "they were ended from outside"),
    ],
)
def test_the_cause_is_found_among_all_failures(
    failures: list[dict[str, Any]], cause: str, tmp_path: Path
) -> None:
    (tmp_path / "failures.json").write_text(json.dumps(failures))
    assert processes._cause(tmp_path) == cause


@pytest.mark.parametrize(
    ("log", "cause"), [("", "they said nothing"), ("x\nImportError: torch\n\n", "ImportError: torch")]
)
def test_where_no_process_has_begun_the_last_line_is_the_cause(log: str, cause: str, tmp_path: Path) -> None:
    (tmp_path / "supervisor.log").write_text(log)
    assert processes._cause(tmp_path) == cause


# --- the command line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("digit --steps 3", "there is no recipe called 'digit'"),
        ("ring", "a training needs a budget: pass either steps or seconds"),
        ("ring --steps 0", "steps must be a whole number of at least 1, not 0"),
        ("ring --steps 3 --batch-size 0", "batch_size must be a whole number of at least 1, not 0"),
        ("ring --steps 3 --seed -1", "seed must be a whole number of at least 0"),
        ("ring --steps 3 --device abacus", "device must be 'auto' or one of"),
        ("ring --steps 3 --out {}", "exists and is not a saved run"),
        ("ring --steps 3 --checkpoint {}/file", "checkpoint must be a folder"),
        (
            "distributed_cases:gives_a_number --steps 3",
            "must return a gantutor.course.recipes.Recipe, not int",
        ),
    ],
)
def test_the_command_refuses_in_a_sentence(
    arguments: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert command_line.main(["train", *arguments.format(tmp_path).split()]) == 2
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize("arguments", ["train", "train ring --steps x", "train ring --stops 3", "sing"])
def test_a_command_that_cannot_be_read_ends_in_a_sentence(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments.split())
    errors = capsys.readouterr().err
    assert caught.value.code == 2 and errors.count("\n") == 1 and "--help says what is allowed" in errors


def test_the_command_trains_saves_and_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = f"--steps 2 --batch-size 8 --seed 4 --out {tmp_path / 'run'} --checkpoint {tmp_path / 'kept'}"
    options += " --threads 2"
    assert command_line.main(["train", "fully_connected", *options.split()]) == 0
    said = capsys.readouterr().out
    assert "<Run: 2 steps, 16 images" in said and "saved to" in said and "digit_fid: " in said
    settings = gt.Run.load(tmp_path / "run", gt.course.recipes.fully_connected().gan).settings
    assert (settings["seed"], settings["threads"]) == (4, 2)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["step-000000002.zip"]


@pytest.mark.parametrize(
    ("checkpoint", "how"),
    [
        ("kept", "the same command goes on from the last checkpoint in kept"),
        (None, "with --checkpoint FOLDER the same command would go on from where it was"),
    ],
)
def test_an_order_to_end_is_explained(
    checkpoint: str | None, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught, train._handle_signals(checkpoint):
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.code == 143
    assert capsys.readouterr().err == f"{STOP_MESSAGE}: {how}\n"


@pytest.mark.parametrize(("number", "stops"), [("0", True), ("1", False)])
def test_of_several_processes_only_the_first_hears_an_interruption(
    number: str, stops: bool, monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    monkeypatch.setenv("RANK", number)
    heard = False
    with train._handle_signals(None):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            heard = True
    assert heard == stops
