"""The sines as TimeGAN's code draws them, and the days of electricity demand as their files hold them."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import electricity, sines

module = sys.modules["gantutor.data.series"]

HELD_OUT_DAYS = "7eecf93800fc85c7"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The loader without what it remembers, before and after."""
    module._days.cache_clear()
    yield
    module._days.cache_clear()


def test_the_sines_have_the_shape_of_the_papers_set() -> None:
    data = sines()
    for part in (data.train, data.held_out):
        (waves,) = part.tensors
        assert waves.shape == (10_000, 24, 5) and waves.dtype == torch.float32
        assert float(waves.min()) >= 0.5 and float(waves.max()) <= 1
    assert "TimeGAN" in str(data.card) and "10,000 to train on and 10,000 held out" in str(data.card)


def test_every_sine_has_a_frequency_and_a_phase_from_0_to_a_tenth() -> None:
    """Read back from the values: the angle grows by the same step, the frequency, from the phase on."""
    waves = sines(2000).train.tensors[0].double() * 2 - 1
    angles = torch.asin(waves[:, :12])  # twelve steps reach 1.2 at most, less than π/2
    steps = angles[:, 1:] - angles[:, :-1]
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps), atol=1e-5, rtol=0)
    for drawn in (angles[:, 0], steps.mean(1)):
        assert float(drawn.min()) > -1e-6 and float(drawn.max()) < 0.1 + 1e-6
        quantiles = drawn.flatten().quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
        torch.testing.assert_close(quantiles, torch.tensor([0.025, 0.05, 0.075]).double(), atol=2e-3, rtol=0)


def test_features_and_parts_are_independent() -> None:
    data = sines(5000)
    both = torch.stack([part.tensors[0].mean(1) for part in (data.train, data.held_out)])
    columns = both.permute(1, 0, 2).flatten(1).T  # ten: five features in each of two parts
    others = torch.corrcoef(columns) - torch.eye(10)
    assert float(others.abs().max()) < 5 / math.sqrt(5000)


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (sines(10, seed=seed).train.tensors[0] for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("name", ["count", "length", "features", "seed"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "5", None])
def test_wrong_numbers_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} must be a whole number of at least [01], not "):
        sines(**{name: value})


def test_days_shapes_scale_and_split() -> None:
    data = electricity()
    days = torch.cat([part.tensors[0] for part in (data.train, data.held_out)])
    assert len(data.train) == 877 and len(data.held_out) == 219
    assert days.shape == (1096, 24, 1) and days.dtype == torch.float32
    torch.testing.assert_close(days.mean(1), torch.zeros(1096, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(days.std(1), torch.ones(1096, 1), atol=1e-5, rtol=0)
    assert len(days.unique(dim=0)) == 1096  # so none is in both parts
    assert "sktime" in str(data.card) and "standard deviation 1" in str(data.card)


def test_the_days_are_those_of_sktimes_own_loader() -> None:
    """Its loader for numpy arrays, which reads the same files in its own way."""
    from sktime.datasets import load_italy_power_demand

    theirs = np.concatenate(
        [load_italy_power_demand(split, return_type="numpy3D")[0] for split in ("train", "test")]
    )
    held_out = np.arange(1096) % 5 == 4
    for part, chosen in ((electricity().train, ~held_out), (electricity().held_out, held_out)):
        ours = part.tensors[0].squeeze(2).numpy()
        np.testing.assert_allclose(ours, theirs[chosen].squeeze(1), atol=1e-6)


def test_the_split_is_the_one_of_the_first_release() -> None:
    days = electricity().held_out.tensors[0].mul(1e4).round().to(torch.int32)
    assert hashlib.sha256(days.numpy().tobytes()).hexdigest().startswith(HELD_OUT_DAYS)


def test_demand_is_low_at_night_and_can_be_foretold() -> None:
    days = electricity().train.tensors[0].squeeze(2)
    profile = days.mean(0)
    assert int(profile.argmin()) in (2, 3, 4, 5) and float(profile[8:20].min()) > float(profile[:6].max())
    last_value = (days[:, 1:] - days[:, :-1]).abs().mean()
    assert 0.2 < float(last_value) < 0.5


@pytest.mark.usefixtures("fresh")
def test_a_missing_sktime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataUnavailable, match=r"^the days of electricity demand come with .* pip install s"):
        electricity()


@pytest.mark.usefixtures("fresh")
def test_a_missing_or_damaged_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(DataUnavailable, match=r"^ItalyPowerDemand_TRAIN\.ts is missing from the package skt"):
        electricity()
    folder = tmp_path / "datasets/data/ItalyPowerDemand"
    folder.mkdir(parents=True)
    (folder / "ItalyPowerDemand_TRAIN.ts").write_text("@data\n1,2,3:1\n", encoding="ascii")
    with pytest.raises(DataUnavailable, match=r"^ItalyPowerDemand_TRAIN\.ts of the package sktime is d"):
        electricity()


def test_sktime_is_not_imported() -> None:
    code = "import gantutor as gt, sys; gt.data.electricity(); print('sktime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
