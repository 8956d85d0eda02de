"""Exercises of notebook 08 on who sees what of a clip, and on a digit that comes to a wall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, check_letters, describe, same

# --- 08.1 ---------------------------------------------------------------------------------------------------

WHY = {
    "a": "The same frames are there, each as likely as before, and each beside its first frame: what single "
    "frame would give it away?",
    "b": "the frame discriminator sees a frame beside the first frame: a 3 beside a 7 gives it away.",
    "c": "blur can be seen in a single frame: real ones are not so.",
    "d": "Both places are good ones for a single frame: what is wrong lies between two frames.",
    "e": "every frame shown equals the first frame beside it, and real digits have moved by then: the frame "
    "discriminator sees that too.",
}


def check_illnesses(answer: Any) -> None:
    check_letters(answer, "ad", WHY)


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
    why="Order and speed lie between frames, and only the clip discriminator sees more than one. That "
    "nothing moves is visible in pairs, as the first frame is one half of each.",
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


SLIPS: dict[str, Bounce] = {
    "The digit sticks to the wall: what it would have gone beyond it, it comes back.": stops,
    "The place is reflected, but the velocity still points at the wall.": goes_on,
    "At a wall on the right the way up or down goes on: only the coordinate that is beyond its wall turns "
    "round, and yours turns both.": turns_both,
    "The velocity turns, but the digit is beyond the wall: reflect its place too.": leaves,
    "There is a wall on the other side too, at −room.": right_wall_only,
    "From the wall at −room the digit lands near the one at +room: keep the sign of its place.": other_side,
    "The digit turns before it has reached the wall: first it goes on, and what is beyond comes back.":
        stays_put,
}  # fmt: skip


def check_bounce(answer: Any) -> None:
    place = torch.tensor([[0.0, 1.0], [4.5, 1.0], [-4.5, 4.0], [4.0, -4.75], [1.0, -3.0]])
    velocity = torch.tensor([[1.0, -2.0], [1.0, 0.5], [-1.5, 0.25], [0.5, -1.0], [-1.0, 2.0]])
    given = place.clone(), velocity.clone()
    result = call(answer, *given, 5.0, usage="bounce(place, velocity, room)")
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Wrong(f"Return two things, the new place and the new velocity, not {describe(result)}.")
    found = [
        as_tensor(part, (5, 2), name)
        for part, name in zip(result, ("The new place", "The new velocity"), strict=True)
    ]
    if not torch.equal(given[0], place) or not torch.equal(given[1], velocity):
        raise Wrong("The tensors that your function was given are changed: make new ones.")

    def equals(others: tuple[Tensor, Tensor]) -> bool:
        return all(same(mine, other) for mine, other in zip(found, others, strict=True))

    for slip, other in SLIPS.items():
        if equals(other(place, velocity, 5.0)):
            raise Wrong(slip)
    if not equals(bounce(place, velocity, 5.0)):
        right = bounce(place, velocity, 5.0)
        row = next(
            i for i in range(5) if not all(same(a[i], b[i]) for a, b in zip(found, right, strict=True))
        )
        raise Wrong(
            f"From {place[row].tolist()} at {velocity[row].tolist()} between walls at ±5 your digit comes to "
            f"{[round(x, 3) for x in found[0][row].tolist()]} at "
            f"{[round(x, 3) for x in found[1][row].tolist()]}: what is beyond a wall comes back by as much."
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
    why="Where it bounces depends on the place, which the latent does not know: so the generator's recurrent "
    "unit is told at every step how far it has come.",
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

EXERCISES = (ILLNESSES, BOUNCE)
