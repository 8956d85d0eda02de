"""Images a second of ``train()`` against loops written by hand, on the digits recipe.

Run ``python tests/benchmarks/loop.py``. The *matched* loop has the same networks, fused Adam, memory format,
penalty every eighth step, averaging and reuse of the generated batch, and nothing else. The *naive* loop is
what a first script looks like: contiguous memory, a DataLoader, plain Adam, a new generated batch for each
turn. Runs alternate A B B A, so that a machine that slows down or speeds up treats both alike. Writes
``results/loop.json`` beside this file.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

import gantutor as gt

BATCH, EVERY, GAMMA, RATE, BETAS = 64, 8, 1.0, 1.5e-3, (0.0, 0.99)
Data = tuple[Tensor, Tensor]
CLOCK: Callable[[], float] = time.perf_counter


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)


class Stopwatch(gt.Callback):
    """The time from the first step to the end, with all that ``train()`` does between its steps."""

    def on_start(self, run: gt.Run) -> None:
        self.started = CLOCK()

    def on_end(self, run: gt.Run) -> None:
        self.seconds = CLOCK() - self.started


def with_train(data: Data, steps: int) -> float:
    """Seconds of ``train()``'s loop; its checks and rehearsal before the first step are not counted."""
    gan, watch = (
        gt.GAN(*networks(), objective=gt.objectives.non_saturating(r1=GAMMA, every=EVERY)),
        Stopwatch(),
    )
    options = {"batch_size": BATCH, "snapshots": 0, "device": "cpu", "callbacks": [watch], "progress": False}
    gt.train(gan, TensorDataset(*data), steps=steps, **options)  # type: ignore[arg-type]
    return watch.seconds


def slope(discriminator: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images, labels).sum(), images, create_graph=True)
    return GAMMA / 2 * gradient.flatten(1).square().sum(1).mean()


def matched(data: Data, steps: int) -> float:
    """The same work in a bare loop."""
    generator, discriminator = (net.to(memory_format=torch.channels_last) for net in networks())
    average = copy.deepcopy(generator).requires_grad_(False)
    of_g, of_d = (
        torch.optim.Adam(net.parameters(), lr=RATE, betas=BETAS, fused=True)
        for net in (generator, discriminator)
    )
    g_weights, d_weights = list(generator.parameters()), list(discriminator.parameters())
    images, labels = data
    torch.set_flush_denormal(True)
    losses, order = [], torch.empty(0, dtype=torch.int64)
    started = CLOCK()
    for step in range(steps):
        if len(order) < BATCH:
            order = torch.cat([order, torch.randperm(len(images))])
        chosen, order = order[:BATCH], order[BATCH:]
        x, y = images[chosen], labels[chosen]
        fake = generator(torch.randn(BATCH, 64), y)

        loss_d = softplus(-discriminator(x, y)).mean() + softplus(discriminator(fake.detach(), y)).mean()
        total = loss_d + EVERY * slope(discriminator, x, y) if step % EVERY == 0 else loss_d
        of_d.zero_grad()
        total.backward(inputs=d_weights)
        of_d.step()

        loss_g = softplus(-discriminator(fake, y)).mean()
        of_g.zero_grad()
        loss_g.backward(inputs=g_weights)
        of_g.step()

        decay = 0.5 ** (BATCH / min(10_000, 0.1 * BATCH * (step + 1)))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), g_weights, 1 - decay)
            for mine, theirs in zip(average.buffers(), generator.buffers(), strict=True):
                mine.copy_(theirs)
        losses.append((loss_d.item(), loss_g.item()))
    seconds = CLOCK() - started
    torch.set_flush_denormal(False)
    return seconds


def naive(data: Data, steps: int) -> float:
    """The same game as a first script would play it."""
    generator, discriminator = networks()
    average = copy.deepcopy(generator)
    of_g, of_d = (
        torch.optim.Adam(net.parameters(), lr=RATE, betas=BETAS) for net in (generator, discriminator)
    )
    loader = DataLoader(TensorDataset(*data), batch_size=BATCH, shuffle=True, drop_last=True)

    def batches() -> Iterator[list[Tensor]]:
        while True:
            yield from loader

    started = CLOCK()
    for step, (x, y) in zip(range(steps), batches(), strict=False):
        fake = generator(torch.randn(BATCH, 64), y).detach()
        loss = softplus(-discriminator(x, y)).mean() + softplus(discriminator(fake, y)).mean()
        if step % EVERY == 0:
            loss = loss + EVERY * slope(discriminator, x, y)
        of_d.zero_grad()
        loss.backward()
        of_d.step()

        loss = softplus(-discriminator(generator(torch.randn(BATCH, 64), y), y)).mean()
        of_g.zero_grad()
        loss.backward()
        of_g.step()
        with torch.no_grad():
            for mine, theirs in zip(average.parameters(), generator.parameters(), strict=True):
                mine.lerp_(theirs, 1e-2)
    return CLOCK() - started


def measure(data: Data, steps: int, pairs: int) -> dict[str, object]:
    """Times of interleaved runs, and the median ratio of the speeds of each pair."""
    loops: dict[str, Callable[[Data, int], float]] = {"train": with_train, "matched": matched, "naive": naive}
    for loop in loops.values():
        loop(data, max(8, steps // 4))  # warm-up
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for pair in range(pairs):
        for name in ("train", "matched") if pair % 2 == 0 else ("matched", "train"):
            seconds[name].append(loops[name](data, steps))
        if pair % 3 == 0:
            seconds["naive"].append(naive(data, steps))
    ratios = [hand / ours for ours, hand in zip(seconds["train"], seconds["matched"], strict=True)]
    speeds = {name: round(BATCH * steps / statistics.median(values), 1) for name, values in seconds.items()}
    return {
        "images_per_second": speeds,
        "train_over_matched": round(statistics.median(ratios), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "train_over_naive": round(speeds["train"] / speeds["naive"], 3),
        "steps": steps,
        "pairs": pairs,
        "machine": {
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "architecture": platform.machine(),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="images a second of train() against loops written by hand")
    parser.add_argument("--steps", type=int, default=100, help="steps of each timed run (default 100)")
    parser.add_argument("--pairs", type=int, default=9, help="interleaved pairs of runs (default 9)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default 2)")
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu counts the process's own time, for a machine that others use as well (default wall)",
    )
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    global CLOCK
    CLOCK = time.process_time if given.clock == "cpu" else time.perf_counter
    train = gt.data.digits().train
    result = {"clock": given.clock} | measure(train.tensors[:2], given.steps, given.pairs)
    place = Path(__file__).parent / "results" / "loop.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("| loop | images a second |\n|---|---|")
    for name, speed in result["images_per_second"].items():  # type: ignore[attr-defined]
        print(f"| {name} | {speed:,.0f} |")
    print(f"train over matched, median of {given.pairs} interleaved pairs: {result['train_over_matched']}")
    print(f"train over naive: {result['train_over_naive']}")


if __name__ == "__main__":
    main()
