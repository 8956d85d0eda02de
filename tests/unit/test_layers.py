"""The layout of the package: a dozen entries at the top, in three layers without cycles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = sorted(
    path.stem
    for path in (ROOT / "gantutor").iterdir()
    if not path.stem.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file())
)


def run_import_linter(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    return subprocess.run(
        [*command, "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_no_module_imports_from_a_layer_above_and_there_are_no_cycles() -> None:
    linter = run_import_linter(ROOT)
    assert linter.returncode == 0, linter.stdout + linter.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("networks/mlp.py", "from gantutor.training import run"),
        ("training/device.py", "from gantutor.live import display"),
        ("games/turn.py", "from gantutor.games import gan"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, module: str, line: str) -> None:
    for path in (ROOT / "gantutor").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    with (tmp_path / "gantutor" / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert run_import_linter(tmp_path).returncode == 1


def test_there_are_at_most_13_entries() -> None:
    assert len(ENTRIES) <= 13, ENTRIES


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_contributing_page_says_what_is_in_an_entry(entry: str) -> None:
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    assert f"`{entry}.py`" in page or f"`{entry}/`" in page
