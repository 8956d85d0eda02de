"""Recordings that are written: what is read back, and what cannot be written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recording_cases import peak_frequency, word

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import read_recording, write_recording

soundfile = pytest.importorskip("soundfile")


# --- writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [0, 1, 2])
def test_what_is_written_is_read_back(tmp_path: Path, channels: int) -> None:
    wave = torch.from_numpy(word(8000)).float()
    wave -= wave.mean()
    several = wave if channels == 0 else torch.stack([wave, -wave][:channels])
    path = write_recording(tmp_path / "new" / "folder" / "word.wav", several, 8000)
    assert path == tmp_path / "new" / "folder" / "word.wav" and [path] == list(path.parent.iterdir())
    samples, rate = soundfile.read(path, always_2d=True)
    assert rate == 8000 and soundfile.info(path).subtype == "PCM_16"
    assert samples.shape == (3200, max(channels, 1))
    np.testing.assert_allclose(samples.T, several.reshape(-1, 3200).numpy(), atol=1 / 32768)
    if channels < 2:  # the two of two cancel
        assert float((read_recording(path, length=3200) - wave).abs().max()) < 2 / 32768


def test_the_rate_is_written(tmp_path: Path) -> None:
    wave = torch.from_numpy(word(16_000)).float()
    again = read_recording(write_recording(str(tmp_path / "word.WAV"), wave, 16_000))
    assert peak_frequency(again) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("wave", "words"),
    [
        (torch.tensor([0.0, 1.5]), "largest value is 1.5: divide the wave by that"),
        (torch.tensor([0.0, -1.5]), "largest value is 1.5"),
        (torch.tensor([0.0, float("nan")]), "not finite"),
        (torch.tensor([0.0, float("-inf")]), "not finite"),
        (torch.zeros(0), "wave is empty"),
        (torch.zeros(2, 0), "wave is empty"),
        (torch.zeros(0, 5), "at most 8 channels, not torch.float32 of"),
        (torch.zeros(20, 4096), "at most 8 channels"),
        (torch.zeros(1, 1, 5), "floats of shape"),
        (torch.tensor(0.5), "floats of shape"),
        (torch.zeros(5, dtype=torch.int16), "floats of shape .* not torch.int16"),
        ([0.0, 0.1], "not list"),
    ],
)
def test_what_is_no_wave_is_not_written(tmp_path: Path, wave: Any, words: str) -> None:
    old = write_recording(tmp_path / "a.wav", torch.full((9,), 0.5)).read_bytes()
    with pytest.raises(InputError, match=words):
        write_recording(tmp_path / "a.wav", wave)
    assert (tmp_path / "a.wav").read_bytes() == old and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["a.mp3", "a", "a.wav.txt", 3])
def test_only_wav_is_written(tmp_path: Path, name: Any) -> None:
    with pytest.raises(InputError, match=r"ends in \.wav, not"):
        write_recording(tmp_path / name if isinstance(name, str) else name, torch.zeros(9))


@pytest.mark.parametrize("rate", [0, 999, 8000.0, True])
def test_a_rate_is_whole(tmp_path: Path, rate: Any) -> None:
    with pytest.raises(InputError, match="rate must be a whole number from 1000"):
        write_recording(tmp_path / "a.wav", torch.zeros(9), rate)


def test_what_cannot_be_written_is_said_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_recording(tmp_path / "a.wav", torch.full((9,), 0.5)).read_bytes()

    def fail(*_: Any, **__: Any) -> None:
        raise soundfile.LibsndfileError(2, "Error writing: ")

    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(InputError, match=r"cannot write to .*folder.wav: Is a directory"):
        write_recording(tmp_path / "folder.wav", torch.zeros(9))
    with pytest.raises(InputError, match=r"cannot write to .*a.wav"):
        write_recording(tmp_path / "a.wav" / "b.wav", torch.zeros(9))
    monkeypatch.setattr(soundfile, "write", fail)
    with pytest.raises(InputError, match=r"cannot write to .*a.wav: Error writing"):
        write_recording(tmp_path / "a.wav", torch.zeros(9))
    assert (tmp_path / "a.wav").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "folder.wav"]


def test_without_soundfile_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DataUnavailable, match="pip install soundfile"):
        write_recording(tmp_path / "a.wav", torch.zeros(9))
    assert not list(tmp_path.iterdir())
