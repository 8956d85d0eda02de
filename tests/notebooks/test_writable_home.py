"""Where the home folder has no room, Jupyter and others are sent elsewhere, and people are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from disks import disk_of, fill

from gantutor.course.commands.writable_home import FOLDERS, settings_elsewhere, why_no_room

ROOT = Path(__file__).resolve().parents[2]


def test_a_home_with_room_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert why_no_room(lambda: tmp_path) == "" and not list(tmp_path.iterdir())
    assert settings_elsewhere("") == {} and capsys.readouterr().err == ""


def test_a_home_that_is_missing_is_told(tmp_path: Path) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    assert why_no_room(lambda: tmp_path / "gone") == "No such file or directory"
    assert why_no_room(homeless) == "Could not determine home directory."


def test_nearly_full_is_full(tmp_path: Path) -> None:
    with disk_of(tmp_path / "disk", "300k") as disk:
        (disk / "ballast").write_bytes(bytes(100_000))
        assert why_no_room(lambda: disk) == "No space left on device"


def test_what_somebody_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOLDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    changed = settings_elsewhere("No space left on device")
    assert sorted(changed) == sorted(set(FOLDERS) - {"MPLCONFIGDIR"})
    assert all(Path(folder).parent.is_dir() for folder in changed.values())


def test_what_starts_next_goes_there_too(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys\n"
        "from gantutor.course.commands.writable_home import settings_elsewhere, why_no_room\n"
        "os.environ.update(settings_elsewhere(why_no_room()))\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"IPYTHONDIR\"])'])"
    )
    with disk_of(tmp_path / "disk", "200k") as disk:
        fill(disk / "ballast")
        home = os.environ | {"HOME": str(disk), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=home, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("ipythondir") and done.stderr.count("\n") == 1
