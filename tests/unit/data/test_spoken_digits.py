"""The spoken digits: the samples of their file, a fixed split, and one sentence where they are missing."""

from __future__ import annotations

import csv
import hashlib
import importlib
import shutil
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import spoken_digits

soundfile = pytest.importorskip("soundfile")
module = sys.modules["gantutor.data.spoken_digits"]

DATA = Path(__file__).resolve().parents[3] / "data"
HELD_OUT_LABELS = "2b7aeca985111b05"
HELD_OUT_SAMPLES = "f40a3b45baa0ad4f"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The loader without what it remembers, before and after."""
    module._from_the_project.cache_clear()
    yield
    module._from_the_project.cache_clear()


def test_shapes_types_range_and_shares() -> None:
    data = spoken_digits()
    counts = []
    for part, count in ((data.train, 1817), (data.held_out, 449)):
        waves, labels = part.tensors
        assert waves.shape == (count, 4096) and waves.dtype == torch.float32
        assert labels.shape == (count,) and labels.dtype == torch.int64
        assert float(waves.min()) >= -1 and float(waves.max()) <= 1
        assert float(waves.abs().amax(1).min()) > 0.01  # none is silent
        counts.append(labels.bincount(minlength=10))
    every = counts[0] + counts[1]
    assert every.tolist() == [165, 243, 254, 244, 251, 223, 201, 228, 262, 195]
    assert torch.equal(counts[1], every // 5)


def test_every_wave_is_a_stretch_of_the_file_between_zeros() -> None:
    """Read anew with 16-bit samples and the table: nothing is missing, moved or changed."""
    sound, rate = soundfile.read(DATA / "spoken_digits.flac", dtype="int16")
    assert rate == 8000 and sound.ndim == 1
    with (DATA / "spoken_digits.csv").open(encoding="ascii", newline="") as file:
        rows = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
    data = spoken_digits()
    seen = [0] * 10
    parts = {False: iter(zip(*data.train.tensors)), True: iter(zip(*data.held_out.tensors))}  # noqa: B905
    for row in rows:
        seen[row["digit"]] += 1
        wave, label = next(parts[seen[row["digit"]] % 5 == 0])
        before = (4096 - row["length"]) // 2
        expected = np.zeros(4096, dtype=np.int16)
        expected[before : before + row["length"]] = sound[row["start"] : row["start"] + row["length"]]
        assert int(label) == row["digit"]
        np.testing.assert_array_equal(wave.mul(32768).numpy(), expected)


def test_the_split_is_the_one_of_the_first_release() -> None:
    waves, labels = spoken_digits().held_out.tensors
    samples = waves.mul(32768).round().to(torch.int16)
    assert hashlib.sha256(labels.numpy().tobytes()).hexdigest().startswith(HELD_OUT_LABELS)
    assert hashlib.sha256(samples.numpy().tobytes()).hexdigest().startswith(HELD_OUT_SAMPLES)


def test_no_recording_is_in_both_parts() -> None:
    train, held_out = (
        {wave.numpy().tobytes() for wave in part.tensors[0]}
        for part in (spoken_digits().train, spoken_digits().held_out)
    )
    assert len(train) == 1817 and len(held_out) == 449 and not train & held_out


def test_the_card_beside_the_files_says_what_they_are() -> None:
    said = (DATA / "README.md").read_text(encoding="utf-8")
    for name, checksum in module.CHECKSUMS.items():
        content = (DATA / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum
        assert f"`{name}`, {len(content):,} bytes, sha256 `{checksum}`" in said
    card = str(spoken_digits().card)
    assert "CC BY-SA 4.0" in said and "CC BY-SA 4.0" in card and "1,817" in card and "449" in card


@pytest.mark.parametrize("name", ["sc09", "", None, 3, ["spoken_digits"]])
def test_an_unknown_name_is_refused_with_the_known_ones(name: Any) -> None:
    with pytest.raises(InputError, match=r"^name must be one of spoken_digits, speech_commands, not "):
        spoken_digits(name)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("missing", ["spoken_digits.flac", "spoken_digits.csv"])
def test_missing_and_damaged_files_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    monkeypatch.setattr(module, "DATA_FOLDERS", (tmp_path / "nowhere", tmp_path))
    for name in module.CHECKSUMS:
        shutil.copy(DATA / name, tmp_path)
    assert len(spoken_digits().train) == 1817  # the copy as it is can be read
    module._from_the_project.cache_clear()
    content = (tmp_path / missing).read_bytes()
    (tmp_path / missing).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataUnavailable, match=rf"^{missing} is damaged or another file: reinstall gantutor"):
        spoken_digits()
    (tmp_path / missing).unlink()
    with pytest.raises(DataUnavailable, match=rf"^{missing}, which comes with the project, is missing: "):
        spoken_digits()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", ["spoken_digits", "speech_commands"])
def test_without_soundfile_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    pytest.importorskip("torchaudio.datasets")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DataUnavailable, match=r"^sound files are read by .*: pip install soundfile$"):
        spoken_digits(name, tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        RuntimeError("hash differs"),
        TimeoutError(),
        PermissionError(13, "no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_a_network_the_default_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    commands = pytest.importorskip("torchaudio.datasets.speechcommands")

    def refuse(*given: Any, **more: Any) -> None:
        raise error

    monkeypatch.setattr(commands, "download_url_to_file", refuse)
    with pytest.raises(DataUnavailable) as caught:
        spoken_digits("speech_commands", tmp_path)
    said = str(caught.value)
    assert said.startswith(f"speech_commands could not be downloaded ({type(error).__name__})")
    assert '"spoken_digits", needs none' in said and "\n" not in said


def test_without_torchaudio_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    monkeypatch.setitem(sys.modules, "torchaudio.datasets", None)
    with pytest.raises(DataUnavailable, match=r"^speech_commands comes through torchaudio, which is missing"):
        spoken_digits("speech_commands", tmp_path)


def test_speech_commands_on_disk_come_in_the_same_form(tmp_path: Path) -> None:
    """A small folder laid out as the archive is: torchaudio finds what is there and downloads nothing."""
    importlib.import_module("torchaudio.datasets")
    folder = tmp_path / "SpeechCommands/speech_commands_v0.02"
    time = np.arange(16_000) / 16_000
    for word, tone in (("zero", 300), ("seven", 500), ("happy", 700)):
        (folder / word).mkdir(parents=True)
        for speaker in ("a", "b", "c"):
            loud = np.exp(-(((time - 0.6) / 0.05) ** 2))
            sound = 0.1 + 0.5 * loud * np.sin(2 * np.pi * tone * time)
            soundfile.write(folder / word / f"{speaker}_nohash_0.wav", sound, 16_000)
    lists = {"testing": "zero/b_nohash_0.wav\nhappy/b_nohash_0.wav\n", "validation": "seven/c_nohash_0.wav\n"}
    for name, lines in lists.items():
        (folder / f"{name}_list.txt").write_text(lines, encoding="ascii")
    data = spoken_digits("speech_commands", tmp_path)
    waves, labels = data.train.tensors
    assert sorted(labels.tolist()) == [0, 0, 7, 7] and data.held_out.tensors[1].tolist() == [0]
    assert waves.shape == (4, 4096) and waves.dtype == torch.float32
    for wave, label in zip(waves, labels.tolist(), strict=True):
        spectrum = torch.fft.rfft(wave).abs()
        assert abs(int(spectrum.argmax()) * 8000 / 4096 - {0: 300, 7: 500}[label]) < 4
        energy = wave.square()
        assert abs(float((energy * torch.arange(4096)).sum() / energy.sum()) - 2048) < 40
        assert float(wave.abs().max()) == pytest.approx(0.5, abs=0.02)
    assert "4 to train on and 1 held out" in str(data.card) and "CC BY 4.0" in str(data.card)
