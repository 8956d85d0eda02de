"""Images a second of ``train()`` against loops written by hand: every recipe, batch and precision.

    python benchmarks/loop.py                       # on two cores; a quarter of an hour
    python benchmarks/loop.py --recipe ring         # measures these rows anew
    python benchmarks/loop.py --device cuda         # says "no GPU" where there is none

The *matched* loop has the same networks, optimisers, memory format, penalties at the same steps, averaging
and reuse of the generated batch, and nothing else. The *naive* loop, of the digits, is what a first script
looks like: contiguous memory, a DataLoader, plain Adam, a new generated batch for each turn. Runs alternate
A B B A, so that a machine that slows down or speeds up treats both alike. On a GPU the matched loop is eager
and in float32 whatever ``train()`` uses there. Writes ``results/loop.json``, or ``loop_gpu.json``.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from machine import commit, read, write
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader

import gantutor as gt
from gantutor.course.recipes import RECIPES, Recipe

GAMMA = {"digits": (0.1, 0.0, 8), "digits_unlabelled": (0.1, 0.0, 8)} | {
    "fully_connected": (1.0, 0.0, 8),
    "ring": (1.0, 1.0, 4),
}
"""R1, R2 and every how many steps, of the loops written by hand."""

Loop = Callable[[str, int, int, str], float]


class Stopwatch(gt.Callback):
    """The time from the first step to the end, with all that ``train()`` does between its steps."""

    def on_start(self, run: gt.Run) -> None:
        self.started = now(run.gan.device)

    def on_end(self, run: gt.Run) -> None:
        self.seconds = now(run.gan.device) - self.started


def now(device: torch.device) -> float:
    """Wall clock, once a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def with_train(precision: str = "float32") -> Loop:
    """Seconds of ``train()``'s loop; its checks and rehearsal before the first step are not counted."""

    def loop(name: str, batch: int, steps: int, device: str) -> float:
        recipe, watch = gt.course.recipes.make_recipe(name), Stopwatch()
        options = dict(recipe.options) | {"batch_size": batch, "gallery": 4, "snapshots": 0}
        options |= {"callbacks": [watch], "progress": False, "device": device, "precision": precision}
        gt.train(recipe.gan, recipe.data, steps=steps, **options)
        return watch.seconds

    return loop


def slope(discriminator: Callable[[Tensor], Tensor], samples: Tensor, gamma: float) -> Tensor:
    samples = samples.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(samples).sum(), samples, create_graph=True)
    return gamma / 2 * gradient.flatten(1).square().sum(1).mean()


def parts(recipe: Recipe, device: str) -> tuple[nn.Module, nn.Module, list[Tensor], Any]:
    """Generator, discriminator, the data's tensors on the device, and what makes an optimiser."""
    tensors = [tensor.to(device) for tensor in recipe.data.tensors]
    networks = [recipe.gan.networks[name].to(device) for name in ("generator", "discriminator")]
    if tensors[0].dim() == 4:
        networks = [network.to(memory_format=torch.channels_last) for network in networks]
    return *networks, tensors, recipe.options.get("optimizer", gt.optim.adam())  # type: ignore[return-value]


def matched(name: str, batch: int, steps: int, device: str) -> float:
    """The same work in a bare loop."""
    recipe = gt.course.recipes.make_recipe(name)
    generator, discriminator, tensors, make = parts(recipe, device)
    average = copy.deepcopy(generator).requires_grad_(False)
    g_weights, d_weights = list(generator.parameters()), list(discriminator.parameters())
    of_g, of_d = make(g_weights), make(d_weights)
    r1, r2, every = GAMMA[name]
    latent = recipe.gan.latent
    torch.set_flush_denormal(True)
    losses, order = [], torch.empty(0, dtype=torch.int64)
    started = now(torch.device(device))
    for step in range(steps):
        if len(order) < batch:
            order = torch.cat([order, torch.randperm(len(tensors[0]))])
        chosen, order = order[:batch].to(device), order[batch:]
        x, *labels = (tensor[chosen] for tensor in tensors)
        fake = generator(torch.randn(batch, latent, device=device), *labels)

        loss_d = softplus(-discriminator(x, *labels)).mean()
        loss_d = loss_d + softplus(discriminator(fake.detach(), *labels)).mean()
        total = loss_d
        if step % every == 0:
            total = total + every * slope(lambda s, y=labels: discriminator(s, *y), x, r1)
            if r2:
                total = total + every * slope(lambda s, y=labels: discriminator(s, *y), fake, r2)
        of_d.zero_grad()
        total.backward(inputs=d_weights)
        of_d.step()

        loss_g = softplus(-discriminator(fake, *labels)).mean()
        of_g.zero_grad()
        loss_g.backward(inputs=g_weights)
        of_g.step()

        decay = 0.5 ** (batch / min(10_000, 0.1 * batch * (step + 1)))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), g_weights, 1 - decay)
            for mine, theirs in zip(average.buffers(), generator.buffers(), strict=True):
                mine.copy_(theirs)
        losses.append((loss_d.detach(), loss_g.detach()))
        if device == "cpu":
            losses[-1] = tuple(loss.item() for loss in losses[-1])  # type: ignore[assignment]
    seconds = now(torch.device(device)) - started
    torch.set_flush_denormal(False)
    return seconds


def naive(name: str, batch: int, steps: int, device: str) -> float:
    """The same game as a first script would play it."""
    recipe = gt.course.recipes.make_recipe(name)
    generator, discriminator = (recipe.gan.networks[n].to(device) for n in ("generator", "discriminator"))
    average = copy.deepcopy(generator)
    of_g, of_d = (
        torch.optim.Adam(net.parameters(), lr=1.5e-3, betas=(0.0, 0.99)) for net in (generator, discriminator)
    )
    loader = DataLoader(recipe.data, batch_size=batch, shuffle=True, drop_last=True)

    def batches() -> Iterator[list[Tensor]]:
        while True:
            yield from loader

    started = now(torch.device(device))
    for step, (x, y) in zip(range(steps), batches(), strict=False):
        x, y = x.to(device), y.to(device)
        fake = generator(torch.randn(batch, 64, device=device), y).detach()
        loss = softplus(-discriminator(x, y)).mean() + softplus(discriminator(fake, y)).mean()
        if step % 8 == 0:
            loss = loss + 8 * slope(lambda s, y=y: discriminator(s, y), x, 1.0)
        of_d.zero_grad()
        loss.backward()
        of_d.step()

        loss = softplus(-discriminator(generator(torch.randn(batch, 64, device=device), y), y)).mean()
        of_g.zero_grad()
        loss.backward()
        of_g.step()
        with torch.no_grad():
            for mine, theirs in zip(average.parameters(), generator.parameters(), strict=True):
                mine.lerp_(theirs, 1e-2)
    return now(torch.device(device)) - started


def compare(
    ours: Loop, theirs: Loop, name: str, batch: int, steps: int, pairs: int, device: str
) -> dict[str, Any]:
    """Interleaved runs: images a second of both, and the median ratio of the speeds of each pair."""
    for loop in (ours, theirs):
        loop(name, batch, max(8, steps // 4), device)  # warm-up
    seconds: dict[Loop, list[float]] = {ours: [], theirs: []}
    for pair in range(pairs):
        for loop in (ours, theirs) if pair % 2 == 0 else (theirs, ours):
            seconds[loop].append(loop(name, batch, steps, device))
    ratios = [other / own for own, other in zip(seconds[ours], seconds[theirs], strict=True)]
    speeds = [round(batch * steps / statistics.median(seconds[loop]), 1) for loop in (ours, theirs)]
    return {
        "train": speeds[0],
        "other": speeds[1],
        "steps_per_second": round(speeds[0] / batch, 1),
        "ratio": round(statistics.median(ratios), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "steps": steps,
    }


def plan(device: str, recipes: list[str]) -> Iterator[tuple[str, int, int, str, str]]:
    """What is measured: recipe, batch, steps of a run, precision of ``train()``, the loop beside it."""
    for name in recipes:
        batch, steps = {
            "digits": (64, 50),
            "digits_unlabelled": (32, 75),
            "fully_connected": (64, 800),
            "ring": (128, 800),
        }[name]
        if device == "cuda":
            steps = max(steps, 400)
        yield name, batch, steps, "float32", "matched"
        if name != "digits":
            continue
        for other in (512,) if device == "cuda" else (16, 256):
            yield name, other, max(20, steps * batch // other), "float32", "matched"
        for size in (64, 512) if device == "cuda" else (64,):
            yield name, size, max(20, steps * batch // size), "bfloat16", "matched"
        yield name, batch, steps, "float32", "naive"


def main() -> None:
    parser = argparse.ArgumentParser(description="images a second of train() against loops written by hand")
    parser.add_argument("--recipe", action="append", choices=[make.__name__ for make in RECIPES])
    parser.add_argument("--pairs", type=int, default=9, help="interleaved pairs of runs (default 9)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default 2)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("no GPU")
        return
    torch.set_num_threads(given.threads)
    rows: list[dict[str, Any]] = []
    name_of_file = "loop" if given.device == "cpu" else "loop_gpu"
    before = read(name_of_file).get("rows", [])
    command = f"python benchmarks/loop.py --device {given.device} --pairs {given.pairs}"
    print("| recipe | batch | precision | beside | train(), images/s | other | ratio |\n|-|-|-|-|-|-|-|")
    for name, batch, steps, precision, beside in plan(given.device, given.recipe or list(GAMMA)):
        other = {"matched": matched, "naive": naive}[beside]
        found = compare(with_train(precision), other, name, batch, steps, given.pairs, given.device)
        rows.append(
            {"recipe": name, "batch": batch, "precision": precision, "beside": beside}
            | found
            | {"commit": commit()}
        )
        speeds = f"{found['train']:,.0f} | {found['other']:,.0f} | {found['ratio']:.3f}"
        print(f"| {name} | {batch} | {precision} | {beside} | {speeds} |", flush=True)
        others = [row for row in before if row["recipe"] not in {r["recipe"] for r in rows}]
        write(name_of_file, {"command": command, "pairs": given.pairs, "rows": [*others, *rows]})  # so far


if __name__ == "__main__":
    main()
