"""The command ``gantutor``: its overview, its help, wrong words, and that help needs no torch."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gantutor import cli
from gantutor.course.commands import checks

ROOT = Path(__file__).resolve().parents[2]
NAMES = [name for group in cli.COMMANDS.values() for name in group]


def status_of(arguments: list[str]) -> Any:
    """What the command returns, or exits with."""
    try:
        return cli.main(arguments)
    except SystemExit as exit:
        return exit.code


def in_a_fresh_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_arguments_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    said = capsys.readouterr().out
    for group in cli.COMMANDS.values():
        for name, sentence in group.items():
            assert f"\n  {name:<11}{sentence}\n" in said
    assert max(map(len, said.splitlines())) <= 110


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: gantutor {name}") and f"\n  gantutor {name}" in said


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_the_help_can_be_read(name: str) -> None:
    examples = cli.EXAMPLES.get(name, f"gantutor {name}").splitlines()
    for line in examples:
        if line.startswith("gantutor "):
            assert cli._parser().parse_args(line.split()[1:]).command == name


def test_the_help_loads_no_torch() -> None:
    code = "import sys\nfrom gantutor.cli import main\nmain([])\nprint('torch' in sys.modules)"
    assert in_a_fresh_python(code).endswith("False\n")


def test_both_ways_to_call_it_are_the_same_program() -> None:
    module = [sys.executable, "-m", "gantutor", "lab", "--help"]
    done = subprocess.run(module, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("usage: gantutor lab")
    assert 'gantutor = "gantutor.cli:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["labb"], "there is no command 'labb': did you mean 'lab'? The commands are lab, report, "),
        (["sing"], "there is no command 'sing': the commands are lab, report, "),
        (["test", "all"], "PART must be lint, unit, smoke, repeat, browser, platforms, site or check, not"),
        (["course", "--jobs", "0"], "--jobs must be a whole number of at least 1, not 0"),
        (["course", "--minutes", "soon"], "--minutes must be a number greater than 0, not soon"),
        (["sweep", "02", "--seeds", "1", "x"], "--seeds must be a whole number of at least 0, not x"),
        (["sweep"], "the following arguments are required: NOTEBOOK"),
        (["lab", "--port", "x"], "--port: invalid int value: 'x'"),
    ],
)
def test_a_wrong_word_ends_in_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(arguments) == 2
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1 and errors.endswith("--help says what is allowed\n")


def test_ctrl_c_ends_in_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gantutor.course.environment.environment_report", interrupt)
    assert cli.main(["report"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_output_in_another_encoding_becomes_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where the output of a command goes to a file."""
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="cp1252"))
    cli.main([])
    print("✓ solved")
    sys.stdout.flush()
    assert content.getvalue().decode("utf-8").endswith("✓ solved\n")


def test_a_person_at_a_terminal_sees_that_something_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli._say_on_a_terminal("One moment")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cli._say_on_a_terminal("One moment")
    assert capsys.readouterr().err == "One moment\n"


def test_the_parts_of_the_test_are_those_that_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    status_of(["test", "--help"])
    assert f"{', '.join(checks.PARTS)};" in " ".join(capsys.readouterr().out.split())
