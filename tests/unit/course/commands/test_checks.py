"""``gantutor test``: each part runs with this Python, and one that fails stops no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gantutor.cli import main
from gantutor.course.commands import checks
from gantutor.course.commands.lock_folder import lock_folder

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[list[str], dict[str, Any]]]]:
    """The commands that would have run, of which those of mypy fail."""
    commands: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        commands.append((command, options))
        return SimpleNamespace(returncode=int("mypy" in command))

    monkeypatch.setattr(subprocess, "run", run)
    yield commands


def test_all_parts_run_with_this_python_in_the_checkout(ran: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test"]) == 1
    assert capsys.readouterr().out.endswith("FAILED: lint\n")
    assert {command[0] for command, _ in ran} == {sys.executable}
    assert {options["cwd"] for _, options in ran} == {ROOT}
    said = [" ".join(command[1:]) for command, _ in ran]
    for begin in (
        "-m ruff format",
        "-m ruff check",
        "-m mypy",
        "-m pytest",
        "-m gantutor course --preset smoke",
        "scripts/course/adopt_outputs.py --check",
    ):
        assert any(line.startswith(begin) for line in said), begin
    assert said.index("-m mypy") < len(said) - 1  # what comes after the failure runs too


def test_notebooks_run_on_one_thread(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert main(["test", "smoke", "unit"]) == 0
    assert [options["env"]["OMP_NUM_THREADS"] for _, options in ran] == ["1", "7"]


def test_every_smoke_copy_is_repeated(ran: Any) -> None:
    assert main(["test", "repeat"]) == 0
    ((command, _),) = ran
    copies = [Path(word).stem for word in command if word.endswith(".ipynb")]
    assert copies == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_two_do_not_repeat_at_once(ran: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr(checks, "checkout", lambda: tmp_path)
    with lock_folder(tmp_path / "runs" / "smoke"):
        assert main(["test", "repeat"]) == 2
    assert not ran


def test_the_scripts_of_the_parts_are_there() -> None:
    for part in checks.PARTS:
        for command in checks.commands_of(part, ROOT):
            assert command[0] == "-m" or (ROOT / command[0]).is_file()


def test_an_installed_package_has_no_tests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "checkout", lambda: None)
    assert main(["test"]) == 2
    assert capsys.readouterr().err.startswith("gantutor test needs a checkout of the project")
