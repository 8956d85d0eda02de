"""A classifier of typeset characters and typefaces, trained on the spot, and scores of typeset images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import check_integers, checked, describe_value, integer, string
from gantutor._errors import InputError, type_name
from gantutor.data.typefaces import DIGITS, Typeface, typefaces
from gantutor.data.typeset import render
from gantutor.metrics.clustering import clustering_accuracy
from gantutor.metrics.score import Score, Scores

STEPS, BATCH_SIZE, LEARNING_RATE = 250, 64, 4e-3
"""The training of the classifier; the learning rate is the peak of a one-cycle schedule."""

RENDERINGS = 2560
"""Renderings to learn from, each seen several times with different noise."""

MAX_SHIFT, MAX_SCALE = 2.0, 0.1
"""How far renderings are shifted, in pixels, and scaled, as a share: more than by ``typeset``."""

CHUNK_SIZE = 200
"""Images classified at once."""


class TypeClassifier(nn.Module):
    """A convolutional classifier of images (N, 1, 28, 28) in [−1, 1] by character and by typeface.

    It returns two tensors of logits: (N, ``characters``) and (N, ``faces``).

    Args:
        characters: how many characters there are, at least 1.
        faces: how many typefaces there are, at least 1.

    Raises:
        InputError: if a number is out of range.

    >>> [tuple(logits.shape) for logits in TypeClassifier(10, 8)(torch.zeros(2, 1, 28, 28))]
    [(2, 10), (2, 8)]
    """

    @checked(characters=integer(1), faces=integer(1))
    def __init__(self, characters: int, faces: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), *_block(4, 16), *_block(16, 32, stride=2), *_block(32, 48, stride=2),
            nn.Flatten(), nn.Linear(48 * 16, 96), nn.ReLU(),
        )  # fmt: skip
        self.character, self.face = nn.Linear(96, characters), nn.Linear(96, faces)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images)
        return self.character(features), self.face(features)


def _block(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


@checked(characters=string(), steps=integer(1), seed=integer(0))
def train_type_classifier(
    faces: Sequence[Typeface] | None = None, characters: str = DIGITS, steps: int = STEPS, seed: int = 0
) -> TypeClassifier:
    """Train a classifier of typefaces and characters on renderings of them, in seconds.

    It never sees handwriting. The renderings are shifted, scaled, blurred and noisy, because the output of a
    network is not as crisp as type. The training has its own random numbers.

    Args:
        faces: the typefaces, such as the learner's own; by default those of ``typefaces()``.
        characters: the characters, at least one.
        steps: training steps, at least 1.
        seed: the seed of the weights, renderings and batches.

    Returns:
        The classifier, frozen, on the CPU.

    Raises:
        InputError: for fonts that cannot be used, or a number out of range.

    >>> classifier = train_type_classifier(steps=1)
    >>> classifier.character.out_features
    10
    """
    faces = typefaces(faces, characters)
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(characters), (RENDERINGS,), generator=rng)
    typeface = torch.randint(len(faces), (RENDERINGS,), generator=rng)
    images = render(faces, characters, labels, typeface, MAX_SHIFT, MAX_SCALE, rng)  # (RENDERINGS, 1, 28, 28)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = TypeClassifier(len(characters), len(faces)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=LEARNING_RATE, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps)
    for _ in range(steps):
        index = torch.randint(RENDERINGS, (BATCH_SIZE,), generator=rng)
        batch = degrade(images[index], rng).contiguous(memory_format=torch.channels_last)
        character_logits, face_logits = classifier(batch)
        loss = F.cross_entropy(character_logits, labels[index]) + F.cross_entropy(
            face_logits, typeface[index]
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    frozen: TypeClassifier = classifier.eval().requires_grad_(False)
    return frozen


def degrade(images: Tensor, rng: torch.Generator) -> Tensor:
    """Blur images by random amounts and add noise of random strength.

    Args:
        images: images (N, 1, 28, 28) in [−1, 1].
        rng: the random generator. Each image is mixed with its blurred copy by a share drawn uniformly from
            [0, 1], and gets noise with a standard deviation drawn uniformly from [0, 0.2].

    Returns:
        Images of the same shape and range.

    >>> degrade(torch.full((2, 1, 28, 28), -1.0), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1, 28, 28])
    """
    share, strength = torch.rand(2, len(images), 1, 1, 1, generator=rng)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), value=-1.0), 3, 1)
    noise = 0.2 * strength * torch.randn(images.shape, generator=rng)
    degraded: Tensor = (images + share * (blurred - images) + noise).clamp(-1, 1)
    return degraded


@torch.no_grad()
def classify_type(images: Tensor, classifier: TypeClassifier) -> tuple[Tensor, Tensor]:
    """Return the character and the typeface that a classifier predicts for each image.

    Args:
        images: floats (N, 1, 28, 28) in [−1, 1], N ≥ 1.
        classifier: such as ``train_type_classifier()`` returns, in evaluation mode.

    Returns:
        Indices of characters (N,) and of typefaces (N,).

    Raises:
        InputError: for images of another type, shape or range, or another classifier.

    >>> character, face = classify_type(torch.zeros(3, 1, 28, 28), TypeClassifier(10, 8).eval())
    >>> character.shape, face.shape
    (torch.Size([3]), torch.Size([3]))
    """
    valid = isinstance(images, Tensor) and images.dim() == 4 and images.shape[1:] == (1, 28, 28)
    if not valid or not len(images) or not images.is_floating_point():
        what = describe_value(images)
        raise InputError(f"images must be floats of shape (count, 1, 28, 28), not {what}")
    if not bool(images.isfinite().all()) or float(images.abs().max()) > 1 + 1e-4:
        raise InputError("images must be finite and lie in [-1, 1]")
    if not isinstance(classifier, TypeClassifier):
        what = type_name(classifier)
        raise InputError(
            f"classifier must be a TypeClassifier, such as train_type_classifier() makes, not {what}"
        )
    logits = [classifier(chunk) for chunk in torch.split(images.detach().cpu().float(), CHUNK_SIZE)]
    character, face = (torch.cat(chunks).argmax(1) for chunks in zip(*logits, strict=True))
    return character, face


def type_scores(
    images: Tensor, labels: Tensor, typeface: Tensor, classifier: TypeClassifier, real: Any
) -> Scores:
    """Score how often a classifier finds the intended characters and typefaces in typeset images.

    The real-data values are the classifier's accuracies on real renderings.

    Args:
        images: images (N, 1, 28, 28) in [−1, 1].
        labels: the index of the character that each shows (N,).
        typeface: the index of the typeface that each should be set in (N,).
        classifier: such as ``train_type_classifier()`` returns.
        real: a TensorDataset (images, labels, typefaces) such as ``typeset().held_out``.

    Returns:
        ``reader_accuracy``, the share with the right character; ``typeface_match``, the share with the right
        typeface; ``reader_best_permutation``, the share with the right character under the best one-to-one
        permutation of the classes, the same for all images. Without labels in the training, nothing stricter
        can be asked; by chance alone this gives a little more than one divided by the number of classes.

    Raises:
        InputError: for tensors or datasets of another type or shape.

    >>> from torch.utils.data import TensorDataset
    >>> images, index = torch.zeros(8, 1, 28, 28), torch.arange(8)
    >>> real = TensorDataset(images, index, index)
    >>> sorted(type_scores(images, index, index, TypeClassifier(10, 8).eval(), real))
    ['reader_accuracy', 'reader_best_permutation', 'typeface_match']
    """
    labels, typeface = (
        _checked_indices(name, indices, images)
        for name, indices in (("labels", labels), ("typeface", typeface))
    )
    tensors: Any = getattr(real, "tensors", ())
    if len(tensors) != 3:
        raise InputError("real must be a TensorDataset (type, labels, typefaces), such as typeset().held_out")
    values = _measure(images, labels, typeface, classifier)
    real_values = _measure(tensors[0], tensors[1], tensors[2], classifier)
    reference = f"a reader of {len(tensors[0]):,} held-out renderings"
    return Scores(
        {
            name: Score(values[name], real_values[name], "share", "higher", len(images), reference)
            for name in values
        }
    )


def _measure(
    images: Tensor, labels: Tensor, typeface: Tensor, classifier: TypeClassifier
) -> dict[str, float]:
    character, face = classify_type(images, classifier)
    characters = classifier.character.out_features
    return {
        "reader_accuracy": float((character == labels).double().mean()),
        "typeface_match": float((face == typeface).double().mean()),
        "reader_best_permutation": clustering_accuracy(character, labels, characters)[0],
    }


def _checked_indices(name: str, indices: Any, images: Any) -> Tensor:
    if (
        not isinstance(indices, Tensor)
        or not isinstance(images, Tensor)
        or not indices.dim()
        or indices.shape != images.shape[:1]
    ):
        what = tuple(indices.shape) if isinstance(indices, Tensor) else type_name(indices)
        count = len(images) if isinstance(images, Tensor) and images.dim() else "one for each image"
        raise InputError(f"{name} must be a tensor of shape ({count},), not {what}")
    check_integers(**{name: indices})
    return indices.cpu()
