"""Train the classifier of drawn faces' attributes: ``python scripts/weights/train_attribute_classifier.py``.

It learns from 8,000 drawn faces with seeds of their own, blurred and noisy at random, and is tested on 2,000
others. The weights are written only if it reads at least 99 % of every attribute, which is not looked at
while it trains. About a minute on one thread.
"""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from classifier_training import train
from torch import Tensor

from gantutor import data
from gantutor._files import write_tensors
from gantutor.metrics.attribute_classifier import FACE_SEEDS, WEIGHTS, AttributeClassifier

STEPS, BATCH, RATE, SEED = 700, 64, 4e-3, 0


def degraded(images: Tensor, draw: torch.Generator) -> Tensor:
    """Each image (N, 3, 64, 64) mixed with its blurred copy, shifted by up to a pixel, and noisy."""
    share, strength = torch.rand(2, len(images), 1, 1, 1, generator=draw)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    noise = 0.15 * strength * torch.randn(images.shape, generator=draw)
    down, right = torch.randint(-1, 2, (2,), generator=draw).tolist()
    return (images + share * (blurred - images) + noise).roll((down, right), (2, 3)).clamp(-1, 1)


def main() -> None:
    attributes, style = data.random_faces(8000, FACE_SEEDS["training"])
    images = data.draw_faces(attributes, style)
    torch.manual_seed(SEED)
    draw = torch.Generator().manual_seed(SEED)
    classifier = AttributeClassifier().to(memory_format=torch.channels_last)

    def loss() -> Tensor:
        chosen = torch.randint(len(images), (BATCH,), generator=draw)
        batch = degraded(images[chosen], draw).contiguous(memory_format=torch.channels_last)
        parts = zip(classifier(batch), attributes[chosen].unbind(1), strict=True)
        return torch.stack([F.cross_entropy(logits, column) for logits, column in parts]).mean()

    started = time.time()
    train(classifier, loss, STEPS, RATE)
    test_attributes, test_style = data.random_faces(2000, FACE_SEEDS["test"])
    faces = data.draw_faces(test_attributes, test_style)
    read = torch.cat([torch.stack([p.argmax(1) for p in classifier(some)], 1) for some in faces.split(200)])
    accuracy = dict(
        zip(data.FACE_ATTRIBUTES, (read == test_attributes).double().mean(0).tolist(), strict=True)
    )
    print(f"{time.time() - started:.0f} s; " + ", ".join(f"{name} {a:.4f}" for name, a in accuracy.items()))
    if min(accuracy.values()) < 0.99:
        raise SystemExit("not good enough: nothing is written")
    write_tensors(WEIGHTS, {name: value.contiguous() for name, value in classifier.state_dict().items()})


if __name__ == "__main__":
    main()
