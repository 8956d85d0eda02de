"""Recordings that the test writes: every format and rate comes back, and what is no recording is refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from recording_cases import peak_frequency, word

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import read_recording, spoken_digits
from gantutor.data.recordings import loudest_part, resample

soundfile = pytest.importorskip("soundfile")

Samples = NDArray[np.float64]


def as_file(samples: Samples, rate: int, **kind: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **{"format": "WAV", "subtype": "FLOAT", **kind})
    return file.getvalue()


def test_samples_at_the_rate_asked_for_stay_as_they_are() -> None:
    sound = word(8000)
    wave = read_recording(as_file(sound, 8000))
    assert wave.shape == (4096,) and wave.dtype == torch.float32
    before = (4096 - len(sound)) // 2
    expected = np.pad(sound - sound.mean(), (before, 4096 - len(sound) - before))
    np.testing.assert_allclose(wave.numpy(), expected, atol=1e-6)


def test_a_spoken_digit_comes_back_from_its_own_file() -> None:
    wave = spoken_digits().held_out.tensors[0][0]
    again = read_recording(as_file(wave.double().numpy(), 8000, subtype="PCM_16"))
    assert float((again - (wave - wave.mean())).abs().max()) < 1e-4


@pytest.mark.parametrize("rate", [4000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 8001])
def test_another_rate_is_resampled(rate: int) -> None:
    wave = read_recording(as_file(word(rate), rate))
    same = read_recording(as_file(word(8000), 8000))
    shift = 1 / 8000 * 2 * np.pi * 440  # centring rounds to a sample
    assert float((wave - same).abs().max()) < 0.5 * shift + 0.01
    assert abs(peak_frequency(wave) - 440) < 2


@pytest.mark.parametrize(("found", "rate"), [(44_100, 8000), (16_000, 8000), (8000, 16_000), (8000, 8001)])
def test_resampling_keeps_tones_and_drops_what_the_lower_rate_cannot_hold(found: int, rate: int) -> None:
    time = torch.arange(found, dtype=torch.float64) / found
    inside = slice(rate // 10, -rate // 10)
    for tone in (100.0, 1234.5, 3600.0):
        heard = resample((2 * torch.pi * tone * time).sin().float(), found, rate)
        expected = (2 * torch.pi * tone * torch.arange(rate, dtype=torch.float64) / rate).sin()
        assert len(heard) == rate
        assert float((heard - expected)[inside].abs().max()) < 0.02
    if found > 10_000:
        heard = resample((2 * torch.pi * 5000 * time).sin().float(), found, rate)
        assert float(heard[inside].abs().max()) < 0.02


def test_channels_are_averaged() -> None:
    left, right = word(8000, tone=300), word(8000, tone=700)
    wave = read_recording(as_file(np.stack([left, right], 1), 8000))
    alone = read_recording(as_file((left + right) / 2, 8000))
    assert float((wave - alone).abs().max()) < 1e-6


@pytest.mark.parametrize("where", [0.6, 3.0, 9.4])
def test_of_a_long_recording_the_loudest_part_stands_in_the_middle(where: float) -> None:
    time = np.arange(10 * 44_100) / 44_100
    noise = 0.001 * np.random.default_rng(0).standard_normal(len(time))
    sound = noise + 0.4 * np.exp(-(((time - where) / 0.05) ** 2)) * np.sin(2 * np.pi * 440 * time)
    wave = read_recording(as_file(sound, 44_100))
    energy = wave.double().square()
    centre = float((energy * torch.arange(4096)).sum() / energy.sum())
    assert wave.shape == (4096,) and abs(centre - 2048) < 60


def test_a_part_at_the_end_is_not_cut_short() -> None:
    sound = torch.cat([torch.zeros(900), torch.ones(100) * torch.tensor([1.0, -1.0]).repeat(50)])
    assert torch.equal(loudest_part(sound, 300), sound[-300:])
    assert torch.equal(loudest_part(torch.zeros(10), 4), torch.zeros(4))


@pytest.mark.parametrize(("rate", "length"), [(16_000, 16_384), (8000, 1), (22_050, 1000), (8000, 50_000)])
def test_any_rate_and_length_can_be_asked_for(rate: int, length: int) -> None:
    assert read_recording(as_file(word(44_100), 44_100), rate, length).shape == (length,)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_formats(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"word.{kind.lower()}"
    soundfile.write(path, word(16_000, seconds=0.5), 16_000)
    for source in (
        path,
        str(path),
        path.read_bytes(),
        bytearray(path.read_bytes()),
        memoryview(path.read_bytes()),
    ):
        wave = read_recording(source)
        assert abs(peak_frequency(wave) - 440) < 4 and 0.4 < float(wave.abs().max()) < 0.6


def test_a_constant_and_values_beyond_full_scale_are_repaired() -> None:
    sound = word(8000)
    moved = read_recording(as_file(sound + 0.3, 8000))
    assert float((moved - read_recording(as_file(sound, 8000))).abs().max()) < 1e-5
    loud = read_recording(as_file(6 * sound, 8000))
    assert float(loud.abs().max()) == pytest.approx(1.0)
    assert torch.nn.functional.cosine_similarity(loud, moved, dim=0) > 0.9999


@pytest.mark.parametrize("volume", [1.0, 0.99, 0.05, 0.002])
def test_loud_and_quiet_recordings_pass(volume: float) -> None:
    for subtype in ("PCM_16", "PCM_24", "FLOAT"):
        wave = read_recording(as_file(word(44_100, volume=volume), 44_100, subtype=subtype))
        assert float(wave.abs().max()) == pytest.approx(volume, rel=0.05)


def test_a_full_scale_tone_is_not_taken_for_clipped() -> None:
    for rate in (8000, 44_100):
        tone = np.sin(2 * np.pi * 100 * np.arange(rate) / rate)
        assert read_recording(as_file(tone, rate, subtype="PCM_16")).abs().max() > 0.99


@pytest.mark.parametrize("gain", [2.0, 4.0, 50.0])
def test_a_clipped_recording_is_refused(gain: float) -> None:
    clipped = np.clip(gain * word(44_100, volume=1.0), -1, 1)
    with pytest.raises(
        InputError, match=r"^the recording is clipped because it is too loud \(\d+\.\d% of it .*quietly$"
    ):
        read_recording(as_file(clipped, 44_100, subtype="PCM_16"))


@pytest.mark.parametrize("level", [0.0, 0.0005])
@pytest.mark.parametrize("constant", [0.0, 0.25])
def test_silence_is_refused(level: float, constant: float) -> None:
    sound = constant + level * np.sin(np.arange(30_000) / 7)
    with pytest.raises(InputError, match=r"^the recording is silent \(its largest value is .*microphone$"):
        read_recording(as_file(sound, 16_000))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    sound = word(8000)
    sound[100] = bad
    with pytest.raises(InputError, match=r"^the recording contains values that are not finite"):
        read_recording(as_file(sound, 8000))


def test_an_empty_file_and_one_without_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the recording cannot be read as sound \(.*\): use WAV, FLAC"):
        read_recording(b"")
    with pytest.raises(InputError, match=r"^the recording is empty: record"):
        read_recording(as_file(np.zeros(0), 8000))
    (tmp_path / "empty.wav").touch()
    with pytest.raises(InputError, match=r"^empty\.wav cannot be read as sound"):
        read_recording(tmp_path / "empty.wav")


@pytest.mark.parametrize("name", ["notes.txt", "notes.wav", "notes.raw", "notes.mp3", "notes"])
def test_what_is_no_sound_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"Dear diary, today I trained a GAN. " * 50)
    with pytest.raises(
        InputError, match=rf"^{name} cannot be read as sound \(.*\): use WAV, FLAC, OGG or MP3$"
    ):
        read_recording(path)


def test_a_file_that_is_cut_gives_what_is_left_or_one_sentence(tmp_path: Path) -> None:
    for kind, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        whole = as_file(word(16_000, seconds=2.0, volume=0.9), 16_000, format=kind, subtype=subtype)
        for share in (0.01, 0.3, 0.6, 0.9):
            try:
                assert read_recording(whole[: int(share * len(whole))]).shape == (4096,)
            except InputError as refused:
                assert "\n" not in str(refused)


def test_a_missing_file_a_folder_and_other_things_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(InputError, match=r"^there is no file '.*': give the path of a sound file$"):
            read_recording(path)
    for thing in (None, 3, np.zeros(4), torch.zeros(4), ["a.wav"]):
        with pytest.raises(
            InputError, match=r"^a recording must be the path of a sound file or its bytes, not "
        ):
            read_recording(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize("found", [100, 1_000_000])
def test_a_strange_rate_is_refused(found: int) -> None:
    with pytest.raises(
        InputError, match=rf"^the recording has {found} samples a second: 1,000 to 768,000 are supported"
    ):
        read_recording(as_file(np.zeros(10), found))


def test_more_than_ten_minutes_are_refused() -> None:
    file = as_file(np.zeros(601 * 1000), 1000, subtype="PCM_U8")
    with pytest.raises(InputError, match=r"^the recording is longer than 10 minutes: cut out"):
        read_recording(file)


@pytest.mark.parametrize(("rate", "length"), [(0, 10), (8000, 0), (8000.0, 10), (8000, True), ("8k", 10)])
def test_wrong_rates_and_lengths_are_refused(rate: Any, length: Any) -> None:
    with pytest.raises(InputError, match=r"^(rate|length) must be a whole number from "):
        read_recording(as_file(word(8000), 8000), rate, length)


def test_without_soundfile_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DataUnavailable, match=r"^sound files are read by .*: pip install soundfile$"):
        read_recording(b"RIFF")


def test_reading_draws_no_random_numbers() -> None:
    """So it never changes a training that goes on."""
    before = torch.random.get_rng_state()
    read_recording(as_file(word(44_100), 44_100))
    assert torch.equal(before, torch.random.get_rng_state())


def test_none_of_the_spoken_digits_is_taken_for_clipped_at_full_volume() -> None:
    for wave in spoken_digits().held_out.tensors[0]:
        heard = read_recording(as_file((wave / wave.abs().max()).double().numpy(), 8000))
        assert float(heard.abs().max()) > 0.9
