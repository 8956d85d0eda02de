"""The speaking GAN of notebook 05 over three seeds: scores by the reader after the way back to sound.

    python benchmarks/audio_gan.py             # eight minutes a seed at one thread
    python benchmarks/audio_gan.py --seeds 1   # the first seed alone

Seeds that ``results/audio_gan.json`` holds already, made with the same recipe, are not trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
from machine import read, write
from recipe import values
from torch.utils.data import TensorDataset

import gantutor as gt

RECIPE: dict[str, Any] = {
    "steps": 1400,
    "batch_size": 32,
    "learning_rate": 5e-4,
    "r1": 0.3,
    "precision": "bfloat16",
}
SEEDS = 3


def play(seed: int) -> dict[str, Any]:
    """Train with one seed; its scores, and the CPU seconds of the training."""
    speech = gt.data.spoken_digits()
    (waves, labels), (held_waves, held_labels) = speech.train.tensors, speech.held_out.tensors
    pictures = torch.cat(
        [gt.data.spectrogram(gt.data.normalize_peak(part)) for part in torch.split(waves, 200)]
    )
    torch.manual_seed(seed)
    networks = gt.networks.SpectrogramGenerator(classes=10), gt.networks.SpectrogramDiscriminator(classes=10)
    game = gt.GAN(*networks, gt.objectives.non_saturating(r1=RECIPE["r1"]))
    began = time.process_time()
    run = gt.train(
        game,
        TensorDataset(pictures, labels),
        steps=RECIPE["steps"],
        batch_size=RECIPE["batch_size"],
        seed=seed,
        device="cpu",
        precision=RECIPE["precision"],
        optimizer=gt.optim.adam(RECIPE["learning_rate"]),
        schedule=gt.optim.warm_up(0.05, gt.optim.linear_decay(0.5)),
        snapshots=0,
        progress=False,
    )
    used = time.process_time() - began
    made = run.sample(len(held_waves), held_labels)
    clips = torch.cat([gt.data.griffin_lim(part) for part in torch.split(made, 100)])
    read_clips = gt.metrics.classify_spoken_digits
    generated, real, others = (read_clips(part) for part in (clips, held_waves, waves))
    scores = gt.metrics.audio_scores(generated, real, others, held_labels, held_labels)
    known, new = (read_clips(part)[0] for part in (waves, held_waves))
    ratio = gt.metrics.nearest_neighbour_ratio(generated[0], known, new)
    return {
        "seed": seed,
        **values(scores),
        "multiple_of_real": round(scores["audio_frechet"].multiple, 3),
        "nearest_neighbour_ratio": round(ratio, 3),
        "cpu_seconds": round(used, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    seeds = parser.parse_args().seeds
    content = read("audio_gan")
    rows = content.get("rows", []) if content.get("recipe") == RECIPE else []
    for seed in range(len(rows), seeds):
        rows.append(play(seed))
        print(json.dumps(rows[-1]), flush=True)
        write("audio_gan", {"command": "python benchmarks/audio_gan.py", "recipe": RECIPE, "rows": rows})


if __name__ == "__main__":
    main()
