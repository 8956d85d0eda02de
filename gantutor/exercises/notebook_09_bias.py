"""Exercise of notebook 09 on a score without its bias."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_number, call, near

Extrapolate = Callable[[Sequence[int], Sequence[float]], float]


def without_bias(counts: Sequence[int], distances: Sequence[float]) -> float:
    x = torch.tensor([1 / count for count in counts], dtype=torch.float64)
    y = torch.tensor(distances, dtype=torch.float64)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return float(y.mean() - slope * x.mean())


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope, and value at 0, of the line of least squares."""
    across, up = (torch.tensor(values, dtype=torch.float64) for values in (x, y))
    off = across - across.mean()
    slope = (off * (up - up.mean())).sum() / off.square().sum()
    return float(slope), float(up.mean() - slope * across.mean())


def fitted_over(shape: Callable[[int], float]) -> Extrapolate:
    """The value at 0 of a line over another function of the number of samples."""
    return lambda counts, distances: line([shape(count) for count in counts], distances)[1]


def its_slope(counts: Sequence[int], distances: Sequence[float]) -> float:
    return line([1 / count for count in counts], distances)[0]


def two_ends(counts: Sequence[int], distances: Sequence[float]) -> float:
    (n, m), (a, b) = (counts[0], counts[-1]), (distances[0], distances[-1])
    return (m * b - n * a) / (m - n)


EXTRAPOLATIONS: dict[str, Extrapolate] = {
    "is the distance at the largest number of samples, bias and all: follow the line to 1/N = 0.":
        lambda counts, distances: distances[counts.index(max(counts))],
    "is the mean of the distances.": lambda counts, distances: sum(distances) / len(distances),
    "is the least of the distances.": lambda counts, distances: min(distances),
    "is the end of a line over N itself: the bias falls as 1/N.": fitted_over(float),
    "is the end of a line over 1/√N: the bias falls as 1/N.": fitted_over(lambda count: count**-0.5),
    "is the slope of the line: asked for is where it meets 1/N = 0.": its_slope,
    "comes from the first and the last distance alone: let all of them count, by least squares.": two_ends,
}  # fmt: skip


def check_without_bias(answer: Any) -> None:
    counts = [100, 200, 500, 1000, 2500]
    noise = (0.05, -0.2, 0.16, -0.3, 0.05)
    for truth, bias in ((3.0, 400.0), (0.5, 900.0)):
        distances = [truth + bias / count + off for count, off in zip(counts, noise, strict=True)]
        given = list(counts), list(distances)
        value = as_number(call(answer, *given, usage="without_bias(counts, distances)"), "What is returned")
        if given != (counts, distances):
            raise Wrong("The lists that your function was given are changed.")
        if near(value, without_bias(counts, distances), 1e-4):
            continue
        for slip, other in EXTRAPOLATIONS.items():
            if near(value, other(counts, distances), 1e-4):
                raise Wrong(f"{value:.4g} {slip}")
        raise Wrong(f"For distances that fall towards {truth:g} as {bias:g}/N you find {value:.4g}: fit a "
                    "line to the distances over 1/N by least squares.")  # fmt: skip


WITHOUT_BIAS = Exercise(
    number="09.4",
    title="A distance from infinitely many samples",
    question="The Fréchet distance of N samples is too large by about c/N. Write `without_bias(counts, "
    "distances)`: fit a straight line to the distances over 1/N by least squares, and return its value at "
    "1/N = 0.",
    hints=(
        "`torch.linalg.lstsq`, `numpy.polyfit`, or the formula of the slope, Σ(x − x̄)(y − ȳ) / Σ(x − x̄)².",
        "With x = 1/N the value at 0 is ȳ − slope · x̄.",
    ),
    solution=without_bias,
    why="Chong & Forsyth (2020) call it FID∞. It takes the bias away that differs from one generator to "
    "another; it does not take away the choice of features or of the reference.",
    check=check_without_bias,
    wrong=(
        *((wrong, slip[:30]) for slip, wrong in EXTRAPOLATIONS.items()),
        (lambda counts, distances: without_bias(counts, distances) + 1, "by least squares"),
        (lambda counts, distances: without_bias(counts, [2 * d for d in distances]), "by least squares"),
        (lambda counts, distances: str(distances), "should be a number"),
    ),
)

EXERCISES = (WITHOUT_BIAS,)
