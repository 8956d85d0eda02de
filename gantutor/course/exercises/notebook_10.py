"""Exercises of notebook 10: speed-ups, fair ratios, gradient accumulation, averaged gradients, safe files."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_number,
    as_tensor,
    call,
    describe,
    is_close,
    is_same,
)
from gantutor.course.exercises.exercise import Exercise

# --- 10.1 ---------------------------------------------------------------------------------------------------


def speedup() -> float:
    share, factor = 0.6, 1.5  # of the time that passes before; how much faster that part gets
    before = 1
    after = share / factor + (1 - share)
    return before / after


def check_speedup(answer: Any) -> None:
    """Check an answer to exercise 10.1."""
    value = as_number(answer)
    mistakes = {
        1.5: "That is the factor of the convolutions alone: 40 % of the step take as long as before.",
        0.6 * 1.5 + 0.4: "That is the mean of the two speeds, weighted by shares of time: add up times "
        "first, then divide.",
        0.8: "That is the new time as a share of the old time: divide the old time by the new one.",
        1.2: "A fifth of the time is saved, which is not the same as a fifth faster: divide the old time by "
        "the new one.",
        0.2: "That is the share of the time that is saved: divide the old time by the time that remains.",
        20.0: "That is the time saved, in per cent: give the old time divided by the new one.",
        0.25: "That is the factor minus 1: the factor itself is 1 if nothing gets faster.",
        25.0: "That is the factor minus 1, in per cent: the factor itself is 1 if nothing gets faster.",
        2.5: "That would be the factor if the convolutions took no time at all.",
        1 / (0.6 + 0.4 / 1.5): "The shares are exchanged: this is the factor if the other 40 % get faster.",
    }
    for wrong_value, mistake in mistakes.items():
        if is_close(value, wrong_value):
            raise WrongAnswer(mistake)
    if not is_close(value, speedup()):
        raise WrongAnswer(
            f"Not {value:.4g}: assume that the step took 100 ms. How many milliseconds does each of the two "
            "parts take afterwards?"
        )


SPEEDUP = Exercise(
    number="10.1",
    title="What the whole step gains",
    question="A training step spends 60 % of its time in convolutions. Another memory format makes them 1.5 "
    "times as fast. Everything else takes as long as before. How many times as fast is the whole step? "
    "Give a number.",
    hints=(
        "A step of 100 ms has 60 ms of convolutions and 40 ms of everything else.",
        "Amdahl's law: old time over new time, 1 / (share / factor + (1 − share)).",
    ),
    solution=speedup(),
    explanation="60 ms become 40 ms and the other 40 ms stay: 80 ms instead of 100 ms. The part that is not "
    "improved sets the limit, here a factor of 2.5.",
    check=check_speedup,
    wrong=(
        (1.5, "as long as before"),
        (1.3, "mean of the two speeds"),
        (0.8, "as a share of the old time"),
        (1.2, "not the same as a fifth"),
        (0.2, "share of the time that is saved"),
        (20, "saved, in per cent"),
        (0.25, "minus 1: "),
        (25, "minus 1, in per cent"),
        (2.5, "no time at all"),
        (1.154, "exchanged"),
        (3, "Not 3"),
    ),
    derivation=speedup,
)

# --- 10.2 ---------------------------------------------------------------------------------------------------

Seconds = Sequence[float]


def ratio(ours: Seconds, theirs: Seconds) -> float:
    return median(their / our for our, their in zip(ours, theirs, strict=True))


def of_sorted(ours: Seconds, theirs: Seconds) -> float:
    return ratio(sorted(ours), sorted(theirs))


def of_means(ours: Seconds, theirs: Seconds) -> float:
    return sum(theirs) / sum(ours)


def mean_of_ratios(ours: Seconds, theirs: Seconds) -> float:
    return mean(their / our for our, their in zip(ours, theirs, strict=True))


def in_the_middle(ours: Seconds, theirs: Seconds) -> float:
    pairs = sorted(their / our for our, their in zip(ours, theirs, strict=True))
    return pairs[len(pairs) // 2]


def below_the_middle(ours: Seconds, theirs: Seconds) -> float:
    return 1 / in_the_middle(theirs, ours)


def spoiling(ours: list[float], theirs: list[float]) -> float:
    theirs[:] = [their / our for our, their in zip(ours, theirs, strict=True)]
    return median(theirs)


SEVEN_PAIRS = (
    [1.38, 1.81, 1.04, 1.98, 1.13, 0.93, 0.91],
    [2.06, 2.21, 0.65, 2.65, 1.68, 5.51, 1.09],
)
"""Pairs on a machine of changing speed; in the third of them ours was interrupted, in the sixth theirs."""

SIX_PAIRS = ([1.0, 2.0, 1.5, 0.8, 2.4, 1.2], [1.1, 2.6, 1.8, 1.12, 3.48, 1.26])
"""An even number of pairs, of which two lie in the middle."""


def check_ratio(answer: Any) -> None:
    """Check an answer to exercise 10.2."""
    usage = "ratio(ours, theirs)"

    def ratio_of(pairs: tuple[list[float], list[float]]) -> float:
        ours, theirs = (list(seconds) for seconds in pairs)
        value = as_number(call(answer, ours, theirs, usage=usage), "What your function returns")
        if is_close(value, ratio(*pairs)) and (ours, theirs) != pairs:
            raise WrongAnswer(
                "The ratio is right, but the lists, arguments of your function, are changed: a later "
                "figure of them would be wrong."
            )
        return value

    seven = ratio_of(SEVEN_PAIRS)
    ours, theirs = SEVEN_PAIRS
    mistakes = {
        "how many times as long ours takes: above 1 should mean that ours is faster.": ratio(theirs, ours),
        "the ratio of the means: slow periods of the machine count more than fast ones, and interrupted "
        "runs count most.": of_means(ours, theirs),
        "the ratio of the two fastest runs: they come from different pairs, and the machine may have been "
        "faster in one of them.": min(theirs) / min(ours),
        "the ratio of two medians: the middle run of ours and that of theirs come from different pairs, at "
        "different speeds of the machine.": median(theirs) / median(ours),
        "the mean over the pairs: one interrupted run changes it a lot.": mean_of_ratios(ours, theirs),
        "the result for lists that are sorted first: then runs of different pairs are compared with each "
        "other.": of_sorted(ours, theirs),
        "the largest of the ratios: it is due to noise.": max(
            their / our for our, their in zip(ours, theirs, strict=True)
        ),
        "a difference in seconds, which changes with the speed of the machine: divide.": median(
            their - our for our, their in zip(ours, theirs, strict=True)
        ),
    }
    for mistake, wrong_ratio in mistakes.items():
        if is_close(seven, wrong_ratio):
            raise WrongAnswer(f"This is {mistake}")
    if not is_close(seven, ratio(*SEVEN_PAIRS)):
        raise WrongAnswer(
            f"For our seven pairs your ratio should not be {seven:.4g}: divide within each pair, and take "
            "the median of the ratios."
        )
    six = ratio_of(SIX_PAIRS)
    for side, wrong_ratio in (
        ("larger", in_the_middle(*SIX_PAIRS)),
        ("smaller", below_the_middle(*SIX_PAIRS)),
    ):
        if is_close(six, wrong_ratio):
            raise WrongAnswer(
                f"For seven pairs it is right. With six, two are in the middle: the median is midway "
                f"between them, not the {side} one."
            )
    if not is_close(six, ratio(*SIX_PAIRS)):
        raise WrongAnswer(f"For seven pairs it is right, but for six it should not be {six:.4g}.")


RATIO = Exercise(
    number="10.2",
    title="A fair ratio",
    question="The speed of a machine changes. `ours[i]` and `theirs[i]` are seconds that were measured one "
    "directly after the other, and a few runs were interrupted. Write `ratio(ours, theirs)`: how many times "
    "as fast ours is, as the median over the pairs (for an even number of pairs, midway between the two in "
    "the middle).",
    hints=(
        "Both runs of a pair met the same speed of the machine: which function of the pair is free of it?",
        "`zip(ours, theirs)` goes through the pairs, and `statistics.median` takes the median of their "
        "ratios.",
    ),
    solution=ratio,
    explanation="Within a pair the speed of the machine cancels, and a few interrupted runs do not move the "
    "median.",
    check=check_ratio,
    wrong=(
        (of_means, "ratio of the means"),
        (lambda ours, theirs: min(theirs) / min(ours), "two fastest"),
        (lambda ours, theirs: median(theirs) / median(ours), "two medians"),
        (lambda ours, theirs: ratio(theirs, ours), "as long ours takes"),
        (mean_of_ratios, "mean over the pairs"),
        (of_sorted, "sorted first"),
        (lambda ours, theirs: max(b / a for a, b in zip(ours, theirs, strict=True)), "due to noise"),
        (lambda ours, theirs: median(b - a for a, b in zip(ours, theirs, strict=True)), "a difference"),
        (in_the_middle, "not the larger one"),
        (below_the_middle, "not the smaller one"),
        (spoiling, "are changed"),
        (lambda ours, theirs: ratio(ours[1:], theirs[1:]), "divide within each"),
        (lambda ours, theirs: [b / a for a, b in zip(ours, theirs, strict=True)], "should be a number"),
    ),
)

# --- 10.3 ---------------------------------------------------------------------------------------------------

Loss = Callable[[Tensor], Tensor]

Parts = Sequence[Tensor]

Optimizer = torch.optim.Optimizer


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
    clear_each: bool = False,
    step_each: bool = False,
    step: bool = True,
) -> Callable[[nn.Module, Loss, Parts, Optimizer], None]:
    """Return the right function with one part replaced.

    Args:
        weight: of a part, from its size and all sizes.
        clear: is called with the optimiser at the start.
        clear_each: whether gradients are cleared before each part.
        step_each: whether the optimiser steps after each part.
        step: whether it steps at all.
    """

    def accumulate_otherwise(network: nn.Module, loss: Loss, parts: Parts, optimizer: Optimizer) -> None:
        clear(optimizer)
        for part in parts:
            if clear_each:
                optimizer.zero_grad()
            part_weight = weight(len(part), [len(samples) for samples in parts])
            (part_weight * loss(network(part))).backward()  # type: ignore[no-untyped-call]
            if step_each:
                optimizer.step()
        if step and not step_each:
            optimizer.step()

    return accumulate_otherwise


def one_backward(network: nn.Module, loss: Loss, parts: Parts, optimizer: Optimizer) -> None:
    total = torch.zeros(())
    for part in parts:
        total = total + len(part) * loss(network(part))
    optimizer.zero_grad()
    (total / sum(len(part) for part in parts)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


class HeldSamples:
    """How many samples a network holds: their gradient has not been computed yet.

    Args:
        network: the network that is watched.
    """

    def __init__(self, network: nn.Module) -> None:
        self.current = self.peak = self.largest_batch = 0
        network.register_forward_hook(self.watch)

    def watch(self, network: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Count the samples of a forward pass, until their gradient is computed."""
        if output.requires_grad:
            samples = len(output)
            self.current += samples
            self.peak, self.largest_batch = max(self.peak, self.current), max(self.largest_batch, samples)
            output.register_hook(lambda gradient: self.free(samples))  # type: ignore[no-untyped-call]

    def free(self, samples: int) -> None:
        """Discount samples whose gradient is computed."""
        self.current -= samples


def check_accumulate(answer: Any) -> None:
    """Check an answer to exercise 10.3."""
    # PyTorch loads some of its parts at the first step, which should not count as the answer's time.
    torch.optim.SGD(nn.Linear(1, 1).parameters()).step()
    for sizes in ((4, 4, 2), (1, 6)):
        check_sizes(answer, sizes)


def check_sizes(answer: Any, sizes: tuple[int, ...]) -> None:
    """Check an answer to exercise 10.3 with parts of these sizes.

    Args:
        answer: the learner's function.
        sizes: samples in each part.
    """
    network = nn.Linear(3, 1)
    parts = [torch.randn(size, 3) + offset for offset, size in enumerate(sizes)]

    def loss(logits: Tensor) -> Tensor:
        return softplus(-logits).mean()

    def gradient_of(samples: Tensor) -> Tensor:
        return flatten_all(torch.autograd.grad(loss(network(samples)), list(network.parameters())))

    part_gradients, expected = (
        torch.stack([gradient_of(part) for part in parts]),
        gradient_of(torch.cat(parts)),
    )
    for parameter in network.parameters():  # as left by an earlier turn
        parameter.grad = torch.ones_like(parameter)
    steps: list[int] = []
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    before, held = flatten_all(network.parameters()), HeldSamples(network)
    call(
        answer,
        network,
        loss,
        [part.clone() for part in parts],
        optimizer,
        usage="accumulate(network, loss, parts, optimizer)",
    )
    if not steps:
        raise WrongAnswer("The optimiser took no step at all: call its `step()`.")
    if len(steps) > 1:
        raise WrongAnswer(
            f"The optimiser took {len(steps)} steps for one batch, so each part meets different weights. "
            "Add up all gradients first, then step once."
        )
    update = (before - flatten_all(network.parameters())) / 0.5
    last_gradient = sizes[-1] / sum(sizes) * part_gradients[-1]
    mistakes = {
        "adds up the means of the parts: with three parts it is about three times too large.": [
            part_gradients.sum(0)
        ],
        "gives all parts the same weight, which is right only for parts of one size: samples of a small "
        "part count more.": [part_gradients.mean(0)],
        "is that of the last part alone: the earlier gradients were set to zero.": [
            part_gradients[-1],
            last_gradient,
        ],
        "is that of the first part alone.": [part_gradients[0]],
        "adds up over all samples: the shares of the parts should add up to 1.": [expected * sum(sizes)],
        "divides each part's loss by its size, but the loss is a mean already.": [
            (part_gradients / torch.tensor(sizes)[:, None]).sum(0)
        ],
    }
    for mistake, wrong_updates in mistakes.items():
        if any(is_same(update, wrong_update) for wrong_update in wrong_updates):
            raise WrongAnswer(f"The step {mistake}")
    if any(
        is_same(update, wrong_update + 1)
        for wrong_update in [expected, *(wrong for group in mistakes.values() for wrong in group)]
    ):
        raise WrongAnswer(
            "The step follows old gradients too, which an earlier turn had left in the weights."
        )
    if not is_same(update, expected):
        raise WrongAnswer(
            f"With parts of {', '.join(map(str, sizes))} samples the step is not that of the whole batch."
        )
    if held.largest_batch > max(sizes):
        raise WrongAnswer(
            "The step is right, but the network saw the whole batch at once, which does not fit into the "
            "memory."
        )
    if held.peak > max(sizes):
        raise WrongAnswer(
            "The step is right, but all parts are held in memory until the end: call `backward()` for each "
            "part, which frees its memory."
        )


def flatten_all(tensors: Any) -> Tensor:
    """Return a copy of all numbers of some tensors in one row.

    Args:
        tensors: any number of them.
    """
    return torch.cat([tensor.detach().flatten().clone() for tensor in tensors])


ACCUMULATE = Exercise(
    number="10.3",
    title="Find the bug: a batch in parts",
    question="The function below should take the step of the whole batch, with only one part of it in memory "
    "at a time. Its step is too large. Write `accumulate(network, loss, parts, optimizer)` so that the step "
    "is exact, also if the parts, a list of tensors, differ in size.",
    hints=(
        "`backward()` adds to the existing gradients. Which weights turn a sum of means into one mean?",
        "The mean over all samples is a weighted mean of the parts' means: by the share of samples in each.",
    ),
    solution=accumulate,
    explanation="With weights equal to their shares of the samples, the parts' gradients add up to that of "
    "the mean over all samples. Batch norm still differs, because it sees one part at a time.",
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
        (
            lambda network, loss, parts, optimizer: accumulate(network, loss, parts[:1], optimizer),
            "first part",
        ),
        (
            lambda network, loss, parts, optimizer: accumulate(network, loss, [torch.cat(parts)], optimizer),
            "at once",
        ),
        (one_backward, "until the end"),
    ),
    listings=(buggy_accumulate,),
)

# --- 10.4 ---------------------------------------------------------------------------------------------------

Gradients = Sequence[Sequence[Tensor]]


def average(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
    total = sum(counts)
    return [
        sum(count / total * tensor for count, tensor in zip(counts, tensors, strict=True))  # type: ignore[misc]
        for tensors in zip(*gradients, strict=True)
    ]


def weighted(
    weights: Callable[[Tensor], Tensor],
) -> Callable[[Gradients, Sequence[int]], list[Tensor]]:
    """Return a function that adds up the gradients with other weights than the right ones.

    Args:
        weights: makes the weights from the counts.
    """

    def weighted_sum(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
        shares = weights(torch.tensor(counts, dtype=torch.float))
        return [
            torch.tensordot(shares, torch.stack([*tensors]), 1) for tensors in zip(*gradients, strict=True)
        ]

    return weighted_sum


OTHER_WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "is the plain mean over the processes, where a sample of a small batch counts more than one of a large "
    "batch.": lambda n: torch.ones_like(n) / len(n),
    "is the sum over the processes: it grows with their number.": torch.ones_like,
    "is weighted by the counts, which do not add up to 1: it grows with the number of samples.": lambda n: n,
    "is divided twice: by the number of all samples, and by that of the processes.": lambda n: (
        n / n.sum() / len(n)
    ),
    "is weighted by count over largest count: these weights do not add up to 1.": lambda n: n / n.max(),
    "gives the small batches the large weights.": lambda n: (1 / n) / (1 / n).sum(),
    "is that of the first process alone.": lambda n: torch.eye(len(n))[0],
}


def only_the_first(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
    return [average(gradients, counts)[0], *gradients[0][1:]]


def in_place(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
    for process_gradients, count in zip(gradients, counts, strict=True):
        for tensor in process_gradients:
            tensor.mul_(count / sum(counts))
    return [sum(tensors) for tensors in zip(*gradients, strict=True)]  # type: ignore[misc]


def check_average(answer: Any) -> None:
    """Check an answer to exercise 10.4."""
    for counts in ([6, 2, 4], [1, 7]):
        check_counts(answer, counts)


def check_counts(answer: Any, counts: list[int]) -> None:
    """Check an answer to exercise 10.4 with batches of these sizes.

    Args:
        answer: the learner's function.
        counts: samples of each process.
    """
    network = nn.Linear(3, 2)
    batches = [torch.randn(count, 3) + place for place, count in enumerate(counts)]

    def gradient_of(samples: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(softplus(-network(samples)).mean(), list(network.parameters())))

    gradients, expected = [gradient_of(batch) for batch in batches], gradient_of(torch.cat(batches))
    tensors = [tuple(tensor.clone() for tensor in copied) for copied in gradients]
    gradients_copy, counts_copy = [[*copied] for copied in tensors], list(counts)
    result = call(answer, gradients_copy, counts_copy, usage="average(gradients, counts)")
    if not isinstance(result, (list, tuple)):
        raise WrongAnswer(
            f"The function should return a list of tensors, one for each weight, not {describe(result)}."
        )
    if len(result) != len(expected):
        raise WrongAnswer(
            f"The network of our {len(counts)} processes has two weights, and so the list should "
            f"have two tensors: it has {len(result)}."
        )
    wrong = {mistake: weighted(weights)(gradients, counts) for mistake, weights in OTHER_WEIGHTS.items()}
    for place, prefix in enumerate(
        ("The first weight's gradient", "The first weight's gradient is right. The second's")
    ):
        value = as_tensor(result[place], tuple(expected[place].shape), f"Tensor {place} of your list")
        for mistake, wrong_average in wrong.items():
            if is_same(value, wrong_average[place]):
                raise WrongAnswer(f"{prefix} {mistake}")
        if not is_same(value, expected[place]):
            raise WrongAnswer(f"{prefix} is not that of all {sum(counts)} samples, with counts {counts}.")
    unchanged = all(
        torch.equal(copy, original)
        for copied, originals in zip(tensors, gradients, strict=True)
        for copy, original in zip(copied, originals, strict=True)
    )
    lists = [list(map(id, copied)) if isinstance(copied, list) else copied for copied in gradients_copy]
    if not unchanged or lists != [list(map(id, copied)) for copied in tensors] or counts_copy != counts:
        raise WrongAnswer(
            "The average is right, but an argument of your function is changed: `+=` and `mul_` write into "
            "a tensor, `+` and `*` make a new one."
        )


AVERAGE = Exercise(
    number="10.4",
    title="Several processes, one gradient",
    question="`gradients[p]` is a list of tensors, one for each weight: the gradient, on process p, of the "
    "mean loss over its own `counts[p]` samples. Write `average(gradients, counts)`, which returns the list "
    "that a single process with all samples would have, and does not change its arguments.",
    hints=(
        "A process with three times as many samples has three times the weight.",
        "`zip(*gradients)` gives for each weight of the network the tensors of all processes.",
    ),
    solution=average,
    explanation="The mean over all samples is the mean of the processes' means, each weighted by its share "
    "of the samples. With equal batches it is the plain mean.",
    check=check_average,
    wrong=(
        (weighted(lambda n: torch.ones_like(n) / len(n)), "gradient is the plain mean"),
        (weighted(torch.ones_like), "sum over the processes"),
        (weighted(lambda n: n), "the number of samples"),
        (weighted(lambda n: n / n.sum() / len(n)), "divided twice"),
        (weighted(lambda n: n / n.max()), "largest count"),
        (weighted(lambda n: (1 / n) / (1 / n).sum()), "the large weights"),
        (weighted(lambda n: torch.eye(len(n))[0]), "gradient is that of the first process"),
        (weighted(lambda n: n / 12), "with counts [1, 7]"),
        (only_the_first, "The second's is that of the first process"),
        (lambda gradients, counts: average(gradients, counts)[:1], "it has 1"),
        (lambda gradients, counts: average(gradients, counts)[0], "list of tensors"),
        (lambda gradients, counts: [tensors[0] for tensors in gradients], "it has 3"),
        (in_place, "is changed"),
    ),
)

# --- 10.5 ---------------------------------------------------------------------------------------------------

Write = Callable[[Path, str], None]


def save(path: Path, text: str, write: Write) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        write(fresh, text)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def other_save(
    begin: Callable[[Path], object] = lambda path: None,
    place: Callable[[Path, Path], object] = lambda fresh, path: fresh.replace(path),
    caught: type[BaseException] = BaseException,
    end: Callable[[Path], object] = lambda fresh: fresh.unlink(missing_ok=True),
    passes_on: bool = True,
) -> Callable[[Path, str, Write], None]:
    """Return the right function with one part replaced.

    Args:
        begin: is called with the path first.
        place: puts the temporary file in its place.
        caught: the errors after which it clears up.
        end: clears up the temporary file.
        passes_on: whether errors reach the caller.
    """

    def save_otherwise(path: Path, text: str, write: Write) -> None:
        begin(path)
        fresh = path.with_name(path.name + ".new")
        try:
            write(fresh, text)
            place(fresh, path)
        except caught:
            end(fresh)
            if passes_on:
                raise

    return save_otherwise


def copies(fresh: Path, path: Path) -> None:
    path.write_text(fresh.read_text())
    fresh.unlink()


def removes_first(fresh: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    fresh.rename(path)


OLD, NEW, NOTES = "step 100, and its weights", "step 200, and weights that took longer", "somebody's notes"

USAGE = "save(path, text, write)"

ELSEWHERE = (
    "Here `write` works in another folder, perhaps on another disk, from where a file cannot be renamed in "
    "one step: put the temporary file beside `path`."
)


class DiskFull(OSError):  # noqa: N818
    """The error that ends the writing in a trial."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C in a trial."""


class Trial:
    """A folder with another file, perhaps an old version, and a ``write`` that ends in a certain way.

    Args:
        folder: an empty folder.
        old: the text of the old version, or None.
        end: how ``write`` ends: ``"well"``, ``"half"``, ``"at once"``, ``"Ctrl-C"`` or ``"taken away"``.
    """

    def __init__(self, folder: Path, old: str | None, end: str) -> None:
        self.folder, self.path, self.old, self.end = folder, folder / "run.json", old, end
        self.targets: list[Path] = []
        self.number, self.gone, self.elsewhere = 0, False, False
        self.error: BaseException | None = None
        (folder / "notes.txt").write_text(NOTES, encoding="utf-8")
        if old is not None:
            self.path.write_text(old, encoding="utf-8")

    def write(self, path: Path, text: str) -> None:
        """Write the text, or raise an error on the way."""
        target = Path(path).resolve()
        self.targets.append(target)
        if self.folder not in target.parents:
            self.elsewhere = True
            raise WrongAnswer(ELSEWHERE)
        self.gone |= self.old is not None and target != self.path and self.content() != self.old
        if self.end != "at once":
            target.write_text(text[: len(text) // 2], encoding="utf-8")
        if self.end in ("at once", "half"):
            raise DiskFull(errno.ENOSPC, "No space left on device")
        if self.end == "Ctrl-C":
            raise Stopped
        target.write_text(text, encoding="utf-8")
        self.number = target.stat().st_ino
        if self.end == "taken away":
            target.unlink()

    def content(self) -> str | None:
        """The text at the path; None where there is no file."""
        with suppress(FileNotFoundError):
            return self.path.read_text(encoding="utf-8")
        return None

    def leftovers(self) -> list[str]:
        """The names of other files that were left in the folder."""
        return sorted({path.name for path in self.folder.iterdir()} - {self.path.name, "notes.txt"})

    def attempt(self, answer: Any) -> None:
        """Let the learner's function save, and record the error that reaches its caller.

        Args:
            answer: the learner's function.
        """

        def save_and_look(path: Path, text: str, write: Write) -> None:
            try:
                answer(path, text, write)
            except (Stopped, Exception) as error:
                self.error = error

        call(save_and_look, self.path, NEW, self.write, usage=USAGE)

    def check_always(self) -> None:
        """Raise WrongAnswer for what is wrong however the writing ended."""
        if self.elsewhere:
            raise WrongAnswer(ELSEWHERE)
        if not self.targets:
            raise WrongAnswer("Your function never called `write`, which does the writing.")
        if self.path in self.targets:
            raise WrongAnswer(
                "Here `write` works on `path` itself: if it fails in the middle, half a file is there and "
                "the old one is lost."
            )
        if self.gone:
            raise WrongAnswer(
                "While `write` works the old file is no longer at `path`: if the power fails at that moment, "
                "there is neither an old nor a new file."
            )
        notes = self.folder / "notes.txt"
        if not notes.is_file() or notes.read_text(encoding="utf-8") != NOTES:
            raise WrongAnswer("Another file in the folder, with notes, is gone or changed.")


@contextmanager
def trial(old: str | None, end: str) -> Iterator[Trial]:
    """Make a trial in a temporary folder, for the length of the block.

    Args:
        old: the text of the old version, or None.
        end: how ``write`` ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Trial(Path(folder).resolve(), old, end)


def check_save(answer: Any) -> None:
    """Check an answer to exercise 10.5."""
    for old in (None, OLD):
        with trial(old, "well") as well:
            call(answer, well.path, NEW, well.write, usage=USAGE)
            check_well(well)
    for end in ("half", "at once", "Ctrl-C"):
        for old in (OLD, None):
            with trial(old, end) as died:
                died.attempt(answer)
                check_died(died)
    with trial(OLD, "taken away") as taken:
        taken.attempt(answer)
        if taken.content() != OLD:
            raise WrongAnswer(
                "The old file is removed before the new one takes its place. If something fails in "
                "between, as when the temporary file had vanished in our test, both are "
                "lost."
            )


def check_well(well: Trial) -> None:
    """Raise WrongAnswer if a writing that went well left anything but the new file, or took two steps.

    Args:
        well: the trial.
    """
    well.check_always()
    content = well.content()
    if content is None or content == OLD:
        raise WrongAnswer(
            f"After a successful `write`, {'nothing' if content is None else 'the old text'} is at `path`: "
            "how does the temporary file take its place?"
        )
    if content != NEW:
        raise WrongAnswer("After a successful `write`, `path` holds another text than the one given.")
    if left := well.leftovers():
        raise WrongAnswer(
            f"After a successful `write`, another file stays beside `path`: {describe(left[0])}."
        )
    if well.path.stat().st_ino != well.number:
        raise WrongAnswer(
            "The temporary file is complete, but then it is copied to `path`: a copy may fail in the middle "
            "too. A rename is one step."
        )


def check_died(died: Trial) -> None:
    """Raise WrongAnswer if a writing that failed left or removed something, or hid its error.

    Args:
        died: the trial.
    """
    died.check_always()
    when = {
        "half": "`write` failed in the middle",
        "at once": "`write` failed before there was any file",
        "Ctrl-C": "Ctrl-C ended `write` (KeyboardInterrupt is not an Exception)",
    }[died.end]
    if died.content() != died.old:
        stands = "no file" if died.content() is None else "a file"
        was = "had been none" if died.old is None else "had been the old one"
        raise WrongAnswer(f"When {when}, {stands} is at `path` afterwards, where there {was}.")
    if left := died.leftovers():
        raise WrongAnswer(f"When {when}, it left a half-written file beside `path`: {describe(left[0])}.")
    if died.error is None:
        raise WrongAnswer(f"When {when}, no error reached the caller, for whom the file seems to be saved.")
    if not any(isinstance(error, (DiskFull, Stopped)) for error in (died.error, died.error.__cause__)):
        raised = f"your function raised {type(died.error).__name__} instead of the error of `write`"
        why = ": there may be no temporary file to remove." if died.end == "at once" else "."
        raise WrongAnswer(f"When {when}, {raised}{why}")


SAVE = Exercise(
    number="10.5",
    title="A file that is whole or not there",
    question="`write(path, text)` writes a file. It may fail in the middle, by any error or by Ctrl-C, and "
    "leave half a file. Write `save(path, text, write)` for a `pathlib.Path`. Afterwards `path` holds the "
    "new text or, if `write` failed, its old content. No other file stays beside it, and the error reaches "
    "the caller. `write` may write anywhere in the folder of `path`.",
    hints=(
        "Let `write` write a file of another name in the same folder, and rename it: that takes one step.",
        "`Path.replace` renames over an existing file, `finally` runs however a `try` ends, and "
        "`unlink(missing_ok=True)` removes a file if there is one.",
    ),
    solution=save,
    explanation="Until the rename the old file is at `path`, and after it the new one. After a power failure "
    "no `finally` runs, so a temporary file can stay: remove it at the next start.",
    check=check_save,
    wrong=(
        (lambda path, text, write: write(path, text), "on `path` itself"),
        (other_save(begin=lambda path: path.unlink(missing_ok=True)), "no longer at `path`"),
        (other_save(place=removes_first), "had vanished"),
        (other_save(end=lambda fresh: None), "left a half-written file"),
        (other_save(place=lambda fresh, path: shutil.copy(fresh, path)), "another file stays"),
        (other_save(place=copies), "A rename is one step"),
        (other_save(passes_on=False), "no error reached"),
        (other_save(caught=Exception), "is not an Exception"),
        (other_save(end=lambda fresh: fresh.unlink()), "raised FileNotFoundError instead"),
        (other_save(begin=lambda path: path.touch()), "where there had been none"),
        (other_save(place=lambda fresh, path: fresh.unlink()), "nothing is at"),
        (
            other_save(place=lambda fresh, path: fresh.unlink() if path.exists() else fresh.replace(path)),
            "the old text is at",
        ),
        (lambda path, text, write: save(path, text.upper(), write), "another text"),
        (lambda path, text, write: write(path.parent.parent / "run.json.new", text), "another folder"),
        (lambda path, text, write: path.write_text(text), "never called"),
        (other_save(begin=lambda path: (path.parent / "notes.txt").unlink(missing_ok=True)), "notes"),
    ),
)

EXERCISES = (
    SPEEDUP,
    RATIO,
    ACCUMULATE,
    AVERAGE,
    SAVE,
)
