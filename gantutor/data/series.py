"""Time series: the sines on which sequence GANs are compared, and days of real electricity demand."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import integer, validate
from gantutor.data.bundled import bundled_file
from gantutor.data.dataset import Card, Dataset

DAYS = {
    "ItalyPowerDemand_TRAIN.ts": "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
    "ItalyPowerDemand_TEST.ts": "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144",
}
"""The files of sktime 1.0 to 1.2 with their sha256; the archive's split, 67 and 1,029 days, is not used."""


def sines(count: int = 10_000, length: int = 24, features: int = 5, seed: int = 0) -> Dataset:
    """Independent sine waves (count, length, features), float32 in [0, 1]: the Sines set of TimeGAN, as its
    code makes it; as many others are held out.

    For every sample and feature, x(t) = (sin(η·t + θ) + 1) / 2 at t = 0, 1, …, length − 1, with η and θ drawn
    evenly from [0, 0.1]. So 24 steps show less than half a wave, and none of its values lies below 0.5. The
    paper (Yoon, Jarrett & van der Schaar, NeurIPS 2019) says sin(2π·η·t + θ) with η from [0, 1] and θ from
    [−π, π]; its first author wrote that all its results come from [0, 0.1] for both (TimeGAN's repository,
    issue 40), so scores compare with the paper's table only on the set made here. Raises InputError where a
    parameter is not a whole number ≥ 1 (``seed``: ≥ 0).

    >>> data = sines(100)
    >>> data.train.tensors[0].shape, data.held_out.tensors[0].shape
    (torch.Size([100, 24, 5]), torch.Size([100, 24, 5]))
    """
    given = {"count": count, "length": length, "features": features, "seed": seed}
    validate(given, count=integer(1), length=integer(1), features=integer(1), seed=integer(0))
    draw = torch.Generator().manual_seed(seed)
    train, held_out = (TensorDataset(_waves(count, length, features, draw)) for _ in range(2))
    card = Card(
        "sines",
        f"{features} independent sine waves, frequency (radians a step) and phase from [0, 0.1]",
        "drawn here as the code of TimeGAN does (Yoon, Jarrett & van der Schaar, NeurIPS 2019)",
        "none needed",
        f"{count:,} to train on and {count:,} held out, {length} steps × {features} features in [0, 1]",
    )
    return Dataset("sines", train, held_out, card)


def _waves(count: int, length: int, features: int, draw: torch.Generator) -> Tensor:
    frequency, phase = 0.1 * torch.rand(2, count, 1, features, generator=draw, dtype=torch.float64)
    steps = torch.arange(length, dtype=torch.float64).view(1, length, 1)
    waves: Tensor = (((frequency * steps + phase).sin() + 1) / 2).float()
    return waves


def electricity() -> Dataset:
    """Days of electricity demand in Italy, (N, 24, 1) float32: 877 to train on and 219 held out, in random
    order.

    A step is an hour. The archive has scaled each day to mean 0 and standard deviation 1 (over 23, not 24),
    so a value is in standard deviations of its own day, from −2.4 to 3.3, and the last hour follows from the
    others. The files come with sktime and have no dates; every fifth day of training and test file together
    is held out. Source: Keogh, Wei, Xi, Lonardi, Shieh & Sirowy, Intelligent Icons, ICDM 2006, through the
    UCR archive (Dau et al. 2018, arXiv:1810.07758). Raises DataUnavailable where sktime or its files are
    missing.

    >>> data = electricity()
    >>> data.train.tensors[0].shape, data.held_out.tensors[0].shape
    (torch.Size([877, 24, 1]), torch.Size([219, 24, 1]))
    """
    days = _days()
    held_out = torch.arange(len(days)) % 5 == 4
    train, rest = TensorDataset(days[~held_out]), TensorDataset(days[held_out])
    card = Card(
        "electricity",
        "hourly electricity demand of single days in Italy, each scaled to mean 0 and standard deviation 1",
        "ItalyPowerDemand: Keogh et al., Intelligent Icons, 2006; UCR archive, through the package sktime",
        "sktime is BSD-3-Clause; the archive names no licence for the data, which is read from the package",
        f"{len(train):,} days to train on and {len(rest):,} held out, 24 hours each",
    )
    return Dataset("electricity", train, rest, card)


@cache
def _days() -> Tensor:
    """All days (1096, 24, 1) in the order of the files."""
    folder = "datasets/data/ItalyPowerDemand"
    rows: list[list[float]] = []
    for name, checksum in DAYS.items():
        text = bundled_file(
            "the days of electricity demand", "sktime", f"{folder}/{name}", checksum, "sktime 1.0 to 1.2"
        )
        lines = [line for line in text.decode("ascii").split() if line[0] in "-0123456789" and ":" in line]
        rows += [[float(value) for value in line.split(":")[0].split(",")] for line in lines]
    return torch.tensor(rows).unsqueeze(2)
