"""Time series: the sine waves on which sequence GANs are compared, and days of real electricity demand."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import checked, integer
from gantutor.data.bundled import bundled_file
from gantutor.data.dataset import Card, Dataset

CHECKSUMS = {
    "ItalyPowerDemand_TRAIN.ts": "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
    "ItalyPowerDemand_TEST.ts": "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144",
}
"""The files of sktime 1.0 to 1.2 and their sha256; the archive's split, 67 and 1,029 days, is not used."""


@checked(count=integer(1), length=integer(1), features=integer(1), seed=integer(0))
def sines(count: int = 10_000, length: int = 24, features: int = 5, seed: int = 0) -> Dataset:
    """Draw independent sine waves: the data set Sines of TimeGAN, as the code of its authors draws it.

    For every sample and feature, x(t) = (sin(η·t + θ) + 1) / 2 at t = 0, 1, …, length − 1, with η and θ
    uniform on [0, 0.1]. So 24 steps show less than half a wave, and no value is below 0.5. The paper (Yoon,
    Jarrett & van der Schaar, NeurIPS 2019) gives sin(2π·η·t + θ) with η from [0, 1] and θ from [−π, π]. Its
    first author wrote that all its results come from [0, 0.1] for both (TimeGAN's repository, issue 40), so
    only scores on the set drawn here can be compared with the paper's table.

    Args:
        count: samples to train on; as many others are held out.
        length: steps of a sample.
        features: waves of a sample.
        seed: seed of the random numbers.

    Returns:
        In each part, (count, length, features), float32 in [0, 1].

    Raises:
        InputError: if an argument is not a whole number of at least 1 (``seed``: 0).

    >>> data = sines(100)
    >>> data.train.tensors[0].shape, data.held_out.tensors[0].shape
    (torch.Size([100, 24, 5]), torch.Size([100, 24, 5]))
    """
    rng = torch.Generator().manual_seed(seed)
    train, held_out = (TensorDataset(_waves(count, length, features, rng)) for _ in range(2))
    card = Card(
        "sines",
        f"{features} independent sine waves, frequency (radians a step) and phase from [0, 0.1]",
        "drawn here as the code of TimeGAN does (Yoon, Jarrett & van der Schaar, NeurIPS 2019)",
        "none needed",
        f"{count:,} to train on and {count:,} held out, {length} steps × {features} features in [0, 1]",
    )
    return Dataset("sines", train, held_out, card)


def _waves(count: int, length: int, features: int, rng: torch.Generator) -> Tensor:
    frequency, phase = 0.1 * torch.rand(2, count, 1, features, generator=rng, dtype=torch.float64)
    steps = torch.arange(length, dtype=torch.float64).view(1, length, 1)
    waves: Tensor = (((frequency * steps + phase).sin() + 1) / 2).float()
    return waves


def electricity() -> Dataset:
    """Load days of electricity demand in Italy, one value per hour: 877 to train on and 219 held out.

    The archive has scaled each day to mean 0 and standard deviation 1 (divisor 23, not 24), so a value is in
    standard deviations of its own day, and the last hour follows from the others. The files come with sktime;
    their days have no dates and are in random order, and every fifth day of the training and the test file
    together is held out. Source: Keogh, Wei, Xi, Lonardi, Shieh & Sirowy, Intelligent Icons, ICDM 2006,
    through the UCR archive (Dau et al. 2018, arXiv:1810.07758).

    Returns:
        In each part, (N, 24, 1), float32 from −2.4 to 3.3.

    Raises:
        DataUnavailable: if sktime or one of its files is missing or damaged.

    >>> data = electricity()
    >>> data.train.tensors[0].shape, data.held_out.tensors[0].shape
    (torch.Size([877, 24, 1]), torch.Size([219, 24, 1]))
    """
    days = _days()
    held_out = torch.arange(len(days)) % 5 == 4
    train, other_days = TensorDataset(days[~held_out]), TensorDataset(days[held_out])
    card = Card(
        "electricity",
        "hourly electricity demand of single days in Italy, each scaled to mean 0 and standard deviation 1",
        "ItalyPowerDemand: Keogh et al., Intelligent Icons, 2006; UCR archive, through the package sktime",
        "sktime is BSD-3-Clause; the archive names no licence for the data, which is read from the package",
        f"{len(train):,} days to train on and {len(other_days):,} held out, 24 hours each",
    )
    return Dataset("electricity", train, other_days, card)


@cache
def _days() -> Tensor:
    """Read all days (1096, 24, 1) in the order of the files."""
    folder = "datasets/data/ItalyPowerDemand"
    rows: list[list[float]] = []
    for name, checksum in CHECKSUMS.items():
        text = bundled_file(
            "the days of electricity demand", "sktime", f"{folder}/{name}", checksum, "sktime 1.0 to 1.2"
        )
        lines = [line for line in text.decode("ascii").split() if line[0] in "-0123456789" and ":" in line]
        rows += [[float(value) for value in line.split(":")[0].split(",")] for line in lines]
    return torch.tensor(rows).unsqueeze(2)
