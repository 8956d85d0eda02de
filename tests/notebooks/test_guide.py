"""The guide to one's own data and networks: its examples run in order, and pass a strict type checker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

import run_examples  # noqa: E402

GUIDE = ROOT / "docs/guide.md"
TEXT = GUIDE.read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)


def finished(command: list[str], folder: Path) -> str:
    """What a command prints that must end well, on one thread."""
    one = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=one, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_examples_run_in_order(tmp_path: Path) -> None:
    said = finished([sys.executable, str(ROOT / "scripts/course/run_examples.py"), str(GUIDE)], tmp_path)
    assert "generator(z, condition) with z of shape (64, 64) failed" in said
    assert "Resumed at step 30" in said and "<Run: 20 steps, 1,280 images" in said
    found = re.search(r"^distance: (-?[\d.]+) .*real data (-?[\d.]+);", said, re.MULTILINE)
    # One picture for all has 0.13, white ones 1.3, noise 3.7.
    assert found and float(found[2]) < float(found[1]) < 0.1, said
    table = re.search(r"^(-?[\d.]+) floor (-?[\d.e-]+)$", said, re.MULTILINE)
    assert table and float(table[1]) < 0.1, said
    assert (tmp_path / "runs/two.zip").is_file() and (tmp_path / "squares.png").is_file()


def test_the_examples_pass_a_strict_type_checker(tmp_path: Path) -> None:
    script = ""
    for code in run_examples.examples(TEXT):
        name = run_examples.file_of(code)
        if name:
            (tmp_path / name).write_text(code.lstrip("\n"), encoding="utf-8")
        else:
            script += code[script.count("\n") :]
    (tmp_path / "guide.py").write_text(script, encoding="utf-8")
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    finished([sys.executable, "-m", "mypy", *settings, "guide.py", "mine.py"], tmp_path)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", PROSE))))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (GUIDE.parent / link).is_file()


def test_an_error_names_the_line_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text(
        "one\n\n```python\n# at_hand.py\nx = 1\n```\n```python\nimport at_hand\n1 / 0\n```\n"
    )
    command = [sys.executable, str(ROOT / "scripts/course/run_examples.py"), "text.md"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and 'File "text.md", line 9' in done.stderr
    assert (tmp_path / "at_hand.py").read_text() == "# at_hand.py\nx = 1\n"
