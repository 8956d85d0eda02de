"""Exercises of notebook 08 in code: the frames that a discriminator is shown, and a distance on a line."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, same

# --- 08.3 ---------------------------------------------------------------------------------------------------


def buggy_pick(clips: Tensor) -> Tensor:
    """Of each of the clips (N, T, C, H, W) one frame, any but the first: (N, C, H, W)."""
    chosen = torch.randint(0, clips.shape[1] - 1, (1,))
    return clips[:, int(chosen)]


def pick(clips: Tensor) -> Tensor:
    chosen = torch.randint(1, clips.shape[1], (len(clips),))
    return clips[torch.arange(len(clips)), chosen]


def from_any_clip(clips: Tensor) -> Tensor:
    frames = clips[:, 1:].flatten(0, 1)
    return frames[torch.randperm(len(frames))[: len(clips)]]


def mostly_late(clips: Tensor) -> Tensor:
    chosen = torch.rand(len(clips)).sqrt() * (clips.shape[1] - 1)
    return clips[torch.arange(len(clips)), 1 + chosen.long()]


def first_too(clips: Tensor) -> Tensor:
    return clips[torch.arange(len(clips)), torch.randint(0, clips.shape[1], (len(clips),))]


def never_the_last(clips: Tensor) -> Tensor:
    return clips[torch.arange(len(clips)), torch.randint(1, clips.shape[1] - 1, (len(clips),))]


COUNT, TIMES = 600, 6


def check_pick(answer: Any) -> None:
    owner, time = torch.arange(float(COUNT))[:, None], torch.arange(float(TIMES))
    clips = torch.stack([owner.expand(-1, TIMES), time.expand(COUNT, -1)], 2)[..., None, None]
    clips = clips.expand(-1, -1, -1, 2, 2).contiguous()
    value = as_tensor(call(answer, clips.clone(), usage="pick(clips)"), (COUNT, 2, 2, 2))
    if not bool((value == value[:, :, :1, :1]).all()):
        raise Wrong("The frames are mixed: each should be one frame of its clip as it is.")
    found, chosen = value[:, 0, 0, 0], value[:, 1, 0, 0]
    if not torch.equal(found, owner[:, 0].double()):
        raise Wrong(
            "Frame i comes from another clip than clip i: the first frame that stands beside it is that of "
            "clip i."
        )
    shares = torch.bincount(chosen.long().clamp(0, TIMES - 1), minlength=TIMES) / COUNT
    if int((shares > 0).sum()) == 1:
        raise Wrong(
            "One moment is drawn for all clips: draw one for each, or every batch shows the discriminator "
            "one age alone."
        )
    if float(shares[0]) > 0:
        raise Wrong(
            "The first frame is drawn too: it is given and not made, so that real and generated are equal "
            "there and nothing can be learnt."
        )
    if float(shares[-1]) == 0:
        raise Wrong("The last frame is never drawn: `torch.randint(low, high)` stays below high.")
    if float(shares[1:].min()) < 0.12:
        raise Wrong(f"Frame {int(shares[1:].argmin()) + 1} is drawn too seldom: each should be as likely.")


PICK = Exercise(
    number="08.3",
    title="Find the bugs: the frames that are shown",
    question="Of each of the clips (N, T, C, H, W) the frame discriminator should be shown one frame, drawn "
    "for each clip by itself, from all but the first. The function below has three bugs. Write "
    "`pick(clips)`, which returns frames (N, C, H, W), frame i from clip i.",
    hints=(
        "What are the smallest and the largest number that this `torch.randint` gives, and how many numbers?",
        "`clips[torch.arange(N), chosen]` takes from clip i the frame number `chosen[i]`.",
    ),
    solution=pick,
    why="What a discriminator is never shown, nothing corrects: of the last frame, here, anything could be "
    "made.",
    check=check_pick,
    wrong=(
        (buggy_pick, "One moment is drawn"),
        (first_too, "The first frame is drawn too"),
        (never_the_last, "never drawn"),
        (from_any_clip, "another clip"),
        (mostly_late, "too seldom"),
        (lambda clips: clips * torch.rand(2), "should be of shape"),
        (lambda clips: pick(clips) * torch.arange(2), "are mixed"),
    ),
    shown=(buggy_pick,),
)

# --- 08.4 ---------------------------------------------------------------------------------------------------


def wasserstein(one: Tensor, other: Tensor) -> Tensor:
    return (one.sort().values - other.sort().values).abs().mean()


def kolmogorov(one: Tensor, other: Tensor) -> Tensor:
    places = torch.cat([one, other])
    shares = [(sample[:, None] <= places).double().mean(0) for sample in (one, other)]
    return (shares[0] - shares[1]).abs().max()


def check_wasserstein(answer: Any) -> None:
    one, other = torch.randn(40), 2 * torch.randn(40) + 0.5
    given = one.clone(), other.clone()
    value = as_tensor(call(answer, *given, usage="wasserstein(one, other)"), ())
    if not torch.equal(given[0], one) or not torch.equal(given[1], other):
        raise Wrong("The samples that your function was given are changed: sort copies of them.")
    gaps = one.sort().values - other.sort().values
    slips = {
        "Without sorting, each number is compared with one drawn at random: two samples of the same "
        "distribution would be far apart.": (one - other).abs().mean(),
        "One of the two is not sorted.": (one.sort().values - other).abs().mean(),
        "Only the other one is not sorted.": (one - other.sort().values).abs().mean(),
        "This is the distance of the means: a narrow and a wide distribution with one mean would be the "
        "same.": (one.mean() - other.mean()).abs(),
        "Gaps of both signs cancel: what is left is the difference of the means.": gaps.mean(),
        "These are squared gaps: take their absolute value.": gaps.square().mean(),
        "This is the Wasserstein-2 distance: take absolute gaps, and no root.": gaps.square().mean().sqrt(),
        "The gaps are added up: take their mean, or larger samples are further apart.": gaps.abs().sum(),
        "This is the largest gap: take the mean of all.": gaps.abs().max(),
        "This is the largest difference of the shares (Kolmogorov and Smirnov): it has no pixels or degrees. "
        "Sort both, and compare the numbers.": kolmogorov(one, other),
    }
    for slip, wrong in slips.items():
        if same(value, wrong):
            raise Wrong(slip)
    if not same(value, wasserstein(one, other)):
        raise Wrong(
            f"For our two samples your distance is {float(value):.4g}, and ought to be "
            f"{float(wasserstein(one, other)):.4g}: pair the smallest with the smallest, and so on."
        )


WASSERSTEIN = Exercise(
    number="08.4",
    title="How far is it from one distribution to another?",
    question="The Wasserstein-1 distance is the least average way by which the points of one sample must be "
    "moved to become the other. On a line, for two samples (N,) of equal size, it pairs the smallest with "
    "the smallest, the second with the second, and so on. Write `wasserstein(one, other)`.",
    hints=(
        "`one.sort().values` are the numbers in order.",
        "The mean of the absolute differences, in order.",
    ),
    solution=wasserstein,
    why="It is in the unit of what is measured: so many pixels or degrees would have to be moved on average. "
    "Between two samples of one distribution it is small but not 0: that is the floor.",
    check=check_wasserstein,
    wrong=(
        (lambda one, other: (one - other).abs().mean(), "Without sorting"),
        (lambda one, other: (one.sort().values - other).abs().mean(), "One of the two"),
        (lambda one, other: (one - other.sort().values).abs().mean(), "Only the other"),
        (lambda one, other: (one.mean() - other.mean()).abs(), "distance of the means"),
        (lambda one, other: (one.sort().values - other.sort().values).mean(), "cancel"),
        (lambda one, other: (one.sort().values - other.sort().values).square().mean(), "squared"),
        (
            lambda one, other: (one.sort().values - other.sort().values).square().mean().sqrt(),
            "Wasserstein-2",
        ),
        (lambda one, other: (one.sort().values - other.sort().values).abs().sum(), "added up"),
        (lambda one, other: (one.sort().values - other.sort().values).abs().max(), "largest gap"),
        (kolmogorov, "Kolmogorov"),
        (lambda one, other: 2 * wasserstein(one, other), "ought to be"),
        (lambda one, other: wasserstein(one.mul_(2), other), "are changed"),
    ),
)

EXERCISES = (PICK, WASSERSTEIN)
