"""Exercises of notebook 05 on scores: of a cleaned recording, and of a generator that knows ten clips."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

import gantutor as gt
from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, check_letters, same

# --- 05.4 ---------------------------------------------------------------------------------------------------


def si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    alpha = (estimate * target).sum(1, keepdim=True) / target.square().sum(1, keepdim=True)
    wanted = alpha * target
    return 10 * (wanted.square().sum(1) / (wanted - estimate).square().sum(1)).log10()


def inner(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(1, keepdim=True)


def ratio(wanted: Tensor, rest: Tensor) -> Tensor:
    """Energies in decibels, (N,)."""
    return 10 * (wanted.square().sum(1) / rest.square().sum(1)).log10()


def by_alpha(alpha: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda e, t: ratio(alpha(e, t) * t, alpha(e, t) * t - e)


def projection(estimate: Tensor, target: Tensor) -> Tensor:
    return inner(estimate, target) / inner(target, target)


def without_mean(waves: Tensor) -> Tensor:
    return waves - waves.mean(1, keepdim=True)


OTHER_SCORES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "is the plain signal-to-noise ratio, with no α at all: a softer recording counts as a worse one.":
        lambda e, t: ratio(t, e - t),
    "lacks the α above: the signal is α s there too.": lambda e, t: ratio(t, projection(e, t) * t - e),
    "lacks the α below: the rest is α s − ŝ.": lambda e, t: ratio(projection(e, t) * t, t - e),
    "has ‖ŝ‖² in its α, where ‖s‖² belongs.": by_alpha(lambda e, t: inner(e, t) / inner(e, e)),
    "has the product of both lengths in its α, where ‖s‖² belongs.":
        by_alpha(lambda e, t: inner(e, t) / (inner(e, e) * inner(t, t)).sqrt()),
    "has an α that is not divided by ‖s‖².": by_alpha(inner),
    "has an α divided by ‖s‖, where ‖s‖² belongs.": by_alpha(lambda e, t: inner(e, t) / inner(t, t).sqrt()),
    "has one α for all waves: each has its own.": by_alpha(lambda e, t: (e * t).sum() / t.square().sum()),
    "counts the rest above as well: α s stands there, and neither ŝ nor, with ŝ scaled in its place, s.":
        lambda e, t: ratio(e, projection(e, t) * t - e),
    "takes the mean off each wave first: that is another definition.":
        lambda e, t: si_sdr(without_mean(e), without_mean(t)),
    "is twice as large: energies have 10 log₁₀, and only amplitudes 20.": lambda e, t: 2 * si_sdr(e, t),
    "is half as large: it compares lengths ‖…‖, and 10 log₁₀ belongs to their squares.":
        lambda e, t: si_sdr(e, t) / 2,
    "has the natural logarithm: a decibel is defined by log₁₀.": lambda e, t: math.log(10) * si_sdr(e, t),
    "has the other sign: the signal stands above, the rest below.": lambda e, t: -si_sdr(e, t),
    "lacks the 10 before the logarithm: these are bels.": lambda e, t: si_sdr(e, t) / 10,
    "is a ratio still: the logarithm is missing.": lambda e, t: 10 ** (si_sdr(e, t) / 10),
}  # fmt: skip


def check_si_sdr(answer: Any) -> None:
    target = torch.randn(3, 400) + 0.2
    noise = torch.randn(3, 400) + 0.1
    gains = torch.tensor([[0.5], [1.0], [-1.5]])
    estimate = gains * target + torch.tensor([[0.3], [0.1], [0.5]]) * noise
    given = estimate.clone(), target.clone()
    result = call(answer, *given, usage="si_sdr(estimate, target)")
    if isinstance(result, Tensor) and result.numel() == 1:
        raise Wrong("One number comes out for all waves: each has its own, (N,), and whoever wants a mean "
                    "takes it after the logarithm.")  # fmt: skip
    value = as_tensor(result, (3,))
    if not torch.equal(given[0], estimate) or not torch.equal(given[1], target):
        raise Wrong("The waves that your function was given are changed.")
    for slip, other in OTHER_SCORES.items():
        if same(value, other(estimate, target), 1e-3):
            raise Wrong(f"Your score {slip}")
    if not same(value, si_sdr(estimate, target), 1e-3):
        said = ", ".join(f"{float(each):.2f}" for each in value)
        raise Wrong(f"For our three waves your score says {said} dB: it is not 10 log₁₀ of the energy of α s "
                    "over that of α s − ŝ.")  # fmt: skip


SI_SDR = Exercise(
    number="05.4",
    title="A score that does not mind the volume",
    question="Write `si_sdr(estimate, target)` for waves (N, L): of each cleaned recording ŝ and its clean "
    "original s the number 10 log₁₀ (‖α s‖² / ‖α s − ŝ‖²), α = ⟨ŝ, s⟩ / ‖s‖², in decibels, (N,).",
    hints=(
        "α s is the part of ŝ that is s, however loud; α s − ŝ is the rest: noise, and what cleaning added.",
        "Sums go over `dim=1`; `keepdim=True` makes one α for each wave, of shape (N, 1).",
    ),
    solution=si_sdr,
    why="What is only softer or louder than the original scores the same: a network cannot gain by turning "
    "the volume.",
    check=check_si_sdr,
    wrong=(
        (lambda e, t: ratio(t, e - t), "plain signal-to-noise"),
        (lambda e, t: ratio(t, projection(e, t) * t - e), "α above"),
        (lambda e, t: ratio(projection(e, t) * t, t - e), "α below"),
        (by_alpha(lambda e, t: inner(e, t) / inner(e, e)), "‖ŝ‖² in its α"),
        (by_alpha(lambda e, t: inner(e, t) / (inner(e, e) * inner(t, t)).sqrt()), "both lengths"),
        (by_alpha(inner), "not divided"),
        (by_alpha(lambda e, t: inner(e, t) / inner(t, t).sqrt()), "divided by ‖s‖, "),
        (by_alpha(lambda e, t: (e * t).sum() / t.square().sum()), "one α for all"),
        (lambda e, t: ratio(e, projection(e, t) * t - e), "counts the rest above"),
        (lambda e, t: si_sdr(without_mean(e), without_mean(t)), "mean off"),
        (lambda e, t: 2 * si_sdr(e, t), "twice as large"),
        (lambda e, t: si_sdr(e, t) / 2, "half as large"),
        (lambda e, t: math.log(10) * si_sdr(e, t), "natural logarithm"),
        (lambda e, t: -si_sdr(e, t), "other sign"),
        (lambda e, t: si_sdr(e, t) / 10, "bels"),
        (lambda e, t: 10 ** (si_sdr(e, t) / 10), "a ratio still"),
        (lambda e, t: si_sdr(e, t).mean(), "One number"),
        (lambda e, t: si_sdr(e, t) + 3, "For our three waves"),
        (lambda e, t: si_sdr(e, t.mul_(2)), "are changed"),
    ),
)

# --- 05.5 ---------------------------------------------------------------------------------------------------


def caught() -> str:
    """Ten places stand for the digits, points around them for what a reader sees in recordings of them."""
    draw = torch.Generator().manual_seed(0)
    digit = torch.arange(200) % 10
    places = 1.2 * torch.randn(10, 16, generator=draw)
    clips = [places[digit] + torch.randn(200, 16, generator=draw) for _ in range(2)]
    clips.append(clips[0][:10].repeat(20, 1))  # ten recordings, one for each digit, again and again
    real, others, ten = [(x, (-torch.cdist(x, places).square() / 2).softmax(1)) for x in clips]
    scores = gt.metrics.audio_scores(ten, real, others, digit, digit)
    names = ("reader_on_generated", "inception_score", "audio_frechet", "precision", "recall")
    bad = [(4 if scores[name].better == "lower" else 0.8) * scores[name].floor for name in names]
    worse = [(scores[n].value > b) == (scores[n].better == "lower") for n, b in zip(names, bad, strict=True)]
    return "".join(letter for letter, is_worse in zip("abcde", worse, strict=True) if is_worse)


@cache
def caught_once() -> str:
    return caught()


WHY = {
    "a": "each clip is a real recording of its digit, and the reader reads it as that. Whether it has heard "
    "the clip before is not asked.",
    "b": "each clip is read with certainty, and all digits are equally frequent: that is all it asks for.",
    "c": "Around each digit real clips are spread, and ten clips are not: which distance compares spreads, "
    "and not only means?",
    "d": "each clip lies among the real ones, as it is one of them: precision does not ask how many there "
    "are.",
    "e": "Which score asks how many of the real recordings have a generated one near them?",
}


def check_caught(answer: Any) -> None:
    check_letters(answer, caught_once(), WHY)


CAUGHT = Exercise(
    number="05.5",
    title="A generator that knows ten clips",
    question="A generator says ten real recordings, one for each digit, again and again, always for the "
    "right label. Which scores are clearly worse than those of real recordings? a: the reader's accuracy, "
    "b: the inception score, c: the Fréchet distance, d: precision, e: recall. Letters in quotes.",
    hints=(
        "Ask of each score: does it look at one clip at a time, or at all of them together?",
        "Real recordings of one digit differ from each other. Which scores notice that these do not?",
    ),
    solution="ce",
    why="The Fréchet distance compares spreads, and that within a digit is gone; recall asks how many real "
    "recordings have a clip near them. The others look at each clip alone, or at how often a digit comes.",
    check=check_caught,
    wrong=(
        ("b", "read with certainty"),
        ("ace", "heard the clip before"),
        ("cde", "one of them"),
        ("c", "have a generated one near"),
        ("e", "compares spreads"),
        ("f", "There is no option"),
        ("", "Answer with letters"),
    ),
    working=caught,
)

EXERCISES = (SI_SDR, CAUGHT)
