"""Diagrams of sound: the Fourier transform and its inverse, a GAN of spectrograms, a U-Net between bands."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor.data.spectrograms import BINS, HOP, normalize_peak, phase, spectrogram
from gantutor.plots.diagrams.canvas import LINE, Canvas
from gantutor.plots.spectrograms import spectrograms_to_rgb
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, NEUTRAL, REAL, Figure

SIDE = 0.72
"""The height of a spectrogram in inches."""


def stft(wave: Tensor | None = None) -> Figure:
    """Draw how a wave becomes a spectrogram, where the phase goes, and how Griffin and Lim find another one.

    Args:
        wave: a recording (L,), L a multiple of 64; None draws a gliding tone.

    Returns:
        The figure.

    Raises:
        InputError: if the wave has another shape or length.

    >>> "its phase is discarded" in stft().alternative_text
    True
    """
    wave = _glide() if wave is None else wave
    check_floats(wave=wave)
    if wave.dim() != 1 or not len(wave) or len(wave) % HOP:
        raise InputError(f"wave must have shape (L,), L a multiple of {HOP}, not {tuple(wave.shape)}")
    wave = normalize_peak(wave.detach().cpu()[None])
    size, angles = spectrogram(wave), phase(wave)
    shape = f"{BINS}×{size.shape[3]}"
    canvas = Canvas(
        4.5,
        "A wave, its spectrogram, and the way back",
        f"Top: the short-time Fourier transform cuts a wave of {wave.shape[1]:,} samples into overlapping "
        f"windows and gives complex numbers X, {shape}. Their magnitude in decibels is the spectrogram that "
        "a network sees; its phase is discarded. Bottom: magnitudes and a random first phase go through the "
        "inverse transform to a wave. The transform of that wave gives the next phase, and the wanted "
        "magnitudes are put back. After about 32 rounds the wave is the result.",
    )
    canvas.heading(3.95, "A recording becomes a picture")
    y = 3.1
    sound = canvas.box(0.72, y, "wave", REAL, shape=f"{wave.shape[1]:,} samples")
    transform = canvas.box(1.95, y, "STFT", width=0.8, shape="windows of 256")
    numbers = canvas.box(3.1, y, "X", width=0.5, shape=f"complex, {shape}")
    canvas.both_ways(sound, transform, backward=False)
    canvas.both_ways(transform, numbers, backward=False)
    magnitudes = canvas.picture(4.45, y + 0.3, spectrograms_to_rgb(size)[0], REAL, 0.56)
    lost = canvas.picture(4.45, y - 0.5, _angles_to_grey(angles), NEUTRAL, 0.56)
    for box, words, colour in (
        (magnitudes, "magnitude |X|, in dB:\nthe network's picture", REAL),
        (lost, "phase: discarded", NEUTRAL),
    ):
        canvas.text(4.85, box.y, words, colour, ha="left")
        middle = numbers.right()[0] + 0.35
        step = 0.08 if box is magnitudes else -0.08
        canvas.arrow(numbers.right(step), (middle, y + step), (middle, box.y), box.left())

    canvas.heading(1.98, "A picture becomes a recording: Griffin and Lim")
    y = 1.25
    wanted = canvas.picture(0.72, y, spectrograms_to_rgb(size)[0], GENERATED, 0.56)
    canvas.below(wanted, "magnitudes", GENERATED)
    joined = canvas.box(1.75, y, "combine", width=0.8)
    inverse = canvas.box(2.95, y, "inverse\nSTFT", width=0.8)
    result = canvas.box(4.1, y, "wave", GENERATED, width=0.7)
    again = canvas.box(5.3, y, "STFT", width=0.7)
    for left, right in pairwise((wanted, joined, inverse, result, again)):
        canvas.both_ways(left, right, backward=False)
    kept = canvas.box(3.55, 0.5, "phase of this wave (at first random)", width=2.9, height=0.36)
    canvas.arrow(again.bottom(), (again.x, kept.y), kept.right())
    canvas.arrow(kept.left(), (joined.x, kept.y), joined.bottom())
    canvas.text(4.7, y + 0.4, "32 rounds", NEUTRAL)
    return canvas.figure


@checked(latent=integer(1))
def spectrogram_gan(real: Tensor | None = None, generated: Tensor | None = None, latent: int = 64) -> Figure:
    """Draw a conditional GAN whose samples are spectrograms, and the way of a sample to a loudspeaker.

    Args:
        real: a real spectrogram (1, 128, T) in [−1, 1]; None draws that of a gliding tone.
        generated: a generated one likewise.
        latent: dimension of z, at least 1.

    Returns:
        The figure.

    Raises:
        InputError: if a spectrogram has another shape, or ``latent`` is not a whole number of at least 1.

    >>> "Griffin and Lim" in spectrogram_gan().alternative_text
    True
    """
    example = spectrogram(_glide()[None])[0]
    for name, picture in {"real": real, "generated": generated}.items():
        if picture is not None:
            check_floats(**{name: picture})
            if picture.dim() != 3 or picture.shape[:2] != (1, BINS) or not picture.shape[2]:
                shape = tuple(picture.shape)
                raise InputError(f"{name} must be a spectrogram of shape (1, {BINS}, T), not {shape}")
    real, generated = (example if picture is None else picture for picture in (real, generated))
    canvas = Canvas(
        4.15,
        "A GAN of spectrograms",
        f"Noise z ({latent} numbers) and a label y pass through the generator G to a spectrogram. The "
        "discriminator D receives it, or the spectrogram of a real recording, with the label, and gives a "
        "logit and a loss. The gradient flows from the loss through D and the spectrogram to G. It does not "
        "pass through sound: a generated spectrogram becomes a wave by the algorithm of Griffin and Lim, and "
        "is heard and scored.",
    )
    high, low = 3.05, 1.75
    sound = canvas.box(0.7, high, "recording", REAL, width=0.85)
    transform = canvas.box(1.8, high, "STFT", width=0.7)
    canvas.below(transform, "magnitude, dB")
    data = canvas.picture(2.95, high, spectrograms_to_rgb(real[None])[0], REAL, SIDE)
    noise = canvas.box(0.7, low, "noise z\nlabel y", width=0.85, shape=f"{latent:,} numbers")
    maker = canvas.box(1.8, low, "G", GENERATOR, width=0.7)
    samples = canvas.picture(2.95, low, spectrograms_to_rgb(generated[None])[0], GENERATED, SIDE)
    canvas.text(2.95, high + SIDE / 2 + 0.1, "real", REAL, va="baseline")
    canvas.text(2.95, low + SIDE / 2 + 0.1, "generated", GENERATED, va="baseline")
    middle = (high + low) / 2
    judge = canvas.box(4.2, middle, "D", DISCRIMINATOR, width=0.7)
    canvas.text(4.2, middle + 0.23 + 0.08, "with label y", NEUTRAL, va="baseline")
    logit = canvas.box(5.1, middle, "logit", width=0.56)
    loss = canvas.box(5.87, middle, "loss", width=0.5)
    canvas.both_ways(sound, transform, backward=False)
    canvas.both_ways(transform, data, backward=False)
    canvas.both_ways(noise, maker, backward=False)
    canvas.both_ways(maker, samples)
    canvas.arrow(data.right(), (3.5, high), (3.5, middle + 0.1), judge.left(0.1))
    canvas.arrow(samples.right(0.07), (3.5, low + 0.07), (3.5, middle - 0.03), judge.left(-0.03))
    canvas.arrow(
        judge.left(-0.15), (3.64, middle - 0.15), (3.64, low - 0.07), samples.right(-0.07), gradient=True
    )
    canvas.both_ways(judge, logit)
    canvas.both_ways(logit, loss)
    back = canvas.box(2.95, 0.76, "Griffin and Lim", width=1.3, height=0.36)
    heard = canvas.box(4.75, 0.76, "wave: heard, scored", GENERATED, width=1.6, height=0.36)
    canvas.arrow(samples.bottom(), back.top())
    canvas.both_ways(back, heard, backward=False)
    canvas.legend()
    return canvas.figure


@checked(channels=integer(1), noise=integer(1), frames=integer(8))
def band_u_net(channels: int = 16, noise: int = 4, frames: int = 64) -> Figure:
    """Draw the U-Net that maps the lower band of a spectrogram to the upper one (``networks.BandGenerator``).

    Args:
        channels: channels of the first stage, at least 1.
        noise: channels of the noise, at least 1.
        frames: length T of the spectrograms, at least 8.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "16×32×32" in band_u_net().alternative_text
    True
    """
    c, t = channels, frames
    names = [f"{c}×32×{t // 2}", f"{2 * c}×16×{t // 4}", f"{3 * c}×8×{t // 8}"]
    up = [f"{2 * c}×32×{t // 2}", f"{2 * c}×16×{t // 4}"]
    canvas = Canvas(
        4.3,
        "From the lower band to the upper band: a U-net with noise",
        f"The lower band, 1×64×{t}, passes three stages down: {names[0]}, {names[1]} and {names[2]}. A "
        "convolution over time sees all frequencies at once. Two stages lead up again, and each also "
        "receives the stage of its own size through a skip connection. Noise enters at the deepest and at "
        f"the highest stage. The output is the upper band, 1×64×{t}.",
    )
    left, right, y1, y2, y3 = 1.95, 4.35, 3.3, 2.25, 1.1
    given = canvas.box(0.68, y1, "lower\nband", REAL, width=0.7, shape=f"1×64×{t}")
    made = canvas.box(5.72, y1, "upper\nband", GENERATED, width=0.7, shape=f"1×64×{t}")
    stage1 = canvas.box(left, y1, "unshuffle,\nconv", GENERATOR, width=1.0)
    stage2 = canvas.box(left, y2, "conv stride 2,\nconv", GENERATOR, width=1.1)
    stage3 = canvas.box(left, y3, "conv stride 2,\nconv", GENERATOR, width=1.1)
    deep = canvas.box(right, y3, "conv over time, all\nfrequencies at once", GENERATOR, width=1.5)
    up1 = canvas.box(right, y2, "upsample,\nconv", GENERATOR, width=1.0)
    up2 = canvas.box(right, y1, "upsample, conv,\nshuffle, tanh", GENERATOR, width=1.2)
    for box, shape, side in (
        (stage1, names[0], -1), (stage2, names[1], -1), (stage3, names[2], -1),
        (deep, names[2], 1), (up1, up[1], 1), (up2, up[0], 1),
    ):  # fmt: skip
        x = box.x + side * 0.09
        canvas.text(x, box.y - box.height / 2 - LINE, shape, NEUTRAL, ha="right" if side < 0 else "left")
    for one, other in ((given, stage1), (stage3, deep)):
        canvas.both_ways(one, other, backward=False)
    canvas.arrow(up2.right(0.06), made.left(0.06))
    for upper, lower in ((stage1, stage2), (stage2, stage3)):
        canvas.arrow(upper.bottom(), lower.top())
    for lower, upper in ((deep, up1), (up1, up2)):
        canvas.arrow(lower.top(), upper.bottom())
    for one, other in ((stage1, up2), (stage2, up1)):
        canvas.arrow(one.right(), other.left(), colour=NEUTRAL)
        canvas.text((left + right) / 2, one.y + 0.1, "skip connection", NEUTRAL, va="baseline")
    z = canvas.box(5.72, y2, "noise z", width=0.7, height=0.36)
    canvas.text(5.72, y2 + 0.26, f"{noise}×32×{t // 2}", NEUTRAL, va="baseline")
    canvas.arrow(z.bottom(), (5.72, y3), deep.right())
    canvas.arrow(z.left(), (5.16, y2), (5.16, y1 - 0.12), up2.right(-0.12))
    canvas.text(3.2, 0.42, "After every convolution but the last: ReLU", NEUTRAL)
    return canvas.figure


def _glide(length: int = 4096) -> Tensor:
    """A voice-like tone that glides down, with harmonics and a fading end, in [−1, 1]."""
    time = torch.arange(length) / 8000
    angle = 2 * math.pi * (240 * time - 110 * time.square())
    tone = torch.stack([(k * angle).sin() / k for k in range(1, 12)]).sum(0)
    envelope = (math.pi * torch.arange(length) / length).sin().square()
    return tone * envelope / 2


def _angles_to_grey(angles: Tensor) -> Tensor:
    """A picture (1, 128, T) of phases, low frequencies at the bottom."""
    return (angles[:1] / math.pi).flip(1)
