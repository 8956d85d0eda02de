"""Scores of bandwidth extension: what an adversary can win (likeness) and what it has to lose (distance)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gantutor._checks import check_floats
from gantutor._errors import InputError
from gantutor.data.band_extension import join_bands
from gantutor.data.spectrograms import MAX_DECIBELS, MIN_DECIBELS, magnitude
from gantutor.metrics.distances import to_double
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.score import Score, Scores
from gantutor.metrics.spoken_digit_classifier import classify_spoken_digits

NEIGHBOURHOOD = 3
"""Bins and frames of the neighbourhood that local contrast compares each value with."""


def local_contrast(bands: Tensor) -> float:
    """Return how much spectrograms differ from their local mean, in decibels.

    The root mean square of the difference between each value and the mean of its 3 × 3 neighbourhood. A
    picture that regression has blurred has a small one.

    Args:
        bands: (N, 1, F, T) in [−1, 1], F and T at least 3.

    Raises:
        InputError: if the tensor has another shape, or values that are not finite.

    >>> local_contrast(torch.zeros(1, 1, 8, 8))
    0.0
    """
    _check_bands(bands=bands)
    exact = to_double(bands)
    mean = F.avg_pool2d(exact, NEIGHBOURHOOD, 1)
    inner = exact[:, :, 1:-1, 1:-1]
    return float(_to_decibels(inner - mean).square().mean().sqrt())


def band_energy_error(bands: Tensor, real: Tensor) -> float:
    """Return by how many decibels the energy of bands is too high, 10 log₁₀ (Σ |X̂|² / Σ |X|²).

    Args:
        bands: (N, 1, F, T) in [−1, 1].
        real: the bands that they should be, of the same shape.

    Raises:
        InputError: if the tensors have other shapes or values that are not finite, or ``real`` is silent.

    >>> round(band_energy_error(torch.full((1, 1, 8, 8), 0.5), torch.full((1, 1, 8, 8), 0.5)), 3)
    0.0
    """
    _check_bands(bands=bands, real=real)
    energy, real_energy = (float(to_double(magnitude(part)).square().sum()) for part in (bands, real))
    if real_energy == 0:
        raise InputError("real is silent: its energy cannot be compared with")
    ratio = torch.tensor(energy / real_energy, dtype=torch.float64)
    return float(10 * ratio.log10())


def band_distance(bands: Tensor, real: Tensor) -> float:
    """Return the log-spectral distance between bands, in decibels.

    The root mean square over frequencies of the difference in decibels, averaged over times (Gray & Markel
    1976, p = 2).

    Args:
        bands: (N, 1, F, T) in [−1, 1].
        real: the bands that they should be, of the same shape.

    Raises:
        InputError: if the tensors have other shapes or values that are not finite.

    >>> round(band_distance(torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), 0.5)), 3)
    17.0
    """
    _check_bands(bands=bands, real=real)
    return float(_to_decibels(to_double(bands) - to_double(real)).square().mean(2).sqrt().mean())


def extension_scores(upper: Tensor, real_upper: Tensor, lower: Tensor) -> Scores:
    """Return the scores of generated upper bands beside those of the recordings.

    Args:
        upper: generated upper bands (N, 1, 64, 64) in [−1, 1], N ≥ 2.
        real_upper: the upper bands of the recordings, of the same shape.
        lower: the lower bands of the recordings, of the same shape.

    Returns:
        ``extension_frechet``, the Fréchet distance of the joined spectrograms to those of the same recordings
        on the features of the spoken-digit classifier; ``extension_contrast``, the local contrast relative to
        that of the recordings; ``extension_energy`` in decibels too high; and ``extension_distortion``, the
        log-spectral distance. The recordings themselves have 0, 1, 0 and 0.

    Raises:
        InputError: if the tensors have other shapes or values that are not finite.

    >>> bands = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    >>> [round(score.value, 3) for score in extension_scores(bands, bands, bands).values()]
    [0.0, 1.0, 0.0, 0.0]
    """
    _check_bands(upper=upper, real_upper=real_upper, lower=lower)
    features = [
        classify_spoken_digits(join_bands(lower, part).clamp(-1, 1))[0] for part in (upper, real_upper)
    ]
    contrast = local_contrast(real_upper)
    if contrast == 0:
        raise InputError("real_upper has no contrast to compare with")
    count, reference = len(upper), "the same recordings"
    values = {
        "extension_frechet": (frechet_distance(*features), 0.0, "Fréchet distance on the reader's features"),
        "extension_contrast": (
            local_contrast(upper) / contrast,
            1.0,
            "local contrast, relative to real data",
        ),
        "extension_energy": (band_energy_error(upper, real_upper), 0.0, "dB of energy above real data"),
        "extension_distortion": (band_distance(upper, real_upper), 0.0, "log-spectral distance in dB"),
    }
    return Scores(
        {
            name: Score(
                value, real, unit, "higher" if name == "extension_contrast" else "lower", count, reference
            )
            for name, (value, real, unit) in values.items()
        }
    )


def _to_decibels(difference: Tensor) -> Tensor:
    return difference * ((MAX_DECIBELS - MIN_DECIBELS) / 2)


def _check_bands(**bands: Tensor) -> None:
    check_floats(**bands)
    shape = next(iter(bands.values())).shape
    for name, part in bands.items():
        if part.dim() != 4 or part.shape[1] != 1 or min(part.shape[2:]) < NEIGHBOURHOOD or not len(part):
            raise InputError(f"{name} must have shape (count, 1, bins, times), not {tuple(part.shape)}")
        if float(part.abs().max()) > 1 + 1e-4:
            raise InputError(f"{name} must lie in [-1, 1], as spectrograms of the course do")
        if part.shape != shape:
            raise InputError(
                f"{name} must have the shape of the others, {tuple(shape)}, not {tuple(part.shape)}"
            )
