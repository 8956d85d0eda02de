"""What comes with a training: checkpoints, and the import of the package.

    python benchmarks/overheads.py             # two minutes

A checkpoint is timed alone, since one a minute is lost in the noise of two trainings: its share is that of a
training that saves once a minute, the default. Writes ``results/overheads.json``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from machine import write

import gantutor as gt


class Timed(gt.Callback):
    """Seconds from the end of one step's looks to the end of the next, by whether a checkpoint was due."""

    def __init__(self) -> None:
        self.steps: list[float] = []

    def on_start(self, run: gt.Run) -> None:
        self.last = time.perf_counter()

    def on_step(self, run: gt.Run) -> None:
        now = time.perf_counter()
        self.steps.append(now - self.last)
        self.last = now


def step_seconds(checkpoint: Path | None) -> float:
    """The median step of the digits recipe, with a checkpoint after each or without any."""
    recipe, timed = gt.course.recipes.digits(), Timed()
    options = {"checkpoint_every": 0.0, "snapshots": 0, "progress": False, "callbacks": [timed]}
    gt.train(recipe.gan, recipe.data, steps=60, checkpoint=checkpoint, **options)  # type: ignore[arg-type]
    return statistics.median(timed.steps[10:])


def import_seconds(*modules: str) -> list[float]:
    """The median of nine fresh interpreters for each, in turns."""
    found: dict[str, list[float]] = {module: [] for module in modules}
    for _ in range(9):
        for module in modules:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
            found[module].append(time.perf_counter() - began)
    return [statistics.median(seconds) for seconds in found.values()]


def main() -> None:
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        plain, saved = [], []
        for index in range(3):
            plain.append(step_seconds(None))
            saved.append(step_seconds(Path(folder) / str(index)))
    write_seconds = statistics.median(saved) - statistics.median(plain)
    alone, whole = import_seconds("torch", "gantutor")
    results = {
        "command": "python benchmarks/overheads.py",
        "checkpoint_seconds": round(write_seconds, 4),
        "checkpoint_share_once_a_minute": round(write_seconds / 60, 6),
        "import_torch_seconds": round(alone, 2),
        "import_gantutor_seconds": round(whole, 2),
        "import_over_torch": round(whole / alone, 3),
    }
    for name, value in results.items():
        print(f"{name}: {value}")
    write("overheads", results)


if __name__ == "__main__":
    main()
