"""Right calls of objectives, games, training, and of what is done with a run."""

from __future__ import annotations

import functools
import itertools
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from right_calls import Call, Made, image_run, noise, point_game, point_run, shades
from torch import nn

import gantutor as gt

PENALTIES = {"r1": 1.0, "r2": 1.0, "every": 8}


def slope(points: torch.Tensor) -> torch.Tensor:
    return points[:, 0] * 3


def line(count: int = 2, out: int = 1) -> Made:
    return Made(lambda: nn.Linear(count, out))


def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, torch.Tensor]:
    return {"total": gan.networks["line"](batch.real).mean()}


def miss(gan: gt.GAN, batch: gt.Batch) -> torch.Tensor:
    return gan.networks["line"](batch.real).mean()


def penalised(penalty: Any, given: dict[str, Any]) -> torch.Tensor:
    result: torch.Tensor = penalty(slope, noise(4, 2), noise(4, 2))
    return result


def stepped(make: Any, given: dict[str, Any]) -> torch.Tensor:
    weight = nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    make([weight]).step()
    return weight.detach()


def rates(schedule: Any, given: dict[str, Any]) -> list[float]:
    return [schedule(fraction) for fraction in (0.0, 0.01, 0.5, 1.0)]


def translators() -> dict[str, Any]:
    typed, judge = gt.networks.TypeTranslator, gt.networks.PatchDiscriminator
    made = Made(partial(typed, latent=0, channels=2, features=4)), Made(partial(judge, channels=2))
    generators = {"generator_xy": made[0], "generator_yx": made[0]}
    return generators | {"discriminator_x": made[1], "discriminator_y": made[1]}


def observed(augment: Any, given: dict[str, Any]) -> torch.Tensor:
    augment.adapt(torch.ones(()), 4, 0.6, 8, 1)
    result: torch.Tensor = augment(shades(3, 3, 8, 8))
    return result


def style_generator() -> nn.Module:
    generator = nn.Module()
    generator.mapping, generator.synthesis = nn.Linear(2, 2), nn.Linear(2, 3)
    return generator


def style_game() -> gt.GAN:
    torch.manual_seed(0)
    return gt.GAN(style_generator(), nn.Linear(3, 1), latent=2)


def path_penalty(game: gt.GAN, given: dict[str, Any]) -> torch.Tensor:
    batch = gt.Batch(game, torch.zeros(4, 3), latent=noise(4, 2))
    value: torch.Tensor = game.turns[1].penalties["path_length"].loss(game, batch).detach()
    return value


def bent(penalty: nn.Module, given: dict[str, Any]) -> torch.Tensor:
    w = noise(4, 2).requires_grad_()
    value: torch.Tensor = penalty(w.square(), w).detach()
    return value


def trained_with(callback: gt.Callback) -> gt.Run:
    options: dict[str, Any] = {"steps": 2, "batch_size": 16, "snapshots": 0, "progress": False}
    return gt.train(point_game(), noise(64, 2), callbacks=[callback], **options)


def saved() -> Path:
    return point_run().save("saved")


@functools.wraps(gt.launch)
def launched(**given: Any) -> Path:
    """``launch``, but for the processes."""
    done = mock.patch("gantutor.course.processes._run", return_value=(False, 0))
    with done, mock.patch("gantutor.course.processes._time_saved", side_effect=itertools.count()):
        return gt.launch(**given)


REJECTION = {"count": 4, "gamma": 0.0, "quantile": 0.5, "burn_in": 64, "seed": 0, "progress": False}
TRAINING = {
    "gan": Made(point_game),
    "data": noise(64, 2),
    "steps": 1,
    "batch_size": 16,
    "seed": 0,
    "device": "cpu",
    "optimizer": Made(gt.optim.adam),
    "schedule": gt.optim.constant,
    "ema_half_life": 100.0,
    "snapshots": 1,
    "gallery": 4,
    "callbacks": [],
    "control": Made(gt.Control),
    "checkpoint": Path("kept"),
    "checkpoint_every": 60.0,
    "precision": "float32",
    "accumulate": 1,
    "cuda_graphs": False,
    "value_range": (-1.0, 1.0),
    "progress": False,
}

CALLS = [
    Call("objectives.r1_penalty", {"gamma": 1.0}, penalised),
    Call("objectives.r2_penalty", {"gamma": 1.0}, penalised),
    Call("objectives.gradient_penalty", {"weight": 1.0}, penalised),
    *[
        Call(f"objectives.{name}", PENALTIES)
        for name in ["minimax", "non_saturating", "least_squares", "hinge", "relativistic"]
    ],
    Call("objectives.wasserstein", {"gradient_penalty": 10.0, "every": 1}),
    Call("optim.adam", {"learning_rate": 1e-3, "betas": (0.0, 0.9)}, stepped),
    Call("optim.linear_decay", {"start": 0.5}, rates),
    Call("optim.warm_up", {"duration": 0.05, "then": gt.optim.constant}, rates),
    Call(
        "networks.DiffAugment",
        {"colour": 1.0, "translation": 1.0, "cutout": 1.0, "max_shift": 0.125, "cutout_size": 0.5},
        lambda change, a: change(shades(3, 3, 8, 8)),
    ),
    Call(
        "networks.AdaptiveAugment",
        {"colour": 1.0, "translation": 1.0, "cutout": 1.0, "max_shift": 0.125, "cutout_size": 0.5},
        observed,
    ),
    Call(
        "networks.AugmentedDiscriminator",
        {"discriminator": Made(lambda: nn.Flatten()), "augment": Made(gt.networks.DiffAugment)},
        lambda net, a: net(shades(3, 1, 8, 8)),
    ),
    Call(
        "data.with_mirror_images",
        {"data": torch.utils.data.TensorDataset(shades(3, 1, 4, 4), torch.arange(3))},
    ),
    Call("sampling.Watermark", {"shape": (1, 16, 16), "key": 3, "strength": 0.1, "cell": 2}),
    Call("sampling.linear_interpolation", {"first": noise(3), "last": noise(3, seed=1), "count": 4}),
    Call("sampling.spherical_interpolation", {"first": noise(3), "last": noise(3, seed=1), "count": 4}),
    Call("sampling.latent_directions", {"latents": noise(9, 3), "samples": noise(9, 5), "count": 2}),
    Call(
        "sampling.invert",
        {"run": Made(image_run), "targets": shades(2, 1, 8, 8), "steps": 4, "starts": 1, "candidates": 2}
        | {"prior": 1e-3, "learning_rate": 0.1, "condition": None, "seed": 0, "progress": False},
    ),
    Call(
        "sampling.acceptance",
        {"logits": noise(5), "max_logit": 2.0, "gamma": 0.0, "epsilon": 1e-8},
        allowed={"logits": "Tensor infinity"},  # −∞ is a ratio of 0
    ),
    Call("sampling.reject", {"run": Made(point_run)} | REJECTION),
    Call(
        "sampling.reject_from",
        {
            "draw": lambda count, generator: torch.rand(count, 1, generator=generator),
            "discriminator": lambda x: x[:, 0],
        }
        | REJECTION,
    ),
    Call(
        "games.flow_matching", {"flow": gt.networks.Flow(torch.nn.Linear(2, 2)), "latent": 2, "spread": 1.5}
    ),
    Call(
        "games.pix2pix",
        {
            "generator": line(),
            "discriminator": line(),
            "objective": Made(gt.objectives.hinge),
            "weight": 10.0,
            "latent": 2,
        },
    ),
    Call("games.regression", {"generator": line(), "latent": 2}),
    Call(
        "games.cyclegan",
        translators()
        | {"objective": Made(gt.objectives.least_squares), "weight": 10.0, "identity": 0.5, "latent": 1},
    ),
    Call(
        "games.discrete_code",
        {
            "generator": Made(lambda: gt.networks.DiscreteCodeTranslator(shades(3, 1, 28, 28), 2, 4)),
            "information": 1.0,
            "anchor": 0.5,
            "distortion": gt.data.elastic_distortion,
        },
    ),
    Call(
        "games.acgan",
        {
            "generator": line(),
            "discriminator": line(),
            "objective": Made(gt.objectives.hinge),
            "latent": 2,
            "real_weight": 1.0,
            "fake_weight": 0.5,
            "generator_weight": 0.1,
        },
    ),
    Call(
        "games.adaptive_augmentation",
        {
            "generator": line(),
            "discriminator": line(),
            "objective": Made(gt.objectives.hinge),
            "latent": 2,
            "target": 0.6,
            "images": 1000,
            "every": 4,
            "augment": Made(gt.networks.AdaptiveAugment),
            "discriminator_turns": 1,
        },
    ),
    Call(
        "games.with_path_length",
        {
            "gan": Made(style_game),
            "weight": 2.0,
            "every": 4,
            "decay": 0.01,
            "batch_shrink": 2,
            "trace": gt.games.trace_mapping,
            "generator": "generator",
        },
        path_penalty,
    ),
    Call("games.PathLength", {"decay": 0.01}, bent),
    Call(
        "games.video_gan",
        {
            "generator": line(),
            "frame_discriminator": line(),
            "clip_discriminator": line(),
            "latent": 3,
            "frame_r1": 1.0,
            "clip_r1": 1.0,
            "every": 8,
        },
        allowed={"latent": "Module other"},
    ),
    Call(
        "GAN",
        {
            "generator": line(),
            "discriminator": line(),
            "objective": Made(gt.objectives.hinge),
            "latent": 2,
            "discriminator_turns": 1,
        },
        lambda gan, a: gan.turns,
    ),
    Call(
        "GAN.of",
        {
            "networks": Made(lambda: {"line": nn.Linear(2, 1)}),
            "turns": [gt.Turn("line", loss)],
            "latent": 2,
            "averaged": ["line"],
            "outputs": ["line"],
        },
        of=lambda: gt.GAN.of,
    ),
    Call(
        "GAN.sample",
        {"count": 3, "condition": None, "seed": 0, "output": "generator"},
        of=lambda: point_game().sample,
    ),
    Call(
        "Turn",
        {"name": "line", "loss": loss, "updates": ["line"], "times": 1, "every": 1}
        | {"penalties": {"r1": gt.Penalty(miss, 2)}},
    ),
    Call("Penalty", {"loss": miss, "every": 8}),
    Call("train", TRAINING, lambda run, a: run.sample(2), examples=160),
    Call("Trainer", TRAINING, lambda trainer, a: trainer.step(), examples=160),
    Call(
        "training.CSVLogger",
        {"path": Path("losses.csv"), "every": 2},
        lambda logger, a: trained_with(logger),
    ),
    Call(
        "training.TensorBoardLogger",
        {"folder": Path("board"), "every": 2, "images": 4, "value_range": (-1.0, 1.0)},
    ),
    Call("Run", {"gan": Made(point_game), "settings": None}),
    Call(
        "Run.sample",
        {"count": 3, "condition": None, "seed": 0, "output": "generator"},
        of=lambda: point_run().sample,
    ),
    Call("Run.sample of a class", {"count": 3, "condition": 1, "seed": 0}, of=lambda: image_run(2).sample),
    Call("Run.generate", {"latents": noise(3, 2), "output": "generator"}, of=lambda: point_run().generate),
    Call(
        "Run.generate with classes",
        {"latents": noise(3, 4), "conditions": torch.arange(3) % 2},
        of=lambda: image_run(2).generate,
    ),
    Call(
        "Run.scores",
        {
            "reference": torch.utils.data.TensorDataset(noise(20, 2)),
            "samples": 10,
            "score": lambda made, real: gt.metrics.Scores(),
            "seed": 0,
        },
        of=lambda: point_run().scores,
    ),
    Call("Run.save", {"path": Path("runs/points")}, of=lambda: point_run().save),
    Call("Run.load", {"path": Made(saved), "gan": Made(point_game)}, of=lambda: gt.Run.load),
    Call("Control.slow_down", {"seconds": 0.1}, of=lambda: gt.Control().slow_down),
    Call(
        "Control.set_learning_rate",
        {"network": "generator", "value": 0.1},
        of=lambda: gt.Control().set_learning_rate,
    ),
    Call(
        "launch",
        {
            "recipe": "ring",
            "processes": 2,
            "out": Path("runs/launched"),
            "steps": 3,
            "batch_size": 4,
            "seed": 0,
            "device": "cpu",
            "precision": "float32",
            "accumulate": 1,
            "checkpoint": Path("kept"),
            "checkpoint_every": 60.0,
            "threads": 1,
        },
        of=lambda: launched,
    ),
    Call("course.recipes.find_recipe", {"name": "ring"}),
    Call("course.recipes.make_recipe", {"name": "ring", "seed": 0}, examples=20),
    *[Call(f"course.recipes.{name}", {"seed": 0}, examples=12) for name in ["digits", "ring"]],
]
