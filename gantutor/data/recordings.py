"""Recordings of one's own: any sound file becomes the samples that a network takes, and the way back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import integer, validate
from gantutor._errors import DataUnavailable, InputError, first_line, type_name
from gantutor._files import new_file
from gantutor.data.io import open_file

MINUTES = 10
"""A recording may be this long."""

RATES = (1000, 768_000)
"""Samples a second that a file may have."""

SILENT = 1e-3
"""A recording that never leaves its mean by more (−60 dB of full scale) is silent."""

CHANNELS = 8
"""A file that is written has so many at most: a page of sounds is not one recording."""

CLIPPED = 0.01
"""Share of steps along the very edge above which a recording is cut off: of 2,266 clean spoken digits none
has more than 0.006; twice too loud, the median has 0.019."""


def read_recording(source: str | Path | bytes, rate: int = 8000, length: int = 4096) -> Tensor:
    """A recording, from a file or its bytes, as samples (length,), float32 in [−1, 1], ``rate`` a second.

    WAV, FLAC, OGG and MP3 are read. Channels are averaged, the mean is taken away, another rate is resampled;
    of a longer recording the loudest part is kept, a shorter one has zeros on both sides; values beyond full
    scale are scaled down to it. Raises InputError for what is no recording or one that is empty, silent, cut
    off by too much volume (clipped), not finite or over ten minutes long, and DataUnavailable where soundfile
    is missing.

    >>> read_recording(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the recording cannot be read as sound (...): WAV, FLAC, OGG and MP3 can
    """
    given = {"rate": rate, "length": length}
    validate(given, rate=integer(1000, 192_000), length=integer(1, 100_000_000))
    sound, found = _decoded(source)
    part = loudest_part(sound, math.ceil(length * found / rate))
    _refuse_silent_or_clipped(part)
    return fit_length(part, found, rate, length)


def write_recording(path: str | Path, wave: Tensor, rate: int = 8000) -> Path:
    """Write a wave (L,) or (channels, L), floats in [−1, 1], ``rate`` samples a second, as a 16-bit WAV file.

    The folder is made where it is missing; the file is whole or not there, and one that stands at ``path`` is
    replaced. Returns the path. Raises InputError for other shapes, more than 8 channels, no samples, values
    that are not finite or beyond ±1, another suffix than .wav, or where nothing can be written, and
    DataUnavailable where soundfile is missing.

    >>> import tempfile
    >>> tone = (2 * torch.pi * 440 * torch.arange(4096) / 8000).sin() / 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = read_recording(write_recording(Path(folder) / "tone.wav", tone))
    >>> float((again - (tone - tone.mean())).abs().max()) < 1e-4
    True
    """
    validate({"rate": rate}, rate=integer(1000, 192_000))
    samples = _writable(wave)
    if not isinstance(path, str | Path) or Path(path).suffix.lower() != ".wav":
        raise InputError(f"path must be the name of a file that ends in .wav, not {str(path)!r}")
    soundfile, path = soundfile_module(), Path(path)
    with new_file(path) as fresh:
        try:
            soundfile.write(str(fresh), samples.T.numpy(), rate, format="WAV", subtype="PCM_16")
        except RuntimeError as error:  # libsndfile's own word for a disk that is full
            raise OSError(first_line(error)) from None
    return path


def _writable(wave: Any) -> Tensor:
    """A wave as (channels, L), 64-bit floats on the CPU."""
    shape = tuple(wave.shape) if isinstance(wave, Tensor) else ()
    right = isinstance(wave, Tensor) and wave.is_floating_point() and wave.dim() in (1, 2)
    if not right or (wave.dim() == 2 and not 1 <= shape[0] <= CHANNELS):
        what = f"{wave.dtype} of {shape}" if isinstance(wave, Tensor) else type_name(wave)
        raise InputError(
            f"wave must be floats of shape (length,) or (channels, length), at most {CHANNELS} channels, "
            f"not {what}"
        )
    if not wave.numel():
        raise InputError("wave holds no samples: there is nothing to write")
    wave = wave.detach().double().cpu()
    if not bool(wave.isfinite().all()):
        raise InputError("wave contains values that are not finite (NaN or infinity)")
    loudest = float(wave.abs().max())
    if loudest > 1:
        raise InputError(
            f"wave must lie between -1 and 1, and its loudest sample is {loudest:.4g}: divide it by that"
        )
    samples: Tensor = wave.reshape(-1, shape[-1])
    return samples


def fit_length(sound: Tensor, found: int, rate: int, length: int) -> Tensor:
    """Sound (n,) of ``found`` samples a second as (length,) of ``rate`` a second: the loudest part, or all of
    it between zeros; its mean is taken away, and it is scaled down where it goes beyond ±1.

    >>> fit_length(torch.tensor([1.0, -1.0]), 8000, 8000, 6)
    tensor([ 0.,  0.,  1., -1.,  0.,  0.])
    """
    part = loudest_part(sound, math.ceil(length * found / rate))
    heard = resample(part - part.mean(), found, rate)[:length]
    heard = heard / heard.abs().max().clamp(min=1.0)
    before = (length - len(heard)) // 2
    return torch.nn.functional.pad(heard, (before, length - len(heard) - before))


def loudest_part(sound: Tensor, length: int) -> Tensor:
    """The ``length`` samples of sound (n,) with the most energy, moved so that the energy lies in the middle;
    all of it where it is not longer.

    >>> loudest_part(torch.tensor([0.0, 0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0]), 5)
    tensor([ 0.,  1., -1.,  1.,  0.])
    """
    spare = len(sound) - length
    if spare <= 0:
        return sound
    energy = (sound.double() - sound.double().mean()).square()
    until = torch.cat([energy.new_zeros(1), energy.cumsum(0)])
    start = int((until[length:] - until[:-length]).argmax())
    inside = energy[start : start + length]
    centre = (inside * torch.arange(length)).sum() / inside.sum().clamp(min=1e-30)
    start = min(max(start + round(float(centre) - (length - 1) / 2), 0), spare)
    return sound[start : start + length]


def resample(sound: Tensor, found: int, rate: int) -> Tensor:
    """Sound (n,) of ``found`` samples a second at ``rate`` a second, (⌈n·rate/found⌉,), by way of its
    spectrum, which ends at half the lower rate.

    >>> steps = torch.arange(1600) * (2 * torch.pi * 100)  # a tone of 100 Hz
    >>> error = resample((steps / 16000).sin(), 16000, 8000) - (steps[:800] / 8000).sin()
    >>> float(error[100:-100].abs().max()) < 0.01
    True
    """
    if found == rate:
        return sound
    block = found // math.gcd(found, rate)  # so many samples last as long as a whole number of new ones
    padded = block * math.ceil((len(sound) + found // 8) / block)  # an eighth of a second of silence after it
    new = padded * rate // found
    spectrum = torch.fft.rfft(sound.double(), n=padded)
    heard: Tensor = torch.fft.irfft(spectrum, n=new) * (new / padded)  # cuts the spectrum, or fills it up
    return heard[: math.ceil(len(sound) * rate / found)].float()


def soundfile_module() -> Any:
    """The package soundfile. Raises DataUnavailable where it, or the library it calls, is missing."""
    try:
        import soundfile
    except (ImportError, OSError):  # the second where it does not find libsndfile
        raise DataUnavailable(
            "sound files are read by the package soundfile, which is missing or broken: pip install soundfile"
        ) from None
    return soundfile


def _decoded(source: Any) -> tuple[Tensor, int]:
    """All samples (n,), channels averaged, and how many there are in a second."""
    soundfile = soundfile_module()
    file, name = open_file(source, "recording", "a sound file", "a sound file")
    try:
        with soundfile.SoundFile(file) as reader:
            found = int(reader.samplerate)
            _refuse_rate(found, name)
            limit = MINUTES * 60 * found
            samples = reader.read(limit + 1, dtype="float32", always_2d=True)
    except (RuntimeError, TypeError, OSError) as error:
        reason = first_line(error).rpartition(": ")[2]
        raise InputError(f"{name} cannot be read as sound ({reason}): WAV, FLAC, OGG and MP3 can") from None
    if len(samples) > limit:
        raise InputError(f"{name} is longer than {MINUTES} minutes: cut it to the part that is wanted")
    if not len(samples):
        raise InputError(f"{name} holds no samples: record at least a fraction of a second")
    sound = torch.from_numpy(samples).mean(1)
    if not bool(sound.isfinite().all()):
        raise InputError(f"{name} contains values that are not finite (NaN or infinity)")
    return sound, found


def _refuse_rate(found: int, name: str) -> None:
    if not RATES[0] <= found <= RATES[1]:
        raise InputError(
            f"{name} has {found} samples a second: {RATES[0]:,} to {RATES[1]:,} can be resampled"
        )


def _refuse_silent_or_clipped(part: Tensor) -> None:
    loudest = float((part - part.mean()).abs().max())
    if loudest < SILENT:
        raise InputError(
            f"the recording is silent (its largest value is {loudest:.2g} of full scale): "
            "record it again, closer to the microphone"
        )
    edge = (part >= part.max() - 1e-4).float() - (part <= part.min() + 1e-4).float()
    share = float(
        (edge[1:] * edge[:-1] > 0).float().mean()
    )  # a flat top, where a true one is a single sample
    if 0.97 <= float(part.abs().max()) <= 1 and share > CLIPPED:
        raise InputError(
            f"the recording is cut off by too much volume ({share:.1%} of it stands at full scale, at most "
            f"{CLIPPED:.0%} is allowed): record it again, more quietly"
        )
