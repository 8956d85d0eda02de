"""The tables of notebook 09: published experiments measured anew, and every objective on one problem.

    python benchmarks/tables.py plane              # one of them
    python benchmarks/tables.py                    # all: an hour and a half at one thread

The recipes are read from the notebook (its dict ``recipes``) and written beside the results, which go to
``gantutor/results`` after each seed. The notebook refuses results of another recipe.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from recipe import Recipe, complete, dict_in, values
from torch import nn
from torch.utils.data import TensorDataset

import gantutor as gt

Row = dict[str, dict[str, float]]


def recipes() -> dict[str, Recipe]:
    """The dict ``recipes`` in notebook 09."""
    return dict_in("09_better_gans", "recipes")


def unless_diverged(play: Callable[[], dict[str, float]]) -> dict[str, float]:
    try:
        return play()
    except gt.TrainingDiverged as end:
        return {"diverged": float(end.run.step)}


# --- points in the plane ------------------------------------------------------------------------------------


def plane_networks(
    recipe: Recipe, points: TensorDataset, frequency: float, packing: int = 1
) -> tuple[nn.Module, nn.Module]:
    """A generator, and a discriminator of packs of points that sees them through Fourier features."""
    scale = float(points.tensors[0].std())
    generator = gt.networks.MLPGenerator(recipe["latent"], (2,), recipe["width"], recipe["generator_depth"])
    features = gt.networks.FourierFeatures(2 * packing, recipe["features"], frequency / packing**0.5, scale)
    judge = gt.networks.MLPDiscriminator((features.features,), recipe["width"], recipe["depth"])
    network = nn.Sequential(features, judge)
    return generator, network if packing == 1 else gt.networks.PackedDiscriminator(network, packing)


def plane_training(
    gan: gt.GAN, points: TensorDataset, recipe: Recipe, rates: tuple[float, float], **options: Any
) -> gt.Run:
    """One training: ``rates`` of the discriminator and the generator."""
    optimizer = {"discriminator": gt.optim.adam(rates[0]), "generator": gt.optim.adam(rates[1])}
    return gt.train(
        gan, points, ema_half_life=recipe["ema_half_life"], optimizer=optimizer, device="cpu", snapshots=0,
        progress=False, **options,
    )  # fmt: skip


def in_stages(recipe: Recipe, plan: Recipe, points: TensorDataset, seed: int, penalty: float = 1.0) -> gt.Run:
    """The ``plan`` of notebook 09, stage by stage, all penalties times ``penalty``."""
    torch.manual_seed(seed)
    networks = plane_networks(recipe, points, plan["frequency"])
    for number, stage in enumerate(plan["stages"]):
        objective = gt.objectives.relativistic(r1=penalty * stage["gamma"], r2=penalty * stage["gamma"])
        decay = gt.optim.linear_decay(0.0) if stage["decay"] else gt.optim.constant
        run = plane_training(
            gt.GAN(*networks, objective, recipe["latent"]), points, recipe, tuple(stage["rates"]),
            steps=stage["steps"], batch_size=stage["batch_size"], seed=seed + number, schedule=decay,
        )  # fmt: skip
    return run


def plane(all_recipes: Mapping[str, Recipe], seed: int) -> Row:
    """Ring and grid by PacGAN's protocol, and the grid without penalties, all else equal."""
    recipe, plans = all_recipes["networks"], all_recipes["plane"]
    grid, ring = gt.data.toy.grid(), gt.data.toy.ring()

    def play(shape: gt.data.toy.Distribution, penalty: float) -> dict[str, float]:
        run = in_stages(recipe, plans[shape.name], shape.dataset(100_000).train, seed, penalty)
        return values(gt.metrics.mode_scores(run.sample(2500), shape)) | {"seconds": round(run.seconds)}

    all_games = {"grid": (grid, 1.0), "ring": (ring, 1.0), "grid without penalties": (grid, 0.0)}
    return {name: unless_diverged(partial(play, *game)) for name, game in all_games.items()}


OBJECTIVES = {
    "minimax": gt.objectives.minimax,
    "non-saturating": gt.objectives.non_saturating,
    "least squares": gt.objectives.least_squares,
    "hinge": gt.objectives.hinge,
    "relativistic": gt.objectives.relativistic,
}


def games(all_recipes: Mapping[str, Recipe], seed: int) -> Row:
    """On the grid: every objective without a penalty, with R1, with R1 and R2; WGAN-GP; packs."""
    grid, recipe = gt.data.toy.grid(), all_recipes["games"]
    points = grid.dataset(100_000).train
    gamma, shared = recipe["gamma"], all_recipes["networks"]
    all_games: dict[str, tuple[gt.objectives.Objective, int, int]] = {}
    for name, make in OBJECTIVES.items():
        for end, r1, r2 in (("", 0.0, 0.0), (" + R1", gamma, 0.0), (" + R1 + R2", gamma, gamma)):
            all_games[name + end] = make(r1=r1, r2=r2), 1, 1
    held = gt.objectives.wasserstein(recipe["gradient_penalty"])
    all_games["Wasserstein + gradient penalty"] = held, 1, recipe["critic_turns"]
    for packing in recipe["packs"]:
        all_games[f"non-saturating, packs of {packing}"] = gt.objectives.non_saturating(), packing, 1
        packed = gt.objectives.non_saturating(r1=gamma)
        all_games[f"non-saturating + R1, packs of {packing}"] = packed, packing, 1

    def play(objective: gt.objectives.Objective, packing: int, turns: int) -> dict[str, float]:
        torch.manual_seed(seed)
        networks = plane_networks(shared, points, recipe["frequency"], packing)
        gan = gt.GAN(*networks, objective, shared["latent"], discriminator_turns=turns)
        run = plane_training(
            gan, points, shared, (recipe["learning_rate"],) * 2, steps=recipe["steps"],
            batch_size=recipe["batch_size"], seed=seed, schedule=gt.optim.linear_decay(0.5),
        )  # fmt: skip
        found = values(gt.metrics.mode_scores(run.sample(2500), grid))
        with torch.no_grad():
            logits = [networks[1](part) for part in (grid.sample(2500, seed=5), run.sample(2500))]
        preferred = (logits[0][:, None] > logits[1]).float().mean()
        return found | {"preferred": round(float(preferred), 5), "seconds": round(run.seconds, 1)}

    return {name: unless_diverged(partial(play, *game)) for name, game in all_games.items()}


# --- stacked digits -----------------------------------------------------------------------------------------


def stacked(all_recipes: Mapping[str, Recipe], seed: int) -> Row:
    """R3GAN's ablation on stacked digits: pairs or not, with no penalty, R1, R2, or both."""
    recipe = all_recipes["stacked"]
    data = gt.data.stacked_digits(recipe["images"], 1).without_labels()

    def play(make: Callable[..., gt.objectives.Objective], penalties: tuple[str, ...]) -> dict[str, float]:
        torch.manual_seed(seed)
        networks = gt.networks.ConvGenerator(channels=3), gt.networks.ConvDiscriminator(channels=3)
        objective = make(**dict.fromkeys(penalties, recipe["gamma"]))
        run = gt.train(
            gt.GAN(*networks, objective), data.train, steps=recipe["steps"], batch_size=recipe["batch_size"],
            seed=seed, optimizer=gt.optim.adam(recipe["learning_rate"]), device="cpu", snapshots=0,
            precision="bfloat16", progress=False,
        )  # fmt: skip
        found = values(gt.metrics.stacked_scores(run.sample(recipe["samples"])))
        return found | {"seconds": round(run.seconds)}

    return {
        f"{pairing}, {name}": unless_diverged(partial(play, make, penalties))
        for pairing, make in (
            ("non-saturating", gt.objectives.non_saturating),
            ("relativistic", gt.objectives.relativistic),
        )
        for name, penalties in (("none", ()), ("R1", ("r1",)), ("R2", ("r2",)), ("R1 + R2", ("r1", "r2")))
    }


# --- digits over time ---------------------------------------------------------------------------------------


class ScoreOnTime(gt.Callback):
    """Scores a run after so many seconds of computing each, and stops it after the last.

    Seconds of this process on the processor, with one thread: what else the machine does counts little.
    """

    def __init__(self, held_out: TensorDataset, seconds: list[float], control: gt.Control) -> None:
        self.held_out, self.left, self.control = held_out, list(seconds), control
        self.moments: list[dict[str, float]] = []

    def on_start(self, run: gt.Run) -> None:
        self.begin = time.process_time()

    def on_step(self, run: gt.Run) -> None:
        if self.left and time.process_time() - self.begin >= self.left[0]:
            now = time.process_time()
            found = values(run.scores(self.held_out))
            self.moments.append({"seconds": self.left.pop(0), "steps": run.step, **found})
            self.begin += time.process_time() - now
        if not self.left:
            self.control.stop()


def classical(critic: bool) -> gt.GAN:
    """DCGAN, or WGAN-GP with its networks."""
    networks = gt.networks.DCGANGenerator(), gt.networks.DCGANDiscriminator(normalize=not critic)
    if critic:
        return gt.GAN(*networks, gt.objectives.wasserstein(10.0), latent=100, discriminator_turns=5)
    return gt.GAN(*networks, gt.objectives.non_saturating(), latent=100)


def over_time(all_recipes: Mapping[str, Recipe], seed: int) -> Row:
    """Digits by the course's two recipes, and by DCGAN and WGAN-GP with the settings of their papers (Radford
    et al. 2016, section 4; Gulrajani et al. 2017, algorithm 1), whose weights are not averaged."""
    recipe, numbers = all_recipes["over_time"], gt.data.digits()
    plain = numbers.without_labels()
    torch.manual_seed(seed)
    with_labels, without = gt.course.recipes.digits(seed), gt.course.recipes.digits_unlabelled(seed)
    dcgan = {"batch_size": 128, "optimizer": gt.optim.adam(2e-4, (0.5, 0.999)), "ema_half_life": 0}
    wgan = {"batch_size": 64, "optimizer": gt.optim.adam(1e-4, (0.0, 0.9)), "ema_half_life": 0}
    players: dict[str, tuple[gt.GAN, gt.data.Dataset, Mapping[str, Any]]] = {
        "with labels": (with_labels.gan, numbers, with_labels.options),
        "without labels": (without.gan, plain, without.options),
        "DCGAN": (classical(critic=False), plain, dcgan | {"seed": seed}),
        "WGAN-GP": (classical(critic=True), plain, wgan | {"seed": seed}),
    }

    def play(gan: gt.GAN, data: gt.data.Dataset, options: Mapping[str, Any]) -> Any:
        control = gt.Control()
        scoring = ScoreOnTime(data.held_out, recipe["seconds"], control)
        gt.train(
            gan, data.train, steps=10**6, device="cpu", snapshots=0, progress=False, control=control,
            callbacks=[scoring], **options,
        )  # fmt: skip
        return {"moments": scoring.moments}

    return {name: play(*player) for name, player in players.items()}


TABLES: dict[str, tuple[Callable[[Mapping[str, Recipe], int], Mapping[str, Any]], int]] = {
    "plane": (plane, 10),
    "games": (games, 3),
    "stacked": (stacked, 2),
    "over_time": (over_time, 3),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TABLES)}; all if left out")
    chosen = parser.parse_args().names or list(TABLES)
    if unknown := set(chosen) - set(TABLES):
        parser.error(f"no table is called {sorted(unknown)[0]!r}; there are {', '.join(TABLES)}")
    given = recipes()
    for name in chosen:
        complete(name, recipe_of(name, given), partial(TABLES[name][0], given), TABLES[name][1])


def recipe_of(name: str, given: Mapping[str, Recipe]) -> Recipe:
    """All that the results of a table depend on: plane and games have their networks in common."""
    return given[name] | ({"networks": given["networks"]} if name in ("plane", "games") else {})


if __name__ == "__main__":
    main()
