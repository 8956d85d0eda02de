"""Diagrams of recurrent networks: unrolled in time, and how they are trained to write letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from matplotlib.patches import Rectangle
from torch import Tensor

from gantutor._checks import Rule, checked, integer, number, string, validate
from gantutor._errors import InputError
from gantutor.networks.name_generator import straight_through
from gantutor.plots.diagrams.canvas import SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, Box, Canvas, tint
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, NEUTRAL, REAL, Figure

LETTERS = 4
"""The number of letters of the words that ``teacher_forcing`` draws."""


@checked(
    latent=integer(1), hidden=integer(1), features=integer(1), length=integer(5), differences=integer(0, 2)
)
def unrolled_rnn(
    latent: int = 16, hidden: int = 64, features: int = 5, length: int = 24, differences: int = 0
) -> Figure:
    """Draw a recurrent generator unrolled in time, and a discriminator that reads the whole series.

    Args:
        latent: dimension of z, at least 1.
        hidden: units of the gated recurrent unit (GRU), at least 1.
        features: features at each time step, at least 1.
        length: number T of time steps, at least 5.
        differences: highest order of the differences over time that the discriminator reads beside the
            values (``networks.FiniteDifferences``), 0 to 2; with 0 it reads the outputs themselves.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "24 time steps" in unrolled_rnn().alternative_text
    True
    """
    stacked = features * (differences + 1)
    orders = ("values x", "first differences", "second differences")[: differences + 1]
    read = f"{', '.join(orders[:-1])} and {orders[-1]}" if differences else "outputs"
    canvas = Canvas(
        4.65 if differences else 3.95,
        "A recurrent generator, unrolled in time",
        f"Noise z ({latent} numbers) gives the initial state of a GRU by a linear layer with tanh, and is "
        f"fed to it again at each of {length} time steps, with the position. The state ({hidden} numbers) "
        f"goes from step to step; a linear layer maps each state to an output of {features} features. "
        + (f"The outputs are turned into {read}: {stacked} numbers at each step. " if differences else "")
        + f"The discriminator D reads all {'of these' if differences else 'outputs'} at once. Its gradient "
        "flows back into every output, and from the last step to the first.",
    )
    source = canvas.box(0.68, 0.86, "noise z", width=0.7, height=0.36)
    start = canvas.box(0.68, 1.62, "linear\ntanh", GENERATOR, width=0.7)
    noise = canvas.box(3.2, 0.86, "noise z and position t, at every step", width=3.8, height=0.36)
    top = 3.82 if differences else 3.12
    judge = canvas.box(3.2, top, "discriminator D reads the whole series", DISCRIMINATOR, width=3.8)
    sums = canvas.box(3.2, 3.08, read, GENERATED, width=3.8, height=0.36) if differences else judge
    cells = []
    for x, step in ((1.7, 1), (2.7, 2), (3.7, 3), (4.7, length)):
        cell = canvas.box(x, 1.62, "GRU", GENERATOR, width=0.6)
        name = f"{'o' if differences else 'x'}{_subscript(step)}"
        output = canvas.box(x, 2.36, name, GENERATED, width=0.6, height=0.36)
        canvas.arrow((x, noise.top()[1]), cell.bottom())
        canvas.up_and_down(cell, output)
        canvas.up_and_down(output, sums)
        if differences:
            canvas.up_and_down(sums, judge, x)
        cells.append(cell)
    canvas.arrow(source.top(), start.bottom())
    for left, right in pairwise([start, *cells[:3]]):
        canvas.both_ways(left, right)
    canvas.text(4.2, 1.62, "…", size=14)
    logit = canvas.box(5.8, top, "logit", width=0.6)
    canvas.both_ways(judge, logit)
    sizes = [(2.36, f"{features:,} features"), (1.62, f"{hidden:,} units"), (0.86, f"{latent:,} + 1 inputs")]
    if differences:
        sizes.append((3.08, f"{stacked:,} features"))
    for y, words in sizes:
        canvas.text(6.1, y, words, NEUTRAL, ha="right")
    canvas.legend()
    return canvas.figure


@checked(letters=string())
def gumbel_softmax(
    logits: Sequence[float] = (1.0, 1.5, 0.2),
    noise: Sequence[float] = (0.9, -0.3, 0.1),
    temperatures: tuple[float, float] = (1.0, 0.1),
    letters: str = "abc",
) -> Figure:
    """Draw how a letter is chosen: logits, Gumbel noise, softmax at two temperatures, and the largest.

    Straight-through Gumbel-softmax (Jang et al. 2017, arXiv:1611.01144, section 2.2): forward, the letter
    with the largest sum; backward, the gradient of the softmax at the first temperature. All numbers are
    computed from the arguments.

    Args:
        logits: one number for each letter, in [−99, 99].
        noise: the Gumbel noise, likewise.
        temperatures: the two temperatures τ of the softmax, each from 0.01 to 100.
        letters: two to five letters.

    Returns:
        The figure.

    Raises:
        InputError: if there are more or fewer logits or noise than letters, or a number is out of range.

    >>> print(gumbel_softmax().alternative_text[-92:])
    Softmax at temperature 1: 0.59, 0.29, 0.12; at temperature 0.1: 1.00, 0.00, 0.00. Chosen: a.
    """
    given = {"logits": logits, "noise": noise, "temperatures": temperatures}
    rules = {
        "logits": _numbers(len(letters), number(-99, 99)),
        "noise": _numbers(len(letters), number(-99, 99)),
        "temperatures": _numbers(2, number(0.01, 100)),
    }
    validate(given, **rules)
    if not 2 <= len(letters) <= 5:
        raise InputError(f"letters must be two to five letters, not {letters!r:.60}")
    sums = torch.tensor(logits, dtype=torch.float64) + torch.tensor(noise, dtype=torch.float64)
    warm, cool = ((sums / temperature).softmax(0) for temperature in temperatures)
    chosen = straight_through(sums)
    words = (
        f"Logits of the letters {', '.join(letters)}: {_listed(logits)}. With Gumbel noise "
        f"{_listed(noise)} the sums are {_listed(sums)}. Softmax at temperature {temperatures[0]:g}: "
        f"{_listed(warm)}; at temperature {temperatures[1]:g}: {_listed(cool)}. Chosen: "
        f"{letters[int(chosen.argmax())]}."
    )
    columns = (
        _Column(1.15, "logits", GENERATOR, logits),
        _Column(2.1, "Gumbel\nnoise", NEUTRAL, noise),
        _Column(3.05, "sum", GENERATOR, sums.tolist()),
        _Column(4.1, f"softmax\nτ = {temperatures[0]:g}", GENERATOR, warm.tolist(), are_shares=True),
        _Column(5.0, f"softmax\nτ = {temperatures[1]:g}", GENERATOR, cool.tolist(), are_shares=True),
        _Column(5.8, "largest\n(one-hot)", GENERATED, chosen.tolist(), are_shares=True),
    )
    height = _ROW * len(letters) + 0.1
    canvas = Canvas(height + 2.4, "Choosing a letter with Gumbel-softmax", words)
    middle = 1.2 + height / 2
    for index, letter in enumerate(letters):
        level = _level(middle, index, len(letters))
        canvas.text(0.5, level, letter, size=TEXT_SIZE, weight="bold", parse_math=False)
    first, _, total, soft, _, hard = (_draw_column(canvas, column, middle) for column in columns)
    canvas.text(1.625, middle, "+", size=TITLE_SIZE)
    canvas.text(2.575, middle, "=", size=TITLE_SIZE)
    over, under = total.top()[1] + 0.2, 0.9
    canvas.arrow(total.right(), soft.left())
    canvas.arrow(total.top(), (total.x, over), (hard.x, over), hard.top())
    canvas.arrow(hard.bottom(), (hard.x, under), (soft.x + 0.08, under), soft.bottom(0.08), gradient=True)
    canvas.arrow(soft.bottom(-0.08), (soft.x - 0.08, under), (first.x, under), first.bottom(), gradient=True)
    remark = f"forward: the one-hot letter; backward: the gradient of the softmax, τ = {temperatures[0]:g}"
    canvas.text(canvas.width / 2, 0.58, remark)
    canvas.legend()
    return canvas.figure


_ROW = 0.32
"""Inches from one letter to the next."""


@dataclass(frozen=True)
class _Column:
    """The numbers of all letters in one box; shares are drawn as bars too."""

    x: float
    title: str
    colour: str
    values: Sequence[float]
    are_shares: bool = False


def _level(middle: float, index: int, count: int) -> float:
    return middle + _ROW * ((count - 1) / 2 - index)


def _draw_column(canvas: Canvas, column: _Column, y: float) -> Box:
    count = len(column.values)
    box = canvas.box(column.x, y, "", column.colour, width=0.6, height=_ROW * count + 0.1)
    canvas.text(column.x, box.top()[1] + 0.28, column.title, va="bottom")
    for index, value in enumerate(column.values):
        level = _level(y, index, count)
        if column.are_shares and value > 0.005:
            corner, width = (box.left()[0] + 0.04, level - 0.12), (box.width - 0.08) * value
            bar = Rectangle(corner, width, 0.24, fc=tint(column.colour, 0.55), ec="none")
            canvas.axes.add_patch(bar)
        canvas.text(box.x, level, f"{value:.2f}".replace("-", "−"), size=TEXT_SIZE)
    return box


def _listed(values: Sequence[float] | Tensor) -> str:
    return ", ".join(f"{float(value):.2f}" for value in values)


def _numbers(count: int, rule: Rule) -> Rule:
    """The rule for a list of ``count`` numbers."""

    def check(values: Any) -> Any:
        try:
            if not isinstance(values, list | tuple) or len(values) != count:
                raise ValueError
            return [rule(value) for value in values]
        except ValueError as requirement:
            each = f", each {requirement}" if str(requirement) else ""
            raise ValueError(f"{count} numbers in a list{each}") from None

    return check


@checked(word=string(), own=string())
def teacher_forcing(word: str = "anna", own: str = "aron") -> Figure:
    """Draw two ways to train a network that writes letters: by likelihood, and by a discriminator.

    By likelihood, the network is fed the real letters before each letter (teacher forcing: Williams & Zipser
    1989). When it runs freely, as in a GAN, it is fed its own.

    Args:
        word: a real word of four letters.
        own: a word of four letters that the network writes by itself.

    Returns:
        The figure.

    Raises:
        InputError: if a word has another number of letters.

    >>> "fed the real letters a, n, n" in teacher_forcing().alternative_text
    True
    """
    for name, letters in {"word": word, "own": own}.items():
        if len(letters) != LETTERS:
            raise InputError(f"{name} must have {LETTERS} letters, not {letters!r:.60}")
    canvas = Canvas(
        5.4,
        "Two ways to train a network that writes letters",
        f"Top: likelihood training of the word {word}. A GRU is fed the real letters "
        f"{', '.join(word[:-1])}, each one step late; at each step the loss is minus the logarithm of the "
        "probability of the real letter, and its gradient flows back. Bottom: the GRU runs freely and "
        f"writes {own}; each letter that it chooses is fed to its next step, and a discriminator reads the "
        "whole word. Its gradient flows back into every letter, and from each step into the letter that "
        "the step was fed.",
    )
    canvas.heading(4.8, "Likelihood: fed the real letters (teacher forcing)")
    _forced(canvas, 3.62, word)
    canvas.heading(2.58, "GAN: fed its own letters (free running)")
    _free(canvas, 0.82, own)
    canvas.legend()
    return canvas.figure


_COLUMNS = (1.6, 2.85, 4.1, 5.35)


def _cells(canvas: Canvas, y: float) -> list[Box]:
    """Draw the GRU at each step, with the state that goes from step to step and its gradient."""
    boxes = [canvas.box(0.6, y, "start", NEUTRAL, width=0.6)]
    boxes += [canvas.box(x, y, "GRU", GENERATOR, width=0.8) for x in _COLUMNS]
    for left, right in pairwise(boxes):
        canvas.both_ways(left, right, backward=left is not boxes[0])
    return boxes[1:]


def _forced(canvas: Canvas, y: float, word: str) -> None:
    for index, cell in enumerate(_cells(canvas, y)):
        words = f"−log p({word[index]})"
        loss = canvas.box(cell.x, y + 0.72, words, REAL, width=0.95, height=0.32, size=SMALL_SIZE)
        canvas.up_and_down(cell, loss)
        if index:
            letter = canvas.box(cell.x, y - 0.66, word[index - 1], REAL, width=0.36, height=0.32)
            canvas.arrow(letter.top(), cell.bottom())


def _free(canvas: Canvas, y: float, word: str) -> None:
    words = "discriminator D reads the whole word"
    judge = canvas.box(3.475, y + 1.36, words, DISCRIMINATOR, width=4.55, height=0.36)
    letters: list[Box] = []
    for cell, name in zip(_cells(canvas, y), word, strict=True):
        if letters:
            last, top = letters[-1], cell.top()[1]
            canvas.arrow(last.right(0.07), (cell.x - 0.2, last.y + 0.07), (cell.x - 0.2, top))
            way = [(cell.x - 0.34, top), (cell.x - 0.34, last.y - 0.07), last.right(-0.07)]
            canvas.arrow(*way, gradient=True)
        letters.append(canvas.box(cell.x + 0.16, y + 0.7, name, GENERATED, width=0.4, height=0.32))
        canvas.up_and_down(cell, letters[-1], letters[-1].x)
        canvas.up_and_down(letters[-1], judge)


def _subscript(step: int) -> str:
    return str(step).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
