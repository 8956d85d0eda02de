"""Spoken digits among noise, in pairs with the clean ones: what a network that clears recordings learns
from."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import integer, validate
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.spoken_digits import LENGTH, spoken_digits

LOUDNESS = (-3.0, 9.0)
"""Signal-to-noise ratios in decibels, drawn evenly from this range."""

VOICES = 4
"""How many other recordings talk at once in a babble."""


def noisy_speech(
    name: str = "spoken_digits", copies: int = 2, loudness: tuple[float, float] = LOUDNESS, seed: int = 0
) -> Dataset:
    """Pairs of waves (clean, noisy), each (N, 4096) with the noisy one at a peak of 1, from ``spoken_digits(name)``.

    Every clean recording comes ``copies`` times in the training part and once in the held-out part, each time
    with its own noise: babble (four other recordings of the same part, moved at random), white or pink noise,
    at a signal-to-noise ratio drawn from ``loudness``. Neither a recording nor a noise of the held-out part
    is in the training part; its rows are those of ``spoken_digits(name).held_out``. The clean wave is scaled as the
    noisy one is, so that noisy − clean is the noise. Raises InputError for ranges that are none, and what
    ``spoken_digits`` raises.

    >>> clean, noisy = noisy_speech(copies=1).held_out.tensors
    >>> clean.shape, float(noisy.abs().max())
    (torch.Size([449, 4096]), 1.0)
    """
    validate({"copies": copies, "seed": seed}, copies=integer(1), seed=integer(0))
    pair = isinstance(loudness, tuple | list) and len(loudness) == 2
    if (
        not pair
        or not all(isinstance(end, int | float) and abs(end) <= 100 for end in loudness)
        or loudness[0] > loudness[1]
    ):
        raise InputError(f"loudness must be a pair of decibels (low, high), not {loudness!r}")
    voices = spoken_digits(name)
    train, held_out = (
        _pairs(part.tensors[0], times, loudness, torch.Generator().manual_seed(2 * seed + index))
        for index, (part, times) in enumerate(((voices.train, copies), (voices.held_out, 1)))
    )
    low, high = loudness
    content = f"{voices.card.content}, among babble, white or pink noise, {low:g} to {high:g} dB below them"
    size = f"{len(train):,} pairs to train on and {len(held_out):,} held out, {LENGTH:,} samples each"
    card = Card(f"{name}_noisy", content, voices.card.source, voices.card.licence, size)
    return Dataset(card.name, train, held_out, card)


def sample_noise(waves: Tensor, draw: torch.Generator) -> Tensor:
    """A noise for each of waves (N, L), of power 1: babble from the others, white or pink, as drawn; (N, L).

    >>> sample_noise(torch.randn(9, 256), torch.Generator().manual_seed(0)).square().mean(1).round()
    tensor([1., 1., 1., 1., 1., 1., 1., 1., 1.])
    """
    count, length = waves.shape
    white = torch.randn(count, length, generator=draw)
    spectrum = torch.fft.rfft(torch.randn(count, length, generator=draw))
    # Pink: power as 1 / f, so amplitude as 1 / √f; no constant part.
    amplitude = torch.arange(spectrum.shape[1]).clamp(min=1).rsqrt()
    amplitude[0] = 0
    pink = torch.fft.irfft(spectrum * amplitude, n=length)
    babble = torch.zeros(count, length)
    loud = waves / waves.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)
    for _ in range(VOICES):
        other = (torch.arange(count) + torch.randint(1, max(2, count), (count,), generator=draw)) % count
        shift = torch.randint(length, (count, 1), generator=draw)
        babble += loud[other].gather(1, (torch.arange(length) + shift) % length)
    kinds = torch.stack([babble, white, pink])
    chosen = kinds[torch.randint(3, (count,), generator=draw), torch.arange(count)]
    return chosen / chosen.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)


def _pairs(waves: Tensor, copies: int, loudness: tuple[float, float], draw: torch.Generator) -> TensorDataset:
    clean = waves.repeat(copies, 1)
    low, high = loudness
    decibels = low + (high - low) * torch.rand(len(clean), 1, generator=draw)
    power = clean.square().mean(1, keepdim=True)
    noisy = clean + sample_noise(clean, draw) * (power / 10 ** (decibels / 10)).sqrt()
    peak = noisy.abs().amax(1, keepdim=True).clamp(min=1e-9)
    return TensorDataset(clean / peak, noisy / peak)
