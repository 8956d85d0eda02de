"""TimeGAN's protocol on its Sines set, in full: 10,000 series, three judges, their controls, three seeds.

    python benchmarks/sequences.py             # about a quarter of an hour

The recipe ``sines`` is trained for as many steps as notebook 04 does. Each judge then answers what its answer
should be for real series, bad controls and the generated ones: 2,000 steps each, as the public code. The
predictive score takes 5,000 steps. Writes ``results/sequences.json``.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch
import torch.nn.functional as F
from machine import write
from torch import Tensor

import gantutor as gt

STEPS = 3500

NEIGHBOURS = 4000
"""Series of each kind whose nearest neighbours are looked up."""


def controls(real: Tensor) -> dict[str, Tensor]:
    """Series of which it is known how a judge should find them: the first real, the others not."""
    draw = torch.Generator().manual_seed(0)
    order = torch.rand(real.shape[:2], generator=draw).argsort(1)[..., None].expand_as(real)
    padded = F.pad(real.transpose(1, 2), (2, 2), mode="replicate")
    return {
        "real": real,
        "shuffled": real.gather(1, order),
        "blurred": F.avg_pool1d(padded, 5, 1).transpose(1, 2),
        "trembling": real + 0.002 * torch.randn(real.shape, generator=draw),
        "features_repeated": real[..., :1].expand_as(real),
        "their_mean": real.mean(0).expand_as(real),
    }


def judged(held_out: Tensor, series: dict[str, Tensor], seed: int) -> dict[str, dict[str, float]]:
    """|accuracy − ½| of the two classifiers, and of the nearest neighbours among features of 4,000 series."""
    judges = {"light": gt.metrics.light_classifier_test(), "strong": gt.metrics.strong_classifier_test()}
    verdicts = {
        name: {
            kind: round(gt.metrics.two_sample_error(held_out, part, judge, seed), 4)
            for kind, part in series.items()
        }
        for name, judge in judges.items()
    }
    features = gt.metrics.series_features(held_out[:NEIGHBOURS])
    verdicts["neighbours"] = {
        kind: round(
            gt.metrics.nearest_neighbour_error(features, gt.metrics.series_features(part[:NEIGHBOURS])), 4
        )
        for kind, part in series.items()
    }
    return verdicts


def measure(seed: int, steps: int) -> dict[str, Any]:
    """One training, and all scores of what it makes."""
    real, held_out = (part.tensors[0] for part in (gt.data.sines().train, gt.data.sines().held_out))
    recipe = gt.course.recipes.sines(seed)
    run = gt.train(recipe.gan, recipe.data, steps=steps, snapshots=0, progress=False, **recipe.options)
    made = gt.networks.FiniteDifferences(real, order=2).series(run.sample(len(held_out)))
    predictive = gt.metrics.predictive_score(held_out, made, seed=seed)
    return {
        "seed": seed,
        "seconds": round(run.seconds, 1),
        **judged(held_out, {"generated": made} | (controls(real) if seed == 0 else {}), seed),
        "predictive": round(predictive.value, 4),
        "predictive_of_real": round(predictive.real, 4),
        **{name: round(score.value, 5) for name, score in gt.metrics.sine_scores(made).items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    rows = []
    for seed in range(given.seeds):
        rows.append(measure(seed, given.steps))
        print(json.dumps(rows[-1]), flush=True)
    command = f"python benchmarks/sequences.py --seeds {given.seeds} --steps {given.steps}"
    write("sequences", {"command": command, "rows": rows})


if __name__ == "__main__":
    main()
