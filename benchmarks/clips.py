"""Notebook 08: a generator that warps its first frame against one that draws its frames, over seeds.

    python benchmarks/clips.py                 # three seeds; about five minutes each at one thread

The networks, the trainings and the scores are the notebook's own cells, run with another seed. Results go to
``gantutor/course/results/clips_warp_or_draw.json`` after each seed.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

import matplotlib
from recipe import NOTEBOOKS, Recipe, complete

SEEDS = 3
NAME, NOTEBOOK = "clips_warp_or_draw", "08_image_to_video"
RECIPE: Recipe = {"warp_steps": 1100, "learning_rate": 1e-3, "clip_r1": 0.1}
NEEDED = (
    "# Parameters", "import torch", "torch.set_num_threads", "class Motion(", "def warp(",
    "class WarpGenerator(", "class FrameDiscriminator(", "class ClipDiscriminator(", "def train_clips(",
    "def scores_of(", "class DrawGenerator(", "def redrawing(",
)  # fmt: skip
"""What the cells contain that are run, in order; the others show, explain and examine."""


def cells() -> list[str]:
    """The sources of the code cells of the notebook."""
    notebook = json.loads((NOTEBOOKS / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def play(recipe: Recipe, seed: int) -> dict[str, dict[str, float]]:
    """One seed: both generators, trained and scored by the notebook's cells."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for needed in NEEDED:
        source = next(cell for cell in cells() if needed in cell)
        if needed == "# Parameters":
            source += f"\nseed, steps, preset = {seed}, {recipe['warp_steps']}, 'cpu'"
        exec(source, names)
    rows = {}
    for kind in ("warped", "drawn"):
        run = names[kind]
        rows[kind] = {
            name: round(score.multiple if "distance" in name else score.value, 4)
            for name, score in names["scores_of"](run).items()
        } | {"steps": run.step, "seconds": round(run.seconds, 1)}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    matplotlib.use("agg")
    complete(NAME, RECIPE, partial(play, RECIPE), parser.parse_args().seeds)


if __name__ == "__main__":
    main()
