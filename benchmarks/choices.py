"""What each choice of the training step is worth on a CPU: one undone at a time, in pairs.

    python benchmarks/choices.py               # five minutes

The digits recipe in a bare loop with every choice made, beside the same loop with one of them made otherwise;
a ratio above 1 says that the choice as made is the faster one. Runs alternate A B B A. One pass of the
discriminator over real and generated images together is measured too, and is not in the package: batch norm
and minibatch statistics in it would mix the two. Writes ``results/choices.json``.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from machine import write
from torch import Tensor, nn
from torch.nn.functional import softplus

import gantutor as gt
from gantutor.training.device import has_bfloat16, mixed_precision
from gantutor.training.ema import AveragedWeights

Judge = Callable[[nn.Module, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def two_passes(discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return discriminator(real, labels), discriminator(fake, labels)


def one_pass(discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    both = discriminator(torch.cat([real, fake]), torch.cat([labels, labels]))
    return both[: len(real)], both[len(real) :]


@dataclass(frozen=True)
class Choices:
    """How a step is taken."""

    memory: torch.memory_format = torch.channels_last
    fused: bool = True
    judge: Judge = two_passes
    reuse: bool = True
    threads: int = 2
    flush_denormal: bool = True
    mixed: Callable[[], AbstractContextManager[Any]] = nullcontext
    lazy: int = 8


def others() -> Iterator[tuple[str, Choices]]:
    """Each choice made otherwise."""
    made = Choices()
    yield "channels-last memory, beside contiguous", replace(made, memory=torch.contiguous_format)
    yield "fused Adam, beside one kernel a weight", replace(made, fused=False)
    yield "two passes of the discriminator, beside one over both batches", replace(made, judge=one_pass)
    yield "the generated batch reused, beside a new one for the generator", replace(made, reuse=False)
    yield "two threads, beside one", replace(made, threads=1)
    yield "denormal numbers flushed to 0, beside kept", replace(made, flush_denormal=False)
    yield "R1 every eighth step, beside every step", replace(made, lazy=1)
    if has_bfloat16(torch.device("cpu")):
        mixed = mixed_precision("bfloat16", torch.device("cpu"))
        yield "float32, beside bfloat16 (an option of train)", replace(made, mixed=mixed)


def seconds(choices: Choices, steps: int) -> float:
    """The time of some steps of the digits game."""
    torch.set_num_threads(choices.threads)
    torch.set_flush_denormal(choices.flush_denormal)
    recipe = gt.course.recipes.digits()
    generator, discriminator = (
        recipe.gan.networks[name].to(memory_format=choices.memory) for name in ("generator", "discriminator")
    )
    images, labels = recipe.data.tensors
    averages = AveragedWeights.of([copy.deepcopy(generator)], [generator])
    of_g, of_d = (
        torch.optim.Adam(net.parameters(), 1.5e-3, (0.0, 0.99), fused=choices.fused, foreach=False)
        for net in (generator, discriminator)
    )
    penalty = gt.objectives.r1_penalty(1.0)
    began = time.perf_counter()
    for step in range(steps):
        chosen = torch.randint(len(images), (64,))
        x, y = images[chosen], labels[chosen]
        with choices.mixed():
            fake = generator(torch.randn(64, 64), y).float()
            real, generated = choices.judge(discriminator, x, fake.detach(), y)
        loss = softplus(-real.float()).mean() + softplus(generated.float()).mean()
        if step % choices.lazy == 0:
            loss = loss + choices.lazy * penalty(partial(discriminator, label=y), x, fake)
        of_d.zero_grad()
        loss.backward(inputs=list(discriminator.parameters()))
        of_d.step()
        with choices.mixed():
            again = fake if choices.reuse else generator(torch.randn(64, 64), y).float()
            loss = softplus(-discriminator(again, y).float()).mean()
        of_g.zero_grad()
        loss.backward(inputs=list(generator.parameters()))
        of_g.step()
        averages.update(0.05)
    found = time.perf_counter() - began
    torch.set_flush_denormal(False)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=24, help="steps of each timed run (default 24)")
    parser.add_argument("--pairs", type=int, default=7, help="interleaved pairs for each choice (default 7)")
    given = parser.parse_args()
    made, rows = Choices(), []
    seconds(made, given.steps)  # warm-up
    for name, other in others():
        ratios = []
        for pair in range(given.pairs):
            order = (made, other) if pair % 2 == 0 else (other, made)
            found = {id(each): seconds(each, given.steps) for each in order}
            ratios.append(found[id(other)] / found[id(made)])
        rows.append({"choice": name, "times_as_fast": round(statistics.median(ratios), 3)})
        rows[-1]["ratios"] = [round(ratio, 3) for ratio in sorted(ratios)]
        print(f"{rows[-1]['times_as_fast']:.3f}  {name}", flush=True)
    torch.set_num_threads(made.threads)
    write("choices", {"command": "python benchmarks/choices.py", "rows": rows})


if __name__ == "__main__":
    main()
