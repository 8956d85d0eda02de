"""Exercises of notebook 05: bins and hops, decibels, Griffin-Lim, SI-SDR, scores of a copying generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

import gantutor as gt
from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_numbers,
    as_tensor,
    call,
    check_letters,
    describe,
    is_close,
    is_same,
)
from gantutor.course.exercises.exercise import Exercise

# --- 05.1 ---------------------------------------------------------------------------------------------------


def grid() -> tuple[float, ...]:
    """Bin k holds the tone of k whole waves in a window."""
    rate, window, hop, long_window = 8000, 256, 64, 1024
    return 16 * rate / window, 1000 * hop / rate, rate / long_window


GRID_MISTAKES: tuple[dict[float, str], ...] = (
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
    """Check an answer to exercise 05.1."""
    names = ("bin 16 in hertz", "a hop in milliseconds", "hertz between bins of the long window")
    values = as_numbers(answer, names)
    for name, value, expected, mistakes in zip(names, values, grid(), GRID_MISTAKES, strict=True):
        label = name[0].upper() + name[1:]
        for wrong_value, mistake in mistakes.items():
            if is_close(value, wrong_value) and not is_close(value, expected):
                raise WrongAnswer(f"{label}: {value:g} {mistake}")
        if not is_close(value, expected):
            raise WrongAnswer(
                f"{label}: not {value:g}. A window of 256 samples lasts 32 ms, and bin k holds the "
                "tone that has k whole waves in a window."
            )


GRID = Exercise(
    number="05.1",
    title="Bins and hops",
    question="Recordings of 8,000 samples a second are cut into windows of 256 samples, one every 64. Which "
    "frequency, in hertz, is bin 16 (the first bin is 0)? How many milliseconds is a hop? And with windows "
    "of 1,024 samples, how many hertz lie between neighbouring bins? Three numbers in brackets.",
    hints=(
        "Bin k is the tone with k whole waves in one window. How long does a window last?",
        "k · rate / window; 1,000 · hop / rate; and rate / window again, for the longer window.",
    ),
    solution=grid(),
    explanation="A window four times as long separates tones that are four times as close, and blurs over "
    "four times the time. Resolution in frequency costs resolution in time.",
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
    derivation=grid,
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
    divisor: float = 20,
    base: float = 10,
    offset: float = 10**-1.5,
    levels: Callable[[Tensor], Tensor] = lambda picture: 34 * (picture + 1) - 30,
) -> Callable[[Tensor], Tensor]:
    """Return the right function with one part replaced.

    Args:
        divisor: of the exponent.
        base: of the power.
        offset: subtracted at the end.
        levels: makes decibels from the picture.
    """
    return lambda picture: base ** (levels(picture) / divisor) - offset


HISS = "silence comes back as a hiss. What did `to_picture` add before it took the logarithm?"

SQUARES = (
    "The magnitudes are squared, so that loud sounds get louder and soft ones vanish: look at the 20 in "
)

LEVELS: dict[str, Callable[[Tensor], Tensor]] = {
    "The lowest decibel is forgotten: −1 stands for −30 and not for 0, and everything is "
    "too loud.": lambda picture: 34 * (picture + 1),
    "From −1 to 1 there are 2, and 68 decibels: yours go twice as far.": lambda picture: (
        68 * (picture + 1) - 30
    ),
    "−1 stands for −30 decibels and 1 for 38: yours go from −34 to 34.": lambda picture: 34 * picture,
    "−1 stands for −30 decibels and 1 for 38: yours go from −64 to 4.": lambda picture: 34 * picture - 30,
    "The picture itself is taken for decibels: −1 stands for −30 of them, and 1 for 38.": lambda picture: (
        picture
    ),
}


def check_to_magnitudes(answer: Any) -> None:
    """Check an answer to exercise 05.2."""
    magnitudes = torch.tensor([[0.0, 0.01, 0.1, 0.5], [1.0, 3.0, 10.0, 60.0]])
    picture = to_picture(magnitudes)
    picture_copy = picture.clone()
    value = as_tensor(call(answer, picture_copy, usage="to_magnitudes(picture)"), (2, 4))
    if not torch.equal(picture_copy, picture):
        raise WrongAnswer("The picture that your function was given is changed.")

    def equals(wrong_value: Tensor) -> bool:
        return is_same(value, wrong_value, 1e-3)

    quiet = 10**-1.5
    mistakes: dict[str, list[Tensor]] = {
        f"{SQUARES}`to_picture`. And {HISS}": [way_back(10, offset=0)(picture)],
        f"{SQUARES}`to_picture`.": [way_back(10)(picture), way_back(10, offset=quiet**2)(picture)],
        f"The magnitudes are right but for one thing: {HISS}": [way_back(offset=0)(picture)],
        "What `to_picture` adds before the logarithm is added once more: it should be taken off.": [
            way_back(offset=-quiet)(picture)
        ],
        "The magnitudes are the roots of the right ones: 20 decibels are a factor of 10.": [
            way_back(40, offset=offset)(picture) for offset in (0, quiet)
        ],
        "A logarithm to the base 10 is undone by a power of 10, and not by `exp`.": [
            way_back(base=torch.e, offset=offset)(picture) for offset in (0, quiet)
        ],
        "These are decibels still: which magnitudes do they stand for?": [34 * (picture + 1) - 30],
    } | {
        mistake: [way_back(levels=levels, offset=offset)(picture) for offset in (0, quiet)]
        for mistake, levels in LEVELS.items()
    }
    for mistake, wrong_values in mistakes.items():
        if any(equals(wrong_value) for wrong_value in wrong_values):
            raise WrongAnswer(mistake)
    if not equals(magnitudes):
        index = int((value - magnitudes).abs().argmax())
        raise WrongAnswer(
            f"A magnitude of {float(magnitudes.flatten()[index]):g} comes back as "
            f"{float(value.flatten()[index]):.4g}: undo the steps of `to_picture` one by one, the "
            "last one first."
        )


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
    explanation="20 decibels are a factor of 10 in magnitude, 10 decibels one of 10 in power, its square. "
    "Silence comes back silent once what kept the logarithm finite is taken off again.",
    check=check_to_magnitudes,
    wrong=(
        (buggy_to_magnitudes, "And silence"),
        (way_back(10), "The magnitudes are squared"),
        (way_back(offset=0), "comes back as a hiss"),
        (way_back(offset=-(10**-1.5)), "added once more"),
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
    listings=(buggy_to_magnitudes, to_picture),
)

# --- 05.3 ---------------------------------------------------------------------------------------------------

Transform = Callable[[Tensor], Tensor]


def griffin_lim(size: Tensor, phase: Tensor, rounds: int, stft: Transform, istft: Transform) -> Tensor:
    for _ in range(rounds):
        reached = stft(istft(torch.polar(size, phase)))
        phase = reached.angle()
    return istft(torch.polar(size, phase))


def keeps_what_is_reached(
    size: Tensor, phase: Tensor, rounds: int, stft: Transform, istft: Transform, puts_back: bool = False
) -> Tensor:
    spectrum = torch.polar(size, phase)
    for _ in range(rounds):
        spectrum = stft(istft(spectrum))
    return istft(torch.polar(size, spectrum.angle()) if puts_back else spectrum)


def one_short(size: Tensor, phase: Tensor, rounds: int, stft: Transform, istft: Transform) -> Tensor:
    """The wave of the last spectrum reached, in place of the wanted magnitudes with its phase."""
    reached = torch.polar(size, phase)
    for _ in range(rounds):
        reached = stft(istft(torch.polar(size, reached.angle())))
    return istft(reached)


def with_momentum(
    size: Tensor, phase: Tensor, rounds: int, stft: Transform, istft: Transform, momentum: float = 0.99
) -> Tensor:
    """Perraudin, Balazs & Søndergaard 2013, algorithm 2."""
    before = None
    for _ in range(rounds):
        reached = stft(istft(torch.polar(size, phase)))
        ahead = reached if before is None else reached + momentum * (reached - before)
        phase, before = ahead.angle(), reached
    return istft(torch.polar(size, phase))


COUNT, LENGTH, WINDOW, HOP = 2, 128, 32, 8

BINS, TIMES = WINDOW // 2 + 1, LENGTH // HOP + 1

USAGE = "griffin_lim(size, phase, rounds, stft, istft)"


class CountingTransform:
    """A transform and its inverse that check their arguments and count calls."""

    def __init__(self) -> None:
        self.window = torch.hann_window(WINDOW, dtype=torch.float64)
        self.calls = 0

    def stft(self, waves: Any) -> Tensor:
        """The spectrum of waves (N, L), shape (N, bins, times)."""
        if not isinstance(waves, Tensor) or waves.shape != (COUNT, LENGTH) or waves.is_complex():
            raise WrongAnswer(f"`stft` wants waves, as `istft` returns them, not {describe(waves)}.")
        self.calls += 1
        frames: Tensor = torch.stft(waves.double(), WINDOW, HOP, window=self.window, return_complex=True)
        return frames

    def istft(self, frames: Any) -> Tensor:
        """The waves (N, L) of a spectrum (N, bins, times)."""
        if not isinstance(frames, Tensor) or frames.shape != (COUNT, BINS, TIMES):
            raise WrongAnswer(f"`istft` wants a spectrum of shape (N, bins, times), not {describe(frames)}.")
        if not frames.is_complex():
            raise WrongAnswer(
                "`istft` wants complex numbers, each of a magnitude and a phase: `torch.polar` puts "
                "the two together."
            )
        waves: Tensor = torch.istft(frames, WINDOW, HOP, window=self.window, length=LENGTH)
        return waves


def check_griffin_lim(answer: Any) -> None:
    """Check an answer to exercise 05.3."""
    time = torch.arange(LENGTH, dtype=torch.float64)
    pitches = torch.tensor([[0.2], [0.5]], dtype=torch.float64)
    size = CountingTransform().stft((pitches * time + 0.004 * time**2).sin()).abs() + 0.2
    phase = 6 * torch.rand(size.shape, dtype=torch.float64) - 3
    for rounds in (3, 1, 0, 5):
        check_rounds(answer, size, phase, rounds)


def check_rounds(answer: Any, size: Tensor, phase: Tensor, rounds: int) -> None:
    """Check an answer to exercise 05.3 with one number of rounds.

    Args:
        answer: the learner's function.
        size: magnitudes, shape (N, bins, times).
        phase: the first phase, of the same shape.
        rounds: at least 0.
    """

    def run_function(function: Any, rounds: int = rounds, start: Tensor = phase) -> tuple[Any, int]:
        sound = CountingTransform()
        inputs = size.clone(), start.clone()
        result = call(function, *inputs, rounds, sound.stft, sound.istft, usage=USAGE)
        if not torch.equal(inputs[0], size) or not torch.equal(inputs[1], start):
            raise WrongAnswer("The magnitudes or the phase that your function was given are changed.")
        return result, sound.calls

    result, calls = run_function(answer)
    if isinstance(result, Tensor) and result.shape == size.shape:
        kind = "a spectrum" if result.is_complex() else "a phase, or magnitudes"
        raise WrongAnswer(f"Your function returns {kind}: asked for is the sound, which `istft` makes.")
    value = as_tensor(result, (COUNT, LENGTH))
    expected = griffin_lim(size, phase, rounds, CountingTransform().stft, CountingTransform().istft)
    if is_same(value, expected):
        return
    prefix = f"After {rounds} round{'' if rounds == 1 else 's'} "
    unchanged = (
        "the sound is still that of the first phase: no round trip through a wave is made."
        if not calls
        else "the sound is still that of the first phase: a round keeps the phase it reaches, and puts the "
        "wanted magnitudes back in place of those it reaches."
    )
    mistakes = {
        unchanged: run_function(griffin_lim, 0)[0],
        "the sound is what one round gives: either each begins with the first phase again, or the wanted "
        "magnitudes are put back only at the end.": run_function(griffin_lim, 1)[0],
        f"the sound is what {rounds - 1} give: the last phase belongs to the wanted magnitudes, and the two "
        "make the sound.": run_function(griffin_lim, max(0, rounds - 1))[0],
        "the sound is that of one round more.": run_function(griffin_lim, rounds + 1)[0],
        "the sound is that of another first phase, which is 0 everywhere: begin with the "
        "one given.": run_function(griffin_lim, rounds, torch.zeros_like(phase))[0],
        "the sound is that of the version with momentum, which is faster: asked for is the "
        "plain one.": run_function(with_momentum)[0],
        "the sound has the other sign of phase.": run_function(
            lambda size, phase, *rest: griffin_lim(size, -phase, *rest)
        )[0],
    }
    for mistake, wrong_wave in mistakes.items():
        if is_same(value, wrong_wave):
            raise WrongAnswer(prefix + mistake)
    raise WrongAnswer(
        f"{prefix}the sound is not that of the wanted magnitudes with the phase that the round before "
        "reached."
    )


GRIFFIN_LIM = Exercise(
    number="05.3",
    title="Find a phase",
    question="A generated spectrogram has magnitudes `size` and no phase. Write "
    "`griffin_lim(size, phase, rounds, stft, istft)`, without momentum. Each round takes the wave of `size` "
    "with the present phase, and the phase of that wave's spectrum. At the end return the wave. `istft` "
    "makes complex spectra (N, bins, times) into waves (N, L), and `stft` does the reverse; `phase` is in "
    "radians.",
    hints=(
        "`torch.polar(size, phase)` makes a spectrum; `.angle()` is the phase of one.",
        "Two lines in the loop: the spectrum of the sound, and its phase. What magnitudes it has is dropped.",
    ),
    solution=griffin_lim,
    explanation="Windows overlap, so neighbouring phases must agree. A round trip through a wave finds "
    "phases that do, and after each one the wanted magnitudes are put back.",
    check=check_griffin_lim,
    wrong=(
        (keeps_what_is_reached, "puts the wanted magnitudes back"),
        (partial(keeps_what_is_reached, puts_back=True), "only at the end"),
        (lambda size, phase, rounds, stft, istft: istft(torch.polar(size, phase)), "no round trip"),
        (one_short, "what 2 give"),
        (
            lambda size, phase, rounds, stft, istft: griffin_lim(size, phase, rounds + 1, stft, istft),
            "round more",
        ),
        (lambda size, phase, rounds, stft, istft: griffin_lim(size, phase, 3, stft, istft), "After 1 round "),
        (lambda size, phase, *rest: griffin_lim(size, 0 * phase, *rest), "0 everywhere"),
        (lambda size, phase, *rest: griffin_lim(size, -phase, *rest), "other sign"),
        (with_momentum, "momentum"),
        (lambda size, phase, *rest: griffin_lim(size**2, phase, *rest), "not that of the wanted"),
        (
            lambda size, phase, rounds, stft, istft: stft(griffin_lim(size, phase, rounds, stft, istft)),
            "returns a spectrum",
        ),
        (
            lambda size, phase, rounds, stft, istft: stft(istft(torch.polar(size, phase))).angle(),
            "returns a phase",
        ),
        (lambda size, phase, rounds, stft, istft: istft(size * phase.cos()), "wants complex"),
        (lambda size, phase, rounds, stft, istft: istft(stft(torch.polar(size, phase))), "wants waves"),
        (lambda size, phase, *rest: griffin_lim(size.mul_(1), phase.sub_(1), *rest), "are changed"),
    ),
)

# --- 05.4 ---------------------------------------------------------------------------------------------------


def si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    alpha = (estimate * target).sum(1, keepdim=True) / target.square().sum(1, keepdim=True)
    wanted = alpha * target
    return 10 * (wanted.square().sum(1) / (wanted - estimate).square().sum(1)).log10()


def inner(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(1, keepdim=True)


def ratio(wanted: Tensor, rest: Tensor) -> Tensor:
    """Return the ratio of two energies in decibels, shape (N,).

    Args:
        wanted: shape (N, L).
        rest: shape (N, L).
    """
    return 10 * (wanted.square().sum(1) / rest.square().sum(1)).log10()


def by_alpha(alpha: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda e, t: ratio(alpha(e, t) * t, alpha(e, t) * t - e)


def projection(estimate: Tensor, target: Tensor) -> Tensor:
    return inner(estimate, target) / inner(target, target)


def without_mean(waves: Tensor) -> Tensor:
    return waves - waves.mean(1, keepdim=True)


OTHER_SCORES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "is the plain signal-to-noise ratio, with no α at all: a softer recording counts as a "
    "worse one.": lambda e, t: ratio(t, e - t),
    "lacks the α above: the signal is α s there too.": lambda e, t: ratio(t, projection(e, t) * t - e),
    "lacks the α below: the rest is α s − ŝ.": lambda e, t: ratio(projection(e, t) * t, t - e),
    "has ‖ŝ‖² in its α, where ‖s‖² belongs.": by_alpha(lambda e, t: inner(e, t) / inner(e, e)),
    "has the product of both lengths in its α, where ‖s‖² belongs.": by_alpha(
        lambda e, t: inner(e, t) / (inner(e, e) * inner(t, t)).sqrt()
    ),
    "has an α that is not divided by ‖s‖².": by_alpha(inner),
    "has an α divided by ‖s‖, where ‖s‖² belongs.": by_alpha(lambda e, t: inner(e, t) / inner(t, t).sqrt()),
    "has one α for all waves: each has its own.": by_alpha(lambda e, t: (e * t).sum() / t.square().sum()),
    "counts the rest above as well: α s stands there, and neither ŝ nor, with ŝ scaled in its "
    "place, s.": lambda e, t: ratio(e, projection(e, t) * t - e),
    "takes the mean off each wave first: that is another definition.": lambda e, t: si_sdr(
        without_mean(e), without_mean(t)
    ),
    "is twice as large: energies have 10 log₁₀, and only amplitudes 20.": lambda e, t: 2 * si_sdr(e, t),
    "is half as large: it compares lengths ‖…‖, and 10 log₁₀ belongs to their squares.": lambda e, t: (
        si_sdr(e, t) / 2
    ),
    "has the natural logarithm: a decibel is defined by log₁₀.": lambda e, t: math.log(10) * si_sdr(e, t),
    "has the other sign: the signal stands above, the rest below.": lambda e, t: -si_sdr(e, t),
    "lacks the 10 before the logarithm: these are bels.": lambda e, t: si_sdr(e, t) / 10,
    "is a ratio still: the logarithm is missing.": lambda e, t: 10 ** (si_sdr(e, t) / 10),
}


def check_si_sdr(answer: Any) -> None:
    """Check an answer to exercise 05.4."""
    target = torch.randn(3, 400) + 0.2
    noise = torch.randn(3, 400) + 0.1
    gains = torch.tensor([[0.5], [1.0], [-1.5]])
    estimate = gains * target + torch.tensor([[0.3], [0.1], [0.5]]) * noise
    copies = estimate.clone(), target.clone()
    result = call(answer, *copies, usage="si_sdr(estimate, target)")
    if isinstance(result, Tensor) and result.numel() == 1:
        raise WrongAnswer(
            "One number comes out for all waves: each has its own, (N,), and whoever wants a mean "
            "takes it after the logarithm."
        )
    value = as_tensor(result, (3,))
    if not torch.equal(copies[0], estimate) or not torch.equal(copies[1], target):
        raise WrongAnswer("The waves that your function was given are changed.")
    for mistake, wrong_score in OTHER_SCORES.items():
        if is_same(value, wrong_score(estimate, target), 1e-3):
            raise WrongAnswer(f"Your score {mistake}")
    if not is_same(value, si_sdr(estimate, target), 1e-3):
        numbers = ", ".join(f"{float(score):.2f}" for score in value)
        raise WrongAnswer(
            f"For our three waves your score says {numbers} dB: it is not 10 log₁₀ of the energy of α s "
            "over that of α s − ŝ."
        )


SI_SDR = Exercise(
    number="05.4",
    title="A score that ignores the volume",
    question="Write `si_sdr(estimate, target)` for waves (N, L): for each cleaned recording ŝ and its clean "
    "original s, compute 10 log₁₀ (‖α s‖² / ‖α s − ŝ‖²), α = ⟨ŝ, s⟩ / ‖s‖², in decibels, (N,).",
    hints=(
        "α s is the part of ŝ that is s, however loud; α s − ŝ is the rest: noise, and what cleaning added.",
        "Sums go over `dim=1`; `keepdim=True` makes one α for each wave, of shape (N, 1).",
    ),
    solution=si_sdr,
    explanation="What is only softer or louder than the original scores the same: a network cannot gain by "
    "turning the volume.",
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
    bad = [(4 if scores[name].better == "lower" else 0.8) * scores[name].real for name in names]
    worse = [(scores[n].value > b) == (scores[n].better == "lower") for n, b in zip(names, bad, strict=True)]
    return "".join(letter for letter, is_worse in zip("abcde", worse, strict=True) if is_worse)


@cache
def caught_once() -> str:
    return caught()


CAUGHT_REASONS = {
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
    """Check an answer to exercise 05.5."""
    check_letters(answer, caught_once(), CAUGHT_REASONS)


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
    explanation="The Fréchet distance compares spreads, and that within a digit is gone; recall asks how "
    "many real recordings have a clip near them. The others look at each clip alone, or at how often a digit "
    "comes.",
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
    derivation=caught,
)

EXERCISES = (
    GRID,
    DECIBELS,
    GRIFFIN_LIM,
    SI_SDR,
    CAUGHT,
)
