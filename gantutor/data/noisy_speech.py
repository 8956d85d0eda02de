"""Pairs of clean and noisy spoken digits, for networks that remove noise from speech."""

from __future__ import annotations

import reprlib

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import checked, integer
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.spoken_digits import LENGTH, spoken_digits

SNR_RANGE = (-3.0, 9.0)
"""The smallest and the largest signal-to-noise ratio in decibels."""

BABBLE_VOICES = 4
"""Recordings that are added up to babble."""


@checked(copies=integer(1), seed=integer(0))
def noisy_speech(
    name: str = "spoken_digits", copies: int = 2, snr_range: tuple[float, float] = SNR_RANGE, seed: int = 0
) -> Dataset:
    """Add noise to spoken digits, and pair each noisy recording with its clean one.

    Every copy of a recording has its own noise: babble (four other recordings of the same part, shifted in
    time at random), white noise or pink noise, each with probability 1/3. Neither a recording nor a noise of
    the held-out part is in the training part.

    Args:
        name: the recordings, ``"spoken_digits"`` or ``"speech_commands"`` (see ``spoken_digits``).
        copies: how many times each recording is in the training part; the held-out part has it once, in the
            order of ``spoken_digits(name).held_out``.
        snr_range: the signal-to-noise ratio is uniform between these two numbers, in decibels from −100 to
            100.
        seed: seed of the random numbers.

    Returns:
        In each part, clean and noisy waves, both (N, 4096). The noisy wave has a peak of 1, and the clean one
        is scaled by the same factor, so that noisy − clean is the noise.

    Raises:
        InputError: if ``snr_range`` is not a pair in ascending order, or another argument is not valid.
        DataUnavailable: if the recordings are not available (see ``spoken_digits``).

    >>> clean, noisy = noisy_speech(copies=1).held_out.tensors
    >>> clean.shape, float(noisy.abs().max())
    (torch.Size([449, 4096]), 1.0)
    """
    is_pair = isinstance(snr_range, tuple | list) and len(snr_range) == 2
    if not is_pair or not all(_is_level(end) for end in snr_range) or snr_range[0] > snr_range[1]:
        raise InputError(
            "snr_range must be a pair of decibels (low, high), from -100 to 100 and in ascending order, not "
            f"{reprlib.repr(snr_range)}"
        )
    recordings = spoken_digits(name)
    train, held_out = (
        _pairs(part.tensors[0], times, snr_range, torch.Generator().manual_seed(2 * seed + index))
        for index, (part, times) in enumerate(((recordings.train, copies), (recordings.held_out, 1)))
    )
    low, high = snr_range
    content = (
        f"{recordings.card.content}, among babble, white or pink noise, {low:g} to {high:g} dB below them"
    )
    size = f"{len(train):,} pairs to train on and {len(held_out):,} held out, {LENGTH:,} samples each"
    card = Card(f"{name}_noisy", content, recordings.card.source, recordings.card.licence, size)
    return Dataset(card.name, train, held_out, card)


def _is_level(value: object) -> bool:
    """Whether a value is a number of decibels; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 100


def sample_noise(waves: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a noise of power 1 for each wave: babble from the other waves, white noise or pink noise.

    Args:
        waves: recordings (N, L), from which the babble is made.
        rng: the source of random numbers.

    Returns:
        Noises (N, L), whose mean square over L is 1.

    >>> sample_noise(torch.randn(9, 256), torch.Generator().manual_seed(0)).square().mean(1).round()
    tensor([1., 1., 1., 1., 1., 1., 1., 1., 1.])
    """
    count, length = waves.shape
    white = torch.randn(count, length, generator=rng)
    spectrum = torch.fft.rfft(torch.randn(count, length, generator=rng))
    # Pink noise has power ∝ 1 / f, so amplitude ∝ 1 / √f, and no constant part.
    amplitude = torch.arange(spectrum.shape[1]).clamp(min=1).rsqrt()
    amplitude[0] = 0
    pink = torch.fft.irfft(spectrum * amplitude, n=length)
    babble = torch.zeros(count, length)
    normalized = waves / waves.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)
    for _ in range(BABBLE_VOICES):
        speakers = (torch.arange(count) + torch.randint(1, max(2, count), (count,), generator=rng)) % count
        shift = torch.randint(length, (count, 1), generator=rng)
        babble += normalized[speakers].gather(1, (torch.arange(length) + shift) % length)
    noises = torch.stack([babble, white, pink])
    chosen = noises[torch.randint(3, (count,), generator=rng), torch.arange(count)]
    return chosen / chosen.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)


def _pairs(waves: Tensor, copies: int, snr_range: tuple[float, float], rng: torch.Generator) -> TensorDataset:
    """Add a random noise to each of ``copies`` copies of waves (N, L)."""
    clean = waves.repeat(copies, 1)
    low, high = snr_range
    decibels = low + (high - low) * torch.rand(len(clean), 1, generator=rng)
    power = clean.square().mean(1, keepdim=True)
    noisy = clean + sample_noise(clean, rng) * (power / 10 ** (decibels / 10)).sqrt()
    peak = noisy.abs().amax(1, keepdim=True).clamp(min=1e-9)
    return TensorDataset(clean / peak, noisy / peak)
