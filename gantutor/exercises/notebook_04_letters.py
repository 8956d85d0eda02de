"""Exercise of notebook 04 on letters: a network that reads the answer to what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from gantutor.data.names import encode
from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, same

# --- 04.5 ---------------------------------------------------------------------------------------------------

Network = Callable[[Tensor], Tensor]


def buggy_letter_loss(network: Network, names: Tensor) -> Tensor:
    """Mean cross-entropy of the letters of names (N, L, 27), one-hot; index 0 is the end and fills the rest.

    The network reads a row of letters and gives logits for every step, (N, L, 27).
    """
    logits = network(names)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), names.argmax(2).flatten())


def letter_loss(network: Network, names: Tensor) -> Tensor:
    before = torch.cat([torch.zeros_like(names[:, :1]), names[:, :-1]], 1)
    surprise = -(names * network(before).log_softmax(2)).sum(2)
    still_spelling = before[:, :, 0] == 0
    return surprise[still_spelling].mean()


def shifted(names: Tensor) -> Tensor:
    return pad(names, (0, 0, 1, 0))[:, :-1]


def surprises(network: Network, inputs: Tensor, names: Tensor) -> Tensor:
    return -(names * network(inputs).log_softmax(2)).sum(2)


def other_loss(
    reads: Callable[[Tensor], Tensor] = shifted,
    total: Callable[[Tensor, Tensor], Tensor] = lambda each, spelling: each[spelling].mean(),
) -> Callable[[Network, Tensor], Tensor]:
    """The right function with other inputs, or other surprises (N, L) added up, of which some count."""
    return lambda network, names: total(surprises(network, reads(names), names), shifted(names)[:, :, 0] == 0)


def letters_alone(each: Tensor, spelling: Tensor) -> Tensor:
    return each[spelling & spelling.roll(-1, 1)].mean()  # the end mark is the last that counts


def mean_of_names(each: Tensor, spelling: Tensor) -> Tensor:
    return ((each * spelling).sum(1) / spelling.sum(1)).mean()


def from_the_second(network: Network, names: Tensor) -> Tensor:
    return surprises(network, names[:, :-1], names[:, 1:])[names[:, :-1, 0] == 0].mean()


OTHER_TOTALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "counts the filling behind the end as well: there is nothing to be learnt from it, and with it the loss "
    "looks smaller than it is.": lambda each, spelling: each.mean(),
    "leaves out the end of each name: the network would never learn to stop.": letters_alone,
    "leaves out the first letter: the network would never learn to begin.": lambda each, spelling:
        each[:, 1:][spelling[:, 1:]].mean(),
    "adds up where a mean is wanted.": lambda each, spelling: each[spelling].sum(),
    "is the mean over names of their sums: it should be the mean over all letters and ends.":
        lambda each, spelling: (each * spelling).sum(1).mean(),
    "is the mean over names of their means: a letter of a short name counts more than one of a long one.":
        mean_of_names,
    "divides by the filling too: only letters and ends are to be counted.": lambda each, spelling:
        (each * spelling).mean(),
    "has the other sign: it would grow as the network learns.": lambda each, spelling:
        -each[spelling].mean(),
    "is that of the filling alone.": lambda each, spelling: each[~spelling].mean(),
}  # fmt: skip

OTHER_INPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "At each step the network reads the very letter that it is asked for: it copies it, the loss falls to 0, "
    "and nothing is learnt of what follows what.": lambda names: names,
    "At each step the network reads the letter after the one that it is asked for: when it spells, that "
    "letter is not there yet.": lambda names: pad(names, (0, 0, 0, 1))[:, 1:],
    "At the first step the network reads what stands last, as `roll` wraps around: it should read zeros, as "
    "when it spells.": lambda names: names.roll(1, 1),
    "The first letter is never asked for: the network would never learn to begin. It reads zeros before "
    "it.": lambda names: names[:, :-1],
    "The network reads nothing but zeros: each step should read the letter before.": torch.zeros_like,
}  # fmt: skip


class Reader(nn.Module):
    """A small network that notes what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRU(27, 8, batch_first=True), nn.Linear(8, 27)
        self.seen: list[Tensor] = []

    def forward(self, letters: Tensor) -> Tensor:
        self.seen.append(letters.detach().clone())
        logits: Tensor = 5 * self.head(self.cell(letters)[0])
        return logits


def check_letter_loss(answer: Any) -> None:
    reader, names = Reader(), encode(["ada", "bo", "theodore", "zoe", "maximilian"])
    given = names.clone()
    loss = call(answer, reader, given, usage="letter_loss(network, names)")
    seen, value = reader.seen, as_tensor(loss, ())
    reader.seen = []
    if not torch.equal(given, names):
        raise Wrong("The names that your function was given are changed.")
    if not seen:
        raise Wrong("Your function never calls `network`: its logits are what the loss is about.")
    for slip, inputs in OTHER_INPUTS.items():
        if torch.equal(seen[-1], inputs(names)):
            raise Wrong(slip)
    right = same(value, letter_loss(reader, names))
    for slip, total in OTHER_TOTALS.items():
        if not right and same(value, other_loss(total=total)(reader, names)):
            raise Wrong(f"Each step reads the letter before, but the loss {slip}")
    if not right:
        raise Wrong(f"The loss is {float(value):.4f} in our trial, which is not the mean of −log p over all "
                    "letters and ends, each given the letters before it.")  # fmt: skip
    if not loss.requires_grad:
        raise Wrong("The number is right, but no gradient reaches the network: keep the loss a tensor, and "
                    "detach nothing.")  # fmt: skip


LETTER_LOSS = Exercise(
    number="04.5",
    title="Find the bugs: a network that reads its answer",
    question="With the loss below, the network that is to spell names letter by letter gets a loss of nearly "
    "0, and spells nonsense. Write `letter_loss(network, names)`: each step reads the letter before, the "
    "first one zeros, and the loss is the mean over all letters and the end of each name, not over the "
    "filling behind it.",
    hints=(
        "When the network spells, which letters are there when it is asked for the next one?",
        "Move all letters one step to the right, zeros first. A step counts until the letter it reads is an "
        "end.",
    ),
    solution=letter_loss,
    why="What a network may read while it learns must be there when it spells: the letters before, and no "
    "more. The filling would only make the mean look better.",
    check=check_letter_loss,
    wrong=(
        (buggy_letter_loss, "the very letter"),
        (other_loss(lambda names: pad(names, (0, 0, 0, 1))[:, 1:]), "the letter after"),
        (other_loss(lambda names: names.roll(1, 1)), "wraps around"),
        (from_the_second, "never asked for"),
        (other_loss(torch.zeros_like), "nothing but zeros"),
        (other_loss(total=lambda each, spelling: each.mean()), "the filling behind"),
        (other_loss(total=letters_alone), "learn to stop"),
        (other_loss(total=lambda each, spelling: each[:, 1:][spelling[:, 1:]].mean()),
         "the loss leaves out the first"),
        (other_loss(total=lambda each, spelling: each[spelling].sum()), "adds up"),
        (other_loss(total=lambda each, spelling: (each * spelling).sum(1).mean()), "of their sums"),
        (other_loss(total=mean_of_names), "of their means"),
        (other_loss(total=lambda each, spelling: (each * spelling).mean()), "divides by the filling"),
        (other_loss(total=lambda each, spelling: -each[spelling].mean()), "other sign"),
        (other_loss(total=lambda each, spelling: each[spelling].square().mean()), "which is not the mean"),
        (other_loss(total=lambda each, spelling: each[spelling].mean().detach()), "no gradient reaches"),
        (lambda network, names: names.mean(), "never calls"),
        (lambda network, names: letter_loss(network, names.mul_(2)), "are changed"),
        (lambda network, names: letter_loss(network, names).item(), "should be a tensor"),
    ),
    shown=(buggy_letter_loss,),
)  # fmt: skip

EXERCISES = (LETTER_LOSS,)
