"""Recordings of spoken digits, as waves of 4,096 samples at 8,000 samples per second."""

from __future__ import annotations

import csv
import hashlib
import io
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset
from tqdm import tqdm

from gantutor._checks import check_path
from gantutor._errors import DataUnavailable, InputError
from gantutor.data.bundled import missing_package
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import CACHE_FOLDER
from gantutor.data.recordings import fit_length, soundfile_module

NAMES = ("spoken_digits", "speech_commands")
RATE, LENGTH = 8000, 4096
"""Samples per second, and samples of a wave."""

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

CHECKSUMS = {
    "spoken_digits.flac": "32f8d17ae65b173faf073b8e0df272cd9ff18e0b814dfbfc66ad53c65b75886e",
    "spoken_digits.csv": "862d8134a07295289c3fbbbbd60cde16c267794765fb2ad41e1c94d927cbafd8",
}
"""The files of the project's folder data/ and their sha256."""

DATA_FOLDERS = (Path(__file__).parent / "files", Path(__file__).parents[2] / "data")
"""The folder of these files in an installed package, and in a checkout."""

_CREDITS = {
    "spoken_digits": (
        "Free Spoken Digit Dataset, Zohar Jackson and contributors; those of at most 4,096 samples",
        "CC BY-SA 4.0",
    ),
    "speech_commands": (
        "Warden, Speech Commands 0.02, 2018, arXiv:1804.03209; through torchaudio",
        "CC BY 4.0",
    ),
}


def spoken_digits(name: str = "spoken_digits", folder: str | Path = CACHE_FOLDER) -> Dataset:
    """Load recordings of spoken digits.

    ``"spoken_digits"`` are the 2,266 recordings of the Free Spoken Digit Dataset that have at most 4,096
    samples; they come with the project. Each is centred in its wave, with zeros before and after it, and
    every fifth of each class is held out. ``"speech_commands"`` are the digits of the full Speech Commands
    through torchaudio: the loudest 0.512 seconds of each, at half the sample rate and without their mean. The
    authors' testing list is held out, and their validation list is not used.

    Args:
        name: ``"spoken_digits"`` or ``"speech_commands"``.
        folder: where Speech Commands is kept; about 2.3 GB are downloaded the first time.

    Returns:
        In each part, waves (N, 4096), float32 in [−1, 1], at 8 kHz, and labels (N,) from 0 to 9.

    Raises:
        InputError: if the name is not one of the two, or ``folder`` is not a path.
        DataUnavailable: if soundfile, which reads the files, or torchaudio is missing, a file is missing or
            damaged, or the download fails.

    >>> data = spoken_digits()
    >>> data.train.tensors[0].shape, data.held_out.tensors[1].bincount().tolist()
    (torch.Size([1817, 4096]), [33, 48, 50, 48, 50, 44, 40, 45, 52, 39])
    """
    if not isinstance(name, str) or name not in NAMES:
        raise InputError(f"name must be one of {', '.join(NAMES)}, not {name!r}")
    folder = check_path(folder, "folder")
    train, held_out = _from_the_project() if name == "spoken_digits" else _from_torchaudio(folder)
    source, licence = _CREDITS[name]
    parts = f"{len(train):,} to train on and {len(held_out):,} held out"
    size = f"{parts}, {LENGTH:,} samples in [−1, 1] at {RATE:,} Hz, ten classes"
    return Dataset(name, train, held_out, Card(name, "digits spoken in English", source, licence, size))


@cache
def _from_the_project() -> tuple[TensorDataset, TensorDataset]:
    soundfile = soundfile_module()
    sound, table = (_project_file(name) for name in CHECKSUMS)
    samples, _ = soundfile.read(io.BytesIO(sound), dtype="int16")
    rows = [tuple(map(int, row)) for row in list(csv.reader(table.decode("ascii").splitlines()))[1:]]
    recordings, labels = torch.from_numpy(samples), torch.tensor([digit for digit, _, _ in rows])
    waves = torch.zeros(len(rows), LENGTH)
    for wave, (_, start, length) in zip(waves, rows, strict=True):
        before = (LENGTH - length) // 2
        wave[before : before + length] = recordings[start : start + length] / 32768
    held_out = stratified_fifth(labels)
    return TensorDataset(waves[~held_out], labels[~held_out]), TensorDataset(
        waves[held_out], labels[held_out]
    )


def stratified_fifth(labels: Tensor) -> Tensor:
    """Mark every fifth sample of each class, to hold out a fifth of the data with the same share of classes.

    Args:
        labels: classes (N,), whole numbers from 0.

    Returns:
        (N,), True for the fifth, tenth, … sample of each class.

    >>> stratified_fifth(torch.tensor([0, 0, 1, 0, 0, 0, 1])).nonzero().flatten()
    tensor([5])
    """
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for digit in range(int(labels.max()) + 1):
        chosen[(labels == digit).nonzero().flatten()[4::5]] = True
    return chosen


def _project_file(name: str) -> bytes:
    path = next((folder / name for folder in DATA_FOLDERS if (folder / name).is_file()), None)
    if path is None:
        raise DataUnavailable(f"{name}, which comes with the project, is missing: reinstall gantutor")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUMS[name]:
        raise DataUnavailable(f"{name} is damaged or another file: reinstall gantutor")
    return content


def _from_torchaudio(folder: Path) -> tuple[TensorDataset, TensorDataset]:
    try:
        from torchaudio.datasets import SPEECHCOMMANDS
    except (ImportError, OSError, RuntimeError):  # OSError, RuntimeError if it was built for another torch
        raise missing_package("speech_commands", "torchaudio") from None
    soundfile = soundfile_module()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parts = [SPEECHCOMMANDS(str(folder), download=True, subset=name) for name in ("training", "testing")]
    except (RuntimeError, OSError) as error:
        raise DataUnavailable(
            f"speech_commands could not be downloaded ({type(error).__name__}): it needs a network "
            'connection once; the default, "spoken_digits", needs none'
        ) from None
    train, held_out = (_read_digits(part, folder, soundfile) for part in parts)
    return train, held_out


def _read_digits(part: Any, folder: Path, soundfile: Any) -> TensorDataset:
    """Read the digits of a part with soundfile, because the loading of torchaudio 2.11 needs TorchCodec."""
    metadata = [part.get_metadata(index)[:3] for index in range(len(part))]
    recordings = [(path, rate, WORDS.index(word)) for path, rate, word in metadata if word in WORDS]
    waves = torch.empty(len(recordings), LENGTH)
    for wave, (path, _, _) in zip(waves, tqdm(recordings, desc="Reading recordings"), strict=True):
        samples, rate = soundfile.read(folder / "SpeechCommands" / path, dtype="float32", always_2d=True)
        wave.copy_(fit_length(torch.from_numpy(samples).mean(1), rate, RATE, LENGTH))
    return TensorDataset(waves, torch.tensor([digit for _, _, digit in recordings]))
