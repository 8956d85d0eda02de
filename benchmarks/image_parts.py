"""What each part of notebook 03's image GAN is worth: one replaced at a time, all else equal.

    python benchmarks/image_parts.py           # three seeds; about three minutes each at one thread

The recipe is the dict ``parts`` of the notebook, which refuses results of another one. The results go to
``gantutor/course/results/image_parts.json`` after each seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from recipe import Recipe, complete, dict_in, values
from torch import nn

import gantutor as gt
from gantutor.networks.conv import conv_block

SEEDS = 3
Row = dict[str, dict[str, float]]


class TransposedGenerator(gt.networks.ConvGenerator):
    """The generator of the course, whose two doublings are transposed convolutions as in DCGAN."""

    def __init__(self, classes: int, kernel: int) -> None:
        super().__init__(classes=classes)
        padding = (kernel - 1) // 2
        sizes: dict[str, Any] = {"stride": 2, "padding": padding, "output_padding": kernel % 2}
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(64),
            nn.ReLU(),
            conv_block(64, 64),
            nn.ConvTranspose2d(64, 48, kernel, bias=False, **sizes),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            conv_block(48, 64),
            nn.ConvTranspose2d(64, 1, kernel, **sizes),
            nn.Tanh(),
        )


def without_deviation(classes: int) -> nn.Module:
    """The discriminator of the course without its minibatch deviation: the channel is always 0."""
    network = gt.networks.ConvDiscriminator(classes=classes)
    place = next(i for i, layer in enumerate(network.body) if isinstance(layer, gt.networks.MinibatchStdDev))
    network.body[place] = ZeroChannel()
    return network


class ZeroChannel(nn.Module):
    """Appends a channel of zeros: (N, C, H, W) → (N, C + 1, H, W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, torch.zeros_like(x[:, :1])], 1)


def with_batch_norm(classes: int) -> nn.Module:
    """The discriminator of the course with batch norm after all convolutions but the first, as in DCGAN."""
    network = gt.networks.ConvDiscriminator(classes=classes)
    layers, convolutions = [], 0
    for layer in network.body:
        layers.append(layer)
        if isinstance(layer, nn.Conv2d):
            convolutions += 1
            if convolutions > 1:
                layers.append(nn.BatchNorm2d(layer.out_channels))
    network.body = nn.Sequential(*layers)
    return network


def whole(classes: int) -> nn.Module:
    """The discriminator of the course."""
    return gt.networks.ConvDiscriminator(classes=classes)


DISCRIMINATORS: dict[str, Callable[[int], nn.Module]] = {
    "no minibatch deviation": without_deviation,
    "batch norm in D instead of R1": with_batch_norm,
}


def play(recipe: Recipe, seed: int) -> Row:
    """One seed: the whole, and each part replaced."""
    rows: Row = {}
    for name in recipe["replaced"]:
        classes = 0 if name == "no labels" else 10
        digits = gt.data.digits() if classes else gt.data.digits().without_labels()
        torch.manual_seed(seed)
        generator: nn.Module = gt.networks.ConvGenerator(classes=classes)
        if name == "transposed convolutions":
            generator = TransposedGenerator(classes, recipe["kernel"])
        discriminator = DISCRIMINATORS.get(name, whole)(classes)
        r1 = 0.0 if name == "batch norm in D instead of R1" else recipe["r1"]
        betas = (0.5 if name == "β₁ = 0.5" else 0.0, 0.99)
        run = gt.train(
            gt.GAN(generator, discriminator, gt.objectives.non_saturating(r1=r1)),
            digits.train,
            steps=recipe["steps"],
            batch_size=recipe["batch_size"],
            seed=seed,
            device="cpu",
            optimizer=gt.optim.adam(recipe["learning_rate"], betas),
            schedule=gt.optim.linear_decay(0.5),
            ema_half_life=recipe["ema_half_life"],
            precision=recipe["precision"],
            snapshots=0,
            progress=False,
        )
        shown = run.sample(500, torch.arange(500) % 10 if classes else None)
        rows[name] = values(run.scores(digits.held_out)) | {
            "checkerboard_share": round(gt.metrics.checkerboard_share(shown), 5),
            "seconds": round(run.seconds, 1),
        }
        if name == recipe["replaced"][0]:
            asked = torch.arange(4000) % 10
            last = gt.metrics.digit_scores(
                run.gan.sample(4000, asked, seed=seed), digits.held_out, generated_labels=asked
            )
            rows["last weights instead of their EMA"] = values(last)
        print(name, rows[name], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    recipe = dict_in("03_cnn_image_gan", "parts")
    complete("image_parts", recipe, partial(play, recipe), parser.parse_args().seeds)


if __name__ == "__main__":
    main()
