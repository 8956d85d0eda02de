"""Record trainings of the course for the page "Trainings to replay" of the site.

    python scripts/site/record_trainings.py            # two minutes on one core

Each training is one of the course, with seed 0. What its generator makes of fixed latents is kept at moments
between which the number of steps grows by the same factor. Images become one picture that holds all moments
one below the other, and points become whole numbers. Writes ``docs/_static/replay``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import gantutor as gt

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "_static" / "replay"
MOMENTS = 30
DIGIT_STEPS = 2000
ROWS = 3
"""Latents of each digit."""
RING_STEPS = 3000
POINTS = 300
REACH = 1.6
"""The largest coordinate that is kept; 127 stands for it."""


class Recorder(gt.Callback):
    """Keeps what a function says of a run, at the first step and at moments further and further apart.

    Args:
        look: a function of the run, called at each moment.
        steps: number of steps of the whole training.
    """

    def __init__(self, look: Any, steps: int) -> None:
        self.look, self.moments = look, dict[int, Any]()
        self.due = {round(steps ** (i / (MOMENTS - 1))) for i in range(MOMENTS)}

    def on_step(self, run: gt.Run) -> None:
        if run.step in self.due:
            self.moments[run.step] = self.look(run)


def as_rows(images: Tensor) -> np.ndarray:
    """Images (10 · ROWS, 1, 28, 28) in [−1, 1] as one picture of whole numbers, ten to a row."""
    grid = images.reshape(ROWS, 10, 28, 28).permute(0, 2, 1, 3).reshape(ROWS * 28, 280)
    pixels: np.ndarray = ((grid.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    return pixels


def digits() -> dict[str, Any]:
    """Labelled digits as in notebook 03: each column a digit, each row a latent."""
    recipe = gt.course.recipes.digits(seed=0)
    latents = torch.randn(ROWS, 64, generator=torch.Generator().manual_seed(0)).repeat_interleave(10, 0)
    recorder = Recorder(
        lambda run: as_rows(run.generate(latents, torch.arange(10).repeat(ROWS))), DIGIT_STEPS
    )
    gt.train(
        recipe.gan,
        recipe.data,
        steps=DIGIT_STEPS,
        callbacks=[recorder],
        snapshots=0,
        precision="bfloat16",
        device="cpu",
        **recipe.options,
    )
    picture = Image.fromarray(np.concatenate(list(recorder.moments.values())))
    with gt._files.new_file(FOLDER / "digits.png") as fresh:
        picture.quantize(32).save(fresh, format="png", optimize=True)
    return {
        "kind": "images",
        "picture": "digits.png",
        "width": 280,
        "height": 28 * ROWS,
        "alternative": "Generated digits: each column a digit from 0 to 9, each row one latent",
        "steps": list(recorder.moments),
    }


def ring(penalty: bool) -> dict[str, Any]:
    """Eight Gaussians as in notebook 01: the setting that collapses, or its cure."""
    gamma = 0.02 if penalty else 0.0
    modes = gt.data.toy.ring(8, sigma=0.02)
    torch.manual_seed(0)
    generator, discriminator = gt.networks.MLPGenerator(8, (2,)), gt.networks.MLPDiscriminator((2,))
    gan = gt.GAN(generator, discriminator, gt.objectives.non_saturating(r1=gamma, r2=gamma), latent=8)
    latents = torch.randn(POINTS, 8, generator=torch.Generator().manual_seed(0))

    def look(run: gt.Run) -> list[int]:
        with torch.no_grad():
            points = generator(latents)
        flat: list[int] = (points / REACH * 127).clamp(-127, 127).round().int().flatten().tolist()
        return flat

    recorder = Recorder(look, RING_STEPS)
    beta1 = 0.0 if penalty else 0.9
    gt.train(
        gan,
        modes.dataset(100_000).train,
        steps=RING_STEPS,
        batch_size=128,
        optimizer=gt.optim.adam(2e-3, (beta1, 0.99)),
        schedule=gt.optim.linear_decay(0.5),
        callbacks=[recorder],
        snapshots=0,
        seed=0,
        device="cpu",
    )
    return {
        "kind": "points",
        "reach": REACH,
        "modes": [[round(float(value), 3) for value in mode] for mode in modes.centres],
        "alternative": "Generated points in the plane, and the eight Gaussians of the real data",
        "steps": list(recorder.moments),
        "points": list(recorder.moments.values()),
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    recorded = {"digits": digits(), "collapse": ring(penalty=False), "cure": ring(penalty=True)}
    with gt._files.new_file(FOLDER / "trainings.json") as fresh:
        fresh.write_text(json.dumps(recorded, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
