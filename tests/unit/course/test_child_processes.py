"""Children that end without signals, on every platform; the branches of Windows are tried on stand-ins."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gantutor.course import child_processes
from gantutor.course.child_processes import end_children, own_group, start_child
from gantutor.course.commands import lock_folder, train

CHILD = """
import pathlib, sys, time
from gantutor.course.child_processes import end_with_parent
end_with_parent()
pathlib.Path("begun").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path("tidied").write_text(sys.stdout.encoding)
    sys.exit(130)
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a module ``child``, in which processes begin."""
    (tmp_path / "child.py").write_text(CHILD)
    root = str(Path(__file__).resolve().parents[3])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), root]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begun(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        process = start_child("child", [], log, {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while not (folder / "begun").exists():
        assert time.monotonic() < deadline and process.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    return process


def test_a_child_that_is_told_to_end_tidies_up(child: Path) -> None:
    process = begun(child)
    end_children([process], 30)
    assert process.returncode == 130 and (child / "tidied").read_text() == "utf-8"


def test_a_child_ends_when_its_parent_is_killed(child: Path) -> None:
    parent = (
        "import time\nfrom pathlib import Path\n"
        "from gantutor.course.child_processes import start_child\n"
        "start_child('child', [], open('log', 'wb'), {})\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent])
    deadline = time.monotonic() + 60
    while not (child / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    while not (child / "tidied").exists():
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.05)


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time\nwhile True: time.sleep(9)"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    end_children([process], 0.2)
    assert process.returncode != 0


def test_ctrl_c_does_not_reach_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert own_group() == {"start_new_session": True}
    monkeypatch.setattr(sys, "platform", "darwin")
    assert own_group() == {"start_new_session": True}
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    assert own_group() == {"creationflags": 512}


def test_where_threads_have_no_signals_the_interpreter_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on Windows."""
    called: list[Any] = []
    monkeypatch.delattr(signal, "pthread_kill")
    monkeypatch.setattr(_thread, "interrupt_main", lambda: called.append(True))
    monkeypatch.setattr(os, "read", lambda file, count: b"")
    thread = threading.Thread(target=child_processes._wait_for_the_end)
    thread.start()
    thread.join(10)
    assert called == [True]


def test_each_platform_has_its_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    process: Any = SimpleNamespace(send_signal=sent.append)
    for platform in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
        child_processes.interrupt(process)
    assert sent == [signal.SIGINT, signal.SIGINT, 1]


@pytest.mark.parametrize(("number", "stops"), [("0", True), ("1", False)])
def test_the_second_interruption_of_windows_is_heard_by_the_first_process_alone(
    number: str, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a signal of Linux in the place of SIGBREAK."""
    monkeypatch.setattr(train, "INTERRUPTIONS", [signal.SIGINT, signal.SIGUSR1])
    monkeypatch.setenv("RANK", number)
    before, heard = signal.getsignal(signal.SIGUSR1), False
    with train._handle_signals(None):
        try:
            signal.raise_signal(signal.SIGUSR1)
        except KeyboardInterrupt:
            heard = True
    assert heard == stops and signal.getsignal(signal.SIGUSR1) == before


# --- folders that one run at a time holds -------------------------------------------------------------------


class Locks:
    """A stand-in for ``msvcrt``, which locks bytes of files."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.held: set[int] = set()

    def locking(self, file: int, mode: int, count: int) -> None:
        assert (mode, count) == (self.LK_NBLCK, 1)
        number = os.fstat(file).st_ino
        if number in self.held:
            raise PermissionError(13, "Permission denied")
        self.held.add(number)


def test_on_windows_a_folder_is_held_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_folder, "fcntl", None)
    monkeypatch.setattr(lock_folder, "msvcrt", Locks())
    with (
        lock_folder.lock_folder(tmp_path),
        pytest.raises(lock_folder.FolderInUse, match="another run is at work"),
        lock_folder.lock_folder(tmp_path),
    ):
        raise AssertionError("two hold one folder")


def test_where_nothing_can_be_locked_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_folder, "fcntl", None)
    monkeypatch.setattr(lock_folder, "msvcrt", None)
    with lock_folder.lock_folder(tmp_path), lock_folder.lock_folder(tmp_path):
        pass
