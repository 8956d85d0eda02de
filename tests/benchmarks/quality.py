"""Digit FID after a minute of training with the labelled recipe of notebook 03, in multiples of the floor.

    python tests/benchmarks/quality.py               # three seeds of 60 seconds; about four minutes

Writes tests/benchmarks/results/quality.json. The bound is 3.5 times the floor on two cores; the floor and the
classifier are those of ``gantutor.metrics.digit_scores``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from statistics import median

import torch

import gantutor as gt

RESULTS = Path(__file__).parent / "results" / "quality.json"
BOUND = 3.5


def measure(seed: int, seconds: float) -> dict[str, float]:
    """One training: its steps, and its scores against held-out digits."""
    digits = gt.data.digits()
    torch.manual_seed(seed)
    networks = gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)
    gan = gt.GAN(*networks, gt.objectives.non_saturating(r1=1.0))
    run = gt.train(gan, digits.train, seconds=seconds, seed=seed, device="cpu", snapshots=0)
    scores = run.scores(digits.held_out)
    found = {name: round(score.value, 4) for name, score in scores.items()}
    return found | {
        "seed": seed,
        "steps": run.step,
        "images_per_second": round(run.images / run.seconds, 1),
        "multiple_of_floor": round(scores["digit_fid"].multiple, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    rows = []
    for seed in range(given.seeds):
        rows.append(measure(seed, given.seconds))
        print(json.dumps(rows[-1]), flush=True)
    middle = median(row["multiple_of_floor"] for row in rows)
    print(f"median {middle:.2f} × floor after {given.seconds:g} s; the bound is {BOUND} after 60 s")
    machine = {
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "architecture": platform.machine(),
        "torch": torch.__version__,
    }
    content = {"seconds": given.seconds, "median_multiple": middle, "seeds": rows, "machine": machine}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
