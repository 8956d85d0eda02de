"""Scores of generated waves: how far they lie from a true sine, and whether they have all frequencies."""

from __future__ import annotations

import math
from functools import cache
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, checked, integer, number
from gantutor._errors import InputError
from gantutor.metrics.score import Score, Scores

GRID_SIZE = 41
"""Values of frequency and of phase on the grid where the search begins."""

REFINEMENTS = 12
"""Gauss–Newton steps that follow."""


class SineFit(NamedTuple):
    """The sines nearest to the samples and features of series (N, L, F).

    Attributes:
        distance: the root mean square distance over time (N, F).
        frequency: radians a step (N, F).
        phase: radians (N, F).
    """

    distance: Tensor
    frequency: Tensor
    phase: Tensor


@checked(max_frequency=number(above=0), max_phase=number(above=0))
def nearest_sine(samples: Tensor, max_frequency: float = 0.1, max_phase: float = 0.1) -> SineFit:
    """Find the nearest sine x(t) = (sin(η t + θ) + 1) / 2, t = 0, 1, …, to each sample and feature.

    Least squares over the frequency η and the phase θ: the best of a 41 × 41 grid, refined by Gauss–Newton
    steps that stay within the range. The default range is that of the Sines set.

    Args:
        samples: series (N, L, F), L ≥ 3.
        max_frequency: η is searched from 0 to this, in radians a step; above 0.
        max_phase: θ is searched from 0 to this, in radians; above 0.

    Returns:
        Distances, frequencies and phases, each (N, F), float64.

    Raises:
        InputError: for samples of another type or shape, values that are not finite, or a number out of
            range.

    >>> wave = (torch.sin(0.05 * torch.arange(24.0) + 0.02) + 1) / 2
    >>> fit = nearest_sine(wave.view(1, 24, 1))
    >>> [round(float(number), 4) for number in fit]
    [0.0, 0.05, 0.02]
    """
    check_tensors(samples=samples)
    if samples.dim() != 3 or not len(samples) or samples.shape[1] < 3 or not samples.is_floating_point():
        raise InputError(f"samples must be floats (count, length ≥ 3, features), not {tuple(samples.shape)}")
    check_finite("samples", samples)
    series = samples.detach().cpu().double().transpose(1, 2).flatten(0, 1)
    limits = torch.tensor([max_frequency, max_phase], dtype=torch.float64)
    fits = [_refine(chunk, _best_of_grid(chunk, limits), limits) for chunk in torch.split(series, 2000)]
    parameters, distance = (torch.cat(chunks) for chunks in zip(*fits, strict=True))
    shape = samples.shape[0], samples.shape[2]
    return SineFit(distance.view(shape), parameters[:, 0].view(shape), parameters[:, 1].view(shape))


@checked(seed=integer(0))
def sine_scores(samples: Tensor, max_frequency: float = 0.1, max_phase: float = 0.1, seed: int = 0) -> Scores:
    """Score how far series lie from true sines, and how far their frequencies are from uniform.

    A collapse to one perfect sine has no distance, but frequencies far from uniform. True sines have the
    distance 0; the real-data value of the frequencies is the median over 20 uniform draws of as many.

    Args:
        samples: series (N, L, F), L ≥ 3.
        max_frequency: the largest frequency of a true sine, in radians a step; above 0.
        max_phase: the largest phase of a true sine, in radians; above 0.
        seed: the seed of the 20 draws.

    Returns:
        ``sine_distance``, the mean distance of ``nearest_sine``, and ``sine_frequencies``, the Wasserstein-1
        distance, in radians a step, of the fitted frequencies from the uniform distribution on
        [0, ``max_frequency``].

    Raises:
        InputError: for samples of another type or shape, values that are not finite, or a number out of
            range.

    >>> waves = (torch.sin(0.05 * torch.arange(24.0)) + 1) / 2
    >>> print(sine_scores(waves.view(1, 24, 1).expand(100, 24, 1))["sine_frequencies"].value)
    0.025
    """
    fit, count = nearest_sine(samples, max_frequency, max_phase), len(samples)
    frequency_count = fit.frequency.numel()
    shares = fit.frequency.flatten() / max_frequency
    frequency_distance = round(distance_from_uniform(shares) * max_frequency, 12)
    return Scores(
        sine_distance=Score(
            float(fit.distance.mean()), 0.0, "root mean square", "lower", count, "the nearest true sine"
        ),
        sine_frequencies=Score(
            frequency_distance,
            _uniform_distance(frequency_count, seed) * max_frequency,
            "radians a step",
            "lower",
            count,
            "evenly spread frequencies",
        ),
    )


def distance_from_uniform(shares: Tensor) -> float:
    """Return the Wasserstein-1 distance ∫ |F⁻¹(u) − u| du of numbers from the uniform distribution on [0, 1].

    Args:
        shares: numbers (N,) in [0, 1].

    >>> distance_from_uniform(torch.tensor([0.5, 0.5]))
    0.25
    """
    values = shares.double().sort().values
    edges = torch.linspace(0, 1, len(values) + 1, dtype=torch.float64)
    # ∫ |v − u| du from a to b has the antiderivative ½ (u − v) |u − v|.
    signed = [(edge - values) * (edge - values).abs() / 2 for edge in (edges[1:], edges[:-1])]
    return float((signed[0] - signed[1]).sum())


@cache
def _uniform_distance(count: int, seed: int) -> float:
    rng = torch.Generator().manual_seed(seed)
    return median(distance_from_uniform(torch.rand(count, generator=rng)) for _ in range(20))


def _sine(parameters: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The waves (N, L) of frequencies and phases (N, 2), and their derivatives by both (N, L, 2)."""
    time = torch.arange(length, dtype=torch.float64)
    angle = parameters[:, :1] * time + parameters[:, 1:]
    slope = angle.cos() / 2
    return (angle.sin() + 1) / 2, torch.stack([slope * time, slope], 2)


def _best_of_grid(series: Tensor, limits: Tensor) -> Tensor:
    """The grid point (N, 2) nearest to each series (N, L)."""
    axes = [torch.linspace(0, float(limit), GRID_SIZE, dtype=torch.float64) for limit in limits]
    grid = torch.cartesian_prod(*axes)
    waves, _ = _sine(grid, series.shape[1])
    return grid[(waves.square().sum(1) - 2 * series @ waves.T).argmin(1)]


def _refine(series: Tensor, parameters: Tensor, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Parameters (N, 2) after Gauss–Newton steps within [0, limits], and the distances there (N,)."""
    wave, slope = _sine(parameters, series.shape[1])
    error = (series - wave).square().sum(1)
    for _ in range(REFINEMENTS):
        step = _best_step(slope, series - wave, -parameters, limits - parameters)
        candidate = torch.minimum((parameters + step).clamp(min=0), limits)
        new_wave, new_slope = _sine(candidate, series.shape[1])
        new_error = (series - new_wave).square().sum(1)
        better = new_error < error
        parameters = torch.where(better[:, None], candidate, parameters)
        error = torch.where(better, new_error, error)
        wave = torch.where(better[:, None], new_wave, wave)
        slope = torch.where(better[:, None, None], new_slope, slope)
    return parameters, error.sqrt() / math.sqrt(series.shape[1])


def _best_step(slope: Tensor, residual: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The step s in [low, high], (N, 2), with the least ‖slope · s − residual‖²: inside, or on an edge."""
    hessian = slope.transpose(1, 2) @ slope + 1e-12 * torch.eye(2, dtype=torch.float64)
    gradient = (slope.transpose(1, 2) @ residual[..., None])[..., 0]
    steps = [torch.linalg.solve(hessian, gradient)]
    for fixed, free in ((0, 1), (1, 0)):
        for edge in (low[:, fixed], high[:, fixed]):
            optimum = (gradient[:, free] - hessian[:, free, fixed] * edge) / hessian[:, free, free]
            optimum = torch.minimum(torch.maximum(optimum, low[:, free]), high[:, free])
            steps.append(torch.stack([edge, optimum] if fixed == 0 else [optimum, edge], 1))
    candidates = torch.stack(steps)
    objective = ((candidates[..., None, :] @ hessian)[..., 0, :] * candidates).sum(2) - 2 * (
        candidates * gradient
    ).sum(2)
    outside = ((candidates[0] < low) | (candidates[0] > high)).any(1)
    objective[0] = torch.where(outside, torch.inf, objective[0])
    return candidates.gather(0, objective.argmin(0)[None, :, None].expand(1, -1, 2))[0]
