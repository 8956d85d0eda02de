"""Bandwidth extension: pairs of a lower and an upper band of spectrograms, and the way back to sound."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor.data.spectrograms import (
    BINS,
    HOP,
    _check_spectrograms,
    _check_waves,
    _istft,
    _stft,
    magnitude,
    normalize_peak,
    spectrogram,
)

CUT = BINS // 2
"""The first frequency bin of the upper band: 2 kHz of a recording at 8,000 samples per second."""

CHUNK_SIZE = 200
"""Waves that are transformed at once."""


def split_bands(spectrograms: Tensor) -> tuple[Tensor, Tensor]:
    """Split spectrograms into their lower and their upper half of frequencies.

    Args:
        spectrograms: (N, 1, 128, T) in [−1, 1], as ``spectrogram`` computes them.

    Returns:
        The lower and the upper band, each (N, 1, 64, T).

    Raises:
        InputError: if the spectrograms have another shape.

    >>> [band.shape for band in split_bands(torch.zeros(2, 1, 128, 16))]
    [torch.Size([2, 1, 64, 16]), torch.Size([2, 1, 64, 16])]
    """
    _check_spectrograms(spectrograms)
    check_floats(spectrograms=spectrograms)
    return spectrograms[:, :, :CUT], spectrograms[:, :, CUT:]


def join_bands(lower: Tensor, upper: Tensor) -> Tensor:
    """Join a lower and an upper band into spectrograms; the inverse of ``split_bands``.

    Args:
        lower: (N, 1, 64, T) in [−1, 1].
        upper: the same shape.

    Returns:
        Spectrograms (N, 1, 128, T).

    Raises:
        InputError: if the bands have other shapes.

    >>> join_bands(torch.zeros(2, 1, 64, 16), torch.ones(2, 1, 64, 16)).shape
    torch.Size([2, 1, 128, 16])
    """
    check_floats(lower=lower, upper=upper)
    if lower.dim() != 4 or lower.shape[1:3] != (1, CUT) or lower.shape != upper.shape:
        shapes = f"{tuple(lower.shape)} and {tuple(upper.shape)}"
        raise InputError(f"lower and upper must both have shape (count, 1, {CUT}, times), not {shapes}")
    return torch.cat([lower, upper], 2)


def band_pairs(waves: Tensor) -> TensorDataset:
    """Make the pairs that a network for bandwidth extension learns from.

    Each wave is first scaled to a peak of 1.

    Args:
        waves: recordings (N, L); L is a multiple of 64.

    Returns:
        The upper bands, which are to be found, and the lower bands, which are given: both (N, 1, 64, L / 64).

    Raises:
        InputError: if the waves have another shape or length, or are not finite floats.

    >>> [tuple(part.shape) for part in band_pairs(torch.randn(3, 1024)).tensors]
    [(3, 1, 64, 16), (3, 1, 64, 16)]
    """
    _check_waves(waves)
    parts = [spectrogram(normalize_peak(chunk)) for chunk in torch.split(waves, CHUNK_SIZE)]
    lower, upper = split_bands(torch.cat(parts))
    return TensorDataset(upper.contiguous(), lower.contiguous())


def remove_upper_band(waves: Tensor) -> Tensor:
    """Remove the upper half of all frequencies, as a narrow telephone line does.

    Args:
        waves: recordings (N, L); L is a multiple of 64.

    Returns:
        Waves (N, L) whose transforms are nearest to those without the upper 64 bins.

    Raises:
        InputError: if the waves have another shape or length, or are not finite floats.

    >>> time = torch.arange(4096) / 8000
    >>> tones = torch.stack([(2 * torch.pi * hertz * time).sin() for hertz in (500, 3000)])
    >>> [round(float(wave[500:-500].abs().max()), 2) for wave in remove_upper_band(tones)]
    [1.0, 0.0]
    """
    _check_waves(waves)
    frames = _stft(waves)
    return _istft(torch.cat([frames[:, :CUT], torch.zeros_like(frames[:, CUT:])], 1))


@torch.no_grad()
@checked(iterations=integer(0), seed=integer(0))
def extend_waves(waves: Tensor, upper: Tensor, iterations: int = 32, seed: int = 0) -> Tensor:
    """Add a generated upper band to recordings; magnitudes and phases below it are those of the recording.

    The phases of the upper band are found by the Griffin-Lim algorithm (1984). After each iteration the lower
    band is put back, magnitudes and phases.

    Args:
        waves: recordings (N, L), scaled to a peak of 1; L is a multiple of 64. What they have above the cut
            is not used.
        upper: upper bands (N, 1, 64, L / 64) in [−1, 1].
        iterations: number of updates of the upper phases, at least 0.
        seed: seed of the first phases, which are the same for every sample.

    Returns:
        Waves (N, L).

    Raises:
        InputError: if a tensor has another shape or values that are not finite, or a number is negative.

    >>> clips = torch.sin(torch.arange(4096) * 0.3)[None]
    >>> back = extend_waves(clips, torch.full((1, 1, 64, 64), -1.0))  # a silent upper band
    >>> float((back - clips)[:, 500:-500].abs().max()) < 0.01
    True
    """
    _check_waves(waves)
    check_floats(upper=upper)
    shape = (len(waves), 1, BINS - CUT, waves.shape[1] // HOP)
    if tuple(upper.shape) != shape:
        raise InputError(f"upper must have shape {shape}, not {tuple(upper.shape)}")
    if float(upper.abs().max()) > 1 + 1e-4:
        raise InputError("upper must lie in [-1, 1]: these values are too loud to be converted")
    lower = _stft(waves)[:, :CUT]
    sizes = magnitude(upper).to(lower.real)
    rng = torch.Generator().manual_seed(seed)
    uniform = torch.rand(sizes.shape[1:], generator=rng).to(sizes)
    frames = torch.cat([lower, torch.polar(sizes, (2 * math.pi * uniform).expand_as(sizes))], 1)
    for _ in range(iterations):
        angles = _stft(_istft(frames))[:, CUT:].angle()
        frames = torch.cat([lower, torch.polar(sizes, angles)], 1)
    return _istft(frames)
