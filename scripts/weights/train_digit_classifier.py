"""Train the digit classifier that the package ships: ``python scripts/weights/train_digit_classifier.py``.

It learns from the 4,000 training digits, moved, turned, sheared and bent at random, and is tested on the
1,000 held-out ones. The weights are written only if it reads at least 99 % of them and if blurred real digits
(σ = 1) score at least 20 times the floor; neither is looked at while it trains.
"""

from __future__ import annotations

import math
import time

import torch
import torch.nn.functional as F
from classifier_training import train
from torch import Tensor

from gantutor import data
from gantutor._files import write_tensors
from gantutor.metrics.digit_classifier import WEIGHTS, DigitClassifier
from gantutor.metrics.digits import real_data_splits
from gantutor.metrics.frechet import frechet_distance

STEPS, BATCH, RATE, SEED = 3000, 64, 2e-3, 0


def distorted(images: Tensor, draw: torch.Generator) -> Tensor:
    """Each image (N, 1, 28, 28) turned by 7°, scaled by 8 %, sheared by 0.15, moved by a pixel, bent."""
    count = len(images)

    def normal(scale: float, *shape: int) -> Tensor:
        return scale * torch.randn(count, *shape, generator=draw)

    angle, shear = normal(7 * math.pi / 180), normal(0.15)
    wide, high = normal(0.08).exp(), normal(0.08).exp()
    move = normal(1.0 / 14, 2)
    rows = [
        torch.stack([wide * angle.cos(), wide * (shear - angle.sin()), move[:, 0]], 1),
        torch.stack([high * angle.sin(), high * angle.cos(), move[:, 1]], 1),
    ]
    place = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    bend = F.interpolate(normal(0.045, 2, 5, 5), size=28, mode="bicubic", align_corners=True)
    return F.grid_sample(images + 1, place + bend.permute(0, 2, 3, 1), align_corners=False).clamp(0, 2) - 1


def blurred(images: Tensor, sigma: float = 1.0) -> Tensor:
    """Images under a Gaussian blur, black outside."""
    reach = torch.arange(-4.0, 5.0)
    kernel = torch.exp(-reach.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    once = F.conv2d(images + 1, kernel.view(1, 1, 1, -1), padding=(0, 4))
    return F.conv2d(once, kernel.view(1, 1, -1, 1), padding=(4, 0)) - 1


def main() -> None:
    digits = data.digits()
    (images, labels), (test_images, test_labels) = digits.train.tensors, digits.held_out.tensors
    torch.manual_seed(SEED)
    draw = torch.Generator().manual_seed(SEED)
    classifier = DigitClassifier().to(memory_format=torch.channels_last)

    def loss() -> Tensor:
        chosen = torch.randint(len(images), (BATCH,), generator=draw)
        batch = distorted(images[chosen], draw).contiguous(memory_format=torch.channels_last)
        return F.cross_entropy(classifier(batch), labels[chosen])

    started = time.time()
    train(classifier, loss, STEPS, RATE)

    def features(part: Tensor) -> Tensor:
        return torch.cat([classifier.features(some) for some in part.split(500)])

    accuracy = float((classifier(test_images).argmax(1) == test_labels).double().mean())
    real, held_out = features(images), features(test_images)
    everything = torch.cat([real, held_out]), torch.cat([labels, test_labels])
    splits = real_data_splits(*everything, len(real), len(held_out), seed=0)
    floor = torch.tensor([frechet_distance(a, b) for a, b in splits]).median().item()
    fid_blur = frechet_distance(features(blurred(images)), held_out)
    print(f"{time.time() - started:.0f} s; held-out accuracy {accuracy:.2%}; floor {floor:.4f}; "
          f"training digits against held-out ones {frechet_distance(real, held_out) / floor:.2f} × floor; "
          f"blurred digits {fid_blur / floor:.1f} × floor")  # fmt: skip
    if accuracy < 0.99 or fid_blur < 20 * floor:
        raise SystemExit(
            "not written: it must read 99 % of the held-out digits and punish blur with 20 times the floor"
        )
    write_tensors(WEIGHTS, classifier.state_dict())
    print(f"written to {WEIGHTS.name}")


if __name__ == "__main__":
    main()
