"""Sound as pictures: log-magnitude spectrograms, the way back to sound, and networks for them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_floats, check_tensors, integer, validate
from gantutor._errors import InputError

WINDOW, HOP, BINS = 256, 64, 128
"""Samples of a window and from one to the next, and the frequency bins kept: all but the highest."""

LOW, HIGH = -30.0, 38.0
"""Decibels that become −1 and 1; a full-scale sine has 36."""

QUIET = 10 ** (LOW / 20)

MOMENTUM = 0.99


def spectrogram(waves: Tensor) -> Tensor:
    """Log-magnitude spectrograms (N, 1, 128 frequencies, L / 64 times) in [−1, 1] of waves (N, L) in [−1, 1].

    The short-time Fourier transform X takes Hann windows of 256 samples, one every 64, with silence beyond
    both ends. Bin k stands for k / 256 of the sample rate. The decibels x = 20 log₁₀(|X| + q) are mapped so
    that −30, the value of silence as 20 log₁₀ q = −30, becomes −1, and 38 becomes 1; what is louder is cut.
    Differentiable in the waves. Raises InputError for other shapes, or a length that is no multiple of 64.

    >>> spectrogram(torch.zeros(2, 4096)).shape, float(spectrogram(torch.zeros(1, 64)).max())
    (torch.Size([2, 1, 128, 64]), -1.0)
    """
    _check_waves(waves)
    decibels = 20 * (_transform(waves).abs() + QUIET).log10()
    return (2 * (decibels - LOW) / (HIGH - LOW) - 1).clamp(-1, 1)[:, None]


def normalize_peak(waves: Tensor) -> Tensor:
    """Waves (N, L), each scaled to a peak of 1; silence stays silence.

    The course does so with every recording before its spectrogram: how loud somebody spoke says nothing of
    what was said, and a network need not learn it.

    >>> normalize_peak(torch.tensor([[0.1, -0.2], [0.0, 0.0]])).tolist()
    [[0.5, -1.0], [0.0, 0.0]]
    """
    check_floats(waves=waves)
    if waves.dim() != 2:
        raise InputError(f"waves must have shape (count, length), not {tuple(waves.shape)}")
    peak = waves.abs().amax(1, keepdim=True)
    return waves / torch.where(peak > 0, peak, 1.0)


@torch.no_grad()
def griffin_lim(spectrograms: Tensor, rounds: int = 32, phase: Tensor | None = None, seed: int = 0) -> Tensor:
    """Waves (N, 64 T) whose spectrograms come near (N, 1, 128, T) in [−1, 1].

    A spectrogram keeps no phase. Griffin & Lim 1984 find one by going there and back: the wave of the wanted
    magnitudes with the present phase, and the phase of that wave's transform, ``rounds`` times, here with the
    momentum of Perraudin et al. 2013. The start is ``phase`` in radians, (N, 128, T), or one drawn from
    ``seed`` and the same for every sample, so that a sound does not depend on its batch. With the true phase
    and no rounds the way back is exact, but for energy in the highest bin. Raises InputError for other
    shapes.

    >>> griffin_lim(torch.full((2, 1, 128, 64), -1.0)).abs().max()  # silence
    tensor(0.)
    """
    _check_spectrograms(spectrograms)
    validate({"rounds": rounds, "seed": seed}, rounds=integer(0), seed=integer(0))
    size = magnitude(spectrograms)
    if not bool(size.isfinite().all()):
        raise InputError("spectrograms must lie in [-1, 1], and these are louder than any number")
    if phase is None:
        draw = torch.Generator().manual_seed(seed)
        phase = 2 * math.pi * torch.rand(size.shape[1:], generator=draw).to(size).expand_as(size)
    check_floats(spectrograms=spectrograms, phase=phase)
    if phase.shape != size.shape:
        raise InputError(f"phase must have shape {tuple(size.shape)}, not {tuple(phase.shape)}")
    wanted = torch.polar(size, phase.to(size))
    before = None
    for _ in range(rounds):
        reached = _transform(_inverse(wanted))
        # c_n = t_n + α (t_n − t_{n−1}), where t_n is the transform of a wave: Perraudin et al. 2013, alg. 2.
        ahead = reached if before is None else reached + MOMENTUM * (reached - before)
        wanted, before = torch.polar(size, ahead.angle()), reached
    return _inverse(wanted)


def phase(waves: Tensor) -> Tensor:
    """The phases of waves (N, L), in radians: (N, 128, L / 64). A cleared recording is given those of the
    noisy one.

    >>> clips = torch.sin(torch.arange(4096) * 0.3)[None]
    >>> back = griffin_lim(spectrogram(clips), rounds=0, phase=phase(clips))
    >>> float((back - clips).abs().max()) < 0.01
    True
    """
    _check_waves(waves)
    return _transform(waves).angle()


def magnitude(spectrograms: Tensor) -> Tensor:
    """The magnitudes |X|, (N, 128, T), that spectrograms (N, 1, 128, T) stand for.

    >>> magnitude(spectrogram(torch.zeros(1, 64))).max()
    tensor(0.)
    """
    decibels = (spectrograms[:, 0].float() + 1) / 2 * (HIGH - LOW) + LOW
    # Silence is silent to the last bit: the power of ten misses q by a rounding.
    return torch.where(spectrograms[:, 0] <= -1, 0.0, 10 ** (decibels / 20) - QUIET).clamp(min=0)


def _window(like: Tensor) -> Tensor:
    return torch.hann_window(WINDOW, device=like.device)


def _transform(waves: Tensor) -> Tensor:
    """(N, L) → (N, 128, L / 64), complex: without the highest bin, and the last of L / 64 + 1 frames, half of
    which lies beyond the end."""
    frames = torch.stft(
        waves.float(), WINDOW, HOP, window=_window(waves), pad_mode="constant", return_complex=True
    )
    return frames[:, :BINS, :-1]


def _inverse(frames: Tensor) -> Tensor:
    """(N, 128, T), complex → (N, 64 T): the wave whose transform is nearest (Griffin & Lim 1984, eq. 6)."""
    whole_band = torch.cat([frames, torch.zeros_like(frames[:, :1])], 1)
    return torch.istft(whole_band, WINDOW, HOP, window=_window(frames), length=HOP * frames.shape[2])


def _check_waves(waves: Tensor) -> None:
    check_tensors(waves=waves)
    check_finite("waves", waves)
    if waves.dim() != 2 or not waves.is_floating_point() or not waves.numel() or waves.shape[1] % HOP:
        given = f"{waves.dtype} of {tuple(waves.shape)}"
        raise InputError(
            f"waves must be floats of shape (count, length), length a multiple of 64, not {given}"
        )


def _check_spectrograms(spectrograms: Tensor) -> None:
    check_tensors(spectrograms=spectrograms)
    right = spectrograms.dim() == 4 and spectrograms.shape[1:3] == (1, BINS) and spectrograms.shape[3] > 0
    if not right or not spectrograms.is_floating_point():
        given = f"{spectrograms.dtype} of {tuple(spectrograms.shape)}"
        raise InputError(f"spectrograms must be floats of shape (count, 1, {BINS}, times), not {given}")
