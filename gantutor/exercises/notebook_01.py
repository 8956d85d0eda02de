"""Exercises of notebook 01 on paper: a loss that stands still, the best discriminator, how losses pull."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn.functional import softplus

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_numbers, check_letters, near

# --- 01.1 ---------------------------------------------------------------------------------------------------


def check_plateau(answer: Any) -> None:
    check_letters(
        answer,
        "ab",
        {
            "a": "What would the best discriminator answer where p = q?",
            "b": "What is the loss of a discriminator that has learnt nothing, whatever it is shown?",
            "c": "a discriminator that tells the two apart has a loss near 0.",
            "d": "a generator that stands still is an easy opponent: the discriminator's loss falls.",
        },
    )


PLATEAU = Exercise(
    number="01.1",
    title="A loss of 1.386",
    question="A discriminator's loss stays at 1.386 = 2 log 2 from step 300 on. Which of these explain it? "
    'Answer with letters, such as "cd".\n'
    "a: The generator's distribution equals that of the data.\n"
    "b: The discriminator learns nothing, as its penalty is far too strong.\n"
    "c: The discriminator tells real from generated without a mistake.\n"
    "d: The generator's learning rate is 0, and it makes noise.",
    hints=(
        "2 log 2 is the loss of a discriminator that always answers ½.",
        "Who may be to blame for an answer of ½: one cause lies with the generator, another does not.",
    ),
    solution="ab",
    why="2 log 2 means “I cannot tell”: because there is nothing to tell, or because it never learnt to.",
    check=check_plateau,
    wrong=(("abc", "near 0"), ("abd", "easy opponent"), ("a", "learnt nothing"), ("b", "where p = q")),
)

# --- 01.2 ---------------------------------------------------------------------------------------------------


def uniforms() -> tuple[float, float, float]:
    """p = 1 on [0, 1]; q = ½ on [0, 2]; m = (p + q)/2 is ¾ on [0, 1] and ¼ on (1, 2]."""
    left, right = 1 / (1 + 1 / 2), 0 / (0 + 1 / 2)
    from_p = math.log(1 / (3 / 4))
    from_q = 1 / 2 * math.log((1 / 2) / (3 / 4)) + 1 / 2 * math.log((1 / 2) / (1 / 4))
    return left, right, 1 / 2 * from_p + 1 / 2 * from_q


def check_uniforms(answer: Any) -> None:
    left, right, js = as_numbers(answer, ("D* on [0, 1]", "D* on (1, 2]", "the JS divergence"))
    if near(left, 1 / 3) and near(right, 1):
        raise Wrong("Your D* is the probability of being generated: p belongs above the line, not q.")
    if not near(left, 2 / 3):
        raise Wrong(f"D* on [0, 1] is not {left:.3g}: put the two densities there into p / (p + q).")
    if not near(right, 0):
        raise Wrong(f"D* on (1, 2] is not {right:.3g}: how often does a real sample come from there?")
    true = uniforms()[2]
    slips = {
        true / math.log(2): "is measured in bits: take the natural logarithm for nats.",
        2 * true: "is twice too large: each of its two halves counts with weight ½.",
        math.log(4 / 3) / 2: "holds the half of p only; the half of q is still to be added.",
        math.log(4 / 3): "is KL(p ‖ m), from p alone: JS is the mean of it and of KL(q ‖ m).",
        math.log(2): "is KL(p ‖ q): JS compares both with their mean, m = (p + q) / 2.",
        2 * math.log(2)
        - 2 * true: "is the discriminator's loss: JS is what is missing to log 2 after halving it.",
    }
    for value, slip in slips.items():
        if near(js, value):
            raise Wrong(f"D* is right. The JS divergence you give {slip}")
    if not near(js, true):
        raise Wrong(
            f"D* is right. JS is not {js:.4g} nats: it is ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q) / 2."
        )


UNIFORMS = Exercise(
    number="01.2",
    title="The best discriminator by hand",
    question="p is uniform on [0, 1] and q uniform on [0, 2]. Give three numbers in brackets: D* on [0, "
    "1], D* on (1, 2], and the Jensen-Shannon divergence JS(p, q) in nats.",
    hints=(
        "A uniform density is 1 over the length of its interval.",
        "With m = (p + q)/2, JS = ½ KL(p ‖ m) + ½ KL(q ‖ m), and m is constant on each of the two intervals.",
    ),
    solution=uniforms(),
    why="On [0, 1] a sample is real in two cases of three, above 1 never; JS weighs p and q alike.",
    check=check_uniforms,
    wrong=(
        ((1 / 3, 1, 0.2158), "probability of being generated"),
        ((1 / 2, 0, 0.2158), "D* on [0, 1] is not 0.5"),
        ((2 / 3, 1 / 3, 0.2158), "D* on (1, 2] is not 0.333"),
        ((2 / 3, 0, 0.3113), "in bits"),
        ((2 / 3, 0, 0.4315), "twice too large"),
        ((2 / 3, 0, 0.1438), "half of p only"),
        ((2 / 3, 0, 0.2877), "from p alone"),
        ((2 / 3, 0, 0.6931), "KL(p ‖ q)"),
        ((2 / 3, 0, 0.9548), "discriminator's loss"),
        ((2 / 3, 0, 0.5), "JS is not 0.5"),
    ),
    working=uniforms,
)

# --- 01.3 ---------------------------------------------------------------------------------------------------


def pulls() -> tuple[float, float]:
    logit = torch.tensor([-6.0, -6.0], requires_grad=True)
    minimax, non_saturating = -softplus(logit[0]), softplus(-logit[1])
    (slope,) = torch.autograd.grad(minimax + non_saturating, logit)
    return slope[0].item(), slope[1].item()


def check_pulls(answer: Any) -> None:
    names = ("the minimax loss's derivative", "the non-saturating loss's derivative")
    minimax, other = as_numbers(answer, names)
    small, large = pulls()
    fits = [abs(minimax / small - 1) < 0.02, abs(other / large - 1) < 0.002]
    if all(fits):
        return
    if abs(minimax / large - 1) < 0.002 and abs(other / small - 1) < 0.02:
        raise Wrong("These are the two derivatives in the other order: which loss is flat where D is sure?")
    if abs(minimax / small + 1) < 0.02 and abs(other / large + 1) < 0.002:
        raise Wrong("The sizes are right, and both signs wrong: does each loss rise or fall as D is fooled?")
    if near(minimax, -1.0025, 1e-4) or near(other, -404.4, 1e-2):
        raise Wrong("These are derivatives by D, and the generator's gradient passes the sigmoid as well: "
                    "differentiate by the logit.")  # fmt: skip
    if fits[0] or fits[1]:
        raise Wrong(f"One of the two is right; {names[int(fits[0])]} is not.")
    raise Wrong("Neither of the two is right yet: with D = σ(l), differentiate log(1 − σ(l)) and −log σ(l) "
                "by l, at l = −6.")  # fmt: skip


PULLS = Exercise(
    number="01.3",
    title="How hard each loss pulls",
    question="The discriminator is sure that a sample is generated: its logit l is −6. Give two numbers in "
    "brackets, the derivatives by l of log(1 − D) and of −log D, to three digits. (Autograd may help.)",
    hints=(
        "log(1 − σ(l)) = −softplus(l), and the derivative of softplus is σ.",
        "`l = torch.tensor(-6.0, requires_grad=True)`, then a loss, `backward()` and `l.grad`, for each "
        "loss.",
    ),
    solution=pulls(),
    why="They are −σ(l) = −D and −(1 − D): the first pulls some 400 times less where D is sure.",
    check=check_pulls,
    wrong=(
        ((-0.9975, -0.00247), "other order"),
        ((0.00247, 0.9975), "both signs wrong"),
        ((-1.00248, -404.43), "differentiate by the logit"),
        ((-0.00247, -0.5), "the non-saturating loss's derivative is not"),
        ((-0.5, -0.9975), "the minimax loss's derivative is not"),
        ((-0.5, -0.5), "Neither"),
    ),
    working=pulls,
)

EXERCISES = (PLATEAU, UNIFORMS, PULLS)
