"""Exercise of notebook 05 on the way back to sound: a phase found by going there and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, describe, same

Transform = Callable[[Tensor], Tensor]

# --- 05.3 ---------------------------------------------------------------------------------------------------


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
    """The wave of what the last round reached, in place of the wanted magnitudes with its phase."""
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


# --- the trial ----------------------------------------------------------------------------------------------

COUNT, LENGTH, WINDOW, HOP = 2, 128, 32, 8
BINS, TIMES = WINDOW // 2 + 1, LENGTH // HOP + 1
USAGE = "griffin_lim(size, phase, rounds, stft, istft)"


class Sound:
    """A transform and its inverse that count how often they are called, and say what they cannot use."""

    def __init__(self) -> None:
        self.window = torch.hann_window(WINDOW, dtype=torch.float64)
        self.calls = 0

    def stft(self, waves: Any) -> Tensor:
        if not isinstance(waves, Tensor) or waves.shape != (COUNT, LENGTH) or waves.is_complex():
            raise Wrong(f"`stft` wants waves, as `istft` returns them, not {describe(waves)}.")
        self.calls += 1
        frames: Tensor = torch.stft(waves.double(), WINDOW, HOP, window=self.window, return_complex=True)
        return frames

    def istft(self, frames: Any) -> Tensor:
        if not isinstance(frames, Tensor) or frames.shape != (COUNT, BINS, TIMES):
            raise Wrong(f"`istft` wants a spectrum of shape (N, bins, times), not {describe(frames)}.")
        if not frames.is_complex():
            raise Wrong("`istft` wants complex numbers, each of a magnitude and a phase: `torch.polar` puts "
                        "the two together.")  # fmt: skip
        waves: Tensor = torch.istft(frames, WINDOW, HOP, window=self.window, length=LENGTH)
        return waves


def check_griffin_lim(answer: Any) -> None:
    time = torch.arange(LENGTH, dtype=torch.float64)
    pitches = torch.tensor([[0.2], [0.5]], dtype=torch.float64)
    size = Sound().stft((pitches * time + 0.004 * time**2).sin()).abs() + 0.2
    phase = 6 * torch.rand(size.shape, dtype=torch.float64) - 3
    for rounds in (3, 1, 0, 5):
        check_rounds(answer, size, phase, rounds)


def check_rounds(answer: Any, size: Tensor, phase: Tensor, rounds: int) -> None:
    def play(function: Any, rounds: int = rounds, start: Tensor = phase) -> tuple[Any, int]:
        sound = Sound()
        given = size.clone(), start.clone()
        result = call(function, *given, rounds, sound.stft, sound.istft, usage=USAGE)
        if not torch.equal(given[0], size) or not torch.equal(given[1], start):
            raise Wrong("The magnitudes or the phase that your function was given are changed.")
        return result, sound.calls

    result, calls = play(answer)
    if isinstance(result, Tensor) and result.shape == size.shape:
        what = "a spectrum" if result.is_complex() else "a phase, or magnitudes"
        raise Wrong(f"Your function returns {what}: asked for is the sound, which `istft` makes.")
    value = as_tensor(result, (COUNT, LENGTH))
    right = griffin_lim(size, phase, rounds, Sound().stft, Sound().istft)
    if same(value, right):
        return
    begin = f"After {rounds} round{'' if rounds == 1 else 's'} "
    unchanged = (
        "the sound is still that of the first phase: you never go there and back."
        if not calls
        else "the sound is still that of the first phase: a round keeps the phase it reaches, and puts the "
        "wanted magnitudes back in place of those it reaches."
    )
    slips = {
        unchanged: play(griffin_lim, 0)[0],
        "the sound is what one round gives: either each begins with the first phase again, or the wanted "
        "magnitudes are put back only at the end.": play(griffin_lim, 1)[0],
        f"the sound is what {rounds - 1} give: the last phase belongs to the wanted magnitudes, and the two "
        "make the sound.": play(griffin_lim, max(0, rounds - 1))[0],
        "the sound is that of one round more.": play(griffin_lim, rounds + 1)[0],
        "the sound is that of another first phase, which is 0 everywhere: begin with the one "
        "given.": play(griffin_lim, rounds, torch.zeros_like(phase))[0],
        "the sound is that of the version with momentum, which is faster: asked for is the plain "
        "one.": play(with_momentum)[0],
        "the sound has the other sign of phase.": play(lambda size, phase, *rest: griffin_lim(
            size, -phase, *rest))[0],
    }  # fmt: skip
    for slip, other in slips.items():
        if same(value, other):
            raise Wrong(begin + slip)
    raise Wrong(f"{begin}the sound is not that of the wanted magnitudes with the phase that the round "
                "before reached.")  # fmt: skip


GRIFFIN_LIM = Exercise(
    number="05.3",
    title="There and back",
    question="A generated spectrogram has magnitudes `size` and no phase. Write "
    "`griffin_lim(size, phase, rounds, stft, istft)`, without momentum: in each round the sound of `size` "
    "with the present phase, and of that sound's spectrum the phase; at the end the sound. `istft` makes "
    "complex spectra (N, bins, times) into waves (N, L), `stft` the other way; `phase` is in radians.",
    hints=(
        "`torch.polar(size, phase)` makes a spectrum; `.angle()` is the phase of one.",
        "Two lines in the loop: the spectrum of the sound, and its phase. What magnitudes it has is dropped.",
    ),
    solution=griffin_lim,
    why="Windows overlap, so neighbouring phases have to agree: going there and back finds some that do, "
    "and each time the wanted magnitudes are put back.",
    check=check_griffin_lim,
    wrong=(
        (keeps_what_is_reached, "puts the wanted magnitudes back"),
        (partial(keeps_what_is_reached, puts_back=True), "only at the end"),
        (lambda size, phase, rounds, stft, istft: istft(torch.polar(size, phase)), "never go there"),
        (one_short, "what 2 give"),
        (lambda size, phase, rounds, stft, istft: griffin_lim(size, phase, rounds + 1, stft, istft),
         "round more"),
        (lambda size, phase, rounds, stft, istft: griffin_lim(size, phase, 3, stft, istft), "After 1 round "),
        (lambda size, phase, *rest: griffin_lim(size, 0 * phase, *rest), "0 everywhere"),
        (lambda size, phase, *rest: griffin_lim(size, -phase, *rest), "other sign"),
        (with_momentum, "momentum"),
        (lambda size, phase, *rest: griffin_lim(size**2, phase, *rest), "not that of the wanted"),
        (lambda size, phase, rounds, stft, istft: stft(griffin_lim(size, phase, rounds, stft, istft)),
         "returns a spectrum"),
        (lambda size, phase, rounds, stft, istft: stft(istft(torch.polar(size, phase))).angle(),
         "returns a phase"),
        (lambda size, phase, rounds, stft, istft: istft(size * phase.cos()), "wants complex"),
        (lambda size, phase, rounds, stft, istft: istft(stft(torch.polar(size, phase))), "wants waves"),
        (lambda size, phase, *rest: griffin_lim(size.mul_(1), phase.sub_(1), *rest), "are changed"),
    ),
)  # fmt: skip

EXERCISES = (GRIFFIN_LIM,)
