"""Exercises of notebook 05 on spectrograms: what bins and hops stand for, and the way back from decibels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_numbers, as_tensor, call, near, same

# --- 05.1 ---------------------------------------------------------------------------------------------------


def grid() -> tuple[float, ...]:
    """Bin k holds the tone of k whole waves in a window."""
    rate, window, hop, long_window = 8000, 256, 64, 1024
    return 16 * rate / window, 1000 * hop / rate, rate / long_window


SLIPS: tuple[dict[float, str], ...] = (
    {
        1000: "hertz would be right if 128 bins reached up to 8,000 Hz, or for 16,000 samples a second: bin "
        "k is k / 256 of the sample rate.",
        250: "hertz would be right if 256 bins shared the 4,000 Hz up to half the rate.",
        468.75: "hertz is bin 15: the first bin, at 0 Hz, has the number 0.",
        531.25: "hertz is bin 17: the first bin, at 0 Hz, has the number 0.",
        31.25: "hertz lie between one bin and the next: bin 16 is 16 of them up.",
        0.5: "would be right in kilohertz: give hertz.",
        2000: "hertz takes the hop for the window: a bin counts waves in a window of 256 samples.",
        128_000: "is 16 times the sample rate: a window of 256 samples lasts less than a second.",
    },
    {
        64: "is the hop in samples: how long do they last, at 8,000 a second?",
        0.008: "is the hop in seconds: give milliseconds.",
        4: "milliseconds would be right for 16,000 samples a second.",
        32: "milliseconds is how long a window lasts: one begins every 64 samples.",
        24: "milliseconds is what two windows share: the hop is from the start of one to that of the next.",
        125: "is the number of frames in a second: how long is one of them?",
        0.125: "is the number of frames in a millisecond: divide the other way round.",
        512: "milliseconds is a whole clip: the hop is a 64th of it.",
    },
    {
        31.25: "hertz is for the window of 256 samples: what does a longer one do?",
        125: "hertz would be further apart: a longer window, in which a low and a slightly higher tone get "
        "out of step, tells them apart better.",
        15.625: "hertz would be right if 512 bins reached up to 8,000 Hz.",
        3.90625: "hertz would be right if 1,024 bins shared the 4,000 Hz up to half the rate.",
        128: "is how long the window lasts, in milliseconds: how far apart are its bins?",
        0.128: "is how long the window lasts, in seconds: how far apart are its bins?",
    },
)


def check_grid(answer: Any) -> None:
    names = ("bin 16 in hertz", "a hop in milliseconds", "hertz between bins of the long window")
    values = as_numbers(answer, names)
    for name, value, right, slips in zip(names, values, grid(), SLIPS, strict=True):
        begin = name[0].upper() + name[1:]
        for other, slip in slips.items():
            if near(value, other) and not near(value, right):
                raise Wrong(f"{begin}: {value:g} {slip}")
        if not near(value, right):
            raise Wrong(f"{begin}: not {value:g}. A window of 256 samples lasts 32 ms, and bin k holds the "
                        "tone that has k whole waves in a window.")  # fmt: skip


GRID = Exercise(
    number="05.1",
    title="Bins and hops",
    question="Recordings of 8,000 samples a second are cut into windows of 256 samples, one every 64. Which "
    "frequency, in hertz, is bin 16 (the first bin is 0)? How many milliseconds are a hop? And with windows "
    "of 1,024 samples, how many hertz lie between neighbouring bins? Three numbers in brackets.",
    hints=(
        "Bin k is the tone with k whole waves in one window: how long does a window last?",
        "k · rate / window; 1,000 · hop / rate; and rate / window again, for the longer window.",
    ),
    solution=grid(),
    why="A window four times as long tells tones apart that are four times as near, and blurs over four "
    "times the time: one pays for the other.",
    check=check_grid,
    wrong=(
        ((1000, 8, 7.8125), "128 bins reached"),
        ((250, 8, 7.8125), "256 bins shared"),
        ((468.75, 8, 7.8125), "bin 15"),
        ((31.25, 8, 7.8125), "between one bin and the next"),
        ((0.5, 8, 7.8125), "kilohertz"),
        ((2000, 8, 7.8125), "the hop for the window"),
        ((440, 8, 7.8125), "not 440"),
        ((500, 64, 7.8125), "in samples"),
        ((500, 0.008, 7.8125), "in seconds"),
        ((500, 4, 7.8125), "16,000"),
        ((500, 32, 7.8125), "a window lasts: "),
        ((500, 24, 7.8125), "two windows share"),
        ((500, 125, 7.8125), "in a second"),
        ((500, 8, 31.25), "a longer one"),
        ((500, 8, 125), "further apart"),
        ((500, 8, 15.625), "512 bins"),
        ((500, 8, 3.9), "1,024 bins"),
        ((500, 8, 128), "how far apart"),
        ((500, 8), "should be 3 numbers"),
    ),
    working=grid,
)

# --- 05.2 ---------------------------------------------------------------------------------------------------


def to_picture(magnitudes: Tensor) -> Tensor:
    """Magnitudes from 0 up → decibels, of which −30, those of silence, become −1, and 38 become 1."""
    quiet = 10 ** (-30 / 20)
    decibels = 20 * (magnitudes + quiet).log10()
    return ((decibels + 30) / 34 - 1).clamp(-1, 1)


def buggy_to_magnitudes(picture: Tensor) -> Tensor:
    """The way back: a picture in [−1, 1] → magnitudes."""
    decibels = 34 * (picture + 1) - 30
    return 10 ** (decibels / 10)  # type: ignore[no-any-return]


def to_magnitudes(picture: Tensor) -> Tensor:
    quiet = 10 ** (-30 / 20)
    decibels = 34 * (picture + 1) - 30
    return 10 ** (decibels / 20) - quiet  # type: ignore[no-any-return]


def way_back(
    divisor: float = 20, base: float = 10, take_off: float = 10**-1.5,
    levels: Callable[[Tensor], Tensor] = lambda picture: 34 * (picture + 1) - 30,
) -> Callable[[Tensor], Tensor]:  # fmt: skip
    """The right function with another part."""
    return lambda picture: base ** (levels(picture) / divisor) - take_off


HISS = "silence comes back as a hiss. What did `to_picture` add before it took the logarithm?"
SQUARES = (
    "The magnitudes are squared, so that loud sounds get louder and soft ones vanish: look at the 20 in "
)
LEVELS: dict[str, Callable[[Tensor], Tensor]] = {
    "The lowest decibel is forgotten: −1 stands for −30 and not for 0, and everything is too loud.":
        lambda picture: 34 * (picture + 1),
    "From −1 to 1 there are 2, and 68 decibels: yours go twice as far.":
        lambda picture: 68 * (picture + 1) - 30,
    "−1 stands for −30 decibels and 1 for 38: yours go from −34 to 34.": lambda picture: 34 * picture,
    "−1 stands for −30 decibels and 1 for 38: yours go from −64 to 4.": lambda picture: 34 * picture - 30,
    "The picture itself is taken for decibels: −1 stands for −30 of them, and 1 for 38.":
        lambda picture: picture,
}  # fmt: skip


def check_to_magnitudes(answer: Any) -> None:
    sizes = torch.tensor([[0.0, 0.01, 0.1, 0.5], [1.0, 3.0, 10.0, 60.0]])
    picture = to_picture(sizes)
    given = picture.clone()
    value = as_tensor(call(answer, given, usage="to_magnitudes(picture)"), (2, 4))
    if not torch.equal(given, picture):
        raise Wrong("The picture that your function was given is changed.")

    def equals(other: Tensor) -> bool:
        return same(value, other, 1e-3)

    quiet = 10**-1.5
    slips: dict[str, list[Tensor]] = {
        f"{SQUARES}`to_picture`. And {HISS}": [way_back(10, take_off=0)(picture)],
        f"{SQUARES}`to_picture`.": [way_back(10)(picture), way_back(10, take_off=quiet**2)(picture)],
        f"The magnitudes are right but for one thing: {HISS}": [way_back(take_off=0)(picture)],
        "What `to_picture` adds before the logarithm is added once more: it should be taken off.": [
            way_back(take_off=-quiet)(picture)],
        "The magnitudes are the roots of the right ones: 20 decibels are a factor of 10.": [
            way_back(40, take_off=off)(picture) for off in (0, quiet)],
        "A logarithm to the base 10 is undone by a power of 10, and not by `exp`.": [
            way_back(base=torch.e, take_off=off)(picture) for off in (0, quiet)],
        "These are decibels still: which magnitudes do they stand for?": [34 * (picture + 1) - 30],
    } | {
        slip: [way_back(levels=levels, take_off=off)(picture) for off in (0, quiet)]
        for slip, levels in LEVELS.items()
    }  # fmt: skip
    for slip, others in slips.items():
        if any(equals(other) for other in others):
            raise Wrong(slip)
    if not equals(sizes):
        place = int((value - sizes).abs().argmax())
        raise Wrong(f"A magnitude of {float(sizes.flatten()[place]):g} comes back as "
                    f"{float(value.flatten()[place]):.4g}: undo the steps of `to_picture` one by one, the "
                    "last one first.")  # fmt: skip


DECIBELS = Exercise(
    number="05.2",
    title="Find the bugs: the way back from decibels",
    question="`to_picture` makes magnitudes into a picture. The way back below has two bugs: soft sounds get "
    "lost beside loud ones, and silence is not silent. Write `to_magnitudes(picture)`, which gives back the "
    "magnitudes that `to_picture` was given.",
    hints=(
        "Undo the steps of `to_picture` one by one, the last one first. What undoes 20 log₁₀?",
        "What was added to the magnitudes first has to be taken off last.",
    ),
    solution=to_magnitudes,
    why="20 decibels are a factor of 10 in magnitude, 10 decibels one of 10 in power, its square. Silence "
    "comes back silent once what kept the logarithm finite is taken off again.",
    check=check_to_magnitudes,
    wrong=(
        (buggy_to_magnitudes, "And silence"),
        (way_back(10), "The magnitudes are squared"),
        (way_back(take_off=0), "comes back as a hiss"),
        (way_back(take_off=-(10**-1.5)), "added once more"),
        (way_back(40), "the roots"),
        (way_back(base=torch.e), "not by `exp`"),
        (way_back(levels=lambda picture: 34 * (picture + 1)), "The lowest decibel"),
        (way_back(levels=lambda picture: 68 * (picture + 1) - 30), "twice as far"),
        (way_back(levels=lambda picture: 34 * picture), "−34 to 34"),
        (way_back(levels=lambda picture: 34 * picture - 30), "−64 to 4"),
        (way_back(levels=lambda picture: picture), "taken for decibels"),
        (lambda picture: 34 * (picture + 1) - 30, "decibels still"),
        (lambda picture: to_magnitudes(picture) ** 3, "comes back as 2.16e+05"),
        (lambda picture: to_magnitudes(picture.neg_()), "is changed"),
    ),
    shown=(buggy_to_magnitudes, to_picture),
)

EXERCISES = (GRID, DECIBELS)
