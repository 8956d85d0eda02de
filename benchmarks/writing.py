"""What the adversary is worth in notebook 07: two losses for writing, with and without it, all else equal.

    python benchmarks/writing.py               # three seeds; about three minutes each at one thread

The recipe is the dict ``writing`` of the notebook, which refuses results of another one. The results go to
``gantutor/course/results/writing.json`` after each seed.
"""

from __future__ import annotations

from functools import partial

import torch
from recipe import Recipe, complete, dict_in, values

import gantutor as gt

SEEDS = 3
COMPARED = ("all three", "distance, reader")
Row = dict[str, dict[str, float]]


def play(recipe: Recipe, seed: int) -> Row:
    """One seed: both losses, each with its scores and its seconds."""
    lines = gt.data.handwritten_lines(gt.data.DISTINCT_WRITERS, recipe["lines"], seed)
    rows: Row = {}
    for name in COMPARED:
        terms = recipe["losses"][name]
        torch.manual_seed(seed)
        count = len(lines.writers)
        judge = gt.networks.LineDiscriminator(count) if "adversary" in terms else None
        game = gt.games.line_game(
            gt.networks.LineTranslator(count), judge, gt.objectives.non_saturating(r1=recipe["r1"]),
            distance=recipe["distance"], variety=recipe["variety"] if judge else 0.0,
            reader=gt.metrics.text_reader() if "reader" in terms else None, reading=recipe["reading"],
        )  # fmt: skip
        run = gt.train(
            game, lines.writing(), steps=recipe["steps"], batch_size=recipe["batch_size"], seed=seed,
            optimizer=gt.optim.adam(recipe["learning_rate"]), schedule=gt.optim.linear_decay(0.5),
            ema_half_life=recipe["ema_half_life"], precision="bfloat16", device="cpu", snapshots=0,
            progress=False,
        )  # fmt: skip
        rows[name] = values(gt.metrics.score_writing(run, lines)) | {"seconds": round(run.seconds)}
        print(seed, name, rows[name], flush=True)
    return rows


def main() -> None:
    torch.set_num_threads(1)
    recipe = dict_in("07_handwriting_to_type", "writing")
    complete("writing", recipe, partial(play, recipe), SEEDS)


if __name__ == "__main__":
    main()
