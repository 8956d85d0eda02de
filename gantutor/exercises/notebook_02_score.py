"""Exercise of notebook 02 on measuring: a score with two bugs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_number, call

# --- 02.3 ---------------------------------------------------------------------------------------------------

Distance = Callable[[Tensor, Tensor], Any]


def buggy_score(distance: Distance, train: Tensor, held_out: Tensor, generated: Tensor) -> Any:
    """How far generated samples are from real ones; the distance takes two sets of samples."""
    return distance(generated[:100], train)


def score(distance: Distance, train: Tensor, held_out: Tensor, generated: Tensor) -> Any:
    return distance(generated, held_out)


def check_score(answer: Any) -> None:
    sets = {"train": 400, "held_out": 200, "generated": 300}
    given = [torch.cat([torch.full((count, 1), float(i)), torch.randn(count, 3)], 1) for i, count in
             enumerate(sets.values())]  # fmt: skip
    seen: list[tuple[Any, Any]] = []

    def distance(one: Tensor, other: Tensor) -> float:
        seen.append((one, other))
        return 10.0 + len(seen)

    value = as_number(call(answer, distance, *given, usage="score(distance, train, held_out, generated)"),
                      "What your function returns")  # fmt: skip
    pair = seen[int(value) - 11] if value in [11.0 + i for i in range(len(seen))] else None
    if pair is None:
        raise Wrong("The function should return what `distance` gives for two of the sets of samples.")
    counts = [0, 0, 0]
    for part in pair:
        if not isinstance(part, Tensor) or part.dim() != 2 or not set(part[:, 0].tolist()) <= {0.0, 1.0, 2.0}:
            raise Wrong("`distance` should be given the samples as they are.")
        for i in range(3):
            counts[i] += int((part[:, 0] == i).sum())
    train, held_out, generated = counts
    if not generated:
        raise Wrong("No generated samples are scored: two sets of real ones give the floor.")
    if train and held_out:
        raise Wrong("Held-out and training samples are mixed: copies of the latter would still be rewarded.")
    if train:
        raise Wrong(f"The reference are {train} training samples: a generator that copied them would get "
                    "the best score of all.")  # fmt: skip
    if generated < sets["generated"]:
        raise Wrong(f"Only {generated} of 300 generated samples are scored: with few samples a distance "
                    "comes out too large, and differs from one draw to the next.")  # fmt: skip
    if held_out != sets["held_out"]:
        raise Wrong(f"The reference should be all 200 held-out samples, and here {held_out} are used.")


SCORE = Exercise(
    number="02.3",
    title="Find the bugs: a score",
    question="The score below has two bugs. Find them, and write `score(distance, train, held_out, "
    "generated)` so that copying the training data does not pay and the number is as steady as the samples "
    "allow.",
    hints=(
        "Which score would a generator get that only repeats training samples?",
        "One bug is the reference, the other a number.",
    ),
    solution=score,
    why="Held-out samples do not reward copies, and a distance from few samples is too large and unsteady.",
    check=check_score,
    wrong=(
        (buggy_score, "400 training samples"),
        (lambda distance, train, held_out, generated: distance(generated[:100], held_out), "Only 100 of 300"),
        (lambda distance, train, held_out, generated: distance(generated, held_out[:50]), "here 50 are used"),
        (lambda distance, train, held_out, generated: distance(train, held_out), "give the floor"),
        (
            lambda distance, train, held_out, generated: distance(generated, torch.cat([train, held_out])),
            "mixed",
        ),
        (lambda distance, train, held_out, generated: 0.5, "what `distance` gives"),
    ),
    shown=(buggy_score,),
)

EXERCISES = (SCORE,)
