"""CPU time of ``train()`` against the loops of two public repositories, on networks of the same shapes.

    python benchmarks/foreign_loops.py                       # one thread; ten minutes
    python benchmarks/foreign_loops.py --shape dcgan         # measures these rows anew

The shapes are PyTorch-GAN's dcgan (32 × 32 pixels, batches of 64, the generator's turn first) and R3GAN's
(grouped residual blocks, relativistic, R1 and R2 in every step). The *bare* loop is written as people write
it: torch's default layout, ``loss.backward()``, no averages, no history. The third loop is the bare one in
channels last, which shows what the layout alone gives. All three have the same networks, initial weights,
batches, latents and optimisers.

Runs follow one another in rounds (bare, train, channels last), and CPU time is measured, so that noise of the
machine hits all alike. A ratio above 1 means that the loop named first needs less time. *difference* is the
largest difference of a weight after five steps in 64 bits, without dropout, relative to the largest weight:
below 1e-12 where ``train()`` and the bare loop play the same game. Writes ``results/foreign_loops.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from machine import read, write
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

from foreign_networks import DropoutDiscriminator, R3Discriminator, R3Generator, UpsamplingGenerator

import gantutor as gt
from gantutor.games.classical import classical_turns

COUNT = 1024
"""Images of the data set."""

GAMMA = 0.1
"""Strength of R1 and R2."""

Batches = Iterator[tuple[Tensor, Tensor]]
"""Real images and latents, one pair a step."""


@dataclass(frozen=True)
class Shape:
    """Two networks, the game on them for ``train``, and the same game in a bare loop.

    Attributes:
        networks: makes generator and discriminator; its argument is the rate of dropout.
        game: makes the game of both and a latent.
        loop: plays the game on batches, with the optimisers of generator and discriminator.
        channels: of the images.
        latent: dimension of the latent.
        optimizer: makes an optimiser.
        batch: the batch size.
        steps: of a run.
    """

    networks: Callable[[float], tuple[nn.Module, nn.Module]]
    game: Callable[[nn.Module, nn.Module, Any], gt.GAN]
    loop: Callable[[nn.Module, nn.Module, Any, Any, Batches], None]
    channels: int
    latent: int
    optimizer: Callable[..., torch.optim.Optimizer]
    batch: int
    steps: int


# --- PyTorch-GAN's dcgan ------------------------------------------------------------------------------------


def dcgan_networks(dropout: float) -> tuple[nn.Module, nn.Module]:
    return (
        UpsamplingGenerator(100, (128, 128, 64), 1, 32),
        DropoutDiscriminator((16, 32, 64, 128), 1, 32, dropout=dropout),
    )


def dcgan_game(generator: nn.Module, discriminator: nn.Module, latent: Any) -> gt.GAN:
    """The generator's turn comes first."""
    networks = {"generator": generator, "discriminator": discriminator}
    return gt.GAN.of(networks, classical_turns(gt.objectives.non_saturating())[::-1], latent)


def dcgan_loop(
    generator: nn.Module, discriminator: nn.Module, of_g: Any, of_d: Any, batches: Batches
) -> None:
    """The discriminator is shown the images that the generator made before its step."""
    for real, z in batches:
        valid, fake = torch.ones(len(real), 1, dtype=real.dtype), torch.zeros(len(real), 1, dtype=real.dtype)

        of_g.zero_grad()
        images = generator(z)
        g_loss = binary_cross_entropy_with_logits(discriminator(images), valid)
        g_loss.backward()
        of_g.step()

        of_d.zero_grad()
        real_loss = binary_cross_entropy_with_logits(discriminator(real), valid)
        fake_loss = binary_cross_entropy_with_logits(discriminator(images.detach()), fake)
        d_loss = real_loss + fake_loss
        d_loss.backward()
        of_d.step()
        g_loss.item(), d_loss.item()  # printed


# --- R3GAN --------------------------------------------------------------------------------------------------


def r3gan_networks(dropout: float) -> tuple[nn.Module, nn.Module]:
    widths = (64, 64, 48, 32)  # at 4, 8, 16 and 32 pixels
    return R3Generator(widths, latent=64, groups=16), R3Discriminator(widths[::-1], groups=16)


def r3gan_game(generator: nn.Module, discriminator: nn.Module, latent: Any) -> gt.GAN:
    objective = gt.objectives.relativistic(r1=GAMMA, r2=GAMMA, every=1)
    return gt.GAN(generator, discriminator, objective, latent)


def slope(logits: Tensor, images: Tensor) -> Tensor:
    """Mean of the squared norm of the gradient."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def r3gan_loop(
    generator: nn.Module, discriminator: nn.Module, of_g: Any, of_d: Any, batches: Batches
) -> None:
    """Each turn has a generator pass of its own, and only the network of the turn requires gradients."""
    for x, z in batches:
        generator.requires_grad_(False)
        discriminator.requires_grad_(True)
        real, fake = x.detach().requires_grad_(), generator(z).detach().requires_grad_()
        real_logits, fake_logits = discriminator(real), discriminator(fake)
        penalty = GAMMA / 2 * (slope(real_logits, real) + slope(fake_logits, fake))
        d_loss = softplus(fake_logits - real_logits).mean() + penalty
        of_d.zero_grad()
        d_loss.backward()
        of_d.step()

        discriminator.requires_grad_(False)
        generator.requires_grad_(True)
        fake_logits, real_logits = discriminator(generator(z)), discriminator(x)
        g_loss = softplus(real_logits - fake_logits).mean()
        of_g.zero_grad()
        g_loss.backward()
        of_g.step()
        g_loss.item(), d_loss.item()  # printed


SHAPES = {
    "dcgan": Shape(
        *(dcgan_networks, dcgan_game, dcgan_loop, 1, 100),
        optimizer=partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999)),
        batch=64,
        steps=8,
    ),
    "r3gan": Shape(
        *(r3gan_networks, r3gan_game, r3gan_loop, 3, 64),
        optimizer=partial(torch.optim.Adam, lr=2e-4, betas=(0.0, 0.99)),
        batch=16,
        steps=8,
    ),
}


# --- three runs of one game ---------------------------------------------------------------------------------


class Stopwatch(gt.Callback):
    """CPU seconds from the first step to the end, with all that ``train()`` does between its steps."""

    def on_start(self, run: gt.Run) -> None:
        self.started = time.process_time()

    def on_end(self, run: gt.Run) -> None:
        self.seconds = time.process_time() - self.started


def make_networks(shape: Shape, dtype: torch.dtype, dropout: float) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator, discriminator = shape.networks(dropout)
    return generator.to(dtype), discriminator.to(dtype)


def make_images(shape: Shape, dtype: torch.dtype) -> Tensor:
    images = torch.rand(COUNT, shape.channels, 32, 32, generator=torch.Generator().manual_seed(0))
    return (2 * images - 1).to(dtype)


def make_batches(shape: Shape, images: Tensor, steps: int) -> Batches:
    """The batches and latents that ``train(seed=0)`` draws."""
    order, latents = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    left = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(left) < shape.batch:
            left = torch.cat([left, torch.randperm(len(images), generator=order)])
        chosen, left = left[: shape.batch], left[shape.batch :]
        yield images[chosen], torch.randn(shape.batch, shape.latent, generator=latents).to(images.dtype)


Played = tuple[float, nn.Module, nn.Module]
"""CPU seconds, and the networks afterwards."""


def bare(
    shape: Shape,
    steps: int,
    dtype: torch.dtype = torch.float32,
    dropout: float = 0.25,
    channels_last: bool = False,
) -> Played:
    """Play the bare loop."""
    generator, discriminator = make_networks(shape, dtype, dropout)
    if channels_last:
        for network in (generator, discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if isinstance(discriminator, DropoutDiscriminator):  # its view() needs the default layout
            discriminator.blocks.register_forward_hook(lambda module, inputs, features: features.contiguous())
    of_g, of_d = shape.optimizer(generator.parameters()), shape.optimizer(discriminator.parameters())
    images = make_images(shape, dtype)
    started = time.process_time()
    shape.loop(generator, discriminator, of_g, of_d, make_batches(shape, images, steps))
    return time.process_time() - started, generator, discriminator


def with_train(shape: Shape, steps: int, dtype: torch.dtype = torch.float32, dropout: float = 0.25) -> Played:
    """Play it by ``train()``; its checks before the first step are not counted."""
    generator, discriminator = make_networks(shape, dtype, dropout)
    watch = Stopwatch()

    def latents(count: int, rng: torch.Generator, device: torch.device) -> Tensor:
        return torch.randn(count, shape.latent, generator=rng, device=device).to(dtype)

    latent = shape.latent if dtype == torch.float32 else latents
    options: dict[str, Any] = {"batch_size": shape.batch, "gallery": 4, "snapshots": 0, "progress": False}
    options |= {"optimizer": shape.optimizer, "callbacks": [watch], "device": "cpu"}
    gt.train(shape.game(generator, discriminator, latent), make_images(shape, dtype), steps=steps, **options)
    return watch.seconds, generator, discriminator


def difference(shape: Shape, steps: int = 5) -> float:
    """The largest difference of a weight between both, relative to the largest weight."""
    _, *expected = bare(shape, steps, torch.float64, dropout=0.0)
    _, *trained = with_train(shape, steps, torch.float64, dropout=0.0)
    weights, others = (nn.ModuleList(networks).state_dict() for networks in (expected, trained))
    parameters = [name for name, _ in nn.ModuleList(expected).named_parameters()]
    largest = max(float(weights[name].abs().max()) for name in parameters)
    return max(float((weights[name] - others[name]).abs().max()) for name in parameters) / largest


def measure(shape: Shape, pairs: int) -> dict[str, list[float]]:
    """CPU seconds of each run, in rounds after one round to warm up."""
    loops = {"bare": bare, "train": with_train, "channels last": partial(bare, channels_last=True)}
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(pairs + 1):
        for name, loop in loops.items():
            seconds[name].append(loop(shape, shape.steps)[0])
    return {name: column[1:] for name, column in seconds.items()}


def compared(seconds: dict[str, list[float]], one: str, other: str, images: int) -> dict[str, Any]:
    """Images a second of CPU time of two loops, and the ratio of their speeds with its quartiles."""
    ratios = [b / a for a, b in zip(seconds[one], seconds[other], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "images_per_second": round(images / statistics.median(seconds[one]), 1),
        "other": round(images / statistics.median(seconds[other]), 1),
        "ratio": round(middle, 4),
        "quartiles": [round(low, 4), round(high, 4)],
        "ratios": [round(ratio, 4) for ratio in ratios],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of train() against the loops of two repositories")
    parser.add_argument("--shape", action="append", choices=list(SHAPES))
    parser.add_argument("--pairs", type=int, default=9, help="rounds of runs (default 9)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    before = read("foreign_loops").get("rows", [])
    command = f"python benchmarks/foreign_loops.py --pairs {given.pairs}"
    rows: list[dict[str, Any]] = []
    print("| shape | loop | beside | images/s | other | ratio | quartiles | difference |\n|-|-|-|-|-|-|-|-|")
    for name in given.shape or SHAPES:
        shape = SHAPES[name]
        seconds, differs = measure(shape, given.pairs), difference(shape)
        for one, other in (("train", "bare"), ("train", "channels last"), ("channels last", "bare")):
            found = compared(seconds, one, other, shape.batch * shape.steps)
            row = {"shape": name, "loop": one, "beside": other, "batch": shape.batch, "steps": shape.steps}
            rows.append(row | found | ({"difference": differs} if one == "train" else {}))
            speeds = f"{found['images_per_second']:,.0f} | {found['other']:,.0f} | {found['ratio']:.3f}"
            spread = "{:.3f} to {:.3f}".format(*found["quartiles"])
            same = f"{differs:.0e}" if one == "train" else ""
            print(f"| {name} | {one} | {other} | {speeds} | {spread} | {same} |", flush=True)
        others = [row for row in before if row["shape"] not in {r["shape"] for r in rows}]
        write("foreign_loops", {"command": command, "pairs": given.pairs, "rows": [*others, *rows]})  # so far


if __name__ == "__main__":
    main()
