"""The frozen reader of digits whose features the digit scores are measured on.

Inception features mean nothing on digits, so the package ships a small classifier of its own, made once by
``scripts/weights/train_digit_classifier.py`` from the 4,000 training digits. Scores compare only under the same
classifier.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from gantutor._checks import check_tensors
from gantutor._errors import InputError
from gantutor._files import read_tensors

WEIGHTS = Path(__file__).with_name("digit_classifier.safetensors")
FEATURES = 64
PART = 50
"""Digits read at once: few enough that their activations stay in the cache of a CPU."""


class DigitClassifier(nn.Module):
    """Images (N, 1, 28, 28) in [−1, 1] → logits (N, 10) by way of 64 features.

    >>> DigitClassifier()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 16), *_block(16, 16), nn.MaxPool2d(2),
            *_block(16, 32), *_block(32, 32), nn.MaxPool2d(2),
            *_block(32, 64), nn.Flatten(),
            nn.Linear(64 * 7 * 7, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, 10)

    def features(self, images: Tensor) -> Tensor:
        """The 64 features before the last layer: shape (N, 64)."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


@cache
def digit_classifier() -> DigitClassifier:
    """The shipped classifier, frozen, on the CPU."""
    classifier = DigitClassifier()
    classifier.load_state_dict(read_tensors(WEIGHTS))
    return classifier.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@torch.no_grad()
def classify_digits(images: Tensor) -> tuple[Tensor, Tensor]:
    """Features (N, 64) and probabilities (N, 10) of images (N, 1, 28, 28) in [−1, 1].

    Raises InputError for images of another shape or range.

    >>> features, probabilities = classify_digits(torch.zeros(3, 1, 28, 28))
    >>> features.shape, probabilities.shape
    (torch.Size([3, 64]), torch.Size([3, 10]))
    """
    check_tensors(images=images)
    if images.dim() != 4 or images.shape[1:] != (1, 28, 28) or not images.is_floating_point():
        raise InputError(
            f"digits must be floats of shape (count, 1, 28, 28), not {images.dtype} of {tuple(images.shape)}"
        )
    if not len(images):
        raise InputError("there must be at least one image to read")
    if not bool(images.isfinite().all()) or float(images.abs().max()) > 1 + 1e-4:
        raise InputError("digits must be finite and lie in [-1, 1]")
    classifier = digit_classifier()
    parts = torch.split(images.detach().cpu().float(), PART)
    features = torch.cat([classifier.features(part) for part in parts])
    return features, classifier.head(features).softmax(1)
