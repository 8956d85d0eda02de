"""Distances and scores of samples of any dtype, shape, offset, scale and memory format, against references
that are computed in another way and with more digits; and what samples without variety score."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from property_cases import tried
from scipy import linalg, stats
from torch import Tensor

from gantutor import metrics
from gantutor._errors import InputError
from gantutor.data import toy
from gantutor.doctor import measures
from gantutor.metrics import classifier_test
from gantutor.metrics.distances import BLOCK, inside_balls, nearest, pairwise_distances

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
WHOLE = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
OFFSETS = [0.0, 1.0, 300.0, -1e3, 1e6]
SCALES = [1e-6, 1e-3, 1.0, 1e3, 1e6]


def layouts(samples: Tensor, kind: int) -> Tensor:
    """The same numbers in other places of the memory."""
    if kind == 1:
        return samples.repeat_interleave(2, 0)[::2]
    if kind == 2 and samples.dim() == 4:
        return samples.contiguous(memory_format=torch.channels_last)
    if kind == 3:
        return samples.transpose(0, -1).contiguous().transpose(0, -1)
    return samples


@st.composite
def clouds(
    draw: Any, sets: int = 2, most: int = 12, images: bool = False, dtypes: Any = None
) -> tuple[Tensor, ...]:
    """Sets of samples of one shape, dtype, offset and scale; some are copies of others."""
    rng = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    shape = draw(st.sampled_from([(1,), (3,), (1, 4, 4), (3, 2, 5)] if images else [(1,), (2,), (3,), (7,)]))
    dtype = draw(st.sampled_from(dtypes or FLOATS + WHOLE))
    offset, scale = draw(st.sampled_from(OFFSETS)), draw(st.sampled_from(SCALES))
    made: list[Tensor] = []
    for _ in range(sets):
        samples = torch.randn(draw(st.integers(4, most)), *shape, generator=rng, dtype=torch.float64)
        samples = samples * scale + offset
        if not dtype.is_floating_point:
            limits = torch.iinfo(dtype)
            samples = samples.clamp(max(limits.min, -(2**53)), min(limits.max, 2**53))
        elif dtype is torch.float16:
            samples = samples.clamp(-6e4, 6e4)
        samples = samples.to(dtype)
        if made and draw(st.booleans()):
            samples[0] = made[0][-1]
        if draw(st.booleans()):
            samples[-1] = samples[1]
        made.append(layouts(samples, draw(st.integers(0, 3))))
    return tuple(made)


def long(samples: Tensor) -> Any:
    """Rows (N, D) with 64 bits of mantissa."""
    return samples.double().reshape(len(samples), -1).numpy().astype(np.longdouble)


def all_distances(first: Tensor, second: Tensor) -> Any:
    gaps = long(first)[:, None] - long(second)[None]
    return np.sqrt((gaps**2).sum(-1))


# --- distances ----------------------------------------------------------------------------------------------


@tried(120)
@given(clouds(images=True), st.integers(1, 4))
def test_neighbours_are_those_of_differences_with_more_digits(sets: tuple[Tensor, ...], k: int) -> None:
    queries, data = sets
    expected = all_distances(queries, data)
    distances, index = nearest(queries, data, k)
    np.testing.assert_allclose(distances.numpy(), np.sort(expected, 1)[:, :k].astype(float), rtol=1e-12)
    chosen = np.take_along_axis(expected, index.numpy(), 1)
    np.testing.assert_allclose(chosen.astype(float), distances.numpy(), rtol=1e-12)
    one, at = metrics.nearest_neighbours(queries, data)
    assert one.dtype == torch.float64 and torch.equal(one, distances[:, 0]) and torch.equal(at, index[:, 0])
    first = (expected == expected.min(1, keepdims=True)).argmax(1)
    same = data.double().flatten(1)[at] == data.double().flatten(1)[first]
    assert bool(same.all()) and bool((at <= torch.from_numpy(first)).all())  # of copies, the first


@tried(80)
@given(clouds(images=True))
def test_all_distances_and_what_the_doctor_makes_of_them(sets: tuple[Tensor, ...]) -> None:
    first, second = sets
    expected = all_distances(first, second)
    np.testing.assert_allclose(pairwise_distances(first, second).numpy(), expected.astype(float), rtol=1e-7)
    within = [all_distances(part, part).sum() / (len(part) * (len(part) - 1)) for part in sets]
    for part, mean in zip(sets, within, strict=True):
        assert measures.mean_pairwise_distance(part) == pytest.approx(float(mean), rel=1e-7)
    if (between := 2 * expected.mean()) > 0:
        coefficient = float((between - within[0] - within[1]) / between)
        assert measures.energy_coefficient(first, second) == pytest.approx(coefficient, abs=1e-6)
    np.testing.assert_array_equal(np.diagonal(pairwise_distances(first, first)), 0)


@tried(80)
@given(clouds(sets=2, most=20), st.integers(1, 3))
def test_precision_and_recall_are_those_of_every_pair(sets: tuple[Tensor, ...], k: int) -> None:
    def share_inside(points: Tensor, features: Tensor) -> float:
        radii = np.sort(all_distances(features, features), 1)[:, k]
        return float((all_distances(points, features) <= radii * (1 + 1e-12)).any(1).mean())

    real, generated = sets
    expected = share_inside(generated, real), share_inside(real, generated)
    assert metrics.precision_recall(real, generated, k) == expected


def test_lower_precision_of_the_training_changes_no_distance() -> None:
    rng = torch.Generator().manual_seed(0)
    queries, data = torch.randn(40, 30, generator=rng), torch.randn(60, 30, generator=rng)
    usual = metrics.nearest_neighbours(queries, data)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        lower = metrics.nearest_neighbours(queries, data)
    finally:
        torch.set_float32_matmul_precision(before)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = metrics.nearest_neighbours(queries, data)
        assert metrics.precision_recall(data, data + 1e-3) == metrics.precision_recall(data, data)
    for found in (lower, mixed):
        assert torch.equal(found[0], usual[0]) and torch.equal(found[1], usual[1])


def test_more_samples_than_a_block_holds() -> None:
    rng = torch.Generator().manual_seed(0)
    data = 1e4 + torch.randn(3000, 2, generator=rng, dtype=torch.float64).round(decimals=1)  # many copies
    assert len(data) ** 2 > BLOCK
    expected = all_distances(data, data)
    distances, index = nearest(data, data, 4)
    np.testing.assert_allclose(distances.numpy(), np.sort(expected, 1)[:, :4].astype(float), atol=1e-9)
    assert bool((index[:, 0] <= torch.arange(3000)).all())
    radii = torch.full((3000,), 0.05, dtype=torch.float64)
    apart = data + 0.051
    inside = (all_distances(apart, data) <= 0.05).any(1)
    assert inside_balls(apart, data, radii).numpy().tolist() == inside.tolist()


@pytest.mark.parametrize("offset", [0, 300, 1000, 2**20, -(2**30)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_translation_that_rounds_nothing_changes_nothing(offset: int, dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(1)
    step = 2.0 ** math.ceil(math.log2(max(abs(offset), 1)) - 22)  # what single precision can hold there
    queries, data, more = (
        torch.randint(0, 200, (count, 1, 4, 4), generator=rng).double() * step for count in (30, 50, 40)
    )
    moved = [(samples + offset).to(dtype) for samples in (queries, data, more)]
    for samples, there in zip((queries, data, more), moved, strict=True):
        assert torch.equal(there.double() - offset, samples.double())
    before, after = metrics.nearest_neighbours(queries, data), metrics.nearest_neighbours(*moved[:2])
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    ratio = metrics.nearest_neighbour_ratio(moved[0], moved[1], moved[2])
    assert ratio == metrics.nearest_neighbour_ratio(queries, data, more)
    flat, flat_moved = [part.flatten(1) for part in (data, more)], [part.flatten(1) for part in moved[1:]]
    assert metrics.precision_recall(*flat_moved) == metrics.precision_recall(*flat)
    assert metrics.frechet_distance(*flat_moved) == pytest.approx(metrics.frechet_distance(*flat), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_a_scale_scales(scale: float) -> None:
    rng = torch.Generator().manual_seed(2)
    first, second = torch.randn(40, 5, generator=rng).double(), torch.randn(30, 5, generator=rng).double()
    one = metrics.nearest_neighbours(first, second)
    other = metrics.nearest_neighbours(scale * first, scale * second)
    torch.testing.assert_close(other[0], scale * one[0], rtol=1e-12, atol=0)
    assert torch.equal(one[1], other[1])
    assert metrics.precision_recall(scale * first, scale * second) == metrics.precision_recall(first, second)
    squared = metrics.frechet_distance(scale * first, scale * second) / scale**2
    assert squared == pytest.approx(metrics.frechet_distance(first, second), rel=1e-9)
    coefficient = measures.energy_coefficient(scale * first, scale * second)
    assert coefficient == pytest.approx(measures.energy_coefficient(first, second), rel=1e-9)


@pytest.mark.parametrize("exponent", [-300, 300])
def test_squares_that_would_overflow_or_vanish(exponent: int) -> None:
    unit = torch.tensor(10.0, dtype=torch.float64) ** exponent
    data = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64) * unit
    distances, index = metrics.nearest_neighbours(torch.zeros(1, 2).double() + 0.9 * data[1:], data)
    assert float(distances / unit) == pytest.approx(0.5) and index.tolist() == [1]
    if exponent > 0:
        with pytest.raises(InputError, match="too large"):
            metrics.frechet_distance(data, data.flip(0) + data)
        with pytest.raises(InputError, match="too large"):
            metrics.kernel_distance(data, data + data)


# --- the two distances of distributions ---------------------------------------------------------------------


def exact_kernel_distance(first: Tensor, second: Tensor) -> float:
    """Every pair, in fractions."""
    x, y = (
        [[Fraction(value) for value in row] for row in part.double().tolist()] for part in (first, second)
    )
    n, m, dimension = len(x), len(y), len(x[0])

    def kernel(a: list[Fraction], b: list[Fraction]) -> Fraction:
        return (sum((i * j for i, j in zip(a, b, strict=True)), Fraction()) / dimension + 1) ** 3

    within_x = sum(kernel(a, b) for a, b in itertools.permutations(x, 2)) / (n * (n - 1))
    within_y = sum(kernel(a, b) for a, b in itertools.permutations(y, 2)) / (m * (m - 1))
    return float(within_x + within_y - 2 * sum(kernel(a, b) for a in x for b in y) / (n * m))


@tried(60)
@given(clouds(most=7))
def test_the_kernel_distance_is_that_of_fractions(sets: tuple[Tensor, ...]) -> None:
    first, second = sets
    expected = exact_kernel_distance(first, second)
    value = metrics.kernel_distance(first, second)
    # The size of the terms that are left when what cancels is left out.
    pooled = np.concatenate([long(first), long(second)])
    spread = float(np.square(pooled - pooled.mean(0)).sum(1).max()) / pooled.shape[1]
    level = float(np.square(pooled.mean(0)).mean()) + 1
    size = 3 * spread * (level + spread) ** 2 + 3 * level * spread * (level + spread)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-13 * size)
    assert metrics.kernel_distance(second, first) == pytest.approx(value, rel=1e-9, abs=1e-13 * size)


def scipy_frechet(first: Tensor, second: Tensor) -> tuple[float, float]:
    """The distance by the matrix root of scipy, and the squared extent of the features."""
    x, y = long(first), long(second)
    middle = np.concatenate([x, y]).mean(0)
    unit = max(np.abs(x - middle).max(), np.abs(y - middle).max()) or np.longdouble(1)
    x, y = (((part - middle) / unit).astype(float) for part in (x, y))
    one, other = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (x, y))
    root = linalg.sqrtm(one @ other + 0j)
    value = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(one + other - 2 * root.real)
    return float(value) * float(unit) ** 2, float(unit) ** 2


@pytest.mark.filterwarnings(
    "ignore:Matrix is singular", "ignore:invalid value", "ignore:The matrix square root"
)
@tried(80)
@given(clouds(most=40))
def test_the_frechet_distance_is_that_of_scipy(sets: tuple[Tensor, ...]) -> None:
    expected, unit = scipy_frechet(*sets)
    value = metrics.frechet_distance(*sets)
    # The matrix root of a nearly singular matrix keeps half the digits.
    assert value == pytest.approx(expected, rel=1e-6, abs=1e-6 * unit) and value >= 0
    assert metrics.frechet_distance(sets[0], sets[0]) <= 1e-13 * unit * sets[0].shape[1]


@tried(40)
@given(clouds(most=12, dtypes=FLOATS), st.integers(0, 2**20))
def test_the_order_of_the_samples_does_not_count(sets: tuple[Tensor, ...], seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    shuffled = [part[torch.randperm(len(part), generator=rng)] for part in sets]
    assert metrics.precision_recall(*shuffled, 2) == metrics.precision_recall(*sets, 2)
    unit = float(max(part.double().sub(sets[0].double().mean(0)).abs().max() for part in sets)) ** 2
    before, after = metrics.frechet_distance(*sets), metrics.frechet_distance(*shuffled)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-12 * unit)
    before, after = measures.energy_coefficient(*sets), measures.energy_coefficient(*shuffled)
    assert after == pytest.approx(before, abs=1e-6)


# --- clusters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("offset", "scale"), [(0, 1), (300, 1), (1e6, 1e3), (1e6, 1e6), (0, 1e-6), (0, 1e30)]
)
def test_clusters_are_found_wherever_they_lie(offset: float, scale: float, dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(3)
    places = torch.tensor([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]], dtype=torch.float64)
    index = torch.arange(60) % 6 % 4 % 3  # 30, 20 and 10 of each
    points = ((places[index] + torch.randn(60, 2, generator=rng)) * scale + offset).to(dtype)
    centres = measures.k_means(points, 3, torch.Generator().manual_seed(0))
    means = torch.stack([points[index == k].double().mean(0) for k in range(3)])
    _, match = nearest(means, centres)
    torch.testing.assert_close(centres.double()[match[:, 0]], means, rtol=1e-6, atol=1e-6 * scale)
    shares = measures.cluster_shares(points, centres)[match[:, 0]]
    torch.testing.assert_close(shares.double(), index.bincount() / 60.0, check_dtype=False, rtol=1e-6, atol=0)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_there_are_no_more_clusters_than_different_points(offset: float) -> None:
    points = torch.tensor([[0.1], [0.7], [0.1], [0.7], [0.1]], dtype=torch.float64) + offset
    assert len(measures.k_means(points, 4, torch.Generator().manual_seed(0))) == 2
    assert len(measures.k_means(points[:1].expand(5, 1), 4, torch.Generator().manual_seed(0))) == 1


@tried(40)
@given(st.integers(0, 2**20), st.integers(1, 4), st.sampled_from(WHOLE), st.integers(1, 20))
def test_the_best_permutation_is_that_of_all(seed: int, classes: int, dtype: torch.dtype, count: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    predicted, labels = (torch.randint(classes, (count,), generator=rng).to(dtype) for _ in range(2))
    best = max(
        sum(order[int(p)] == int(label) for p, label in zip(predicted, labels, strict=True))
        for order in itertools.permutations(range(classes))
    )
    accuracy, permutation = metrics.clustering_accuracy(predicted, labels, classes)
    assert accuracy == pytest.approx(best / count)
    assert float((permutation[predicted.long()] == labels).double().mean()) == pytest.approx(best / count)


def test_classes_that_fill_a_byte_do_not_overflow() -> None:
    labels = torch.arange(127, dtype=torch.int8)
    assert metrics.clustering_accuracy(labels.flip(0), labels, 127)[0] == 1


@tried(40)
@given(clouds(sets=2, most=30, dtypes=[*FLOATS, torch.uint8, torch.int32]))
def test_separation_is_the_share_of_pairs(sets: tuple[Tensor, ...]) -> None:
    higher, lower = (part.flatten() for part in sets)
    pairs = [(a > b) + (a == b) / 2 for a in higher.tolist() for b in lower.tolist()]
    assert measures.separation(higher, lower) == pytest.approx(sum(pairs) / len(pairs), rel=1e-12)


# --- numbers, images, waves ---------------------------------------------------------------------------------


@tried(60)
@given(clouds(most=30))
def test_the_wasserstein_distance_is_that_of_scipy(sets: tuple[Tensor, ...]) -> None:
    first, second = (part.flatten() for part in sets)
    middle = float(first.double().mean())  # scipy's keeps fewer digits far from the origin
    expected = stats.wasserstein_distance(*(part.double().numpy() - middle for part in (first, second)))
    distance = metrics.wasserstein_distance(first, second)
    dtype = torch.float64 if first.dtype == torch.float64 else torch.float32
    assert distance.dtype == dtype
    if expected < torch.finfo(dtype).max:
        smallest = torch.finfo(dtype).smallest_normal
        assert float(distance) == pytest.approx(expected, rel=2 * torch.finfo(dtype).eps, abs=smallest)


@tried(60)
@given(clouds(sets=1, images=True), st.sampled_from([1.0, 2.0, 255.0, 1e-6, 1e6]), st.integers(0, 99))
def test_psnr_by_its_formula(sets: tuple[Tensor, ...], peak: float, seed: int) -> None:
    images = sets[0]
    targets = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))]
    error = np.square(long(images) - long(targets)).mean(1)
    with np.errstate(divide="ignore"):
        expected = 10 * np.log10(np.longdouble(peak) ** 2 / error)
    found = metrics.psnr(images, targets, peak)
    dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found.double().numpy(), expected.astype(float), rtol=torch.finfo(dtype).eps, atol=1e-9
    )


@tried(60)
@given(clouds(sets=1, most=9, dtypes=FLOATS), st.sampled_from([1e-150, 1e-3, 1.0, 1e150]))
def test_ratios_of_waves_by_their_formulas(sets: tuple[Tensor, ...], volume: float) -> None:
    target = sets[0].double() + 1.0
    target = target[(target != 0).any(1)]
    estimate = (target + 0.1 * target.flip(1) + 0.01 * target.abs().max()) * volume
    s, e = long(target), long(estimate)
    scale = (e * s).sum(1, keepdims=True) / (s * s).sum(1, keepdims=True)
    with np.errstate(divide="ignore"):
        sdr = 10 * np.log10(np.square(scale * s).sum(1) / np.square(scale * s - e).sum(1))
        snr = 10 * np.log10(np.square(s).sum(1) / np.square(e - s).sum(1))
    found = metrics.scale_invariant_sdr(estimate, target).numpy()
    certain = sdr < 250  # beyond, the noise is rounding
    np.testing.assert_allclose(found[certain], sdr[certain].astype(float), rtol=1e-3, atol=1e-3)
    assert bool((found[~certain] > 240).all())
    if volume == 1e-3 or volume > 1:
        snr_found = metrics.signal_to_noise(estimate, target).numpy()
        np.testing.assert_allclose(snr_found, snr.astype(float), rtol=1e-9, atol=1e-9)


@tried(30)
@given(st.integers(0, 2**20), st.integers(1, 30), st.integers(1, 12))
def test_the_inception_score_by_the_entropies_of_scipy(seed: int, count: int, classes: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    shares = (5 * torch.randn(count, classes, generator=rng).double()).softmax(1)
    divergences = stats.entropy(shares.numpy(), shares.mean(0).numpy()[None], axis=1)
    assert metrics.inception_score(shares) == pytest.approx(math.exp(divergences.mean()), rel=1e-9)


# --- series -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_series_near_the_origin_stay_as_they_are_and_others_are_standardised(dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(0)
    series = torch.rand(20, 6, 3, generator=rng, dtype=torch.float64).to(dtype)
    same, unit = classifier_test.standardise(series, [series, series + 1])
    assert unit == 1 and torch.equal(same[0], series.float()) and torch.equal(same[1], (series + 1).float())
    scales, shifts = torch.tensor([1.0, 1e4, 1e-6]).double(), torch.tensor([1e6, 0.5, 0.0]).double()
    far = series.double() * scales + shifts
    (moved,), _ = classifier_test.standardise(far, [far])
    flat = series.double().flatten(0, 1)
    std = torch.tensor(
        [1.0, *flat.std(0, unbiased=False)[1:].tolist()]
    )  # of the first only the mean is unusual
    torch.testing.assert_close(moved.double(), (series.double() - flat.mean(0)) / std, rtol=0, atol=1e-5)
    (whole,), unit = classifier_test.standardise(1e6 * series.double(), [1e6 * series], common_scale=True)
    assert unit == pytest.approx(1e6 * float(flat.std(0, unbiased=False).max()))
    torch.testing.assert_close(
        whole.double() * unit, 1e6 * (series.double() - flat.mean(0)), rtol=1e-4, atol=1
    )


@pytest.mark.parametrize(
    ("offset", "scale"), [(0.0, 1.0), (1e6, 1.0), (-300.0, 1e-3), (0.0, 1e30), (1e12, 1e6)]
)
def test_a_judge_sees_what_is_different_at_any_offset_and_scale(offset: float, scale: float) -> None:
    rng = torch.Generator().manual_seed(0)
    real, same = (torch.rand(100, 6, 2, generator=rng, dtype=torch.float64) for _ in range(2))
    judge = metrics.strong_classifier_test(60, channels=16, checkpoints=1)
    series = [x * scale + offset for x in (real, real[:, :, :1].repeat(1, 1, 2), same)]
    assert metrics.discriminative_score(series[0], series[1], judge, series[2]).value > 0.3
    assert metrics.two_sample_error(series[0], series[2], judge) < 0.25
    assert metrics.two_sample_error(series[0], series[0] + 1e60, judge) == 0.5


@pytest.mark.parametrize(("offset", "scale"), [(1e6, 1.0), (0.0, 1e-6), (-1e9, 1e5)])
def test_errors_of_predictors_keep_the_unit_of_the_series(offset: float, scale: float) -> None:
    rng = torch.Generator().manual_seed(0)
    walk = torch.randn(60, 8, 2, generator=rng, dtype=torch.float64)
    here, there = (walk, 2 * walk), (walk * scale + offset, 2 * walk * scale + offset)
    one, other = (
        metrics.predictive_score(*pair, hidden=4, steps=100, batch=32, learning_rate=0.02)
        for pair in (here, there)
    )
    assert other.value / scale == pytest.approx(one.value, rel=0.1)
    one, other = (
        metrics.train_on_synthetic(pair[1], pair[0], pair[0], hidden=4, steps=50) for pair in (here, there)
    )
    for name, score in other.items():
        assert score.value / scale == pytest.approx(one[name].value, rel=0.1)
    assert other["series_last_value"].value / scale == pytest.approx(
        float(walk.diff(dim=1).abs().mean()), rel=1e-6
    )


# --- samples without variety, and values that are none ------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 300.7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_constant_samples_have_plain_scores(value: float, dtype: torch.dtype) -> None:
    constant = torch.full((30, 5), value, dtype=dtype)
    other = constant + torch.ones((), dtype=dtype) * 2 ** (13 if dtype is torch.bfloat16 else 0)
    step = float((other.double() - constant.double())[0, 0])
    assert metrics.nearest_neighbours(constant, constant)[0].tolist() == [0.0] * 30
    assert metrics.nearest_neighbours(constant, constant)[1].tolist() == [0] * 30
    assert metrics.precision_recall(constant, constant) == (1.0, 1.0)
    assert metrics.precision_recall(constant, other) == (0.0, 0.0)
    assert metrics.frechet_distance(constant, constant) == 0
    assert metrics.frechet_distance(constant, other) == pytest.approx(5 * step**2)
    assert metrics.kernel_distance(constant, constant) == 0
    assert measures.mean_pairwise_distance(constant) == 0
    assert measures.energy_coefficient(constant, constant) == 0
    assert measures.energy_coefficient(constant, other) == pytest.approx(1)
    assert float(metrics.wasserstein_distance(constant.T, other.T)[0]) == pytest.approx(step)


def test_silence_and_what_is_no_part_of_the_target() -> None:
    target = torch.tensor([[1.0, 2.0, -1.0, 0.5]] * 4)
    estimates = torch.stack([torch.zeros(4), 3 * target[0], torch.tensor([2.0, -1.0, 0.0, 0.0]), -target[0]])
    ratios = metrics.scale_invariant_sdr(estimates, target).tolist()
    assert ratios[0] == -math.inf and ratios[2] == -math.inf
    assert ratios[1] > 250 and ratios[3] > 250  # the sign of a wave is a scale too
    assert metrics.signal_to_noise(estimates, target).tolist()[0] == 0
    with pytest.raises(InputError, match="silent"):
        metrics.scale_invariant_sdr(target, torch.zeros_like(target))
    late = torch.zeros(1, 300)
    late[0, 299] = 1  # after the only window
    with pytest.raises(InputError, match="silent in all windows"):
        metrics.log_spectral_distance(torch.randn(1, 300), late)
    loud = torch.randn(2, 600, dtype=torch.float64)
    distance = metrics.log_spectral_distance(1e-200 * loud, 1e-199 * loud)
    torch.testing.assert_close(distance, torch.full((2,), 20.0, dtype=torch.float64))


def test_points_far_beyond_every_mode_are_of_none() -> None:
    for far in (torch.full((30, 2), 1e30), torch.full((30, 2), 1e300, dtype=torch.float64)):
        scores = metrics.mode_scores(far, toy.ring())
        assert scores["modes"].value == scores["high_quality"].value == scores["spread"].value == 0
        assert scores["reverse_kl"].value == pytest.approx(math.log(8), rel=1e-6)
    centres = toy.ring().centres
    exactly = metrics.mode_scores(centres.repeat(5, 1), toy.ring())
    assert exactly["modes"].value == 8 and exactly["spread"].value == 0
    assert exactly["reverse_kl"].value == pytest.approx(0, abs=1e-6)


def test_empty_labels_are_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        metrics.clustering_accuracy(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long), 3)


TWO_SETS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "neighbours": metrics.nearest_neighbours,
    "ratio": lambda x, y: metrics.nearest_neighbour_ratio(x, y, x),
    "precision_recall": lambda x, y: metrics.precision_recall(x, y, 1),
    "kernel": metrics.kernel_distance,
    "kernels": lambda x, y: metrics.kernel_distances(x, y, size=2, subsets=2),
    "frechet": metrics.frechet_distance,
    "wasserstein": lambda x, y: metrics.wasserstein_distance(x.T, y.T),
    "psnr": lambda x, y: metrics.psnr(x[:4], y[:4]),
    "sdr": lambda x, y: metrics.scale_invariant_sdr(x[:4], y[:4]),
    "snr": lambda x, y: metrics.signal_to_noise(x[:4], y[:4]),
}


@pytest.mark.parametrize("name", TWO_SETS)
@tried(8)
@given(clouds(dtypes=FLOATS), st.integers(0, 1), st.sampled_from([math.nan, math.inf, -math.inf]), st.data())
def test_values_that_are_not_finite_are_refused_wherever_they_are(
    name: str, sets: tuple[Tensor, ...], where: int, value: float, data: Any
) -> None:
    spoilt = [part.clone() for part in sets]
    flat = spoilt[where].view(-1) if spoilt[where].is_contiguous() else spoilt[where].contiguous().view(-1)
    flat[data.draw(st.integers(0, 3 * sets[0].shape[1]))] = value
    spoilt[where] = flat.view(sets[where].shape)
    with pytest.raises(InputError, match="not finite"):
        TWO_SETS[name](*spoilt)
