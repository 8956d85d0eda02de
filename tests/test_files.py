"""Files are whole or not there."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from gantutor import InputError
from gantutor.files import (
    WriteFailed,
    check_sums,
    leftovers_of,
    new_folder,
    read_json,
    read_tensors,
    tidy,
    write_json,
    write_tensors,
)

fcntl = pytest.importorskip("fcntl")


def contents(folder: Path) -> dict[str, str]:
    """The text of all files; those of checksums are checked, and left out."""
    found = {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}
    for name in [name for name in found if Path(name).name == "SHA256SUMS"]:
        beside = [p for p in sorted((folder / name).parent.iterdir()) if p.name != "SHA256SUMS"]
        assert found.pop(name) == "".join(
            f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in beside
        )
    return found


def write(path: Path, **files: str) -> None:
    with new_folder(path) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)


def test_a_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    with new_folder(tmp_path / "deep" / "run") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "deep" / "run").exists()
    assert contents(tmp_path) == {"deep/run/a": "1"}


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with new_folder(tmp_path / "run") as folder:
            (folder / name).write_text(name)
    assert contents(tmp_path) == {"run/new": "new"} and [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old(tmp_path: Path, failure: BaseException) -> None:
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("old")
    with pytest.raises(type(failure)), new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("half")
        raise failure
    assert contents(tmp_path) == {"run/a": "old"} and [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_is_told_in_a_sentence_and_leaves_the_old(tmp_path: Path) -> None:
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("old")
    said = r"cannot write to .*run: No space left.*untouched"
    with pytest.raises(InputError, match=said), new_folder(tmp_path / "run"):
        raise OSError(28, "No space left on device")
    assert contents(tmp_path) == {"run/a": "old"}


def test_the_old_comes_back_when_the_new_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("old")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if (self / "b").exists():
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match="untouched"), new_folder(tmp_path / "run") as folder:
        (folder / "b").write_text("new")
    assert contents(tmp_path) == {"run/a": "old"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"), new_folder(tmp_path / "file" / "run"):
        raise AssertionError("the block must not be entered")


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    images = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    shared = torch.randn(5)
    tensors = {
        "images": images,
        "one": torch.tensor(3.5),
        "whole": torch.arange(4),
        "bytes": torch.tensor([1, 255], dtype=torch.uint8),
        "nothing": torch.empty(0, 2),
        "shared": shared,
        "part": shared[1:3],
    }
    write_tensors(tmp_path / "t.safetensors", tensors)
    back = read_tensors(tmp_path / "t.safetensors")
    assert back.keys() == tensors.keys()
    assert all(
        torch.equal(back[name], tensors[name]) and back[name].dtype == tensors[name].dtype for name in tensors
    )


def test_json_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1, 2.5, None, "ü"], "far": math.inf})
    assert read_json(tmp_path / "a.json") == {"x": [1, 2.5, None, "ü"], "far": math.inf}


@pytest.mark.parametrize("read", [read_json, read_tensors])
def test_missing_and_damaged_files_are_told_in_a_sentence(tmp_path: Path, read: object) -> None:
    with pytest.raises(InputError, match=r"there is no gone in") as error:
        read(tmp_path / "gone")  # type: ignore[operator]
    assert "\n" not in str(error.value)
    (tmp_path / "bad").write_bytes(b"\x80\x04{")
    with pytest.raises(InputError, match=r"bad is damaged") as error:
        read(tmp_path / "bad")  # type: ignore[operator]
    assert "\n" not in str(error.value)


# --- checksums ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    write(tmp_path / "run", a="1", b="two")
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path / "run", stdout=subprocess.PIPE, check=True).stdout == (
        b"a: OK\nb: OK\n"
    )


def test_every_flipped_bit_is_seen(tmp_path: Path) -> None:
    write(tmp_path / "run", a="some words", b="others")
    check_sums(tmp_path / "run", "a", "b")
    for name in ("a", "b", "SHA256SUMS"):
        file = tmp_path / "run" / name
        good = file.read_bytes()
        for place in range(8 * len(good)):
            bad = bytearray(good)
            bad[place // 8] ^= 1 << place % 8
            file.write_bytes(bad)
            with pytest.raises(InputError, match=r"run(/a|/b)? is damaged: ") as error:
                check_sums(tmp_path / "run", "a", "b")
            assert "\n" not in str(error.value)
        file.write_bytes(good)
    check_sums(tmp_path / "run", "a", "b")


@pytest.mark.parametrize("name", ["a", "SHA256SUMS"])
def test_missing_and_cut_files_are_seen(tmp_path: Path, name: str) -> None:
    write(tmp_path / "run", a="some words")
    file = tmp_path / "run" / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"run/a is damaged: its checksum is not the one in SHA256SUMS"):
        check_sums(tmp_path / "run", "a")
    file.unlink()
    with pytest.raises(InputError, match=f"there is no {name} in .*run$"):
        check_sums(tmp_path / "run", "a")


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
    tidy(tmp_path, leftovers_of("run"))
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


# --- tensors and JSON ---------------------------------------------------------------------------------------


def test_what_safetensors_says_of_a_full_disk_is_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", refuse)
    with pytest.raises(OSError) as error:
        write_tensors(tmp_path / "t", {"a": torch.zeros(2)})
    assert (error.value.errno, error.value.strerror) == (errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (torch.zeros(2, dtype=torch.complex128), r"of the kind torch.complex128 cannot be saved"),
        (torch.eye(2).to_sparse(), r"^odd is a sparse tensor, and only dense ones can be saved$"),
    ],
    ids=["complex", "sparse"],
)
def test_tensors_that_no_file_can_hold_are_refused(tmp_path: Path, tensor: torch.Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said):
        write_tensors(tmp_path / "t", {"odd": tensor})


@pytest.mark.parametrize("content", [{1, 2}, {"a": object()}, {(1, 2): 3}])
def test_content_that_json_cannot_hold_is_refused_and_nothing_is_written(
    tmp_path: Path, content: Any
) -> None:
    with pytest.raises(InputError, match=r"^a.json cannot be written: "):
        write_json(tmp_path / "a.json", content)
    assert not list(tmp_path.iterdir())


def test_text_nested_without_end_is_damage(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"deep.json is damaged or no JSON file"):
        read_json(tmp_path / "deep.json")


class Trap:
    """Leaves a file behind when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_in_place_of_tensors_is_damage_and_is_not_unpickled(tmp_path: Path) -> None:
    torch.save({"weights": Trap(tmp_path / "sprung")}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"w.safetensors is damaged or no safetensors file") as error:
        read_tensors(tmp_path / "w.safetensors")
    assert "\n" not in str(error.value) and not (tmp_path / "sprung").exists()


# --- nested states ------------------------------------------------------------------------------------------
