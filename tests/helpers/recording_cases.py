"""What the tests of recordings share: a word that is written here, and the pitch of a sound."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Samples = NDArray[np.float64]


def word(rate: int, seconds: float = 0.4, tone: float = 440.0, volume: float = 0.5) -> Samples:
    """A tone that swells and fades, in silence: a quarter of a second loud, in the middle."""
    time = np.arange(round(rate * seconds)) / rate
    envelope = np.exp(-(((time - seconds / 2) / 0.06) ** 2))
    return np.asarray(volume * envelope * np.sin(2 * np.pi * tone * (time - seconds / 2)))


def peak_frequency(wave: Tensor, rate: int = 8000) -> float:
    return int(torch.fft.rfft(wave).abs().argmax()) * rate / len(wave)
