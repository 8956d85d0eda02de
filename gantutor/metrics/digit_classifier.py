"""The frozen digit classifier, on whose features the digit scores are measured."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from gantutor._checks import check_tensors
from gantutor._errors import InputError
from gantutor._files import read_tensors

WEIGHTS = Path(__file__).with_name("digit_classifier.safetensors")
"""The shipped weights, written by ``scripts/weights/train_digit_classifier.py``."""

FEATURES = 64
"""The number of features before the last layer."""

CHUNK_SIZE = 50
"""Images classified at once: few enough that their activations stay in the cache of a CPU."""


class DigitClassifier(nn.Module):
    """A convolutional classifier of digits: images (N, 1, 28, 28) in [−1, 1] → logits (N, 10).

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
        """Return the features before the last layer, shape (N, 64)."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


@cache
def digit_classifier() -> DigitClassifier:
    """Return the shipped digit classifier, frozen, on the CPU.

    Inception features mean nothing on digits, so the package ships a small classifier, trained once on the
    4,000 training digits. Scores are comparable only if they come from the same classifier.

    >>> digit_classifier()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    classifier = DigitClassifier()
    classifier.load_state_dict(read_tensors(WEIGHTS))
    return classifier.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@torch.no_grad()
def classify_digits(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features and the class probabilities of images of digits, by the shipped classifier.

    Args:
        images: floats (N, 1, 28, 28) in [−1, 1], N ≥ 1.

    Returns:
        Features (N, 64) and probabilities (N, 10), on the CPU.

    Raises:
        InputError: for images of another type, shape or range, or not finite.

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
    chunks = torch.split(images.detach().cpu().float(), CHUNK_SIZE)
    features = torch.cat([classifier.features(chunk) for chunk in chunks])
    return features, classifier.head(features).softmax(1)
