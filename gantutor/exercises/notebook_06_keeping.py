"""Exercises of notebook 06 on rejection sampling and on a distance of two clouds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, same

# --- 06.3 ---------------------------------------------------------------------------------------------------


def keep(logits: Tensor, uniform: Tensor) -> Tensor:
    ratio = (logits - logits.max()).exp()
    return uniform < ratio


KEPT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Kept with the probability D that a sample is real: rejection asks for the ratio of the densities, and "
    "for its largest value.": lambda logits, uniform: uniform < logits.sigmoid(),
    "All samples with a positive logit are kept, and no other: that is a threshold, and leaves out what is "
    "rare.": lambda logits, uniform: logits > 0,
    "The ratio is that of the densities, but not yet divided by its largest value: a probability may not be "
    "above 1.": lambda logits, uniform: uniform < logits.exp(),
    "You keep just the others.": lambda logits, uniform: ~keep(logits, uniform),
    "Only the one with the largest logit is kept.": lambda logits, uniform: logits == logits.max(),
    "Divided by the sum of the ratios, nearly all probabilities are next to nothing: divide by their largest "
    "value.": lambda logits, uniform: uniform < logits.softmax(0),
    "Divided by the largest logit: the ratio of the densities is its exponential.":
        lambda logits, uniform: uniform < logits / logits.max(),
    "Kept as often as D is of its largest value: the ratio of the densities is D / (1 − D).":
        lambda logits, uniform: uniform < logits.sigmoid() / logits.max().sigmoid(),
    "All of them are kept.": lambda logits, uniform: torch.ones_like(logits) > 0,
}  # fmt: skip


def check_keep(answer: Any) -> None:
    for shift in (0.0, 1.5):
        logits, uniform = 1.3 * torch.randn(400) + shift, torch.rand(400)
        given = logits.clone(), uniform.clone()
        kept = call(answer, *given, usage="keep(logits, uniform)")
        value = as_tensor(kept, (400,))
        if not (torch.equal(given[0], logits) and torch.equal(given[1], uniform)):
            raise Wrong("The numbers that your function was given are changed.")
        if not bool(((value == 0) | (value == 1)).all()):
            raise Wrong("For each sample True or False is asked for: is it kept?")
        right = keep(logits, uniform).double()
        if torch.equal(value, right):
            continue
        for slip, wrong in KEPT.items():
            if torch.equal(value, wrong(logits, uniform).double()):
                raise Wrong(slip)
        raise Wrong(f"Of 400 samples {int((value != right).sum())} are treated otherwise than they should "
                    "be, and for the one with the largest logit the probability should be 1.")  # fmt: skip


KEEP = Exercise(
    number="06.3",
    title="Rejection sampling",
    question="The best discriminator's logit is the logarithm of the density of the data over that of the "
    "generator. Write `keep(logits, uniform)`: each sample is kept with the probability of this ratio over "
    "the largest of the ratios, by its own number of `uniform` between 0 and 1. Return True or False for "
    "each, (N,).",
    hints=(
        "Which function turns a logit, a logarithm, back into a ratio? And how large is the largest of them?",
        "Something happens with probability p where a uniform number lies below p. Subtract before you take "
        "the exponential.",
    ),
    solution=keep,
    why="Where the generator makes something twice as often as it occurs, half of it is thrown away more "
    "than elsewhere: what is left has the proportions of the data, as far as the logits are right.",
    check=check_keep,
    wrong=(
        *((wrong, slip[:40]) for slip, wrong in KEPT.items()),
        (lambda logits, uniform: (logits - logits.max()).exp(), "True or False is asked for"),
        (lambda logits, uniform: keep(logits / 2, uniform), "treated otherwise"),
        (lambda logits, uniform: keep(logits, uniform).nonzero().flatten()[:3], "of shape (400,)"),
        (lambda logits, uniform: keep(logits.add_(1), uniform), "are changed"),
    ),
)

# --- 06.4 ---------------------------------------------------------------------------------------------------


def kernel_distance(x: Tensor, y: Tensor) -> Tensor:
    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3  # type: ignore[no-any-return]

    def within(a: Tensor) -> Tensor:
        pairs = kernel(a, a)
        return (pairs.sum() - pairs.diagonal().sum()) / (len(a) * (len(a) - 1))

    return within(x) + within(y) - 2 * kernel(x, y).mean()


def distance_with(
    power: int = 3, one: float = 1.0, by: Callable[[int], float] = float, diagonal: bool = False,
    pairs: Callable[[int], int] = lambda n: n * (n - 1), between: float = 2.0,
) -> Callable[[Tensor, Tensor], Tensor]:  # fmt: skip
    """The right function with other parts."""

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        found: Tensor = (a @ b.T / by(a.shape[1]) + one) ** power
        return found

    def within(a: Tensor) -> Tensor:
        found = kernel(a, a)
        if diagonal:
            return found.mean()
        return (found.sum() - found.diagonal().sum()) / pairs(len(a))

    return lambda x, y: within(x) + within(y) - between * kernel(x, y).mean()


DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Each sample is compared with itself too, which makes a distance of two small clouds too large: leave "
    "out these pairs.": distance_with(diagonal=True),
    "The pairs of a sample with itself are left out of the sum, and still counted: of N samples there are "
    "N (N − 1) other pairs.": distance_with(pairs=lambda n: n * n),
    "Pairs between the clouds count once: their mean should be taken off twice.": distance_with(between=1.0),
    "The pairs between the clouds are added: what is alike between them makes the distance smaller.":
        distance_with(between=-2.0),
    "The power is another: it should be the third.": distance_with(power=2),
    "The product is not divided by D, the number of features.": distance_with(by=lambda d: 1.0),
    "Divided by the root of D: divide by D, the number of features.": distance_with(by=lambda d: d**0.5),
    "The 1 in the kernel is missing: without it only the third moments are compared.": distance_with(one=0.0),
    "A root is taken: asked for is the squared distance, which may be below 0.":
        lambda x, y: kernel_distance(x, y).abs().sqrt(),
    "The sign is the other one: pairs within a cloud count positive.": lambda x, y: -kernel_distance(x, y),
}  # fmt: skip


def check_kernel_distance(answer: Any) -> None:
    x, y = torch.randn(7, 4).double(), 0.7 * torch.randn(5, 4).double() + 0.5
    for first, second in ((x, y), (y, x)):
        given = first.clone(), second.clone()
        value = as_tensor(call(answer, *given, usage="kernel_distance(x, y)"), ())
        if not (torch.equal(given[0], first) and torch.equal(given[1], second)):
            raise Wrong("The features that your function was given are changed.")
        if same(value, kernel_distance(first, second)):
            continue
        for slip, wrong in DISTANCES.items():
            if same(value, wrong(first, second)):
                raise Wrong(slip)
        raise Wrong(f"For two small clouds {float(value):.4g} is not the distance: try x and y with a single "
                    "feature and two samples each, by hand.")  # fmt: skip


KERNEL = Exercise(
    number="06.4",
    title="A distance without bias",
    question="Write the squared kernel distance of features x (N, D) and y (M, D) with "
    "k(a, b) = (a·b / D + 1)³: the mean of k over pairs of different samples of x, plus that of y, minus "
    "twice the mean over all pairs of one of x and one of y. Double precision, a single number.",
    hints=(
        "`x @ x.T` holds the products of all pairs; which of its entries are those of a sample with itself?",
        "Take the diagonal off the sum, and divide by how many pairs are left: N (N − 1).",
    ),
    solution=kernel_distance,
    why="Without the pairs of a sample with itself the expectation is the true one for any number of "
    "samples, which matters where there are only 80.",
    check=check_kernel_distance,
    wrong=(
        *((wrong, slip[:40]) for slip, wrong in DISTANCES.items()),
        (lambda x, y: kernel_distance(x, y) + 1, "is not the distance"),
        (lambda x, y: kernel_distance(x, y.mul_(2)), "are changed"),
        (lambda x, y: (x @ y.T / 4 + 1) ** 3, "a single number"),
    ),
)

EXERCISES = (KEEP, KERNEL)
