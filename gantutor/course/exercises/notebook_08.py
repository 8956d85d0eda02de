"""Exercises of notebook 08: two discriminators, a bouncing digit, random frames, Wasserstein distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.course.exercises.checking import WrongAnswer, as_tensor, call, check_letters, describe, is_same
from gantutor.course.exercises.exercise import Exercise

# --- 08.1 ---------------------------------------------------------------------------------------------------

ILLNESS_REASONS = {
    "a": "The same frames are there, each as likely as before, and each beside its first frame: what single "
    "frame would give it away?",
    "b": "the frame discriminator sees a frame beside the first frame: a 3 beside a 7 gives it away.",
    "c": "blur can be seen in a single frame: real ones are not so.",
    "d": "Both places are good ones for a single frame: what is wrong lies between two frames.",
    "e": "every frame shown equals the first frame beside it, and real digits have moved by then: the frame "
    "discriminator sees that too.",
}


def check_illnesses(answer: Any) -> None:
    """Check an answer to exercise 08.1."""
    check_letters(answer, "ad", ILLNESS_REASONS)


ILLNESSES = Exercise(
    number="08.1",
    title="Who sees it?",
    question="Five generators are ill. a: its clips are like real ones, but all frames after the first are "
    "shuffled. b: the digit changes into another one halfway. c: the frames get more and more blurred. "
    "d: the digit jumps to and fro between two places, both of which real digits reach. e: nothing moves. "
    "The frame discriminator sees one frame, beside the first. Which can it never notice? Letters in quotes.",
    hints=(
        "Imagine being shown one frame at random with the first frame, again and again, and nothing else.",
        "An illness stays hidden from you where every pair you are shown could come from a real clip.",
    ),
    solution="ad",
    explanation="Order and speed lie between frames, and only the clip discriminator sees more than one. "
    "That nothing moves is visible in pairs, as the first frame is one half of each.",
    check=check_illnesses,
    wrong=(
        ("a", "between two frames"),
        ("d", "would give it away"),
        ("abd", "a 3 beside a 7"),
        ("acd", "blur can be seen"),
        ("ade", "have moved by then"),
        ("x", "There is no option"),
        ("", "Answer with letters"),
    ),
)

# --- 08.2 ---------------------------------------------------------------------------------------------------

Bounce = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]


def bounce(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    place = place + velocity
    beyond = place.abs() > room
    velocity = torch.where(beyond, -velocity, velocity)
    place = torch.where(beyond, place.sign() * (2 * room - place.abs()), place)
    return place, velocity


def stops(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    _, back = bounce(place, velocity, room)
    return (place + velocity).clamp(-room, room), back


def goes_on(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    return bounce(place, velocity, room)[0], velocity


def turns_both(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    beyond = ((place + velocity).abs() > room).any(1, keepdim=True)
    return bounce(place, velocity, room)[0], torch.where(beyond, -velocity, velocity)


def leaves(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    return place + velocity, bounce(place, velocity, room)[1]


def right_wall_only(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    place = place + velocity
    beyond = place > room
    return torch.where(beyond, 2 * room - place, place), torch.where(beyond, -velocity, velocity)


def other_side(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    place, back = place + velocity, bounce(place, velocity, room)[1]
    return torch.where(place.abs() > room, 2 * room - place.abs(), place), back


def stays_put(place: Tensor, velocity: Tensor, room: float) -> tuple[Tensor, Tensor]:
    beyond = (place + velocity).abs() > room
    velocity = torch.where(beyond, -velocity, velocity)
    return place + velocity, velocity


BOUNCE_MISTAKES: dict[str, Bounce] = {
    "The digit sticks to the wall: what it would have gone beyond it, it comes back.": stops,
    "The place is reflected, but the velocity still points at the wall.": goes_on,
    "At a wall on the right the way up or down goes on: only the coordinate that is beyond its wall turns "
    "round, and yours turns both.": turns_both,
    "The velocity turns, but the digit is beyond the wall: reflect its place too.": leaves,
    "There is a wall on the other side too, at −room.": right_wall_only,
    "From the wall at −room the digit lands near the one at +room: keep the sign of its place.": other_side,
    "The digit turns before it has reached the wall: first it goes on, and what is beyond "
    "comes back.": stays_put,
}


def check_bounce(answer: Any) -> None:
    """Check an answer to exercise 08.2."""
    place = torch.tensor([[0.0, 1.0], [4.5, 1.0], [-4.5, 4.0], [4.0, -4.75], [1.0, -3.0]])
    velocity = torch.tensor([[1.0, -2.0], [1.0, 0.5], [-1.5, 0.25], [0.5, -1.0], [-1.0, 2.0]])
    copies = place.clone(), velocity.clone()
    result = call(answer, *copies, 5.0, usage="bounce(place, velocity, room)")
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise WrongAnswer(f"Return two things, the new place and the new velocity, not {describe(result)}.")
    values = [
        as_tensor(part, (5, 2), name)
        for part, name in zip(result, ("The new place", "The new velocity"), strict=True)
    ]
    if not torch.equal(copies[0], place) or not torch.equal(copies[1], velocity):
        raise WrongAnswer("The tensors that your function was given are changed: make new ones.")

    def equals(expected: tuple[Tensor, Tensor]) -> bool:
        return all(map(is_same, values, expected))

    for mistake, wrong_bounce in BOUNCE_MISTAKES.items():
        if equals(wrong_bounce(place, velocity, 5.0)):
            raise WrongAnswer(mistake)
    if not equals(bounce(place, velocity, 5.0)):
        correct = bounce(place, velocity, 5.0)
        row = next(
            i for i in range(5) if not all(is_same(a[i], b[i]) for a, b in zip(values, correct, strict=True))
        )
        raise WrongAnswer(
            f"From {place[row].tolist()} at {velocity[row].tolist()} between walls at ±5 your digit comes to "
            f"{[round(x, 3) for x in values[0][row].tolist()]} at "
            f"{[round(x, 3) for x in values[1][row].tolist()]}: what is beyond a wall comes back by as much."
        )


BOUNCE = Exercise(
    number="08.2",
    title="A wall",
    question="Move digits one frame on: `bounce(place, velocity, room)` with places and velocities (N, 2) in "
    "pixels returns the new places and velocities. Each coordinate goes on by its velocity; where that "
    "leads beyond a wall at +room or −room, the part beyond comes back, and that coordinate's velocity turns "
    "round.",
    hints=(
        "Move first. `place.abs() > room` says where a coordinate is beyond its wall.",
        "A place x beyond +room comes to 2 · room − x, and `place.sign()` serves both walls.",
    ),
    solution=bounce,
    explanation="Where it bounces depends on the place, which the latent does not know: so the generator's "
    "recurrent unit is told at every step how far it has come.",
    check=check_bounce,
    wrong=(
        (stops, "sticks to the wall"),
        (goes_on, "still points at the wall"),
        (turns_both, "yours turns both"),
        (leaves, "reflect its place"),
        (right_wall_only, "on the other side"),
        (other_side, "keep the sign"),
        (stays_put, "before it has reached"),
        (lambda place, velocity, room: (place + velocity, velocity), "comes back by as much"),
        (lambda place, velocity, room: bounce(place, velocity, room)[0], "Return two things"),
        (lambda place, velocity, room: bounce(place.add_(1), velocity, room), "are changed"),
    ),
)

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
    """Check an answer to exercise 08.3."""
    clip_index, frame_index = torch.arange(float(COUNT))[:, None], torch.arange(float(TIMES))
    clips = torch.stack([clip_index.expand(-1, TIMES), frame_index.expand(COUNT, -1)], 2)[..., None, None]
    clips = clips.expand(-1, -1, -1, 2, 2).contiguous()
    value = as_tensor(call(answer, clips.clone(), usage="pick(clips)"), (COUNT, 2, 2, 2))
    if not bool((value == value[:, :, :1, :1]).all()):
        raise WrongAnswer("The frames are mixed: each should be one frame of its clip as it is.")
    clip_numbers, frame_numbers = value[:, 0, 0, 0], value[:, 1, 0, 0]
    if not torch.equal(clip_numbers, clip_index[:, 0].double()):
        raise WrongAnswer(
            "Frame i comes from another clip than clip i: the first frame that stands beside it is that of "
            "clip i."
        )
    shares = torch.bincount(frame_numbers.long().clamp(0, TIMES - 1), minlength=TIMES) / COUNT
    if int((shares > 0).sum()) == 1:
        raise WrongAnswer(
            "One moment is drawn for all clips: draw one for each, or every batch shows the discriminator "
            "one age alone."
        )
    if float(shares[0]) > 0:
        raise WrongAnswer(
            "The first frame is drawn too: it is given and not made, so that real and generated are equal "
            "there and nothing can be learnt."
        )
    if float(shares[-1]) == 0:
        raise WrongAnswer("The last frame is never drawn: `torch.randint(low, high)` stays below high.")
    if float(shares[1:].min()) < 0.12:
        raise WrongAnswer(
            f"Frame {int(shares[1:].argmin()) + 1} is drawn too seldom: each should be as likely."
        )


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
    explanation="What a discriminator is never shown, nothing corrects: of the last frame, here, anything "
    "could be made.",
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
    listings=(buggy_pick,),
)

# --- 08.4 ---------------------------------------------------------------------------------------------------


def wasserstein(one: Tensor, other: Tensor) -> Tensor:
    return (one.sort().values - other.sort().values).abs().mean()


def kolmogorov(one: Tensor, other: Tensor) -> Tensor:
    places = torch.cat([one, other])
    shares = [(sample[:, None] <= places).double().mean(0) for sample in (one, other)]
    return (shares[0] - shares[1]).abs().max()


def check_wasserstein(answer: Any) -> None:
    """Check an answer to exercise 08.4."""
    one, other = torch.randn(40), 2 * torch.randn(40) + 0.5
    copies = one.clone(), other.clone()
    value = as_tensor(call(answer, *copies, usage="wasserstein(one, other)"), ())
    if not torch.equal(copies[0], one) or not torch.equal(copies[1], other):
        raise WrongAnswer("The samples that your function was given are changed: sort copies of them.")
    gaps = one.sort().values - other.sort().values
    mistakes = {
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
    for mistake, wrong_value in mistakes.items():
        if is_same(value, wrong_value):
            raise WrongAnswer(mistake)
    if not is_same(value, wasserstein(one, other)):
        raise WrongAnswer(
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
    explanation="It is in the unit of what is measured: so many pixels or degrees would have to be moved on "
    "average. Between two samples of one distribution it is small but not 0: that is the floor.",
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

EXERCISES = (
    ILLNESSES,
    BOUNCE,
    PICK,
    WASSERSTEIN,
)
