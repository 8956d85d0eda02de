"""Exercise of notebook 10 on memory: a batch that is worked through in parts, with a bug."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, call, same

Loss = Callable[[Tensor], Tensor]
Parts = Sequence[Tensor]
Optimizer = torch.optim.Optimizer

# --- 10.3 ---------------------------------------------------------------------------------------------------


def buggy_accumulate(network: nn.Module, loss: Loss, parts: Parts, optimizer: Optimizer) -> None:
    """One step with a batch too large for the memory; loss is the mean over the samples that it is given."""
    optimizer.zero_grad()
    for part in parts:
        loss(network(part)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def accumulate(network: nn.Module, loss: Loss, parts: Parts, optimizer: Optimizer) -> None:
    samples = sum(len(part) for part in parts)
    optimizer.zero_grad()
    for part in parts:
        share = len(part) / samples
        (share * loss(network(part))).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def variant(
    weight: Callable[[int, Sequence[int]], float] = lambda size, sizes: size / sum(sizes),
    clear: Callable[[Optimizer], None] = lambda optimizer: optimizer.zero_grad(),
    clear_each: bool = False, step_each: bool = False, step: bool = True,
) -> Callable[[nn.Module, Loss, Parts, Optimizer], None]:  # fmt: skip
    """The right function with another part."""

    def other(network: nn.Module, loss: Loss, parts: Parts, optimizer: Optimizer) -> None:
        clear(optimizer)
        for part in parts:
            if clear_each:
                optimizer.zero_grad()
            (weight(len(part), [len(each) for each in parts]) * loss(network(part))).backward()  # type: ignore[no-untyped-call]
            if step_each:
                optimizer.step()
        if step and not step_each:
            optimizer.step()

    return other


def one_backward(network: nn.Module, loss: Loss, parts: Parts, optimizer: Optimizer) -> None:
    total = torch.zeros(())
    for part in parts:
        total = total + len(part) * loss(network(part))
    optimizer.zero_grad()
    (total / sum(len(part) for part in parts)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


class Held:
    """How many samples a network has to hold: it saw them, and their gradient has not yet come back."""

    def __init__(self, network: nn.Module) -> None:
        self.now = self.most = self.largest = 0
        network.register_forward_hook(self.watch)

    def watch(self, network: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.requires_grad:
            samples = len(output)
            self.now += samples
            self.most, self.largest = max(self.most, self.now), max(self.largest, samples)
            output.register_hook(lambda gradient: self.free(samples))  # type: ignore[no-untyped-call]

    def free(self, samples: int) -> None:
        self.now -= samples


def check_accumulate(answer: Any) -> None:
    spare = nn.Linear(1, 1)  # at a first step torch loads much of itself, in no time of the answer's
    torch.optim.SGD(spare.parameters()).step()
    for sizes in ((4, 4, 2), (1, 6)):
        check_sizes(answer, sizes)


def check_sizes(answer: Any, sizes: tuple[int, ...]) -> None:
    network = nn.Linear(3, 1)
    parts = [torch.randn(size, 3) + place for place, size in enumerate(sizes)]

    def loss(logits: Tensor) -> Tensor:
        return softplus(-logits).mean()

    def pull(samples: Tensor) -> Tensor:
        return row(torch.autograd.grad(loss(network(samples)), list(network.parameters())))

    each, right = torch.stack([pull(part) for part in parts]), pull(torch.cat(parts))
    for left_over in network.parameters():  # what an earlier turn leaves behind
        left_over.grad = torch.ones_like(left_over)
    steps: list[int] = []
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    before, held = row(network.parameters()), Held(network)
    call(answer, network, loss, [part.clone() for part in parts], optimizer,
         usage="accumulate(network, loss, parts, optimizer)")  # fmt: skip
    if not steps:
        raise Wrong("The optimiser took no step at all: who calls `step()`, and when?")
    if len(steps) > 1:
        raise Wrong(f"The optimiser took {len(steps)} steps for one batch: each part then meets other "
                    "weights than the one before. Add up first, then step once.")  # fmt: skip
    used = (before - row(network.parameters())) / 0.5
    last = sizes[-1] / sum(sizes) * each[-1]
    slips = {
        "adds up the means of the parts: with three parts it goes about three times as far.": [each.sum(0)],
        "weighs all parts alike, which is right only for parts of one size: the last is smaller, and its "
        "samples count twice as much.": [each.mean(0)],
        "is that of the last part alone: what was added up before is set to zero again.": [each[-1], last],
        "is that of the first part alone.": [each[0]],
        "adds up over all samples: the shares of the parts should add up to 1.": [right * sum(sizes)],
        "divides each part's loss by its size, and the loss is a mean already.": [
            (each / torch.tensor(sizes)[:, None]).sum(0)],
    }  # fmt: skip
    for slip, others in slips.items():
        if any(same(used, other) for other in others):
            raise Wrong(f"The step {slip}")
    if any(same(used, other + 1) for other in [right, *(other for each in slips.values() for other in each)]):
        raise Wrong("The step follows old gradients too, which an earlier turn had left in the weights.")
    if not same(used, right):
        raise Wrong(f"With parts of {', '.join(map(str, sizes))} samples the step is not that of the whole "
                    "batch.")  # fmt: skip
    if held.largest > max(sizes):
        raise Wrong("The step is right, and the network saw the whole batch at once: that is what does not "
                    "fit into the memory.")  # fmt: skip
    if held.most > max(sizes):
        raise Wrong("The step is right, and all parts are held in the memory until the end: a `backward()` "
                    "for each part lets go of it before the next.")  # fmt: skip


def row(tensors: Any) -> Tensor:
    """All numbers of some tensors in one row, copied."""
    return torch.cat([tensor.detach().flatten().clone() for tensor in tensors])


ACCUMULATE = Exercise(
    number="10.3",
    title="Find the bug: a batch in parts",
    question="The function below is to take the step that the whole batch would take, while only one of its "
    "parts is in the memory. Its step is too large. Write `accumulate(network, loss, parts, optimizer)` "
    "such that the step is exact, also where the parts, tensors in a list, differ in size.",
    hints=(
        "`backward()` adds to the gradients that are there: what does a sum of means lack to be one mean?",
        "The mean over all samples is a weighted mean of the parts' means: by the share of samples in each.",
    ),
    solution=accumulate,
    why="Weighed by its share of the samples, each part's gradient adds up to that of the mean over all. "
    "Batch norm would still notice, as it sees one part at a time.",
    check=check_accumulate,
    wrong=(
        (buggy_accumulate, "means of the parts"),
        (variant(weight=lambda size, sizes: 1 / len(sizes)), "parts of one size"),
        (variant(step_each=True), "3 steps"),
        (variant(clear_each=True, weight=lambda size, sizes: 1.0), "last part alone"),
        (variant(clear=lambda optimizer: None), "old gradients"),
        (variant(step=False), "no step at all"),
        (variant(weight=lambda size, sizes: size), "add up to 1"),
        (variant(weight=lambda size, sizes: 1 / size), "a mean already"),
        (variant(weight=lambda size, sizes: size / max(sizes) / len(sizes)), "of 4, 4, 2 samples"),
        (lambda network, loss, parts, optimizer: accumulate(network, loss, parts[:1], optimizer),
         "first part"),
        (lambda network, loss, parts, optimizer: accumulate(network, loss, [torch.cat(parts)], optimizer),
         "at once"),
        (one_backward, "until the end"),
    ),
    shown=(buggy_accumulate,),
)  # fmt: skip

EXERCISES = (ACCUMULATE,)
