"""Exercises of notebook 07: the median, what unpaired data can tell, the cycle, clustering, CTC."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, permutations
from typing import Any

import torch
from torch import Tensor

from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_number,
    as_numbers,
    as_tensor,
    call,
    check_letters,
    is_close,
    is_same,
)
from gantutor.course.exercises.exercise import Exercise

# --- 07.1 ---------------------------------------------------------------------------------------------------


def best_constants() -> tuple[float, float, float]:
    pixels = (-1, -1, 1)
    median, mean = sorted(pixels)[1], sum(pixels) / 3
    return median, mean, sum(abs(pixel - median) for pixel in pixels) / 3


def check_median(answer: Any) -> None:
    """Check an answer to exercise 07.1."""
    median, mean, remaining = best_constants()
    names = ("the constant of least absolute distance", "that of least squared distance", "the distance left")
    absolute, squared, distance = as_numbers(answer, names)
    if is_close(absolute, mean) and is_close(squared, median):
        raise WrongAnswer(
            "The first two are exchanged: squares are pulled by what is far away, and give the mean."
        )
    if is_close(absolute, mean):
        raise WrongAnswer(
            "The mean is best for squares. Move c a little towards −1: two distances shrink and one grows."
        )
    if not is_close(absolute, median):
        raise WrongAnswer(f"At c = {absolute:g} the mean absolute distance is not least: try −1, −1/3 and 1.")
    if not is_close(squared, mean):
        raise WrongAnswer("The squared distance is least where its slope, Σ 2 (c − y), is zero: at the mean.")
    if is_close(distance, 3 * remaining):
        raise WrongAnswer("That is the sum of the three distances: E asks for their mean.")
    if not is_close(distance, remaining):
        raise WrongAnswer(
            f"At c = {median:g} two pixels have distance 0 and one has 2: their mean is not {distance:g}."
        )


MEDIAN = Exercise(
    number="07.1",
    title="The median",
    question="Three results are equally right: a pixel is −1, −1, and 1 in them. Which constant c minimises "
    "E |y − c|, which E (y − c)², and how large is the least E |y − c|?",
    hints=(
        "Try c = −1, −1/3 and 1 in both.",
        "Moving c by a little changes each |y − c| by the same little, so the majority decides; a square "
        "weighs how far away it is.",
    ),
    solution=best_constants(),
    explanation="A pixel that is black in most of the possible results becomes black: an L1 regression stays "
    "sharp where results are few and clear, and loses what is in the minority. Squares would make it grey.",
    check=check_median,
    wrong=(
        ((-1 / 3, -1, 2 / 3), "exchanged"),
        ((-1 / 3, -1 / 3, 2 / 3), "Move c a little"),
        ((1, -1 / 3, 2 / 3), "is not least"),
        ((-1, -1, 2 / 3), "at the mean"),
        ((-1, -1 / 3, 2), "is the sum"),
        ((-1, -1 / 3, 1), "one has 2"),
        ((-1, -1 / 3), "3 numbers in brackets"),
    ),
    derivation=best_constants,
)

# --- 07.2 ---------------------------------------------------------------------------------------------------

KNOWN_REASONS = {
    "a": "The type stream shows all characters, and what is made shows one: whoever compares the two streams "
    "sees it.",
    "b": "threes as eights and eights as threes: what is made looks like type, and each comes as often as it "
    "should. Who could object, without labels?",
    "c": "If two kinds become one, another is made too seldom, and a cycle cannot bring both back: that can "
    "be seen.",
    "d": "A judge of type sees single results, and this one looks like none.",
    "e": "the next digit for each is one of the 10! orders: all streams look as they should.",
}


def check_known(answer: Any) -> None:
    """Check an answer to exercise 07.2."""
    check_letters(answer, "acd", KNOWN_REASONS)


KNOWN = Exercise(
    number="07.2",
    title="What can be known?",
    question="Two streams, no labels. Which of these could a training notice? a: that all handwriting became "
    "one type; b: that all threes became eights and all eights threes; c: that threes and eights both became "
    "threes; d: that a result looks like no type at all; e: that every digit became the next one. Letters in "
    "quotes.",
    hints=(
        "What is there to compare with: single results, how often each comes, whether they can be undone.",
        "Exchange names in the type stream and in the results: does any of these three change?",
    ),
    solution="acd",
    explanation="Looks, shares, and whether it can be undone are seen without labels; which is which is not. "
    "Two scores are needed therefore: as it stands, and under the best order.",
    check=check_known,
    wrong=(
        ("cd", "sees it"),
        ("abcd", "Who could object"),
        ("ad", "made too seldom"),
        ("ac", "looks like none"),
        ("acde", "10! orders"),
        ("f", "There is no option"),
        ("", "Answer with letters"),
    ),
)

# --- 07.3 ---------------------------------------------------------------------------------------------------

Translator = Callable[[Tensor], Tensor]


def buggy_cycle(to_type: Translator, to_hand: Translator, written: Tensor, typed: Tensor) -> Tensor:
    """Both ways round, as a scalar; to_type is G, to_hand is F."""
    made = to_type(written).detach()
    there = (to_hand(made) - written).abs().mean()
    back = (to_type(typed) - typed).abs().mean()
    return there + back


def cycle_distance(to_type: Translator, to_hand: Translator, written: Tensor, typed: Tensor) -> Tensor:
    there = (to_hand(to_type(written)) - written).abs().mean()
    back = (to_type(to_hand(typed)) - typed).abs().mean()
    return there + back


def half_mended(to_type: Translator, to_hand: Translator, written: Tensor, typed: Tensor) -> Tensor:
    made = to_type(written).detach()
    return (to_hand(made) - written).abs().mean() + (to_type(to_hand(typed)) - typed).abs().mean()


def compared_halfway(to_type: Translator, to_hand: Translator, written: Tensor, typed: Tensor) -> Tensor:
    return (to_type(written) - typed).abs().mean() + (to_hand(typed) - written).abs().mean()


def check_cycle(answer: Any) -> None:
    """Check an answer to exercise 07.3."""
    written, typed = torch.randn(4, 1, 6, 6), torch.randn(4, 1, 6, 6) + 0.3
    type_weight, hand_weight = (torch.tensor(weight, requires_grad=True) for weight in (0.7, -1.2))

    def to_type(x: Tensor) -> Tensor:
        return type_weight * x + 0.2

    def to_hand(y: Tensor) -> Tensor:
        return torch.tanh(hand_weight * y)

    usage = "cycle_distance(to_type, to_hand, written, typed)"
    result = call(answer, to_type, to_hand, written.clone(), typed.clone(), usage=usage)
    value = as_tensor(result, ())
    there = (to_hand(to_type(written)) - written).abs()
    back = (to_type(to_hand(typed)) - typed).abs()
    expected = there.mean() + back.mean()
    expected_value = expected.detach().double()
    identity = (to_type(typed) - typed).abs().mean()
    mistakes = {
        "One of the two ways goes only half the way: G(y) − y asks that type stays as it is, and F is never "
        "asked to make anything that G could set.": there.mean() + identity,
        "The results are compared with the other stream, row by row: but the rows do not belong together.": (
            compared_halfway(to_type, to_hand, written, typed)
        ),
        "Only the way from handwriting and back is there: the one from type is missing.": there.mean(),
        "Only the way from type and back is there: the one from handwriting is missing.": back.mean(),
        "These are squared distances.": there.square().mean() + back.square().mean(),
        "The pixels are added up: take their mean.": there.sum() + back.sum(),
        "This is the mean of both ways: asked for is their sum.": expected / 2,
        "The two networks are exchanged: G makes type of handwriting, and F takes it back.": cycle_distance(
            to_hand, to_type, written, typed
        ),
    }
    for mistake, wrong_value in mistakes.items():
        if is_same(value, wrong_value.detach().double()):
            raise WrongAnswer(mistake)
    if not is_same(value, expected_value):
        raise WrongAnswer(
            f"For our networks it is {float(expected_value):.4g}, and yours says {float(value):.4g}."
        )
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise WrongAnswer("The number is right, but no gradient flows from it: neither network can learn.")
    expected_gradients = torch.autograd.grad(expected, (type_weight, hand_weight))
    gradients = torch.autograd.grad(result, (type_weight, hand_weight), allow_unused=True)
    if not all(
        g is not None and is_same(g.double(), w.double())
        for g, w in zip(gradients, expected_gradients, strict=True)
    ):
        raise WrongAnswer(
            "The number is right, but a part of the gradient is missing: where something is detached, G does "
            "not learn to leave what F needs."
        )


CYCLE = Exercise(
    number="07.3",
    title="Find the bugs: the cycle",
    question="The function below should compute E |F(G(x)) − x| + E |G(F(y)) − y|, but has two bugs: "
    "one part passes through one network alone, and one network does not learn from the other. "
    "Write `cycle_distance(to_type, to_hand, written, typed)`, a scalar.",
    hints=(
        "Which networks does each of the two parts pass through?",
        "What is detached is a constant: whom does the first part not reach?",
    ),
    solution=cycle_distance,
    explanation="Each way passes through both networks, and both have to learn from it: the first to leave "
    "what the second needs.",
    check=check_cycle,
    wrong=(
        (buggy_cycle, "goes only half the way"),
        (half_mended, "gradient is missing"),
        (compared_halfway, "do not belong together"),
        (lambda g, f, x, y: (f(g(x)) - x).abs().mean(), "the one from type"),
        (lambda g, f, x, y: (g(f(y)) - y).abs().mean(), "the one from handwriting"),
        (lambda g, f, x, y: (f(g(x)) - x).square().mean() + (g(f(y)) - y).square().mean(), "squared"),
        (lambda g, f, x, y: (f(g(x)) - x).abs().sum() + (g(f(y)) - y).abs().sum(), "added up"),
        (lambda g, f, x, y: cycle_distance(g, f, x, y) / 2, "their sum"),
        (lambda g, f, x, y: cycle_distance(f, g, x, y), "exchanged"),
        (lambda g, f, x, y: cycle_distance(g, f, x, y).detach(), "no gradient"),
        (lambda g, f, x, y: cycle_distance(g, f, x, y) + 1, "For our networks"),
    ),
    listings=(buggy_cycle,),
)

# --- 07.4 ---------------------------------------------------------------------------------------------------


def best_share(read: Tensor, labels: Tensor, classes: int) -> float:
    orders = [torch.tensor(order) for order in permutations(range(classes))]
    return max(float((order[read] == labels).double().mean()) for order in orders)


def of_majorities(read: Tensor, labels: Tensor, classes: int) -> float:
    """Each reading stands for the label that it meets most often, whether another one has it already."""
    table = (read * classes + labels).bincount(minlength=classes**2).view(classes, classes)
    return float(table.max(1).values.sum()) / len(read)


def greedy(read: Tensor, labels: Tensor, classes: int) -> float:
    table = (read * classes + labels).bincount(minlength=classes**2).view(classes, classes)
    right = 0
    for _ in range(classes):
        place = int(table.argmax())
        right += int(table.max())
        table[place // classes], table[:, place % classes] = -1, -1
    return right / len(read)


def rotated(read: Tensor, labels: Tensor, classes: int) -> float:
    return max(float(((read + turn) % classes == labels).double().mean()) for turn in range(classes))


EXAMPLES = (
    ([1, 2, 0, 2, 1, 0, 0, 1, 1, 2, 1, 2], [2, 1, 1, 1, 2, 2, 1, 0, 2, 2, 2, 1], 3),
    ([2, 2, 1, 2, 0, 2, 0, 2, 0, 2, 2, 1], [2, 1, 2, 0, 2, 1, 2, 0, 0, 1, 1, 2], 3),
    ([0, 0, 1, 1, 1, 1, 2, 2, 3], [1, 1, 1, 1, 1, 2, 0, 0, 3], 4),
)


def check_share(answer: Any) -> None:
    """Check an answer to exercise 07.4."""
    for read, labels, classes in EXAMPLES:
        inputs = torch.tensor(read), torch.tensor(labels)
        copies = inputs[0].clone(), inputs[1].clone()
        result = call(answer, *copies, classes, usage="best_share(read, labels, classes)")
        if not all(map(torch.equal, inputs, copies)):
            raise WrongAnswer("What your function was given is changed: work on copies.")
        check_reading(as_number(result, "What your function returns"), *inputs, classes)


def check_reading(value: float, read: Tensor, labels: Tensor, classes: int) -> None:
    """Raise WrongAnswer if the share of one example is not the right one.

    Args:
        value: the share that the answer returned.
        read: whole numbers, shape (N,).
        labels: whole numbers, shape (N,).
        classes: how many there are.
    """
    expected = best_share(read, labels, classes)
    if abs(value - expected) < 1e-4:
        return
    mistakes = {
        "That is the number of right ones: divide it by how many there are.": expected * len(read),
        "That is the share as it stands, in no other order.": float((read == labels).double().mean()),
        "Two readings stand for the same label there: in an order, each label is taken once.": of_majorities(
            read, labels, classes
        ),
        "The largest count was taken first, and then what was left: the best order may do without "
        "it.": greedy(read, labels, classes),
        "Only orders that turn all classes by the same number were tried.": rotated(read, labels, classes),
        "That is the share that is wrong.": 1 - expected,
    }
    read_text, labels_text = ("".join(map(str, part.tolist())) for part in (read, labels))
    prefix = f"For read {read_text} and labels {labels_text} yours says {value:.4g}. "
    for mistake, wrong_value in mistakes.items():
        if abs(value - wrong_value) < 1e-4:
            raise WrongAnswer(prefix + mistake)
    raise WrongAnswer(prefix + f"The best order has {expected:.4g}.")


SHARE = Exercise(
    number="07.4",
    title="A score for unnamed classes",
    question="Write `best_share(read, labels, classes)`: of whole numbers (N,) that were read and those that "
    "were written, the share right under the best of all orders of the classes, a number from 0 to 1. There "
    "are at most six classes.",
    hints=(
        "`itertools.permutations(range(classes))` gives all orders: 720 of six.",
        "With an order as a tensor, `order[read]` says what each reading stands for.",
    ),
    solution=best_share,
    explanation="The same order holds for all pictures, and uses each class once: who merges two classes "
    "loses one of them. For ten classes there are 3.6 million orders, and Kuhn's method finds the best "
    "without trying.",
    check=check_share,
    wrong=(
        (lambda read, labels, classes: float((read == labels).double().mean()), "as it stands"),
        (of_majorities, "taken once"),
        (greedy, "do without"),
        (rotated, "turn all classes"),
        (lambda *given: best_share(*given) * len(given[0]), "number of right ones"),
        (lambda *given: 1 - best_share(*given), "that is wrong"),
        (lambda *given: 0.123, "The best order has"),
        (lambda read, labels, classes: best_share(read.zero_(), labels, classes), "is changed"),
    ),
)

# --- 07.5 ---------------------------------------------------------------------------------------------------


def read_frames(frames: str) -> str:
    return "".join(character for character, _ in groupby(frames) if character != "-")


def blanks_first(frames: str) -> str:
    """Drop blanks, and then merge: double letters are lost."""
    return "".join(character for character, _ in groupby(frames.replace("-", "")))


FRAMES = ("-hhe-l-ll-o-", "--inn-nk", "aab", "-", "ee--e")


def check_frames(answer: Any) -> None:
    """Check an answer to exercise 07.5."""
    for frames in FRAMES:
        result = call(answer, frames, usage="read_frames(frames)")
        if not isinstance(result, str):
            raise WrongAnswer(f"A text is wanted, and your function returns {result!r:.40}.")
        expected = read_frames(frames)
        if result == expected:
            continue
        mistakes = {
            "Repeats stand for one letter: merge them.": frames.replace("-", ""),
            "Blanks are still there: drop them after merging.": "".join(c for c, _ in groupby(frames)),
            "The blanks were dropped first: then a double letter becomes one. Merge first.": blanks_first(
                frames
            ),
        }
        reason = next((text for text, wrong in mistakes.items() if wrong == result), "")
        raise WrongAnswer(f"{frames!r} stands for {expected!r}, and yours says {result!r}. {reason}".strip())


FRAMES_READ = Exercise(
    number="07.5",
    title="Read the frames",
    question="Write `read_frames(frames)`: the text that a string of frames stands for in CTC. Merge "
    "repeats, then drop the blanks, which are written `-`.",
    hints=(
        "`itertools.groupby(frames)` gives each run of equal characters once.",
        "Two equal letters in a row need a blank between them: which of the two steps must come first?",
    ),
    solution=read_frames,
    explanation="Merging comes first, so that a blank can keep two equal letters apart: l-l is ll, and "
    "ll is l.",
    check=check_frames,
    wrong=(
        (lambda frames: frames.replace("-", ""), "merge them"),
        (lambda frames: "".join(c for c, _ in groupby(frames)), "drop them after"),
        (blanks_first, "Merge first"),
        (lambda frames: list(frames), "A text is wanted"),
        (lambda frames: "ink", "stands for"),
    ),
)

EXERCISES = (
    MEDIAN,
    KNOWN,
    CYCLE,
    SHARE,
    FRAMES_READ,
)
