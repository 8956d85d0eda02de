"""Seconds of training until the digits are good: 10, 5 and 3.5 times the floor of digit FID, and after 60 s.

    python benchmarks/quality.py               # three seeds, two precisions; a quarter of an hour

The labelled recipe is trained for 60 seconds and scored every few of them; the clock stands still meanwhile.
Floor and classifier are those of ``gantutor.metrics.digit_scores``. Writes ``results/quality.json``.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from math import log
from statistics import median
from typing import Any

import torch
from machine import write

import gantutor as gt

MARKS = (10.0, 5.0, 3.5)
EVERY = 4.0
"""Seconds of training between two scores."""


class Watch(gt.Callback):
    """The score of the averaged generator every few seconds of training."""

    def __init__(self, held_out: Any) -> None:
        self.held_out, self.moments = held_out, [(0.0, float("inf"))]

    def on_step(self, run: gt.Run) -> None:
        if run.seconds >= self.moments[-1][0] + EVERY:
            found = run.scores(self.held_out)["digit_fid"]
            self.moments.append((run.seconds, found.multiple))


def reached(moments: list[tuple[float, float]], mark: float) -> float | None:
    """When a falling curve first passed a mark, between two moments on a line of its logarithm.

    >>> round(reached([(0.0, float("inf")), (10.0, 8.0), (20.0, 2.0)], 4.0), 1)
    15.0
    """
    for (before, high), (after, low) in pairwise(moments):
        if low <= mark:
            if high == float("inf"):
                return after
            return before + (after - before) * (log(high) - log(mark)) / (log(high) - log(low))
    return None


def measure(seed: int, seconds: float, precision: str, device: str) -> dict[str, Any]:
    """One training: when it reached each mark, and its scores at the end."""
    recipe = gt.course.recipes.digits(seed)
    watch = Watch(recipe.held_out)
    options: dict[str, Any] = dict(recipe.options) | {"snapshots": 0, "progress": False, "callbacks": [watch]}
    run = gt.train(recipe.gan, recipe.data, seconds=seconds, precision=precision, device=device, **options)
    scores = run.scores(recipe.held_out)
    watch.moments.append((run.seconds, scores["digit_fid"].multiple))
    times = {f"seconds_to_{mark:g}x_floor": reached(watch.moments, mark) for mark in MARKS}
    return {
        "computed_in": precision,
        "seed": seed,
        "steps": run.step,
        "images_per_second": round(run.images / run.seconds, 1),
        "multiple_of_floor": round(scores["digit_fid"].multiple, 3),
        **{name: when and round(when, 1) for name, when in times.items()},
        **{name: round(score.value, 4) for name, score in scores.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--precision", action="append", choices=("float32", "bfloat16"))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("no GPU")
        return
    rows = []
    for precision in given.precision or ("float32", "bfloat16"):
        for seed in range(given.seeds):
            rows.append(measure(seed, given.seconds, precision, given.device))
            print(json.dumps(rows[-1]), flush=True)
        middle = median(row["multiple_of_floor"] for row in rows if row["computed_in"] == precision)
        print(f"{precision}: median {middle:.2f} × floor after {given.seconds:g} s of training")
    command = f"python benchmarks/quality.py --device {given.device}"
    write("quality" if given.device == "cpu" else "quality_gpu", {"command": command, "rows": rows})


if __name__ == "__main__":
    main()
