"""Paths that begin with ``~``, as people write them: files are read and written below the home folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from recording_cases import word

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import letters, read_photograph, read_recording, write_recording


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, and another folder to work in."""
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_recording_goes_to_the_home_folder_and_comes_back(home: Path, kind: Any) -> None:
    wave = torch.from_numpy(word(8000)).float()
    wave -= wave.mean()
    path = write_recording(kind("~/new/word.wav"), wave)
    assert path == home / "new" / "word.wav" and path.is_file()
    assert not list(Path.cwd().iterdir())
    again = read_recording(kind("~/new/word.wav"), length=len(wave))
    assert float((again - wave).abs().max()) < 1e-4


@pytest.mark.parametrize("kind", [str, Path])
def test_a_photograph_is_found_there(home: Path, kind: Any) -> None:
    pixels = np.linspace(0, 255, 40 * 40).astype(np.uint8).reshape(40, 40)
    Image.fromarray(pixels).save(home / "ramp.png")
    found = read_photograph(kind("~/ramp.png"), side=40)
    torch.testing.assert_close(found[0], torch.from_numpy(pixels) / 127.5 - 1, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match=r"^there is no file '~/none.png'"):
        read_photograph("~/none.png")


def test_letters_are_kept_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    asked: list[str] = []

    def emnist(root: str, **_: Any) -> None:
        asked.append(root)
        raise RuntimeError("no network")

    monkeypatch.setattr(datasets, "EMNIST", emnist)
    with pytest.raises(DataUnavailable):
        letters("~/sets")
    assert asked == [str(home / "sets")]


@pytest.mark.parametrize("folder", [None, 3, "a\0b", b"sets", ["sets"]])
def test_a_folder_of_letters_that_is_no_path_is_refused(folder: Any) -> None:
    with pytest.raises(InputError, match=r"^folder must be the path of a file or a folder"):
        letters(folder)


def test_an_unknown_home_is_named(home: Path) -> None:
    for read in (read_photograph, read_recording, letters):
        with pytest.raises(InputError, match=r"^the home folder in ~nobody-of-this-name/x is not known"):
            read("~nobody-of-this-name/x")
    with pytest.raises(InputError, match=r"^the home folder in "):
        write_recording("~nobody-of-this-name/x.wav", torch.zeros(5))
