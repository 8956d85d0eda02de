"""Files are whole or not there."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from gantutor import InputError
from gantutor.files import new_folder, read_json, read_tensors, write_json, write_tensors


def contents(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


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
