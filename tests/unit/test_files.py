"""Files are whole or not there."""

from __future__ import annotations

import errno
import math
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from file_cases import contents, write
from safetensors import SafetensorError

from gantutor import InputError
from gantutor._files import new_folder, read_json, read_tensors, verify_checksums, write_json, write_tensors

fcntl = pytest.importorskip("fcntl")


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
    verify_checksums(tmp_path / "run", "a", "b")
    for name in ("a", "b", "SHA256SUMS"):
        file = tmp_path / "run" / name
        good = file.read_bytes()
        for place in range(8 * len(good)):
            bad = bytearray(good)
            bad[place // 8] ^= 1 << place % 8
            file.write_bytes(bad)
            with pytest.raises(InputError, match=r"run(/a|/b)? is damaged: ") as error:
                verify_checksums(tmp_path / "run", "a", "b")
            assert "\n" not in str(error.value)
        file.write_bytes(good)
    verify_checksums(tmp_path / "run", "a", "b")


@pytest.mark.parametrize("name", ["a", "SHA256SUMS"])
def test_missing_and_cut_files_are_seen(tmp_path: Path, name: str) -> None:
    write(tmp_path / "run", a="some words")
    file = tmp_path / "run" / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"run/a is damaged: its checksum is not the one in SHA256SUMS"):
        verify_checksums(tmp_path / "run", "a")
    file.unlink()
    with pytest.raises(InputError, match=f"there is no {name} in .*run$"):
        verify_checksums(tmp_path / "run", "a")


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
