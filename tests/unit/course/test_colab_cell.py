"""The cell that prepares a hosted notebook: it adds packages and replaces none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gantutor.course.commands import notebook_files

CELL = (Path(__file__).parents[3] / "docs" / "colab_cell.py").read_text(encoding="utf-8")
EXTRAS = "images,audio,faces,sequences"
Commands = list[list[str]]


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Commands]:
    """Runs the cell where some modules are missing, with a pip that only notes what it is told."""

    def run(*missing: str) -> Commands:
        commands: Commands = []
        real = importlib.util.find_spec

        def find_spec(name: str) -> Any:
            return None if name in missing else real(name)

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
    assert len(lines) <= 20 and max(map(len, lines)) <= 100


def test_every_notebook_begins_with_it_out_of_sight() -> None:
    notebooks = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        first = next(cell for cell in notebook_files.read(path)["cells"] if cell["cell_type"] == "code")
        assert notebook_files.text_of(first["source"]) == CELL.rstrip("\n"), path.name
        assert first["metadata"]["tags"] == ["hide-input"], path.name
        assert first["metadata"]["jupyter"] == {"source_hidden": True}, path.name


def test_the_extras_that_it_installs_are_all_but_those_of_the_laboratory() -> None:
    extras = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    (course,) = extras["project"]["optional-dependencies"]["course"]
    assert course == f"gantutor[{EXTRAS},lab]"


def test_where_nothing_is_missing_it_does_nothing(run_cell: Callable[..., Commands]) -> None:
    assert run_cell() == []


def test_only_what_is_missing_is_installed_and_what_is_there_stays(
    run_cell: Callable[..., Commands], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = run_cell("gantutor", "anywidget")
    *pip, constraints, name, other, text = command
    assert pip == [sys.executable, "-m", "pip", "install", "-q", "-c"]
    assert constraints.endswith(".txt") and (name, other) == (f"gantutor[{EXTRAS}]", "anywidget")
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
    assert command[-2] == f"..[{EXTRAS}]"


def test_colab_is_told_to_show_widgets(
    run_cell: Callable[..., Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    output = SimpleNamespace(enable_custom_widget_manager=lambda: told.append(True))
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    run_cell()
    assert told == [True]


def test_pip_with_these_constraints_replaces_nothing(tmp_path: Path) -> None:
    """A real pip refuses another version of what is there, without a network."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"numpy=={version('numpy')}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "-q", "-c", str(constraints)]
    assert subprocess.run([*pip, "numpy"], capture_output=True).returncode == 0
    assert subprocess.run([*pip, "numpy<1"], capture_output=True).returncode != 0
