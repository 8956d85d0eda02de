"""How far generated waves lie from the nearest true sine of the Sines set, and whether they have all its
frequencies."""

from __future__ import annotations

import math
from functools import cache
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, integer, number, validate
from gantutor._errors import InputError
from gantutor.metrics.score import Score, Scores

GRID, ROUNDS = 41, 12


class SineFit(NamedTuple):
    """The nearest sines: ``distance`` (root mean square over time), ``frequency``, ``phase``, each (N, F)."""

    distance: Tensor
    frequency: Tensor
    phase: Tensor


def nearest_sine(samples: Tensor, highest: float = 0.1, latest: float = 0.1) -> SineFit:
    """The nearest x(t) = (sin(η t + θ) + 1) / 2, t = 0, 1, …, to each sample and feature of (N, L, F).

    Least squares over η in [0, ``highest``] radians a step and θ in [0, ``latest``], which by default are
    those of the Sines set: the best of a 41 × 41 grid, refined by Newton's steps that stay within the range.
    Raises InputError for other shapes or values that are not finite.

    >>> wave = (torch.sin(0.05 * torch.arange(24.0) + 0.02) + 1) / 2
    >>> fit = nearest_sine(wave.view(1, 24, 1))
    >>> [round(float(part), 4) for part in fit]
    [0.0, 0.05, 0.02]
    """
    check_tensors(samples=samples)
    if samples.dim() != 3 or not len(samples) or samples.shape[1] < 3 or not samples.is_floating_point():
        raise InputError(f"samples must be floats (count, length ≥ 3, features), not {tuple(samples.shape)}")
    check_finite("samples", samples)
    validate({"highest": highest, "latest": latest}, highest=number(above=0), latest=number(above=0))
    series = samples.detach().cpu().double().transpose(1, 2).flatten(0, 1)
    limits = torch.tensor([highest, latest], dtype=torch.float64)
    fits = [_refine(part, _best_of_grid(part, limits), limits) for part in torch.split(series, 2000)]
    found, distance = (torch.cat(parts) for parts in zip(*fits, strict=True))
    shape = samples.shape[0], samples.shape[2]
    return SineFit(distance.view(shape), found[:, 0].view(shape), found[:, 1].view(shape))


def sine_scores(samples: Tensor, highest: float = 0.1, latest: float = 0.1, seed: int = 0) -> Scores:
    """``sine_distance``, the mean distance of ``nearest_sine``, and ``sine_frequencies``, the Wasserstein-1
    distance of the frequencies found from the even spread over [0, ``highest``], in radians a step.

    A collapse to one perfect sine has no distance, and frequencies far from even. The floors: true sines have
    no distance, and as many even draws have the median of 20 as theirs.

    >>> waves = (torch.sin(0.05 * torch.arange(24.0)) + 1) / 2
    >>> print(sine_scores(waves.view(1, 24, 1).expand(100, 24, 1))["sine_frequencies"].value)
    0.025
    """
    validate({"seed": seed}, seed=integer(0))
    fit, count = nearest_sine(samples, highest, latest), len(samples)
    total = fit.frequency.numel()
    off = round(unevenness(fit.frequency.flatten() / highest) * highest, 12)
    return Scores(
        sine_distance=Score(
            float(fit.distance.mean()), 0.0, "root mean square", "lower", count, "the nearest true sine"
        ),
        sine_frequencies=Score(
            off,
            _even_floor(total, seed) * highest,
            "radians a step",
            "lower",
            count,
            "evenly spread frequencies",
        ),
    )


def unevenness(shares: Tensor) -> float:
    """The Wasserstein-1 distance of numbers (N,) in [0, 1] from the even distribution: ∫ |F⁻¹(u) − u| du.

    >>> unevenness(torch.tensor([0.5, 0.5]))
    0.25
    """
    values = shares.double().sort().values
    edges = torch.linspace(0, 1, len(values) + 1, dtype=torch.float64)
    # ∫ |v − u| du from a to b has the antiderivative ½ (u − v) |u − v|.
    signed = [(edge - values) * (edge - values).abs() / 2 for edge in (edges[1:], edges[:-1])]
    return float((signed[0] - signed[1]).sum())


@cache
def _even_floor(count: int, seed: int) -> float:
    draw = torch.Generator().manual_seed(seed)
    return median(unevenness(torch.rand(count, generator=draw)) for _ in range(20))


def _sine(at: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The waves of (N, 2) frequencies and phases, (N, L), and their derivatives by both, (N, L, 2)."""
    time = torch.arange(length, dtype=torch.float64)
    angle = at[:, :1] * time + at[:, 1:]
    slope = angle.cos() / 2
    return (angle.sin() + 1) / 2, torch.stack([slope * time, slope], 2)


def _best_of_grid(series: Tensor, limits: Tensor) -> Tensor:
    """The point of the grid nearest to each series (N, L): (N, 2)."""
    lines = [torch.linspace(0, float(limit), GRID, dtype=torch.float64) for limit in limits]
    grid = torch.cartesian_prod(*lines)
    waves, _ = _sine(grid, series.shape[1])
    return grid[(waves.square().sum(1) - 2 * series @ waves.T).argmin(1)]


def _refine(series: Tensor, at: Tensor, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss & Newton's steps within [0, limits]: where they lead, (N, 2), and the distance there, (N,)."""
    wave, slope = _sine(at, series.shape[1])
    error = (series - wave).square().sum(1)
    for _ in range(ROUNDS):
        step = _best_step(slope, series - wave, -at, limits - at)
        tried = torch.minimum((at + step).clamp(min=0), limits)
        new_wave, new_slope = _sine(tried, series.shape[1])
        new_error = (series - new_wave).square().sum(1)
        better = new_error < error
        at, error = torch.where(better[:, None], tried, at), torch.where(better, new_error, error)
        wave = torch.where(better[:, None], new_wave, wave)
        slope = torch.where(better[:, None, None], new_slope, slope)
    return at, error.sqrt() / math.sqrt(series.shape[1])


def _best_step(slope: Tensor, residual: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The step s in [low, high], (N, 2), with the least ‖slope · s − residual‖²: inside, or on an edge."""
    square = slope.transpose(1, 2) @ slope + 1e-12 * torch.eye(2, dtype=torch.float64)
    pull = (slope.transpose(1, 2) @ residual[..., None])[..., 0]
    steps = [torch.linalg.solve(square, pull)]
    for fixed, free in ((0, 1), (1, 0)):
        for edge in (low[:, fixed], high[:, fixed]):
            rest = (pull[:, free] - square[:, free, fixed] * edge) / square[:, free, free]
            rest = torch.minimum(torch.maximum(rest, low[:, free]), high[:, free])
            steps.append(torch.stack([edge, rest] if fixed == 0 else [rest, edge], 1))
    candidates = torch.stack(steps)
    model = ((candidates[..., None, :] @ square)[..., 0, :] * candidates).sum(2) - 2 * (
        candidates * pull
    ).sum(2)
    outside = ((candidates[0] < low) | (candidates[0] > high)).any(1)
    model[0] = torch.where(outside, torch.inf, model[0])
    return candidates.gather(0, model.argmin(0)[None, :, None].expand(1, -1, 2))[0]
