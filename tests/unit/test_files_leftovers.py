"""What a killed write leaves is put right at the next, and what is being written is left alone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from file_cases import contents, write

from gantutor._files import WriteFailed, leftovers_of, new_folder, remove_leftovers

fcntl = pytest.importorskip("fcntl")


# --- what a killed write leaves -----------------------------------------------------------------------------


def leave(folder: Path, name: str, **files: str) -> Path:
    (folder / name).mkdir()
    for file, text in files.items():
        (folder / name / file).write_text(text)
    return folder / name


def test_leftovers_of_a_killed_write_go_at_the_next(tmp_path: Path) -> None:
    write(tmp_path / "run", a="old")
    leave(tmp_path, ".run-abcdefgh.new", a="half", SHA256SUMS="")
    leave(tmp_path, ".run-12345678.new")
    leave(tmp_path, ".run-1234_678.old", a="older")
    write(tmp_path / "run", a="new")
    assert [p.name for p in tmp_path.iterdir()] == ["run"] and contents(tmp_path) == {"run/a": "new"}


def test_what_only_looks_like_a_leftover_stays(tmp_path: Path) -> None:
    names = [".run-original", ".run-old", ".run-2-abcdefgh.new", ".rune-abcdefgh.new", "run-abcdefgh.new"]
    for name in names:
        leave(tmp_path, name, a="years of work")
    write(tmp_path / "run", a="new")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "run"])


def test_killed_between_the_two_renames_the_old_comes_back(tmp_path: Path) -> None:
    leave(tmp_path, ".run-abcdefgh.old", a="old")
    leave(tmp_path, ".run-abcdefgh.new", a="new", SHA256SUMS="")
    remove_leftovers(tmp_path, leftovers_of("run"))
    assert [p.name for p in tmp_path.iterdir()] == ["run"] and contents(tmp_path) == {"run/a": "old"}


def test_what_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("first")
        there = threading.Thread(target=write, args=(tmp_path / "run",), kwargs={"a": "second"})
        there.start()
        there.join()
        assert contents(tmp_path / "run") == {"a": "second"}
        (folder / "b").write_text("first")
    assert contents(tmp_path) == {"run/a": "first", "run/b": "first"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_another_process_is_writing_is_no_leftover(tmp_path: Path) -> None:
    """A process of its own without torch holds the lock that a writer holds."""
    theirs = leave(tmp_path, ".run-abcdefgh.new", a="theirs", SHA256SUMS="")
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.flock(file, fcntl.LOCK_EX); "
        "print(1, flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, theirs / "SHA256SUMS"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None and other.stdout.readline() == b"1\n"
    write(tmp_path / "run", a="ours")
    assert theirs.is_dir()
    other.kill()
    other.communicate()
    write(tmp_path / "run", a="ours")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_many_threads_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    failures: list[Exception] = []

    def go(number: int) -> None:
        try:
            for _ in range(10):
                write(tmp_path / f"run-{number}", **{f"file{number}": str(number)})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert contents(tmp_path) == {f"run-{n}/file{n}": str(n) for n in range(4)}


@pytest.mark.parametrize("stage", ["old", "new"])
def test_an_interrupt_between_the_renames_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    write(tmp_path / "run", a="old")
    rename = Path.rename

    def interrupt(self: Path, target: Path) -> Path:
        if stage == "new" and self.suffix == ".new":
            raise KeyboardInterrupt
        moved = rename(self, target)
        if stage == "old" and target.suffix == ".old":
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "run", a="new")
    assert contents(tmp_path) == {"run/a": "old"} and [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_all_is_on_disk_before_the_rename_and_the_rename_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.rename

    def recorded_sync(handle: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        sync(handle)

    def recorded_rename(self: Path, target: Path) -> Path:
        done.append(f"rename to {target.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(Path, "rename", recorded_rename)
    write(tmp_path / "here" / "run", a="1", b="2")
    at = done.index("rename to run")
    assert sorted(done[: at - 1]) == ["sync SHA256SUMS", "sync a", "sync b"]
    assert done[at - 1].startswith("sync .run-") and done[at + 1 :] == ["sync here"]


def test_a_refusal_of_the_disk_carries_its_reason(tmp_path: Path) -> None:
    with pytest.raises(WriteFailed) as error, new_folder(tmp_path / "run"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert error.value.reason == "No space left on device"
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteFailed) as error, new_folder(tmp_path / "file" / "run"):
        pass
    assert error.value.reason == f"{tmp_path / 'file'} is a file"
