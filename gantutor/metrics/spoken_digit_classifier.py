"""The frozen reader of spoken digits whose features the scores of sound are measured on.

The package ships it, made once by ``scripts/weights/train_spoken_digit_classifier.py`` from the 1,817 training recordings.
Scores compare only under the same reader.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from gantutor._checks import check_tensors
from gantutor._errors import InputError
from gantutor._files import read_tensors
from gantutor.data.spectrograms import BINS, normalize_peak, spectrogram

WEIGHTS = Path(__file__).with_name("spoken_digit_classifier.safetensors")
FEATURES = 64
FRAMES = 64
"""Times of a spectrogram: the reader reads clips of 64 × 64 = 4,096 samples."""

PART = 100
"""Clips read at once."""


class SpokenDigitClassifier(nn.Module):
    """Spectrograms (N, 1, 128, 64) in [−1, 1] → logits (N, 10) by way of 64 features.

    >>> SpokenDigitClassifier()(torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 16, stride=2), *_block(16, 32), nn.MaxPool2d(2),
            *_block(32, 48), nn.MaxPool2d(2), *_block(48, 64), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 8 * 4, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, 10)

    def features(self, spectrograms: Tensor) -> Tensor:
        """The 64 features before the last layer: shape (N, 64)."""
        features: Tensor = self.body(spectrograms)
        return features

    def forward(self, spectrograms: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(spectrograms))
        return logits


def _block(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


@cache
def spoken_digit_classifier() -> SpokenDigitClassifier:
    """The shipped reader, frozen, on the CPU."""
    reader = SpokenDigitClassifier()
    reader.load_state_dict(read_tensors(WEIGHTS))
    return reader.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@torch.no_grad()
def classify_spoken_digits(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Features (N, 64) and probabilities (N, 10) of clips: waves (N, 4096), or spectrograms (N, 1, 128, 64)
    in [−1, 1].

    Waves are first scaled to a peak of 1, so that loudness plays no part; spectrograms are taken as they are,
    and ought to be of such waves. ``audio_scores`` takes what comes back. Raises InputError for clips of
    another shape or range, or that are not finite.

    >>> features, probabilities = classify_spoken_digits(torch.zeros(3, 4096))
    >>> features.shape, probabilities.shape
    (torch.Size([3, 64]), torch.Size([3, 10]))
    """
    check_tensors(clips=clips)
    waves = clips.dim() == 2 and clips.shape[1] == 64 * FRAMES
    pictures = clips.dim() == 4 and clips.shape[1:] == (1, BINS, FRAMES)
    if not (waves or pictures) or not len(clips) or not clips.is_floating_point():
        raise InputError(
            "clips must be floats, waves of shape (count, 4096) or spectrograms of shape "
            f"(count, 1, 128, 64), not {clips.dtype} of {tuple(clips.shape)}"
        )
    if not bool(clips.isfinite().all()) or (pictures and float(clips.abs().max()) > 1 + 1e-4):
        raise InputError("clips must be finite, and spectrograms lie in [-1, 1]")
    reader, found = spoken_digit_classifier(), []
    for part in torch.split(clips.detach().cpu().float(), PART):
        found.append(reader.features(spectrogram(normalize_peak(part)) if waves else part))
    features = torch.cat(found)
    return features, reader.head(features).softmax(1)
