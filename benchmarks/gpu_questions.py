"""Why do two notebooks end otherwise on a GPU than on two cores? Trainings under each suspected cause.

    python benchmarks/gpu_questions.py ring --out ring.json      # the cure of notebook 01, ten seeds
    python benchmarks/gpu_questions.py video --out video.json    # the game of notebook 08, three seeds

On one GPU four trainings of the ring kept 8, 6, 0 and 0 Gaussians, where two cores keep eight with seven
seeds of ten. In notebook 08, rotation and scale of the clips ended two to six times as far from real clips as
real clips are from each other. Each training runs with and without CUDA graphs, with products of matrices and
convolutions in float32 and in TF32, and for the clips also in bfloat16, as in the notebook. The file is
written after each training. The same command continues it if it belongs to the same commit, GPU and torch.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from machine import commit, machine
from recipe import dict_in, values

import gantutor as gt
from gantutor._files import new_file, read_json, write_json
from gantutor.course.recipes import make_recipe

SEEDS = {"ring": 10, "video": 3}


@dataclass(frozen=True)
class Setting:
    """How a training computes.

    Args:
        cuda_graphs: whether whole steps are recorded.
        numbers: "float32", "tf32" or "bfloat16".
    """

    cuda_graphs: bool
    numbers: str

    @property
    def name(self) -> str:
        return f"{'graphs' if self.cuda_graphs else 'no graphs'}, {self.numbers}"


SETTINGS = {
    "ring": [Setting(graphs, numbers) for numbers in ("float32", "tf32") for graphs in (True, False)],
    "video": [
        Setting(graphs, numbers) for numbers in ("bfloat16", "float32", "tf32") for graphs in (True, False)
    ],
}
"""In the order in which they run; the first is that of the notebook on a GPU."""

Play = Callable[[Setting, int, str, int | None], dict[str, float]]
"""Trains in a setting, with a seed, on a device, for some steps or those of the notebook; returns scores."""


def use_tf32(allowed: bool) -> None:
    """Let products of matrices and convolutions on a GPU round their factors to TF32, or not.

    torch lets only convolutions do it by default.

    Args:
        allowed: for both.
    """
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


def ring(setting: Setting, seed: int, device: str, steps: int | None = None) -> dict[str, float]:
    """Train the cure of notebook 01, and score the generator of the last step and the averaged one."""
    recipe = dict_in("01_concepts", "recipe")
    options = dict(recipe["settings"]["R1 and R2"])
    loss, beta1 = getattr(gt.objectives, options.pop("loss")), options.pop("beta1")
    eight = gt.data.toy.ring(recipe["count"], sigma=recipe["sigma"])
    torch.manual_seed(seed)
    generator = gt.networks.MLPGenerator(recipe["latent"], (2,), recipe["width"], recipe["depth"])
    discriminator = gt.networks.MLPDiscriminator((2,), recipe["width"], recipe["depth"])
    run = gt.train(
        gt.GAN(generator, discriminator, loss(**options), latent=recipe["latent"]),
        eight.dataset(100_000).train,
        steps=steps or recipe["steps"],
        batch_size=recipe["batch_size"],
        optimizer=gt.optim.adam(recipe["learning_rate"], (beta1, recipe["beta2"])),
        schedule=gt.optim.linear_decay(recipe["decay"]),
        **_common(setting, seed, device),
    )
    latents = torch.randn(2500, recipe["latent"], generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        current = generator(latents.to(run.gan.device)).float().cpu()
    averaged = values(gt.metrics.mode_scores(run.generate(latents).cpu(), eight))
    scores = values(gt.metrics.mode_scores(current, eight))
    return {
        **scores,
        **{f"{name}_averaged": value for name, value in averaged.items()},
        "seconds": run.seconds,
    }


def video(setting: Setting, seed: int, device: str, steps: int | None = None) -> dict[str, float]:
    """Train the game of notebook 08, and give the distances of motion as multiples of those of real clips."""
    recipe = make_recipe("moving_digits", seed)
    options = {name: value for name, value in recipe.options.items() if name != "seed"}
    run = gt.train(recipe.gan, recipe.data, steps=steps or 1500, **options, **_common(setting, seed, device))
    held_out = gt.data.digits().held_out.tensors
    found = []
    for draw in range(3):
        real = gt.data.sample_futures(held_out[0], 1, seed=1000 * seed + draw)[:, 0]
        chosen = torch.arange(0, len(real), 2)
        latents = torch.randn(len(chosen), 8, generator=torch.Generator().manual_seed(1000 * seed + draw))
        clips = run.generate(latents, real[chosen, 0]).float().cpu()
        found.append(gt.metrics.motion_scores(clips, clips[:, 0], held_out[1][chosen], real, held_out[1]))
    scores = gt.metrics.median_scores(found)
    kinds = ("displacement", "rotation", "scale", "step")
    multiples = {f"{kind}_x_real": round(scores[f"{kind}_distance"].multiple, 3) for kind in kinds}
    return {**values(scores), **multiples, "seconds": run.seconds}


def _common(setting: Setting, seed: int, device: str) -> dict[str, Any]:
    use_tf32(setting.numbers == "tf32")
    return {
        "seed": seed,
        "device": device,
        "cuda_graphs": setting.cuda_graphs,
        "precision": "bfloat16" if setting.numbers == "bfloat16" else "float32",
        "snapshots": 0,
        "progress": False,
    }


PLAY: Mapping[str, Play] = {"ring": ring, "video": video}


def answer(
    question: str,
    out: Path,
    settings: Sequence[Setting],
    seeds: Sequence[int],
    play: Callable[[Setting, int], dict[str, float]],
    about: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Play every setting with every seed, all settings of a seed first, and write the file after each.

    Args:
        question: "ring" or "video".
        out: the file; its rows are kept if it says the same of ``about``.
        settings: in the order in which they run.
        seeds: likewise.
        play: returns the scores of a training.
        about: the commit, the GPU and torch.

    Returns:
        The rows.
    """
    content: dict[str, Any] = {"question": question, "about": dict(about), "rows": []}
    if out.exists():
        before = read_json(out)
        content = before if before.get("about") == content["about"] else content
    rows = content["rows"]
    for seed in seeds:
        for setting in settings:
            key = {"setting": setting.name, **asdict(setting), "seed": seed}
            if any(row | key == row for row in rows):
                continue
            rows.append(key | play(setting, seed))
            print(rows[-1], flush=True)
            with new_file(out) as fresh:
                write_json(fresh, content)
    return list(rows)


def table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The median of some scores in each setting, with the number of seeds.

    >>> print(table([{"setting": "a", "modes": 8.0}, {"setting": "a", "modes": 6.0}], ["modes"]))
    | setting | seeds | modes |
    |-|-|-|
    | a | 2 | 7 |
    """
    lines = [f"| setting | seeds | {' | '.join(names)} |", "|-" * (len(names) + 2) + "|"]
    for setting in dict.fromkeys(row["setting"] for row in rows):
        those = [row for row in rows if row["setting"] == setting]
        medians = [f"{statistics.median(row[name] for row in those):.3g}" for name in names]
        lines.append(f"| {setting} | {len(those)} | {' | '.join(medians)} |")
    return "\n".join(lines)


SHOWN = {
    "ring": ["modes_strict", "reverse_kl", "modes_strict_averaged", "seconds"],
    "video": ["rotation_x_real", "scale_x_real", "displacement_x_real", "step_x_real", "seconds"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="the same training on a GPU under each suspected cause")
    parser.add_argument("question", choices=list(PLAY))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", help="all if left out")
    parser.add_argument("--graphs", choices=("on", "off"), help="only with, or only without CUDA graphs")
    parser.add_argument("--steps", type=int, help="of each training; those of the notebook if left out")
    parser.add_argument(
        "--device", default="cuda", help="cuda; on the CPU there are no CUDA graphs and no TF32"
    )
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("There is no GPU here: these questions are about one.")
        return
    settings = [
        setting
        for setting in SETTINGS[given.question]
        if given.graphs is None or setting.cuda_graphs == (given.graphs == "on")
    ]
    seeds = given.seeds or range(SEEDS[given.question])
    about = {name: machine()[name] for name in ("gpu", "torch")} | {"commit": commit(), "steps": given.steps}

    def play(setting: Setting, seed: int) -> dict[str, float]:
        return PLAY[given.question](setting, seed, given.device, given.steps)

    rows = answer(given.question, given.out, settings, seeds, play, about)
    print(table(rows, SHOWN[given.question]))


if __name__ == "__main__":
    main()
