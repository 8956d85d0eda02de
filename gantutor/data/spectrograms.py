"""Log-magnitude spectrograms of sound, and their inversion by the Griffin-Lim algorithm."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_floats, check_tensors, checked, integer
from gantutor._errors import InputError

WINDOW, HOP, BINS = 256, 64, 128
"""Samples of a window, samples from one window to the next, and frequency bins kept: all but the highest."""

MIN_DECIBELS, MAX_DECIBELS = -30.0, 38.0
"""Decibels that become −1 and 1; a full-scale sine wave has 36."""

SILENCE_OFFSET = 10 ** (MIN_DECIBELS / 20)
"""The q that is added to a magnitude, so that silence has −30 decibels."""

MOMENTUM = 0.99
"""The α of the accelerated Griffin-Lim algorithm."""


def spectrogram(waves: Tensor) -> Tensor:
    """Compute log-magnitude spectrograms of waves; differentiable.

    The short-time Fourier transform X takes Hann windows of 256 samples, one every 64, with silence beyond
    both ends. Bin k is the frequency k / 256 of the sample rate. The decibels x = 20 log₁₀(|X| + q) are
    scaled linearly so that −30 becomes −1 and 38 becomes 1; larger values are clipped. Silence has −30
    decibels, since 20 log₁₀ q = −30.

    Args:
        waves: (N, L) in [−1, 1]; L is a multiple of 64.

    Returns:
        Spectrograms (N, 1, 128 frequencies, L / 64 times) in [−1, 1].

    Raises:
        InputError: if the waves have another shape or length, or are not finite floats.

    >>> spectrogram(torch.zeros(2, 4096)).shape, float(spectrogram(torch.zeros(1, 64)).max())
    (torch.Size([2, 1, 128, 64]), -1.0)
    """
    _check_waves(waves)
    decibels = 20 * (_stft(waves).abs() + SILENCE_OFFSET).log10()
    return (2 * (decibels - MIN_DECIBELS) / (MAX_DECIBELS - MIN_DECIBELS) - 1).clamp(-1, 1)[:, None]


def normalize_peak(waves: Tensor) -> Tensor:
    """Scale each wave to a peak of 1; silence stays silence.

    The course does this to every recording before its spectrogram, because the volume of a voice says nothing
    about the word, and a network need not learn it.

    Args:
        waves: (N, L).

    Raises:
        InputError: if the waves have another shape, or are not finite floats.

    >>> normalize_peak(torch.tensor([[0.1, -0.2], [0.0, 0.0]])).tolist()
    [[0.5, -1.0], [0.0, 0.0]]
    """
    check_floats(waves=waves)
    if waves.dim() != 2:
        raise InputError(f"waves must have shape (count, length), not {tuple(waves.shape)}")
    peak = waves.abs().amax(1, keepdim=True)
    return waves / torch.where(peak > 0, peak, 1.0)


@torch.no_grad()
@checked(iterations=integer(0), seed=integer(0))
def griffin_lim(
    spectrograms: Tensor, iterations: int = 32, phase: Tensor | None = None, seed: int = 0
) -> Tensor:
    """Find waves with the given spectrograms, by the Griffin-Lim algorithm with momentum.

    A spectrogram does not contain the phase. Griffin & Lim 1984 estimate it by iteration: they compute the
    wave of the wanted magnitudes with the present phase, and take the phase of this wave's transform as the
    next one. The momentum is that of Perraudin et al. 2013. With the true phase and 0 iterations the
    inversion is exact, except for energy in the highest bin.

    Args:
        spectrograms: (N, 1, 128, T) in [−1, 1], as ``spectrogram`` computes them.
        iterations: number of updates of the phase, at least 0.
        phase: the initial phase in radians, (N, 128, T); None draws one that is the same for every sample, so
            that a sound does not depend on its batch.
        seed: seed of the initial phase, where ``phase`` is None.

    Returns:
        Waves (N, 64 T).

    Raises:
        InputError: if a tensor has another shape or values that are not finite, or a number is negative.

    >>> griffin_lim(torch.full((2, 1, 128, 64), -1.0)).abs().max()  # silence
    tensor(0.)
    """
    _check_spectrograms(spectrograms)
    magnitudes = magnitude(spectrograms)  # (N, 128, T)
    if not bool(magnitudes.isfinite().all()):
        raise InputError("spectrograms must lie in [-1, 1]: these are too loud to be converted")
    if phase is None:
        rng = torch.Generator().manual_seed(seed)
        uniform = torch.rand(magnitudes.shape[1:], generator=rng).to(magnitudes)
        phase = 2 * math.pi * uniform.expand_as(magnitudes)
    check_floats(spectrograms=spectrograms, phase=phase)
    if phase.shape != magnitudes.shape:
        raise InputError(f"phase must have shape {tuple(magnitudes.shape)}, not {tuple(phase.shape)}")
    frames = torch.polar(magnitudes, phase.to(magnitudes))
    previous = None
    for _ in range(iterations):
        projected = _stft(_istft(frames))
        # c_n = t_n + α (t_n − t_{n−1}), where t_n is the transform of a wave: Perraudin et al. 2013, alg. 2.
        accelerated = projected if previous is None else projected + MOMENTUM * (projected - previous)
        frames, previous = torch.polar(magnitudes, accelerated.angle()), projected
    return _istft(frames)


def phase(waves: Tensor) -> Tensor:
    """Compute the phases of the Fourier transform of waves.

    The course gives a denoised spectrogram the phases of the noisy recording.

    Args:
        waves: (N, L) in [−1, 1]; L is a multiple of 64.

    Returns:
        Phases in radians, (N, 128, L / 64).

    Raises:
        InputError: if the waves have another shape or length, or are not finite floats.

    >>> clips = torch.sin(torch.arange(4096) * 0.3)[None]
    >>> back = griffin_lim(spectrogram(clips), iterations=0, phase=phase(clips))
    >>> float((back - clips).abs().max()) < 0.01
    True
    """
    _check_waves(waves)
    return _stft(waves).angle()


def magnitude(spectrograms: Tensor) -> Tensor:
    """Compute the magnitudes |X| of the Fourier transform from spectrograms.

    Args:
        spectrograms: (N, 1, 128, T) in [−1, 1], as ``spectrogram`` computes them.

    Returns:
        Magnitudes (N, 128, T), at least 0.

    >>> magnitude(spectrogram(torch.zeros(1, 64))).max()
    tensor(0.)
    """
    decibels = (spectrograms[:, 0].float() + 1) / 2 * (MAX_DECIBELS - MIN_DECIBELS) + MIN_DECIBELS
    # Silence is set to exactly 0, because the power of ten differs from q by a rounding error.
    return torch.where(spectrograms[:, 0] <= -1, 0.0, 10 ** (decibels / 20) - SILENCE_OFFSET).clamp(min=0)


def _window(like: Tensor) -> Tensor:
    return torch.hann_window(WINDOW, device=like.device)


def _stft(waves: Tensor) -> Tensor:
    """Transform waves (N, L) to complex frames (N, 128, L / 64).

    The highest bin is left out, and so is the last of L / 64 + 1 frames, half of which is beyond the end.
    """
    frames = torch.stft(
        waves.float(), WINDOW, HOP, window=_window(waves), pad_mode="constant", return_complex=True
    )
    return frames[:, :BINS, :-1]


def _istft(frames: Tensor) -> Tensor:
    """Compute the waves (N, 64 T) whose transforms are nearest to frames (N, 128, T).

    Griffin & Lim 1984, equation 6.
    """
    all_bins = torch.cat([frames, torch.zeros_like(frames[:, :1])], 1)
    return torch.istft(all_bins, WINDOW, HOP, window=_window(frames), length=HOP * frames.shape[2])


def _check_waves(waves: Tensor) -> None:
    check_tensors(waves=waves)
    check_finite("waves", waves)
    if waves.dim() != 2 or not waves.is_floating_point() or not waves.numel() or waves.shape[1] % HOP:
        description = f"{waves.dtype} of {tuple(waves.shape)}"
        raise InputError(
            f"waves must be floats of shape (count, length), length a multiple of 64, not {description}"
        )


def _check_spectrograms(spectrograms: Tensor) -> None:
    check_tensors(spectrograms=spectrograms)
    valid_shape = (
        spectrograms.dim() == 4 and spectrograms.shape[1:3] == (1, BINS) and spectrograms.shape[3] > 0
    )
    if not valid_shape or not spectrograms.is_floating_point():
        description = f"{spectrograms.dtype} of {tuple(spectrograms.shape)}"
        raise InputError(f"spectrograms must be floats of shape (count, 1, {BINS}, times), not {description}")
