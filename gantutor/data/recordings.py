"""Reading the user's own sound files into waves of a fixed rate and length, and writing waves to files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import checked, integer
from gantutor._errors import DataUnavailable, InputError, first_line, type_name
from gantutor._files import expand, new_file
from gantutor.data.io import open_file

MAX_MINUTES = 10
"""Length of a recording that is read."""

RATE_RANGE = (1000, 768_000)
"""The smallest and the largest sample rate of a file that is read, in samples per second."""

SILENCE_LEVEL = 1e-3
"""A recording is silent if it never deviates from its mean by more (−60 dB of full scale)."""

MAX_CHANNELS = 8
"""Channels of a file that is written; a batch of sounds is not one recording."""

MAX_CLIPPED_SHARE = 0.01
"""A recording is clipped if a larger share of its steps lies along its extreme values.

None of 2,266 clean spoken digits has more than 0.006; amplified to twice full scale, their median has 0.019.
"""

LEVEL_WIDTH, FLAT_RATIO = 1e-4, 4
"""Samples within this width of an extreme value stand at it. A clipped recording has more than this many
times as many there as at the next level."""

MAX_SAMPLES = 500_000_000
"""Samples that are read of all channels together, in 2 GB of memory."""

CANCELLED_SHARE = 0.01
"""Channels cancel if their average has less than this share of the energy of independent ones."""


@checked(rate=integer(1000, 192_000), length=integer(1, 100_000_000))
def read_recording(source: str | Path | bytes, rate: int = 8000, length: int = 4096) -> Tensor:
    """Read a WAV, FLAC, OGG or MP3 file as a wave of a given sample rate and length.

    Of a longer recording the loudest part is kept; a shorter one is padded with zeros on both sides. Each
    channel of this part is checked by itself. Silent channels are left out, and the others are averaged.
    Where they cancel each other, as in opposite phase, the loudest one is taken alone. The mean is
    subtracted, and a wave that goes beyond ±1 is scaled down to it.

    Cut-off tops are found in formats that keep every sample. MP3, OGG and others round them off.

    Args:
        source: the path of a sound file, or its content; ``~`` stands for the home folder.
        rate: sample rate of the result, from 1000 to 192,000 samples per second; others are resampled.
        length: number of samples of the result, at least 1.

    Returns:
        The wave (``length``,), float32 in [−1, 1].

    Raises:
        InputError: if the file is not a recording, or is empty, silent, not finite, or over 10 minutes long;
            if one of its channels is clipped; or if ``rate`` or ``length`` is out of range.
        DataUnavailable: if soundfile is missing.

    >>> read_recording(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the recording cannot be read as sound (...): use WAV, FLAC, OGG or MP3
    """
    soundfile = soundfile_module()
    file, name = open_file(source, "recording", "a sound file", "a sound file")
    sound, source_rate = _decode(soundfile, file, name)  # (channels, n)
    part = loudest_part(sound, math.ceil(length * source_rate / rate))
    return fit_length(_mix(_audible(part, name)), source_rate, rate, length)


@checked(rate=integer(1000, 192_000))
def write_recording(path: str | Path, wave: Tensor, rate: int = 8000) -> Path:
    """Write a wave as a 16-bit WAV file.

    A missing folder is created, and an existing file is replaced. If writing fails, no incomplete file is
    left at ``path``.

    Args:
        path: the file, which ends in .wav; ``~`` stands for the home folder.
        wave: (L,) or (channels, L), floats in [−1, 1], at most 8 channels.
        rate: sample rate, from 1000 to 192,000 samples per second.

    Returns:
        The path of the file.

    Raises:
        InputError: if the wave has another shape, no samples, or values that are not finite or beyond ±1; if
            the path has another suffix or cannot be written; or if ``rate`` is out of range.
        DataUnavailable: if soundfile is missing.

    >>> import tempfile
    >>> tone = (2 * torch.pi * 440 * torch.arange(4096) / 8000).sin() / 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = read_recording(write_recording(Path(folder) / "tone.wav", tone))
    >>> float((again - (tone - tone.mean())).abs().max()) < 1e-4
    True
    """
    samples = _to_channels(wave)  # (channels, L)
    if not isinstance(path, str | Path) or Path(path).suffix.lower() != ".wav":
        raise InputError(f"path must be the name of a file that ends in .wav, not {str(path)!r}")
    soundfile, path = soundfile_module(), expand(path)
    with new_file(path) as temporary:
        try:
            soundfile.write(str(temporary), samples.T.numpy(), rate, format="WAV", subtype="PCM_16")
        except RuntimeError as error:  # libsndfile raises it where the disk is full
            raise OSError(first_line(error)) from None
    return path


def _to_channels(wave: Any) -> Tensor:
    """Check a wave that is to be written, and return it as (channels, L), 64-bit floats on the CPU."""
    shape = tuple(wave.shape) if isinstance(wave, Tensor) else ()
    is_wave = isinstance(wave, Tensor) and wave.is_floating_point() and wave.dim() in (1, 2)
    if not is_wave or (wave.dim() == 2 and not 1 <= shape[0] <= MAX_CHANNELS):
        description = f"{wave.dtype} of {shape}" if isinstance(wave, Tensor) else type_name(wave)
        raise InputError(
            f"wave must be floats of shape (length,) or (channels, length), at most {MAX_CHANNELS} channels, "
            f"not {description}"
        )
    if not wave.numel():
        raise InputError("wave is empty: there is nothing to write")
    wave = wave.detach().cpu().double()
    if not bool(wave.isfinite().all()):
        raise InputError("wave contains values that are not finite (NaN or infinity)")
    peak = float(wave.abs().max())
    if peak > 1:
        raise InputError(
            f"wave must lie between -1 and 1, but its largest value is {peak:.4g}: divide the wave by that"
        )
    samples: Tensor = wave.reshape(-1, shape[-1])
    return samples


def fit_length(sound: Tensor, source_rate: int, rate: int, length: int) -> Tensor:
    """Convert a sound to a given sample rate and length.

    The loudest part is kept, or all of the sound, centred between zeros. Its mean is subtracted, and it is
    scaled down if it goes beyond ±1.

    Args:
        sound: samples (n,).
        source_rate: sample rate of ``sound``, in samples per second.
        rate: sample rate of the result, in samples per second.
        length: number of samples of the result.

    Returns:
        The wave (``length``,), in [−1, 1].

    >>> fit_length(torch.tensor([1.0, -1.0]), 8000, 8000, 6)
    tensor([ 0.,  0.,  1., -1.,  0.,  0.])
    """
    part = loudest_part(sound, math.ceil(length * source_rate / rate))
    wave = resample(part - part.mean(), source_rate, rate)[:length]
    wave = wave / wave.abs().max().clamp(min=1.0)
    before = (length - len(wave)) // 2
    return torch.nn.functional.pad(wave, (before, length - len(wave) - before))


def loudest_part(sound: Tensor, length: int) -> Tensor:
    """Cut out the part of a sound that has the most energy, and centre the energy within it.

    Args:
        sound: samples (n,), or (channels, n), whose energies are added.
        length: number of samples to keep.

    Returns:
        ``length`` consecutive samples of the sound, or all n if there are not more.

    >>> loudest_part(torch.tensor([0.0, 0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0]), 5)
    tensor([ 0.,  1., -1.,  1.,  0.])
    """
    spare = sound.shape[-1] - length
    if spare <= 0:
        return sound
    energy = torch.zeros(sound.shape[-1], dtype=torch.float64)
    for channel in sound.reshape(-1, sound.shape[-1]):
        energy += (channel.double() - channel.double().mean()).square()
    cumulative = torch.cat([energy.new_zeros(1), energy.cumsum(0)])
    start = int((cumulative[length:] - cumulative[:-length]).argmax())
    weights = energy[start : start + length]
    centre = (weights * torch.arange(length)).sum() / weights.sum().clamp(min=1e-30)
    start = min(max(start + round(float(centre) - (length - 1) / 2), 0), spare)
    return sound[..., start : start + length]


def resample(sound: Tensor, source_rate: int, rate: int) -> Tensor:
    """Resample a sound by truncating or zero-padding its Fourier spectrum.

    The result has no frequencies above half the lower of the two rates.

    Args:
        sound: samples (n,).
        source_rate: sample rate of ``sound``, in samples per second.
        rate: sample rate of the result, in samples per second.

    Returns:
        Samples (⌈n · rate / source_rate⌉,).

    >>> steps = torch.arange(1600) * (2 * torch.pi * 100)  # a tone of 100 Hz
    >>> error = resample((steps / 16000).sin(), 16000, 8000) - (steps[:800] / 8000).sin()
    >>> float(error[100:-100].abs().max()) < 0.01
    True
    """
    if source_rate == rate:
        return sound
    block = source_rate // math.gcd(source_rate, rate)  # lasts as long as a whole number of new samples
    # The transform is periodic: an eighth of a second of silence keeps the end apart from the beginning.
    padded_length = block * math.ceil((len(sound) + source_rate // 8) / block)
    new_length = padded_length * rate // source_rate
    spectrum = torch.fft.rfft(sound.double(), n=padded_length)
    # irfft truncates the spectrum or pads it with zeros.
    resampled: Tensor = torch.fft.irfft(spectrum, n=new_length) * (new_length / padded_length)
    return resampled[: math.ceil(len(sound) * rate / source_rate)].float()


def soundfile_module() -> Any:
    """Import the package soundfile.

    Raises:
        DataUnavailable: if soundfile or the library libsndfile is missing.
    """
    try:
        import soundfile
    except (ImportError, OSError):  # OSError if it does not find libsndfile
        raise DataUnavailable(
            "sound files are read by the package soundfile, which is missing or broken: pip install soundfile"
        ) from None
    return soundfile


def _decode(soundfile: Any, file: Any, name: str) -> tuple[Tensor, int]:
    """Read all samples (channels, n) and the sample rate."""
    try:
        with soundfile.SoundFile(file) as reader:
            rate = int(reader.samplerate)
            _check_rate(rate, name)
            limit = MAX_MINUTES * 60 * rate
            if min(reader.frames, limit) * reader.channels > MAX_SAMPLES:
                raise InputError(
                    f"{name} has too many samples in {reader.channels} channels: at most "
                    f"{MAX_SAMPLES // 1_000_000} million can be read: cut out a part"
                )
            samples = reader.read(limit + 1, dtype="float32", always_2d=True)
    except (RuntimeError, TypeError, OSError) as error:
        reason = first_line(error).rpartition(": ")[2]
        raise InputError(f"{name} cannot be read as sound ({reason}): use WAV, FLAC, OGG or MP3") from None
    if len(samples) > limit:
        raise InputError(f"{name} is longer than {MAX_MINUTES} minutes: cut out a part")
    if not len(samples):
        raise InputError(f"{name} is empty: record at least a fraction of a second")
    sound = torch.from_numpy(samples).T.contiguous()
    if not bool(sound.isfinite().all()):
        raise InputError(f"{name} contains values that are not finite (NaN or infinity)")
    return sound, rate


def _check_rate(rate: int, name: str) -> None:
    low, high = RATE_RANGE
    if not low <= rate <= high:
        raise InputError(f"{name} has {rate} samples a second: {low:,} to {high:,} are supported")


def _audible(part: Tensor, name: str) -> Tensor:
    """Return the channels (channels, n) that are not silent, or raise InputError."""
    peaks = (part - part.mean(1, keepdim=True)).abs().amax(1)
    if float(peaks.max()) < SILENCE_LEVEL:
        raise InputError(
            f"{name} is silent (its largest value is {float(peaks.max()):.2g} of full scale): "
            "record it again, closer to the microphone"
        )
    audible = (peaks >= SILENCE_LEVEL).nonzero()[:, 0].tolist()
    for index in audible:
        share = _clipped_share(part[index])
        if share > MAX_CLIPPED_SHARE:
            which = "it" if len(part) == 1 else f"its channel {index + 1}"
            raise InputError(
                f"{name} is clipped because it is too loud ({share:.1%} of {which} is at full scale, at most "
                f"{MAX_CLIPPED_SHARE:.0%} is allowed): record it again, more quietly"
            )
    return part[audible]


def _clipped_share(channel: Tensor) -> float:
    """The share of the steps of a channel (n,) that lie along its extreme values, 0 if it is not clipped."""
    if not 0.97 <= float(channel.abs().max()) <= 1:  # the largest value of µ-law is 0.98
        return 0.0
    # Clipping gives flat tops, of several samples; a true extreme value is a single sample.
    tops, bottoms = channel >= channel.max() - LEVEL_WIDTH, channel <= channel.min() + LEVEL_WIDTH
    extremes = tops.float() - bottoms.float()
    share = float((extremes[1:] * extremes[:-1] > 0).float().mean()) if len(channel) > 1 else 0.0
    # With few levels, as of 8 bits, the tops of any loud sound are flat, but so is the level next to them.
    between = channel[~tops & ~bottoms]
    if not len(between):
        return share
    next_levels = (between >= between.max() - LEVEL_WIDTH).sum() + (
        between <= between.min() + LEVEL_WIDTH
    ).sum()
    return share if int((tops | bottoms).sum()) > FLAT_RATIO * int(next_levels) else 0.0


def _mix(channels: Tensor) -> Tensor:
    """Average channels (channels, n), or return the loudest one (n,) if they cancel each other."""
    channels = channels - channels.mean(1, keepdim=True)
    energies = channels.double().square().sum(1)
    mixed = channels.mean(0)
    # Sounds that have nothing to do with each other keep 1 / channels of their energy on average.
    independent = float(energies.mean()) / len(channels)
    cancelled = float(mixed.double().square().sum()) < CANCELLED_SHARE * independent
    return channels[int(energies.argmax())] if cancelled else mixed
