"""A reader of type that has never seen handwriting, and the scores of typeset images that it gives.

It learns on the spot, in seconds, from renderings of the very typefaces that are asked for, the learner's own
included, so that nothing is shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import check_integers, describe_value, integer, string, validate
from gantutor._errors import InputError, type_name
from gantutor.data.typefaces import DIGITS, Typeface, typefaces
from gantutor.data.typeset import render
from gantutor.metrics.clustering import clustering_accuracy
from gantutor.metrics.score import Score, Scores

STEPS, BATCH, RATE = 250, 64, 4e-3
FRESH = 2560
"""Renderings to learn from, each seen several times under other noise."""

SHIFT, SCALE = 2.0, 0.1
"""The reader sees glyphs moved and scaled more than ``typeset`` does."""

PART = 200
"""Images read at once."""


class TypeClassifier(nn.Module):
    """Images (N, 1, 28, 28) in [−1, 1] → logits of the character (N, ``characters``) and of the typeface (N,
    ``faces``).

    >>> [tuple(logits.shape) for logits in TypeClassifier(10, 8)(torch.zeros(2, 1, 28, 28))]
    [(2, 10), (2, 8)]
    """

    def __init__(self, characters: int, faces: int) -> None:
        super().__init__()
        validate({"characters": characters, "faces": faces}, characters=integer(1), faces=integer(1))
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


def train_type_classifier(
    faces: Sequence[Typeface] | None = None, characters: str = DIGITS, steps: int = STEPS, seed: int = 0
) -> TypeClassifier:
    """A reader of these typefaces and characters, trained now on renderings alone, frozen, on the CPU.

    It sees them moved, scaled, blurred and under noise, for results of networks are not as crisp as type. It
    draws from generators of its own. Raises InputError for fonts that cannot be used.
    """
    given = {"characters": characters, "steps": steps, "seed": seed}
    validate(given, characters=string(), steps=integer(1), seed=integer(0))
    found = typefaces(faces, characters)
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(characters), (FRESH,), generator=draw)
    typeface = torch.randint(len(found), (FRESH,), generator=draw)
    images = render(found, characters, labels, typeface, SHIFT, SCALE, draw)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = TypeClassifier(len(characters), len(found)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(reader.parameters(), lr=RATE, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for _ in range(steps):
        chosen = torch.randint(FRESH, (BATCH,), generator=draw)
        character, face = reader(degrade(images[chosen], draw).contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(character, labels[chosen]) + F.cross_entropy(face, typeface[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    frozen: TypeClassifier = reader.eval().requires_grad_(False)
    return frozen


def degrade(images: Tensor, draw: torch.Generator) -> Tensor:
    """Images (N, 1, 28, 28), each mixed with its own blur by a share drawn evenly, under noise of up to 0.2.

    >>> degrade(torch.full((2, 1, 28, 28), -1.0), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1, 28, 28])
    """
    share, strength = torch.rand(2, len(images), 1, 1, 1, generator=draw)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), value=-1.0), 3, 1)
    noise = 0.2 * strength * torch.randn(images.shape, generator=draw)
    worn_out: Tensor = (images + share * (blurred - images) + noise).clamp(-1, 1)
    return worn_out


@torch.no_grad()
def classify_type(images: Tensor, reader: TypeClassifier) -> tuple[Tensor, Tensor]:
    """The characters (N,) and typefaces (N,) that a reader reads in images (N, 1, 28, 28) in [−1, 1].

    Raises InputError for images of another shape or range.

    >>> character, face = classify_type(torch.zeros(3, 1, 28, 28), TypeClassifier(10, 8).eval())
    >>> character.shape, face.shape
    (torch.Size([3]), torch.Size([3]))
    """
    right = isinstance(images, Tensor) and images.dim() == 4 and images.shape[1:] == (1, 28, 28)
    if not right or not len(images) or not images.is_floating_point():
        given = describe_value(images)
        raise InputError(f"images must be floats of shape (count, 1, 28, 28), not {given}")
    if not bool(images.isfinite().all()) or float(images.abs().max()) > 1 + 1e-4:
        raise InputError("images must be finite and lie in [-1, 1]")
    if not isinstance(reader, TypeClassifier):
        raise InputError(
            f"reader must be a TypeClassifier, such as train_type_classifier() makes, not {type_name(reader)}"
        )
    read = [reader(part) for part in torch.split(images.detach().cpu().float(), PART)]
    character, face = (torch.cat(logits).argmax(1) for logits in zip(*read, strict=True))
    return character, face


def type_scores(
    images: Tensor, labels: Tensor, typeface: Tensor, reader: TypeClassifier, real: Any
) -> Scores:
    """``reader_accuracy``, ``typeface_match`` and ``reader_best_permutation`` of typeset images (N, 1, 28,
    28).

    ``labels`` (N,) is what was written, ``typeface`` (N,) what they were to be set in. The floor of each is
    what the same reader reads in ``real``, a TensorDataset (type, labels, typefaces) such as
    ``typeset().held_out``. Under the best permutation the reading of each class may stand for any one class,
    the same for all images: with labels used nowhere nothing else can be asked. By chance alone that gives a
    little more than one in the number of classes. Raises InputError for tensors that do not fit.
    """
    labels, typeface = (
        _indices(name, part, images) for name, part in (("labels", labels), ("typeface", typeface))
    )
    tensors: Any = getattr(real, "tensors", ())
    if len(tensors) != 3:
        raise InputError("real must be a TensorDataset (type, labels, typefaces), such as typeset().held_out")
    values = _measure(images, labels, typeface, reader)
    floors = _measure(tensors[0], tensors[1], tensors[2], reader)
    against = f"a reader of {len(tensors[0]):,} held-out renderings"
    return Scores(
        {name: Score(values[name], floors[name], "share", "higher", len(images), against) for name in values}
    )


def _measure(images: Tensor, labels: Tensor, typeface: Tensor, reader: TypeClassifier) -> dict[str, float]:
    character, face = classify_type(images, reader)
    return {
        "reader_accuracy": float((character == labels).double().mean()),
        "typeface_match": float((face == typeface).double().mean()),
        "reader_best_permutation": clustering_accuracy(character, labels, reader.character.out_features)[0],
    }


def _indices(name: str, part: Any, images: Any) -> Tensor:
    if (
        not isinstance(part, Tensor)
        or not isinstance(images, Tensor)
        or not part.dim()
        or part.shape != images.shape[:1]
    ):
        given = tuple(part.shape) if isinstance(part, Tensor) else type_name(part)
        count = len(images) if isinstance(images, Tensor) and images.dim() else "one for each image"
        raise InputError(f"{name} must be a tensor of shape ({count},), not {given}")
    check_integers(**{name: part})
    return part.cpu()
