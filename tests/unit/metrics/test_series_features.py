"""Features of series and the nearest-neighbour test: closed forms, numpy and scipy, and bad controls."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal, spatial
from torch import Tensor

import gantutor as gt
from gantutor.metrics import nearest_neighbour_error, series_features

LENGTH, HALF = 24, 13


def split(features: Tensor, count: int) -> dict[str, Tensor]:
    """The features by kind, each (N, …, count)."""
    names = ["mean", "spread", "least", "largest", "lag 1", "lag 2", "lag 4", "lag 8"]
    parts = {name: features[:, k * count : (k + 1) * count] for k, name in enumerate(names)}
    rest = features[:, 8 * count :]
    parts["spectrum"] = rest[:, : HALF * count].unflatten(1, (HALF, count))
    return parts | {"pairs": rest[:, HALF * count :]}


# --- features -----------------------------------------------------------------------------------------------


def test_the_features_of_a_sine_of_whole_periods_are_those_known() -> None:
    angle = 2 * math.pi * 3 * torch.arange(LENGTH, dtype=torch.float64) / LENGTH
    wave = torch.stack([2 + angle.sin(), angle.sin(), -angle.cos()], 1)[None]
    parts = split(series_features(wave), 3)
    assert parts["mean"][0].tolist() == pytest.approx([2, 0, 0], abs=1e-12)
    assert parts["spread"][0].tolist() == pytest.approx([math.sqrt(0.5)] * 3)
    assert parts["largest"][0].tolist() == pytest.approx([3, 1, 1])
    assert parts["spectrum"][0].argmax(0).tolist() == [3, 3, 3]
    # The same wave, and one a quarter of a period later.
    assert parts["pairs"][0].tolist() == pytest.approx([1, 0, 0], abs=1e-12)


def test_the_spectrum_is_scipys_and_the_lag_correlations_are_numpys() -> None:
    series = torch.rand(4, LENGTH, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parts = split(series_features(series), 2)
    for row, sample in enumerate(series.numpy()):
        for feature in range(2):
            values = sample[:, feature]
            _, power = signal.periodogram(
                values, window=np.hanning(LENGTH), detrend="constant", scaling="spectrum"
            )
            power[1:-1] /= 2  # scipy's is one-sided
            expected = np.log(power / power.sum() + 1e-9)
            assert parts["spectrum"][row, :, feature].numpy() == pytest.approx(expected)
            normal = (values - values.mean()) / values.std()
            for lag in (1, 2, 4, 8):
                expected_lag = np.mean(normal[:-lag] * normal[lag:])
                assert float(parts[f"lag {lag}"][row, feature]) == pytest.approx(expected_lag)
        expected_pair = np.corrcoef(sample.T)[0, 1]
        assert float(parts["pairs"][row, 0]) == pytest.approx(expected_pair)


def test_only_amplitudes_depend_on_offset_and_scale() -> None:
    series = torch.rand(3, LENGTH, 2, dtype=torch.float64)
    one, other = series_features(series), series_features(5 + 3 * series)
    torch.testing.assert_close(one[:, 16:], other[:, 16:])
    torch.testing.assert_close(5 + 3 * one[:, :2], other[:, :2])


def test_constant_and_short_series_have_finite_features() -> None:
    assert bool(series_features(torch.ones(2, LENGTH, 3)).isfinite().all())
    assert series_features(torch.rand(2, 4, 1)).shape == (2, 4 + 2 + 3)  # lags 1 and 2, three frequencies


# --- the nearest-neighbour test -----------------------------------------------------------------------------


def by_trees(real: np.ndarray, generated: np.ndarray) -> float:  # type: ignore[type-arg]
    """The same test with scipy's k-d tree."""
    scale = real.std(0, ddof=1)
    rows = np.concatenate([real, generated]) / np.where(scale > 0, scale, 1)
    index = spatial.KDTree(rows).query(rows, k=2)[1][:, 1]
    is_real = np.arange(len(rows)) < len(real)
    return abs(float((is_real[index] == is_real).mean()) - 0.5)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_the_error_is_that_of_a_search_tree(shift: float) -> None:
    draw = np.random.default_rng(0)
    real, generated = draw.normal(size=(300, 4)) * [1, 10, 100, 0], draw.normal(size=(300, 4)) + shift
    generated[:, 3] = 0
    found = nearest_neighbour_error(torch.tensor(real), torch.tensor(generated))
    assert found == pytest.approx(by_trees(real, generated), abs=1e-12)


def test_the_error_of_overlapping_uniform_samples_is_the_one_known() -> None:
    # On [0, 1] and on [½, 3/2]: half of all samples lie where both kinds are equally frequent, the others
    # only among their own kind: accuracy ½ · ½ + ½ · 1.
    draw = torch.Generator().manual_seed(0)
    real, generated = torch.rand(4000, 1, generator=draw), torch.rand(4000, 1, generator=draw) + 0.5
    assert nearest_neighbour_error(real, generated) == pytest.approx(0.25, abs=0.02)


def test_equal_distributions_are_not_told_apart_and_copies_are() -> None:
    draw = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 3000, 5, generator=draw)
    assert nearest_neighbour_error(one, other) < 0.025
    assert nearest_neighbour_error(one, one) == 0.5  # the nearest of each is its twin in the other set
    assert nearest_neighbour_error(one + 1e6, one + 1e6 + 20) == 0.5


@pytest.mark.parametrize("control", ["shuffled", "blurred", "trembling", "repeated"])
def test_it_tells_bad_controls_from_real_sines(control: str) -> None:
    real, held_out = (part.tensors[0] for part in (gt.data.sines(800).train, gt.data.sines(800).held_out))
    draw = torch.Generator().manual_seed(0)
    order = torch.rand(real.shape[:2], generator=draw).argsort(1)[..., None].expand_as(real)
    bad = {
        "shuffled": real.gather(1, order),
        "blurred": F.avg_pool1d(F.pad(real.mT, (2, 2), mode="replicate"), 5, 1).mT,
        "trembling": real + 0.002 * torch.randn(real.shape, generator=draw),
        "repeated": real[..., :1].expand_as(real),
    }
    features = series_features(held_out)
    assert nearest_neighbour_error(features, series_features(bad[control])) >= 0.25
    assert nearest_neighbour_error(features, series_features(real)) <= 0.04


def test_wrong_arguments_are_refused_in_one_sentence() -> None:
    with pytest.raises(gt.InputError, match="at least two, of one shape"):
        nearest_neighbour_error(torch.rand(3, 2), torch.rand(4, 2))
    with pytest.raises(gt.InputError, match="length ≥ 4"):
        series_features(torch.rand(3, 3, 2))
    with pytest.raises(gt.InputError, match="finite"):
        series_features(torch.full((3, 8, 2), math.nan))
