"""Files are whole or not there, and nothing false is read from them."""

from __future__ import annotations

import errno
import json
import math
import os
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from gantutor import InputError, _files
from gantutor._files import (
    STALE_AFTER,
    OtherFormat,
    WriteFailed,
    check_replaceable,
    expand,
    new_file,
    read_archive,
    read_json,
    read_tensors,
    remove_leftovers,
    write_archive,
    write_json,
    write_tensors,
)

FORMAT = {"format": _files.FORMAT_VERSION}


def write(path: Path, text: str) -> None:
    with new_file(path) as fresh:
        fresh.write_text(text)


def contents(folder: Path) -> dict[str, str]:
    """The text of all files, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- new files ----------------------------------------------------------------------------------------------


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"
    with new_file(path) as fresh:
        fresh.write_text("1")
        assert not path.exists() and fresh.parent == path.parent
    assert contents(tmp_path) == {"deep/run": "1"}


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for text in ("a long old text", "new"):
        write(tmp_path / "run", text)
    assert contents(tmp_path) == {"run": "new"}


@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old(tmp_path: Path, failure: BaseException) -> None:
    write(tmp_path / "run", "old")
    with pytest.raises(type(failure)), new_file(tmp_path / "run") as fresh:
        fresh.write_text("half")
        raise failure
    assert contents(tmp_path) == {"run": "old"}


@pytest.mark.parametrize("method", ["replace", "open", "chmod"])
def test_what_the_disk_refuses_at_last_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    write(tmp_path / "run", "old")

    def refuse(*_: object, **__: object) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(WriteFailed, match=r"cannot write to .*run: Input/output error"):  # noqa: SIM117
        with new_file(tmp_path / "run") as fresh:
            fresh.write_text("new")
            monkeypatch.setattr(Path, method, refuse)
    monkeypatch.undo()
    assert contents(tmp_path) == {"run": "old"}


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupt_at_the_rename_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    write(tmp_path / "run", "old")
    replace = Path.replace

    def interrupt(self: Path, target: Path) -> Path:
        if after:
            replace(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "run", "new")
    assert contents(tmp_path) == {"run": "new" if after else "old"}


def test_a_refusal_of_the_disk_is_a_sentence_and_carries_its_reason(tmp_path: Path) -> None:
    write(tmp_path / "run", "old")
    with pytest.raises(WriteFailed, match=r"cannot write to .*run: No space left") as error:  # noqa: SIM117
        with new_file(tmp_path / "run"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert error.value.reason == "No space left on device" and "\n" not in str(error.value)
    with pytest.raises(WriteFailed) as error, new_file(tmp_path / "run" / "below"):
        raise AssertionError("the block must not be entered")
    assert error.value.reason == f"{tmp_path / 'run'} is a file"
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteFailed) as error:
        write(tmp_path / "folder", "text")
    assert error.value.reason == "Is a directory"
    assert contents(tmp_path) == {"run": "old"}


def test_what_is_written_may_be_read_by_others(tmp_path: Path) -> None:
    write(tmp_path / "run", "text")
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_all_is_on_disk_before_the_rename_and_the_rename_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def recorded_sync(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        size = f" of {place.stat().st_size} bytes" if place.is_file() else ""
        done.append(f"sync {place.name[:5]}{size}")
        sync(handle)

    def recorded_replace(self: Path, target: Path) -> Path:
        done.append(f"rename to {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    write(tmp_path / "here" / "run", "text")
    assert done == ["sync .run- of 4 bytes", "rename to run", "sync here"]


# --- what killed and other processes leave ------------------------------------------------------------------


def leave(path: Path, age: float = 2 * STALE_AFTER) -> Path:
    path.write_text("half")
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.mark.parametrize("name", ["run", "run[1].zip"])
def test_leftovers_of_a_killed_write_go_at_the_next(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "old")
    leave(tmp_path / f".{name}-abcdefgh.new")
    leave(tmp_path / f".{name}-1234_678.new")
    write(tmp_path / name, "new")
    assert contents(tmp_path) == {name: "new"}


def test_what_only_looks_like_a_leftover_stays(tmp_path: Path) -> None:
    names = [".run-notes.new", ".run-old", ".run-2-abcdefgh.new", ".rune-abcdefgh.new", "run-abcdefgh.new"]
    for name in names:
        leave(tmp_path / name)
    (tmp_path / ".run-abcdefgh.new").mkdir()
    write(tmp_path / "run", "new")
    remove_leftovers(tmp_path, "run")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, ".run-abcdefgh.new", "run"])


def test_leftovers_of_many_names_are_found_by_a_pattern(tmp_path: Path) -> None:
    leave(tmp_path / ".step-3.zip-abcdefgh.new", age=1)
    leave(tmp_path / ".other-abcdefgh.new")
    remove_leftovers(tmp_path, "step-*")
    assert [p.name for p in tmp_path.iterdir()] == [".other-abcdefgh.new"]
    remove_leftovers(tmp_path / "nowhere")


def test_what_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    """Neither what another thread writes, nor what a process wrote to a minute ago."""
    theirs = leave(tmp_path / ".run-abcdefgh.new", age=60)
    with new_file(tmp_path / "run") as fresh:
        fresh.write_text("first")
        there = threading.Thread(target=write, args=(tmp_path / "run", "second"))
        there.start()
        there.join()
        assert (tmp_path / "run").read_text() == "second"
    assert (tmp_path / "run").read_text() == "first"
    theirs.replace(tmp_path / "run")
    assert contents(tmp_path) == {"run": "half"}


def test_many_threads_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    failures: list[Exception] = []

    def go(number: int) -> None:
        try:
            for _ in range(10):
                write(tmp_path / "run", str(number) * 10_000)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert contents(tmp_path) in [{"run": str(number) * 10_000} for number in range(4)]


# --- archives -----------------------------------------------------------------------------------------------


def test_an_archive_comes_back_bit_for_bit(tmp_path: Path) -> None:
    content = {**FORMAT, "x": [1, 2.5, None, "ü"], "far": math.inf}
    tensors = {"a": torch.randn(3, 4), "b": torch.tensor([1, 255], dtype=torch.uint8)}
    write_archive(tmp_path / "run.zip", content, tensors)
    found, back = read_archive(tmp_path / "run.zip")
    assert found == content and back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    assert [p.name for p in tmp_path.iterdir()] == ["run.zip"]


def test_any_tool_reads_an_archive(tmp_path: Path) -> None:
    write_archive(tmp_path / "run", {**FORMAT, "step": 3}, {"a": torch.arange(3)})
    with zipfile.ZipFile(tmp_path / "run") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "content.json").read_text())["step"] == 3
    assert torch.equal(read_tensors(tmp_path / "out" / "tensors.safetensors")["a"], torch.arange(3))


@pytest.mark.parametrize(
    ("content", "tensors", "said"),
    [
        ({"a": object()}, {}, r"^run.zip cannot be written: "),
        ({}, {"odd": torch.eye(2).to_sparse()}, r"^odd is a sparse tensor"),
        ({}, {"odd": torch.zeros(2, dtype=torch.complex128)}, r"of type torch.complex128"),
    ],
)
def test_what_no_archive_can_hold_is_refused_and_the_old_stays(
    tmp_path: Path, content: Any, tensors: Any, said: str
) -> None:
    (tmp_path / "run.zip").write_text("old")
    with pytest.raises(InputError, match=said):
        write_archive(tmp_path / "run.zip", content, tensors)
    assert contents(tmp_path) == {"run.zip": "old"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fresh file is a link to a disk without room."""
    path = tmp_path / "run"
    write_archive(path, {**FORMAT, "step": 1}, {})
    make = _files.tempfile.mkstemp

    def full(**options: Any) -> tuple[int, str]:
        handle, name = make(**options)
        Path(name).unlink()
        Path(name).symlink_to("/dev/full")
        return handle, name

    monkeypatch.setattr(_files.tempfile, "mkstemp", full)
    with pytest.raises(WriteFailed) as error:
        write_archive(path, {**FORMAT, "step": 2}, {"a": torch.zeros(100_000)})
    assert error.value.reason == "No space left on device"
    assert read_archive(path)[0]["step"] == 1 and [p.name for p in tmp_path.iterdir()] == ["run"]


def test_from_a_flipped_bit_nothing_false_is_read(tmp_path: Path) -> None:
    """A flip in a time stamp or the like changes nothing that is read; every other one is seen."""
    path, content, tensor = tmp_path / "run", {**FORMAT, "step": 3}, torch.arange(8)
    write_archive(path, content, {"a": tensor})
    good, unseen = path.read_bytes(), 0
    for place in range(8 * len(good)):
        bad = bytearray(good)
        bad[place // 8] ^= 1 << place % 8
        path.write_bytes(bad)
        try:
            found, tensors = read_archive(path)
        except InputError as error:
            assert "run is damaged or not a saved run: " in str(error) and "\n" not in str(error)
            continue
        unseen += 1
        assert found == content and tensors.keys() == {"a"} and torch.equal(tensors["a"], tensor)
    assert 0 < unseen < 8 * 150  # of the 236 bytes that stand around the content


def test_a_cut_archive_is_seen_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "run"
    write_archive(path, FORMAT, {"a": torch.arange(8)})
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(InputError, match=r"run is damaged or not a saved run: "):
            read_archive(path)


def pack(path: Path, **files: bytes | str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"content_json": json.dumps(FORMAT)},
        {"content_json": json.dumps(FORMAT), "tensors_safetensors": b"123"},
        {"content_json": b'{"format": 3, "\xff', "tensors_safetensors": b""},
        {"content_json": '{"format": 3, "st', "tensors_safetensors": b""},
        {"content_json": "[" * 100_000, "tensors_safetensors": b""},
        {"tensors_safetensors": b""},
    ],
)
def test_an_archive_that_holds_something_else_is_damaged(tmp_path: Path, files: Any) -> None:
    pack(tmp_path / "run", **files)
    with pytest.raises(InputError, match=r"run is damaged or not a checkpoint: ") as error:
        read_archive(tmp_path / "run", "checkpoint")
    assert "\n" not in str(error.value) and not isinstance(error.value, OtherFormat)


@pytest.mark.parametrize("version", [1, 3, "new", None])
def test_an_archive_of_another_format_is_refused_and_named(tmp_path: Path, version: Any) -> None:
    pack(tmp_path / "run", content_json=json.dumps({"format": version}))
    with pytest.raises(OtherFormat, match=f"saved run of format {version}, .* reads format 4"):
        read_archive(tmp_path / "run")


@pytest.mark.parametrize("content", ["[1]", "3", "{}", "null"])
def test_content_without_a_format_is_of_an_unknown_one(tmp_path: Path, content: str) -> None:
    pack(tmp_path / "run", content_json=content)
    with pytest.raises(OtherFormat, match="of format unknown"):
        read_archive(tmp_path / "run")


def test_a_folder_of_an_older_version_is_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="there is no saved run at"):
        read_archive(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text('{"format": 2}')
    with pytest.raises(OtherFormat, match=r"of format 2, .* reads format 4"):
        read_archive(tmp_path / "run")


def test_an_archive_that_is_not_there_or_cannot_be_looked_at(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(InputError, match="there is no saved run at"):
            read_archive(path)
    with pytest.raises(InputError, match="File name too long"):
        read_archive(tmp_path / ("x" * 300))


def test_only_archives_of_ours_may_be_replaced(tmp_path: Path) -> None:
    write_archive(tmp_path / "run", FORMAT, {})
    check_replaceable(tmp_path / "run")
    check_replaceable(tmp_path / "nowhere" / "run")
    torch.save({"a": torch.zeros(2)}, tmp_path / "weights.pt")  # a zip file as well
    pack(tmp_path / "thesis.docx", document="years of work")
    (tmp_path / "text").write_text("x")
    for name in ("weights.pt", "thesis.docx", "text", ""):
        with pytest.raises(InputError, match="exists and is not a saved run: choose another name"):
            check_replaceable(tmp_path / name)


# --- single files -------------------------------------------------------------------------------------------


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


def test_tensors_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tensors(tmp_path / "t", {"a": torch.zeros(2)})

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(WriteFailed, match="No space left on device"):
        write_tensors(tmp_path / "t", {"a": torch.ones(2)})
    assert [p.name for p in tmp_path.iterdir()] == ["t"]
    assert read_tensors(tmp_path / "t")["a"].tolist() == [0, 0]


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


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (torch.zeros(2, dtype=torch.complex128), r"of type torch.complex128 cannot be saved"),
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
    with pytest.raises(InputError, match=r"deep.json is damaged or not a JSON file"):
        read_json(tmp_path / "deep.json")


class Trap:
    """Leaves a file behind when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_damage_and_is_not_unpickled(tmp_path: Path) -> None:
    """As tensors, as an archive (which a pickle of torch looks like), and inside one."""
    torch.save({"weights": Trap(tmp_path / "sprung")}, tmp_path / "w")
    pack(tmp_path / "run", content_json=json.dumps(FORMAT), tensors_safetensors=(tmp_path / "w").read_bytes())
    for read, name in ((read_tensors, "w"), (read_archive, "w"), (read_archive, "run")):
        with pytest.raises(InputError, match=rf"{name} is damaged or not a ") as error:
            read(tmp_path / name)  # type: ignore[operator]
        assert "\n" not in str(error.value) and not (tmp_path / "sprung").exists()


def test_files_are_written_and_read_below_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    below = Path("~/kept")
    write_archive(below / "run.zip", FORMAT, {"a": torch.ones(2)})
    write_tensors(below / "weights.safetensors", {"a": torch.ones(2)})
    write_json(below / "content.json", [1])
    assert sorted(path.name for path in (tmp_path / "home" / "kept").iterdir()) == [
        "content.json",
        "run.zip",
        "weights.safetensors",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    check_replaceable(below / "run.zip")
    assert read_archive(below / "run.zip")[1]["a"].tolist() == [1, 1]
    assert read_tensors(below / "weights.safetensors")["a"].tolist() == [1, 1]
    assert read_json(below / "content.json") == [1]


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/here")
    assert expand("~/run.zip") == Path("/here/run.zip") and expand(Path("a/~b")) == Path("a/~b")
    with pytest.raises(InputError, match="the home folder in ~nobody-of-this-name/run"):
        expand("~nobody-of-this-name/run")
    with pytest.raises(InputError, match="must be the path of a file or a folder"):
        expand(3)  # type: ignore[arg-type]
