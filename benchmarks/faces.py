"""What notebook 06 claims over several seeds: drawn faces, and what augmentation is worth on few photographs.

    python benchmarks/faces.py faces_augmentation   # three seeds; about two minutes each at one thread
    python benchmarks/faces.py faces_drawn          # three seeds; about eight minutes each at one thread

The recipes are the dicts ``few_recipe`` and ``drawn_recipe`` of the notebook, which refuses results of other
ones. The results go to ``gantutor/course/results`` after each seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import torch
from recipe import Recipe, complete, dict_in, values
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt

SEEDS = 3
Row = dict[str, dict[str, float]]
OPTIONS = [len(options) for options in gt.data.FACE_ATTRIBUTES.values()]


def train_drawn(recipe: Recipe, seed: int, data: TensorDataset) -> gt.Run:
    """The conditional GAN of drawn faces."""
    torch.manual_seed(seed)
    gan = gt.games.acgan(
        gt.networks.AttributeGenerator(OPTIONS),
        gt.networks.AttributeDiscriminator(OPTIONS),
        gt.objectives.non_saturating(r1=recipe["r1"], every=recipe["every"]),
        conditional=True,
    )
    return gt.train(
        gan, data, steps=recipe["steps"], batch_size=recipe["batch_size"], seed=seed, device="cpu",
        optimizer=gt.optim.adam(recipe["learning_rate"], tuple(recipe["betas"])),
        schedule=gt.optim.linear_decay(0.5), precision=recipe["precision"], snapshots=0, progress=False,
    )  # fmt: skip


@torch.no_grad()
def attributes_seen(run: gt.Run, images: Tensor) -> Tensor:
    """The attributes (N, 7) that a discriminator reads in images: its class logits need no condition."""
    none = torch.zeros(len(images), len(OPTIONS), dtype=torch.long)
    _, classes = run.gan.networks["discriminator"].eval()(images, none)
    return torch.stack([logits.argmax(1) for logits in classes], 1)


def random_edits(attributes: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Each row with each attribute changed in turn to another option: rows (N · 7,) and wanted (N · 7, 7)."""
    rng = torch.Generator().manual_seed(seed)
    rows = torch.arange(len(attributes)).repeat_interleave(len(OPTIONS))
    wanted = attributes[rows].clone()
    for place in range(len(wanted)):
        column = place % len(OPTIONS)
        step = int(torch.randint(1, OPTIONS[column], (), generator=rng))
        wanted[place, column] = (wanted[place, column] + step) % OPTIONS[column]
    return rows, wanted


def drawn(recipe: Recipe, seed: int) -> Row:
    """Attributes obeyed, variety, and edits of inverted faces."""
    faces = gt.data.drawn_faces()
    run = train_drawn(recipe, seed, faces.train)
    images, attributes = faces.held_out.tensors
    made = run.sample(len(attributes), attributes)
    obeyed = gt.metrics.attribute_scores(made, attributes, (images, attributes))
    pairs = attributes[:200]
    doubled = run.sample(400, pairs.repeat_interleave(2, 0), seed=1)
    targets = images[: recipe["inverted"]]
    seen = attributes_seen(run, targets)
    found = gt.sampling.invert(
        run, targets, recipe["inversion_steps"], starts=2, condition=seen, progress=False
    )
    rows, wanted = random_edits(attributes[: len(targets)], 0)
    asked = torch.where(wanted == attributes[rows], seen[rows], wanted)
    edits = gt.metrics.edit_scores(run.generate(found.latents[rows], asked), wanted, attributes[rows])
    row = values(obeyed) | values(edits)
    row["variety_within_condition"] = round(gt.metrics.variety_within_condition(doubled, pairs).value, 5)
    row["inversion_psnr"] = round(float(gt.metrics.psnr(found.images, targets).mean()), 3)
    return {"drawn": row | {"seconds": round(run.seconds, 1)}}


def augmentation(recipe: Recipe, seed: int) -> Row:
    """A few aligned photographs, with and without augmentation, all else equal."""
    known, new = (part.tensors[0] for part in (gt.data.faces().train, gt.data.faces().held_out))
    known, template = gt.data.align_faces(known)
    new, _ = gt.data.align_faces(new, template)
    few = known[:: len(known) // recipe["photographs"]][: recipe["photographs"]]
    read, rows = gt.metrics.FaceFeatures(known), Row()
    for name in ("augmented", "not augmented"):
        torch.manual_seed(seed)
        generator = gt.networks.DeepGenerator(widths=(96, 64, 48, 32, 16))
        judge: torch.nn.Module = gt.networks.DeepDiscriminator(widths=(24, 48, 64, 96))
        if name == "augmented":
            change = gt.networks.DiffAugment(*[recipe["probability"]] * 3)
            judge = gt.networks.AugmentedDiscriminator(judge, change)
        run = gt.train(
            gt.GAN(generator, judge, gt.objectives.non_saturating(r1=recipe["r1"])),
            gt.data.with_mirror_images(TensorDataset(few)), steps=recipe["steps"],
            batch_size=recipe["batch_size"], seed=seed, device="cpu", precision=recipe["precision"],
            optimizer=gt.optim.adam(recipe["learning_rate"]), schedule=gt.optim.linear_decay(0.5),
            snapshots=0, progress=False,
        )  # fmt: skip
        made = run.sample(320, seed=seed)
        judge.eval()
        with torch.no_grad():
            of_few, of_new = (judge(images).double() for images in (few, new))
        rows[name] = {
            "kernel_distance": round(gt.metrics.kernel_distance(read(made), read(new)), 5),
            "remembered": round(float((of_few[:, None] > of_new).double().mean()), 5),
            "copied": round(gt.metrics.nearest_neighbour_ratio(made, few, new), 5),
            "seconds": round(run.seconds, 1),
        }
        print(seed, name, rows[name], flush=True)
    rows["real data"] = {"kernel_distance": round(gt.metrics.kernel_distance(read(known), read(new)), 5)}
    return rows


BENCHMARKS: dict[str, tuple[str, Callable[[Recipe, int], Row]]] = {
    "faces_augmentation": ("few_recipe", augmentation),
    "faces_drawn": ("drawn_recipe", drawn),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if left out")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    for name in options.names or list(BENCHMARKS):
        recipe_name, play = BENCHMARKS[name]
        recipe = dict_in("06_faces", recipe_name)
        complete(name, recipe, partial(play, recipe), options.seeds)


if __name__ == "__main__":
    main()
