"""Fixed features of series: amplitude, lag correlations, spectrum, and correlations between features."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors
from gantutor._errors import InputError

LAGS = (1, 2, 4, 8)
"""Steps between the two values whose correlation is computed; those too long for a series are left out."""

LEAST_SHARE = 1e-9
"""Added to each frequency's share of the power (−90 dB), so that its logarithm is finite."""


def series_features(series: Tensor) -> Tensor:
    """Describe series by fixed numbers, which nothing is trained for.

    For each feature of a series: its mean, standard deviation, minimum and maximum; its correlation with
    itself 1, 2, 4 and 8 steps later; and the logarithm of each frequency's share of the power, from the
    periodogram of the centred series under a Hann window. For each pair of features: their correlation over
    time. A constant feature has correlations of 0.

    Args:
        series: series (N, L, F), L ≥ 4, finite floats.

    Returns:
        Features (N, F · (8 + ⌊L/2⌋ + 1) + F (F − 1) / 2), float64, fewer where L ≤ 8.

    Raises:
        InputError: for series of another type or shape, or values that are not finite.

    >>> series_features(torch.rand(3, 24, 5)).shape
    torch.Size([3, 115])
    """
    check_tensors(series=series)
    if series.dim() != 3 or not len(series) or series.shape[1] < 4 or not series.is_floating_point():
        raise InputError(f"series must be floats (count, length ≥ 4, features), not {tuple(series.shape)}")
    check_finite("series", series)
    series = series.detach().cpu().double()
    _, length, count = series.shape
    mean = series.mean(1, keepdim=True)
    centred = series - mean
    spread = centred.square().mean(1, keepdim=True).sqrt()
    normalised = centred / torch.where(spread > 0, spread, 1.0)
    window = torch.hann_window(length, periodic=False, dtype=torch.float64)[:, None]
    power = torch.fft.rfft(centred * window, dim=1).abs().square()  # (N, L / 2 + 1, F)
    total = power.sum(1, keepdim=True)
    share = power / torch.where(total > 0, total, 1.0)
    first, second = torch.triu_indices(count, count, 1)
    parts = [mean[:, 0], spread[:, 0], series.amin(1), series.amax(1)]
    parts += [(normalised[:, :-lag] * normalised[:, lag:]).mean(1) for lag in LAGS if lag < length]
    parts += [(share + LEAST_SHARE).log().flatten(1)]
    parts += [(normalised[..., first] * normalised[..., second]).mean(1)]
    return torch.cat(parts, 1)
