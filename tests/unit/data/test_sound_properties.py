"""Recordings of every format, kind of number, rate, number of channels and length, against numpy.

And channels that are silent, clipped, not finite or in opposite phase.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from property_cases import tried
from recording_cases import peak_frequency, word

from gantutor._errors import InputError
from gantutor.data import read_recording, write_recording

soundfile = pytest.importorskip("soundfile")

Samples = NDArray[np.float64]

UNREADABLE = {"RAW", "SD2"}
"""Formats that are not read from their content alone: the first has no header, the second two files."""

LOSSY = {
    *("MPEG_LAYER_III", "VORBIS", "OPUS", "GSM610", "IMA_ADPCM", "MS_ADPCM", "VOX_ADPCM"),
    *("G721_32", "G723_24", "G723_40", "NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"),
}
"""Kinds that do not keep every sample."""

KINDS = sorted(
    (form, kind)
    for form in soundfile.available_formats()
    for kind in soundfile.available_subtypes(form)
    if form not in UNREADABLE and not kind.startswith("DWVW")  # libsndfile cannot read these from memory
)


def encoded(samples: Samples, rate: int, form: str = "WAV", kind: str = "FLOAT") -> bytes | None:
    """The content of a file, or None where the format does not take so many channels or this rate."""
    file = io.BytesIO()
    try:
        soundfile.write(file, samples, rate, format=form, subtype=kind)
    except (RuntimeError, TypeError, ValueError):
        return None
    return file.getvalue()


def fitted(mixed: Samples, length: int) -> Samples:
    """A sound without its mean, not beyond ±1, in the middle of zeros."""
    wave = mixed - mixed.mean()
    wave = wave / max(1.0, float(np.abs(wave).max()))
    before = (length - len(wave)) // 2
    return np.pad(wave, (before, length - len(wave) - before))


def voices(draw: Any, rate: int, channels: int, seconds: float) -> Samples:
    """Channels (n, channels) of noises that have nothing to do with each other, each with an offset."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    noise = rng.uniform(-1, 1, (max(2, round(rate * seconds)), channels))
    return 0.4 * noise * rng.uniform(0.3, 1, channels) + rng.uniform(-0.2, 0.2, channels)


# --- every kind of file -------------------------------------------------------------------------------------


@tried(250)
@given(
    st.data(),
    st.sampled_from(KINDS),
    st.sampled_from([8000, 11_025, 16_000, 44_100, 48_000]),
    st.integers(1, 6),
)
def test_what_soundfile_decodes_is_averaged_and_fitted(
    data: Any, kind: tuple[str, str], rate: int, channels: int
) -> None:
    sound = voices(data.draw, rate, channels, data.draw(st.sampled_from([0.001, 0.02, 0.11])))
    content = encoded(sound, rate, *kind)
    if content is None:
        return
    decoded, found_rate = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    length = len(decoded) + data.draw(st.integers(0, 50))
    if not len(decoded) or np.ptp(decoded, 0).max() < 0.002:  # some codecs lose so short a sound
        with pytest.raises(InputError):
            read_recording(content, found_rate, max(1, length))
        return
    wave = read_recording(content, found_rate, length)
    live = decoded[:, np.abs(decoded - decoded.mean(0)).max(0) >= 1e-3]
    assert wave.dtype == torch.float32
    np.testing.assert_allclose(wave.numpy(), fitted(live.mean(1), length), atol=1e-6)
    # With more than two channels libsndfile's ALAC does not keep every sample. In an AIFF file of bytes it
    # reads the byte that fills up an odd number of them as a sample, which is silent in PCM_S8 alone.
    of_bytes = kind[0] == "AIFF" and kind[1] in ("PCM_U8", "ULAW", "ALAW")
    if of_bytes and len(sound) * channels % 2 and len(decoded) == len(sound) + 1:
        return
    if kind[1] not in LOSSY and found_rate == rate and not (kind[1].startswith("ALAC") and channels > 2):
        coarse = {"PCM_S8": 0.01, "PCM_U8": 0.01, "DPCM_8": 0.3, "ULAW": 0.02, "ALAW": 0.02}.get(
            kind[1], 1e-4
        )
        stored = (
            sound if len(sound) == len(decoded) else np.pad(sound, ((0, len(decoded) - len(sound)), (0, 0)))
        )
        if kind[0] in ("WAV", "WAVEX", "AIFF", "FLAC", "CAF", "AU", "W64", "RF64"):  # some others add samples
            np.testing.assert_allclose(wave.numpy(), fitted(stored.mean(1), length), atol=coarse)


@tried(60)
@given(
    st.sampled_from([1000, 4000, 8000, 8001, 11_025, 22_050, 44_100, 96_000, 192_000]),
    st.sampled_from([1000, 8000, 8001, 16_000, 44_100]),
    st.integers(1, 4),
    st.integers(200, 6000),
    st.sampled_from(["PCM_16", "PCM_24", "FLOAT", "DOUBLE"]),
)
def test_a_tone_keeps_its_pitch_and_volume_at_any_rate(
    found: int, rate: int, channels: int, length: int, kind: str
) -> None:
    pitch = 0.3 * min(found, rate) / 2
    assume(pitch * length / rate > 15)  # periods
    time = np.arange(2 * round(found * length / rate) + 20) / found
    tone = 0.5 * np.sin(2 * np.pi * pitch * time)
    content = encoded(np.stack([tone] * channels, 1), found, "WAV", kind)
    assert content is not None
    wave = read_recording(content, rate, length)
    assert wave.shape == (length,)
    middle = wave[length // 4 : -(length // 4)].double()
    middle = middle * torch.hann_window(len(middle), dtype=torch.float64)
    assert abs(peak_frequency(middle, rate) - pitch) <= 1.5 * rate / len(middle)
    assert float(wave[length // 4 : -(length // 4)].square().mean().sqrt()) == pytest.approx(
        0.5 / 2**0.5, rel=0.05
    )


@tried(60)
@given(
    st.integers(1, 8),
    st.integers(1, 3000),
    st.sampled_from([1000, 8000, 44_100, 192_000]),
    st.integers(0, 999),
)
def test_what_is_written_comes_back(channels: int, length: int, rate: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    wave = torch.rand(channels, length, generator=rng, dtype=torch.float64) * 1.9 - 0.95
    path = write_recording("written.wav", wave if channels > 1 else wave[0], rate)
    try:
        samples, found = soundfile.read(path, always_2d=True)
    finally:
        path.unlink()
    assert found == rate
    np.testing.assert_allclose(samples.T, wave.numpy(), atol=1 / 32768)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- each channel -------------------------------------------------------------------------------------------


def stereo(*channels: Samples) -> bytes:
    content = encoded(np.stack(channels, 1), 8000)
    assert content is not None
    return content


def same(wave: torch.Tensor, sound: Samples) -> bool:
    return bool(np.allclose(wave.numpy(), fitted(sound, len(wave)), atol=1e-5))


@pytest.mark.parametrize("second", [-1.0, -0.95, -1.05])
def test_of_channels_in_opposite_phase_the_louder_one_is_kept(second: float) -> None:
    voice = word(8000)
    wave = read_recording(stereo(voice, second * voice))
    assert same(wave, voice if abs(second) <= 1 else second * voice)


def test_four_channels_that_cancel_in_pairs() -> None:
    low, high = word(8000, tone=300), word(8000, tone=900, volume=0.3)
    assert same(read_recording(stereo(high, low, -low, -high)), low)


@pytest.mark.parametrize("second", [1.0, 0.5, 0.1, -0.3])
def test_channels_that_do_not_cancel_are_averaged(second: float) -> None:
    voice = word(8000)
    assert same(read_recording(stereo(voice, second * voice)), (1 + second) / 2 * voice)
    other = word(8000, tone=900)
    assert same(read_recording(stereo(voice, other)), (voice + other) / 2)


@pytest.mark.parametrize("nothing", [0.0, 0.3, -1.0])
@pytest.mark.parametrize("channels", [2, 8])
def test_a_silent_channel_does_not_make_the_others_quieter(nothing: float, channels: int) -> None:
    voice = word(8000)
    silent = [np.full_like(voice, nothing)] * (channels - 1)
    assert same(read_recording(stereo(*silent, voice)), voice)


def test_silence_in_all_channels_is_refused() -> None:
    nothing = np.zeros(3200)
    for channels in ((nothing, nothing), (nothing + 0.5, nothing - 0.5), (nothing, 0.0005 * word(8000))):
        with pytest.raises(InputError, match=r"^the recording is silent"):
            read_recording(stereo(*channels))


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_none_is_found_in_any_channel(position: int, value: float) -> None:
    channels = [word(8000), np.zeros(3200), word(8000, tone=600)]
    channels[position][7] = value
    with pytest.raises(InputError, match=r"^the recording contains values that are not finite"):
        read_recording(stereo(*channels))
    opposite = [np.zeros(3200), np.zeros(3200)]
    opposite[0][3], opposite[1][3] = np.inf, -np.inf
    with pytest.raises(InputError, match=r"^the recording contains values that are not finite"):
        read_recording(stereo(*opposite))


WITHOUT_LOSS = sorted(
    {kind for form, kind in KINDS if form in ("WAV", "CAF", "FLAC", "AIFF") and kind not in LOSSY}
)


@pytest.mark.parametrize("kind", WITHOUT_LOSS)
@pytest.mark.parametrize("rate", [8000, 44_100])
def test_a_clipped_channel_is_refused_and_a_loud_one_is_not(kind: str, rate: int) -> None:
    form = next(form for form in ("WAV", "CAF", "AIFF", "FLAC") if kind in soundfile.available_subtypes(form))
    clean = word(rate, volume=0.3)
    for gain in (2.0, 4.0, 50.0):
        clipped = np.clip(gain * word(rate, volume=1.0), -1, 1)
        for channels in ([clipped], [clean, clipped], [clipped, clean], [clipped, -clipped]):
            content = encoded(np.stack(channels, 1), rate, form, kind)
            assert content is not None
            with pytest.raises(
                InputError, match=r"^the recording is clipped because it is too loud"
            ) as refused:
                read_recording(content)
            if len(channels) == 2:
                assert f"its channel {1 + (channels[0] is clean)} is at full scale" in str(refused.value)
    time = np.arange(rate // 2) / rate
    for loud in (word(rate, volume=0.999), 0.9999 * np.sin(2 * np.pi * 100 * time)):
        content = encoded(np.stack([loud, 0.5 * loud], 1), rate, form, kind)
        assert content is not None and read_recording(content).shape == (4096,)


def test_of_a_long_recording_only_the_loudest_part_of_all_channels_counts() -> None:
    quiet = 0.01 * np.random.default_rng(0).standard_normal((40_000, 2))
    quiet[30_000:33_200, 1] += word(8000)
    quiet[5_000:5_020, 0] = 1.0  # clipped, but elsewhere and shorter
    content = encoded(quiet, 8000)
    assert content is not None
    wave = read_recording(content, 8000, 3000)
    energy = wave.double().square()
    centre = float((energy * torch.arange(3000)).sum() / energy.sum())
    assert abs(peak_frequency(wave) - 440) < 4 and abs(centre - 1500) < 60


def test_too_many_channels_for_the_memory_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = stereo(word(8000), word(8000))
    monkeypatch.setattr("gantutor.data.recordings.MAX_SAMPLES", 6399)
    with pytest.raises(InputError, match=r"^the recording has too many samples in 2 channels"):
        read_recording(content)


@tried(150)
@given(
    st.sampled_from(
        [
            ("WAV", "PCM_16"),
            ("FLAC", "PCM_16"),
            ("AIFF", "PCM_24"),
            ("OGG", "VORBIS"),
            ("MP3", "MPEG_LAYER_III"),
        ]
    ),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=5),
    st.floats(0.05, 1),
)
def test_damaged_files_give_a_wave_or_one_sentence(
    kind: tuple[str, str], changes: list[tuple[float, int]], kept: float
) -> None:
    content = bytearray(encoded(np.stack([word(8000)] * 2, 1), 8000, *kind) or b"")
    for place, value in changes:
        content[int(place**4 * (len(content) - 1))] = value
    try:
        wave = read_recording(bytes(content[: int(kept * len(content))]), 8000, 500)
    except InputError as refused:
        assert "recording" in str(refused) and "\n" not in str(refused)
    else:
        assert wave.shape == (500,) and bool(wave.isfinite().all()) and float(wave.abs().max()) <= 1
