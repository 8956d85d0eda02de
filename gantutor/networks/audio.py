"""Sound as pictures: log-magnitude spectrograms, the way back to sound, and networks for them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gantutor.errors import InputError
from gantutor.networks.conv import MinibatchDeviation, need_label, upsample_block
from gantutor.parameters import MOST_SIDE, validate, whole
from gantutor.tensors import need_floats, need_tensors, refuse_not_finite

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


def full_scale(waves: Tensor) -> Tensor:
    """Waves (N, L), each scaled to a peak of 1; silence stays silence.

    The course does so with every recording before its spectrogram: how loud somebody spoke says nothing of
    what was said, and a network need not learn it.

    >>> full_scale(torch.tensor([[0.1, -0.2], [0.0, 0.0]])).tolist()
    [[0.5, -1.0], [0.0, 0.0]]
    """
    need_floats(waves=waves)
    if waves.dim() != 2:
        raise InputError(f"waves must have shape (count, length), not {tuple(waves.shape)}")
    peak = waves.abs().amax(1, keepdim=True)
    return waves / torch.where(peak > 0, peak, 1.0)


@torch.no_grad()
def wave(spectrograms: Tensor, rounds: int = 32, phase: Tensor | None = None, seed: int = 0) -> Tensor:
    """Waves (N, 64 T) whose spectrograms come near (N, 1, 128, T) in [−1, 1].

    A spectrogram keeps no phase. Griffin & Lim 1984 find one by going there and back: the wave of the wanted
    magnitudes with the present phase, and the phase of that wave's transform, ``rounds`` times, here with the
    momentum of Perraudin et al. 2013. The start is ``phase`` in radians, (N, 128, T), or one drawn from
    ``seed`` and the same for every sample, so that a sound does not depend on its batch. With the true phase
    and no rounds the way back is exact, but for energy in the highest bin. Raises InputError for other
    shapes.

    >>> wave(torch.full((2, 1, 128, 64), -1.0)).abs().max()  # silence
    tensor(0.)
    """
    _check_spectrograms(spectrograms)
    validate({"rounds": rounds, "seed": seed}, rounds=whole(0), seed=whole(0))
    size = magnitude(spectrograms)
    if not bool(size.isfinite().all()):
        raise InputError("spectrograms must lie in [-1, 1], and these are louder than any number")
    if phase is None:
        draw = torch.Generator().manual_seed(seed)
        phase = 2 * math.pi * torch.rand(size.shape[1:], generator=draw).to(size).expand_as(size)
    need_floats(spectrograms=spectrograms, phase=phase)
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
    >>> back = wave(spectrogram(clips), rounds=0, phase=phase(clips))
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


class SpectrogramGenerator(nn.Module):
    """Latents (N, ``latent``) and, with ``classes``, labels (N,) → spectrograms (N, 1, 128, ``frames``) in
    [−1, 1].

    From 8 × ``frames`` / 16 by two nearest-neighbour ×2 stages and two pixel shuffles ×2, with 128, 96, 64,
    32 channels.

    >>> SpectrogramGenerator(classes=10)(torch.zeros(5, 64), torch.arange(5)).shape
    torch.Size([5, 1, 128, 64])
    """

    def __init__(self, latent: int = 64, classes: int = 0, frames: int = 64, embedding: int = 16) -> None:
        super().__init__()
        sizes = {"latent": latent, "classes": classes, "embedding": embedding}
        validate(sizes, latent=whole(1), classes=whole(0), embedding=whole(1))
        self.times = _sixteenth(frames)
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Linear(latent + (embedding if classes else 0), 128 * 8 * self.times, bias=False)
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="nearest"),
            upsample_block(128, 96),
            nn.Upsample(scale_factor=2, mode="nearest"),
            upsample_block(96, 64),
            upsample_block(64, 128),
            nn.PixelShuffle(2),
            upsample_block(32, 64),
            nn.PixelShuffle(2),
            nn.Conv2d(16, 1, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent = torch.cat([latent, self.label(need_label(label))], 1)
        start = self.start(latent).view(len(latent), 128, 8, self.times)
        spectrograms: Tensor = self.blocks(start.contiguous(memory_format=torch.channels_last))
        return spectrograms


class ProjectionHead(nn.Module):
    """Features h (N, D) and, with ``classes``, labels (N,) → logits (N,): ψ(h) + ⟨e(label), h⟩ / √D (Miyato &
    Koyama 2018, arXiv:1802.05637).

    >>> ProjectionHead(8, classes=3)(torch.zeros(5, 8), torch.zeros(5, dtype=torch.int64)).shape
    torch.Size([5])
    """

    def __init__(self, features: int, classes: int = 0) -> None:
        super().__init__()
        validate({"features": features, "classes": classes}, features=whole(1), classes=whole(0))
        self.head = nn.Linear(features, 1)
        self.label = nn.Embedding(classes, features) if classes else None

    def forward(self, features: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(features).squeeze(1)
        if self.label is not None:
            logits = logits + (self.label(need_label(label)) * features).sum(1) / math.sqrt(features.shape[1])
        return logits


class SpectrogramDiscriminator(nn.Module):
    """Spectrograms (N, 1, 128, ``frames``) and, with ``classes``, labels (N,) → logits (N,).

    >>> SpectrogramDiscriminator(classes=10)(torch.zeros(5, 1, 128, 64), torch.arange(5)).shape
    torch.Size([5])
    """

    def __init__(self, classes: int = 0, frames: int = 64, features: int = 128, group: int = 8) -> None:
        super().__init__()
        validate({"features": features}, features=whole(1))
        times = _sixteenth(frames)
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(16, 64, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 96, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(96, 128, 3, padding=1),
            nn.LeakyReLU(0.2),
            MinibatchDeviation(group),
            nn.Conv2d(129, 128, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(128 * 8 * times, features),
            nn.LeakyReLU(0.2),
        )
        self.head = ProjectionHead(features, classes)

    def forward(self, spectrograms: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.body(spectrograms), label)
        return logits


def _sixteenth(frames: int) -> int:
    if (
        isinstance(frames, bool)
        or not isinstance(frames, int)
        or not 16 <= frames <= MOST_SIDE
        or frames % 16
    ):
        raise InputError(f"frames must be a multiple of 16, at least 16, not {frames!r}")
    return frames // 16


def _check_waves(waves: Tensor) -> None:
    need_tensors(waves=waves)
    refuse_not_finite("waves", waves)
    if waves.dim() != 2 or not waves.is_floating_point() or not waves.numel() or waves.shape[1] % HOP:
        given = f"{waves.dtype} of {tuple(waves.shape)}"
        raise InputError(
            f"waves must be floats of shape (count, length), length a multiple of 64, not {given}"
        )


def _check_spectrograms(spectrograms: Tensor) -> None:
    need_tensors(spectrograms=spectrograms)
    right = spectrograms.dim() == 4 and spectrograms.shape[1:3] == (1, BINS) and spectrograms.shape[3] > 0
    if not right or not spectrograms.is_floating_point():
        given = f"{spectrograms.dtype} of {tuple(spectrograms.shape)}"
        raise InputError(f"spectrograms must be floats of shape (count, 1, {BINS}, times), not {given}")
