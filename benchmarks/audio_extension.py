"""Bandwidth extension by regression, and with an adversary, from one network and at equal CPU time.

    python benchmarks/audio_extension.py             # three seeds; about three minutes each at one thread

Both sides start from the same network, which regression trains first. Then each gets the same seconds of CPU
time, so that regression takes more steps. The recipe is the dict ``extension`` of notebook 05, which refuses
results of another one. The results go to ``gantutor/course/results/audio_extension.json`` after each seed.
"""

from __future__ import annotations

import argparse
import copy
import time
from functools import partial
from typing import Any

import torch
from recipe import Recipe, complete, dict_in, values
from torch import Tensor, nn

import gantutor as gt

SEEDS = 3
Row = dict[str, dict[str, float]]


def regression_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
    """L1 distance to the true upper band."""
    return {"total": (batch.fake - batch.real).abs().mean()}


def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
    """Least squares (Mao et al. 2017): 1 for real pairs, 0 for generated ones."""
    judge = gan.networks["discriminator"]
    real, fake = (judge(bands, batch.condition) for bands in (batch.real, batch.fake.detach()))
    return {"total": (real - 1).square().mean() + fake.square().mean()}


def adversarial_loss(weight: float, gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
    """The weighted L1 distance, and least squares on the logits."""
    logits = gan.networks["discriminator"](batch.fake, batch.condition)
    distance = (batch.fake - batch.real).abs().mean()
    return {"total": weight * distance + (logits - 1).square().mean(), "distance": distance}


def play(recipe: Recipe, seed: int) -> Row:
    """One seed: both sides."""
    speech = gt.data.spoken_digits()
    pairs = gt.data.band_pairs(speech.train.tensors[0])
    held_waves = gt.data.normalize_peak(speech.held_out.tensors[0])
    real_upper, lower = gt.data.band_pairs(held_waves).tensors
    precision = recipe["precision"]
    options: dict[str, Any] = {"batch_size": recipe["batch_size"], "seed": seed, "precision": precision}
    options |= {"device": "cpu", "snapshots": 0, "gallery": 1, "progress": False}
    decay: dict[str, Any] = {"schedule": gt.optim.linear_decay(0.5)}
    torch.manual_seed(seed)
    regression = gt.Turn("generator", regression_loss)
    noise = (gt.networks.band_extension.NOISE_CHANNELS, 32, 32)
    started = gt.GAN.of({"generator": gt.networks.BandGenerator()}, [regression], noise)
    gt.train(
        started, pairs, steps=recipe["start_steps"], optimizer=gt.optim.adam(recipe["start_rate"]), **options
    )
    rows: Row = {}
    for name in ("regression", "adversarial"):
        networks: dict[str, nn.Module] = {"generator": copy.deepcopy(started.networks["generator"])}
        turns = [gt.Turn("generator", regression_loss, optimizer=gt.optim.adam(recipe["generator_rate"]))]
        if name == "adversarial":
            networks["discriminator"] = gt.networks.BandDiscriminator()
            loss = partial(adversarial_loss, recipe["l1_weight"])
            judge, maker = (gt.optim.adam(recipe[f"{n}_rate"]) for n in ("discriminator", "generator"))
            turns = [
                gt.Turn("discriminator", discriminator_loss, optimizer=judge),
                gt.Turn("generator", loss, optimizer=maker),
            ]
        began = time.process_time()
        steps = recipe[f"{name}_steps"]
        run = gt.train(gt.GAN.of(networks, turns, noise), pairs, steps=steps, **options, **decay)
        used = time.process_time() - began
        upper = extended(run, lower, seed)
        rows[name] = measure(upper, real_upper, lower, held_waves) | {"cpu_seconds": round(used, 1)}
        print(seed, name, rows[name], flush=True)
    return rows


def extended(run: gt.Run, lower: Tensor, seed: int) -> Tensor:
    """Upper bands for lower ones, by the averaged generator, from seeded noise."""
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(lower), 4, 32, 32, generator=draw)
    parts = zip(torch.split(noise, 200), torch.split(lower, 200), strict=True)
    return torch.cat([run.generate(z, band) for z, band in parts])


def measure(upper: Tensor, real_upper: Tensor, lower: Tensor, waves: Tensor) -> dict[str, float]:
    """The scores of spectrograms, and the Fréchet distance after the way back to sound."""
    row = values(gt.metrics.extension_scores(upper, real_upper, lower))
    again = gt.data.extend_waves(waves, upper)
    features = [gt.metrics.classify_spoken_digits(clips)[0] for clips in (again, waves)]
    return row | {"wave_frechet": round(gt.metrics.frechet_distance(*features), 5)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    recipe = dict_in("05_audio_gan", "extension")
    complete("audio_extension", recipe, partial(play, recipe), parser.parse_args().seeds)


if __name__ == "__main__":
    main()
