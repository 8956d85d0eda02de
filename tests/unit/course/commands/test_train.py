"""``gantutor train`` as an installed program finds recipes in the present folder, as ``python -m`` does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_a_recipe_in_the_present_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from gantutor.course.recipes import ring as recipe\n", encoding="utf-8"
    )
    code = "from gantutor.cli import main; main(['train', 'mine:recipe', '--steps', '1'])"
    command = [sys.executable, "-P", "-c", code]  # with -P the folder is not on Python's path by itself
    alone = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=120)
    assert "<Run: 1 steps" in done.stdout, done.stderr
