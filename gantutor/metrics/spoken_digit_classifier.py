"""The frozen classifier of spoken digits, on whose features the scores of sound are measured."""

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
"""The shipped weights, written by ``scripts/weights/train_spoken_digit_classifier.py``."""

FEATURES = 64
"""The number of features before the last layer."""

FRAMES = 64
"""Time frames of a spectrogram; a clip has 64 × 64 = 4,096 samples."""

CHUNK_SIZE = 100
"""Clips classified at once."""


class SpokenDigitClassifier(nn.Module):
    """A convolutional classifier of spoken digits: spectrograms (N, 1, 128, 64) in [−1, 1] → logits (N, 10).

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
        """Return the features before the last layer, shape (N, 64)."""
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
    """Return the shipped classifier of spoken digits, frozen, on the CPU.

    It was trained once on the 1,817 training recordings. Scores are comparable only if they come from the
    same classifier.

    >>> spoken_digit_classifier()(torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 10])
    """
    classifier = SpokenDigitClassifier()
    classifier.load_state_dict(read_tensors(WEIGHTS))
    return classifier.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@torch.no_grad()
def classify_spoken_digits(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features and the class probabilities of clips, by the shipped classifier.

    Waves are first scaled to a peak of 1, so that loudness plays no part. Spectrograms are taken as they are,
    and should be those of such waves.

    Args:
        clips: floats, either waves (N, 4096) or spectrograms (N, 1, 128, 64) in [−1, 1]; N ≥ 1.

    Returns:
        Features (N, 64) and probabilities (N, 10), on the CPU: an argument of ``audio_scores``.

    Raises:
        InputError: for clips of another type, shape or range, or not finite.

    >>> features, probabilities = classify_spoken_digits(torch.zeros(3, 4096))
    >>> features.shape, probabilities.shape
    (torch.Size([3, 64]), torch.Size([3, 10]))
    """
    check_tensors(clips=clips)
    are_waves = clips.dim() == 2 and clips.shape[1] == 64 * FRAMES
    are_spectrograms = clips.dim() == 4 and clips.shape[1:] == (1, BINS, FRAMES)
    if not (are_waves or are_spectrograms) or not len(clips) or not clips.is_floating_point():
        raise InputError(
            "clips must be floats, waves of shape (count, 4096) or spectrograms of shape "
            f"(count, 1, 128, 64), not {clips.dtype} of {tuple(clips.shape)}"
        )
    if not bool(clips.isfinite().all()) or (are_spectrograms and float(clips.abs().max()) > 1 + 1e-4):
        raise InputError("clips must be finite, and spectrograms lie in [-1, 1]")
    classifier, features = spoken_digit_classifier(), []
    for chunk in torch.split(clips.detach().cpu().float(), CHUNK_SIZE):
        spectrograms = spectrogram(normalize_peak(chunk)) if are_waves else chunk
        features.append(classifier.features(spectrograms))
    all_features = torch.cat(features)
    return all_features, classifier.head(all_features).softmax(1)
