"""Exercise of notebook 10 on several processes: the gradient that they have together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, describe, same

# --- 10.4 ---------------------------------------------------------------------------------------------------

Gradients = Sequence[Sequence[Tensor]]


def average(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
    total = sum(counts)
    return [
        sum(count / total * tensor for count, tensor in zip(counts, tensors, strict=True))  # type: ignore[misc]
        for tensors in zip(*gradients, strict=True)
    ]


def weighed(
    weights: Callable[[Tensor], Tensor],
) -> Callable[[Gradients, Sequence[int]], list[Tensor]]:
    """The gradients added up with other weights than the right ones."""

    def other(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
        shares = weights(torch.tensor(counts, dtype=torch.float))
        return [torch.tensordot(shares, torch.stack([*own]), 1) for own in zip(*gradients, strict=True)]

    return other


OTHER_WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "is the plain mean over the processes, where a sample of a small batch counts more than one of a large "
    "batch.": lambda n: torch.ones_like(n) / len(n),
    "is the sum over the processes: it grows with their number.": torch.ones_like,
    "is weighed by the counts, which do not add up to 1: it grows with the number of samples.": lambda n: n,
    "is divided twice: by the number of all samples, and by that of the processes.": lambda n: n
    / n.sum() / len(n),
    "is weighed by count over largest count: these weights do not add up to 1.": lambda n: n / n.max(),
    "gives the small batches the large weights.": lambda n: (1 / n) / (1 / n).sum(),
    "is that of the first process alone.": lambda n: torch.eye(len(n))[0],
}  # fmt: skip


def only_the_first(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
    return [average(gradients, counts)[0], *gradients[0][1:]]


def in_place(gradients: Gradients, counts: Sequence[int]) -> list[Tensor]:
    for own, count in zip(gradients, counts, strict=True):
        for tensor in own:
            tensor.mul_(count / sum(counts))
    return [sum(tensors) for tensors in zip(*gradients, strict=True)]  # type: ignore[misc]


def check_average(answer: Any) -> None:
    for counts in ([6, 2, 4], [1, 7]):
        check_counts(answer, counts)


def check_counts(answer: Any, counts: list[int]) -> None:
    network = nn.Linear(3, 2)
    batches = [torch.randn(count, 3) + place for place, count in enumerate(counts)]

    def pull(samples: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(softplus(-network(samples)).mean(), list(network.parameters())))

    gradients, right = [pull(batch) for batch in batches], pull(torch.cat(batches))
    tensors = [tuple(tensor.clone() for tensor in own) for own in gradients]
    given, given_counts = [[*own] for own in tensors], list(counts)
    result = call(answer, given, given_counts, usage="average(gradients, counts)")
    if not isinstance(result, (list, tuple)):
        raise Wrong(
            f"The function should return a list of tensors, one for each weight, not {describe(result)}."
        )
    if len(result) != len(right):
        raise Wrong(f"The network of our {len(counts)} processes has two weights, and so the list should "
                    f"have two tensors: it has {len(result)}.")  # fmt: skip
    wrong = {slip: weighed(weights)(gradients, counts) for slip, weights in OTHER_WEIGHTS.items()}
    for place, begin in enumerate(("The first weight's gradient", "The first weight's gradient is right. The "
                                   "second's")):  # fmt: skip
        value = as_tensor(result[place], tuple(right[place].shape), f"Tensor {place} of your list")
        for slip, other in wrong.items():
            if same(value, other[place]):
                raise Wrong(f"{begin} {slip}")
        if not same(value, right[place]):
            raise Wrong(f"{begin} is not that of all {sum(counts)} samples, with counts {counts}.")
    alike = all(
        torch.equal(now, was)
        for own, others in zip(tensors, gradients, strict=True)
        for now, was in zip(own, others, strict=True)
    )
    lists = [list(map(id, own)) if isinstance(own, list) else own for own in given]
    if not alike or lists != [list(map(id, own)) for own in tensors] or given_counts != counts:
        raise Wrong("The average is right, and what your function was given is changed: `+=` and `mul_` "
                    "write into a tensor, `+` and `*` make a new one.")  # fmt: skip


AVERAGE = Exercise(
    number="10.4",
    title="Several processes, one gradient",
    question="`gradients[p]` is a list of tensors, one for each weight: the gradient, on process p, of the "
    "mean loss over its own `counts[p]` samples. Write `average(gradients, counts)`, which returns the list "
    "that one process with all the samples would have, and changes nothing that it is given.",
    hints=(
        "A process with three times as many samples has three times the say.",
        "`zip(*gradients)` goes through the weights: each time the tensors of one weight, of all processes.",
    ),
    solution=average,
    why="A mean over all samples is the mean of the processes' means, each weighed by its share of the "
    "samples; with equal batches that is the plain mean.",
    check=check_average,
    wrong=(
        (weighed(lambda n: torch.ones_like(n) / len(n)), "gradient is the plain mean"),
        (weighed(torch.ones_like), "sum over the processes"),
        (weighed(lambda n: n), "the number of samples"),
        (weighed(lambda n: n / n.sum() / len(n)), "divided twice"),
        (weighed(lambda n: n / n.max()), "largest count"),
        (weighed(lambda n: (1 / n) / (1 / n).sum()), "the large weights"),
        (weighed(lambda n: torch.eye(len(n))[0]), "gradient is that of the first process"),
        (weighed(lambda n: n / 12), "with counts [1, 7]"),
        (only_the_first, "The second's is that of the first process"),
        (lambda gradients, counts: average(gradients, counts)[:1], "it has 1"),
        (lambda gradients, counts: average(gradients, counts)[0], "list of tensors"),
        (lambda gradients, counts: [own[0] for own in gradients], "it has 3"),
        (in_place, "is changed"),
    ),
)

EXERCISES = (AVERAGE,)
