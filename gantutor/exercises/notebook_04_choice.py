"""Exercise of notebook 04 on a choice: what stands in for the gradient that it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gumbel_softmax, one_hot

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, same, slope

# --- 04.4 ---------------------------------------------------------------------------------------------------


def straight_through(logits: Tensor) -> Tensor:
    soft = logits.softmax(1)
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard - soft.detach() + soft


def chosen(logits: Tensor, axis: int = 1) -> Tensor:
    """The one-hot of the largest logits along an axis; it has no gradient."""
    return one_hot(logits.argmax(axis), logits.shape[axis]).float().movedim(-1, axis)


def backwards(soft: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The right choice forwards, and the gradient of something backwards."""
    return lambda logits: chosen(logits) + (soft(logits) - soft(logits).detach())


FORWARDS: dict[str, Callable[[Tensor], Tensor]] = {
    "are the shares of the softmax: a letter should be chosen, with a 1 for it and a 0 for all others.":
        lambda x: x.softmax(1),
    "are the choice and the shares of the softmax added up: the shares should be there backwards alone.":
        lambda x: chosen(x) + x.softmax(1),
    "are the share of the letter chosen, and 0 for all others: it should be 1.":
        lambda x: chosen(x) * x.softmax(1),
    "choose among the samples: each row should have one 1.": lambda x: chosen(x, 0),
    "choose the smallest logit.": lambda x: chosen(-x),
    "are the choice less the shares of the softmax: they should cancel forwards.":
        lambda x: chosen(x) - x.softmax(1),
}  # fmt: skip


BACKWARDS: dict[str, Callable[[Tensor], Tensor]] = {
    "is handed through to the logits as it is, as if nothing were between; asked for is that of the "
    "softmax.": lambda x: x,
    "is that of the softmax with the other sign: `detach` stands at the wrong one of two terms.":
        lambda x: -x.softmax(1),
    "is 0: what is added and what is taken off cancel backwards too. One of the two should be detached.":
        lambda x: 0 * x,
    "comes from the letter chosen alone: all others should learn too.":
        lambda x: chosen(x) * x.softmax(1),
    "comes from the letter chosen alone, divided by its share: all others should learn too.":
        lambda x: chosen(x) * x.log_softmax(1),
    "is that of the logarithm of the softmax.": lambda x: x.log_softmax(1),
    "is that of a softmax over the samples: each row should have its own.": lambda x: x.softmax(0),
    "is that of the sigmoid.": lambda x: x.sigmoid(),
    "is twice that of the softmax.": lambda x: 2 * x.softmax(1),
}  # fmt: skip


def check_straight_through(answer: Any) -> None:
    logits = (2 * torch.randn(20, 7)).requires_grad_()
    plain = logits.detach()
    given = logits.clone()
    result = call(answer, given, usage="straight_through(logits)")
    if isinstance(result, Tensor) and result.shape in ((20,), (20, 1)):
        raise Wrong("For each row your function returns one number, as `argmax` does: asked for is a row "
                    "with a 1 for the letter chosen, and 0 for all others.")  # fmt: skip
    value = as_tensor(result, (20, 7))
    if not same(given.detach(), plain):
        raise Wrong("The logits that your function was given are changed.")
    right = chosen(plain)
    if not same(value, right):
        for slip, other in FORWARDS.items():
            if same(value, other(plain)):
                raise Wrong(f"Forwards, the numbers {slip}")
        if bool(((value - value.round()).abs() < 1e-4).all()) and same(value.sum(1), torch.ones(20)):
            raise Wrong("Forwards, not always the largest logit is chosen: noise, where it is wanted, is in "
                        "the logits already.")  # fmt: skip
        raise Wrong(
            "Forwards, a row should have a 1 for its largest logit and 0 for all others, and it has not."
        )
    if not result.requires_grad:
        raise Wrong("Forwards it is right; backwards there is no gradient at all, as a choice has none: the "
                    "softmax should stand in for it.")  # fmt: skip
    weights = torch.randn(20, 7)

    def pull(outputs: Tensor) -> Tensor:
        return slope((weights * outputs).sum(), logits)

    gradient = pull(result)
    for slip, stand_in in BACKWARDS.items():
        if same(gradient, pull(stand_in(logits))):
            raise Wrong(f"Forwards it is right; the gradient {slip}")
    if not same(gradient, pull(logits.softmax(1))):
        raise Wrong("Forwards it is right; the gradient is not that of the softmax of the logits.")


STRAIGHT_THROUGH = Exercise(
    number="04.4",
    title="A choice with a gradient",
    question="Write `straight_through(logits)` for logits (N, letters), to which the Gumbel noise has been "
    "added: forwards, in each row 1 for the largest and 0 for all others; backwards, the gradient of the "
    "softmax.",
    hints=(
        "What is added and taken off again changes nothing forwards: `detach()` takes a part out backwards.",
        "hard − soft + soft is hard: which of the three should have a gradient?",
    ),
    solution=straight_through,
    why="Forwards the two shares cancel and the choice is left; backwards choice and detached share are "
    "constants, and the softmax is left.",
    check=check_straight_through,
    wrong=(
        (chosen, "no gradient at all"),
        (lambda logits: logits.softmax(1), "are the shares"),
        (backwards(lambda x: x), "handed through"),
        (lambda logits: chosen(logits) - logits.softmax(1) + logits.softmax(1).detach(), "other sign"),
        (lambda logits: chosen(logits) - logits.softmax(1) + logits.softmax(1), "cancel backwards"),
        (lambda logits: chosen(logits) + logits.softmax(1), "added up"),
        (lambda logits: chosen(logits) - logits.softmax(1).detach(), "should cancel forwards"),
        (lambda logits: chosen(logits) * logits.softmax(1), "the share of the letter"),
        (backwards(lambda x: chosen(x) * x.softmax(1)), "letter chosen alone: "),
        (lambda logits: chosen(logits) * logits.softmax(1) / logits.softmax(1).detach(), "by its share"),
        (backwards(lambda x: x.log_softmax(1)), "logarithm"),
        (backwards(lambda x: x.softmax(0)), "over the samples"),
        (backwards(lambda x: 2 * x.softmax(1)), "twice"),
        (backwards(lambda x: (x / 2).softmax(1)), "not that of the softmax of the logits"),
        (lambda logits: chosen(logits, 0) + 0 * logits, "among the samples"),
        (lambda logits: chosen(-logits) + 0 * logits, "the smallest"),
        (lambda logits: gumbel_softmax(logits, hard=True), "not always"),
        (lambda logits: 2 * straight_through(logits), "and it has not"),
        (lambda logits: logits.argmax(1), "as `argmax` does"),
        (lambda logits: straight_through(logits.sub_(1)), "are changed"),
    ),
)

EXERCISES = (STRAIGHT_THROUGH,)
