"""The cell that prepares a hosted notebook: it adds packages and replaces none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

CELL = (Path(__file__).parents[3] / "docs" / "colab_cell.py").read_text(encoding="utf-8")
Commands = list[list[str]]


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Commands]:
    """Runs the cell where some modules are missing, with a pip that only notes what it is told."""

    def run(*missing: str) -> Commands:
        commands: Commands = []
        real = importlib.util.find_spec

        def find_spec(name: str) -> Any:
            return None if name in missing else real("sys") if name == "ipyevents" else real(name)

        def pip(command: list[str], check: bool) -> None:
            assert check
            commands.append([*command, Path(command[command.index("-c") + 1]).read_text(encoding="utf-8")])

        monkeypatch.setattr(importlib.util, "find_spec", find_spec)
        monkeypatch.setattr(subprocess, "run", pip)
        exec(compile(CELL, "cell", "exec"), {"__name__": "__main__"})
        return commands

    return run


def test_it_fits_into_a_short_cell() -> None:
    lines = CELL.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 100


def test_where_nothing_is_missing_it_does_nothing(run_cell: Callable[..., Commands]) -> None:
    assert run_cell() == []


def test_only_what_is_missing_is_installed_and_what_is_there_stays(
    run_cell: Callable[..., Commands], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = run_cell("gantutor", "ipyevents")
    *pip, constraints, name, other, text = command
    assert pip == [sys.executable, "-m", "pip", "install", "-q", "-c"]
    assert constraints.endswith(".txt") and (name, other) == ("gantutor", "ipyevents")
    kept = text.splitlines()
    assert f"torch=={version('torch')}" in kept and f"numpy=={version('numpy')}" in kept
    assert len({line.split("==")[0].lower() for line in kept}) == len(kept)


def test_in_a_copy_of_the_project_the_package_comes_from_it(
    run_cell: Callable[..., Commands], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    (command,) = run_cell("gantutor")
    assert command[-2] == ".."


def test_colab_is_told_to_show_widgets(
    run_cell: Callable[..., Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    output = SimpleNamespace(enable_custom_widget_manager=lambda: told.append(True))
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    run_cell()
    assert told == [True]


def test_pip_with_these_constraints_replaces_nothing(tmp_path: Path) -> None:
    """A real pip refuses another version of what is there, without a network."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"numpy=={version('numpy')}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "-q", "-c", str(constraints)]
    assert subprocess.run([*pip, "numpy"], capture_output=True).returncode == 0
    assert subprocess.run([*pip, "numpy<1"], capture_output=True).returncode != 0
