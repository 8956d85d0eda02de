"""Exercises of notebook 06 on what a discriminator remembers, and on augmentation against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_numbers, as_tensor, call, describe, near, same

# --- 06.1 ---------------------------------------------------------------------------------------------------


def remembered() -> tuple[float, ...]:
    """The gap of the means, and the share of pairs in which the training photograph has the larger logit."""
    known, new, generated = 2.1, 0.3, -0.9
    train, held_out = (3.0, 1.0, 2.0), (0.0, 1.5)
    pairs = [t > h for t in train for h in held_out]
    return (known - new) / (known - generated), sum(pairs) / len(pairs)


SLIPS: tuple[dict[float, str], ...] = (
    {
        1.8: "is how far held-out people lie below training photographs: which share of the way down to "
        "generated faces is that?",
        0.4: "is the share of the way that is left, from held-out people down to generated faces.",
        1.5: "divides by the way from held-out people to generated faces: the whole way begins at the "
        "training photographs.",
        3: "is the whole way, from training photographs down to generated faces.",
        1.2: "is the way from held-out people to generated faces.",
        1 / 0.6: "is the other way up: a part over the whole.",
        1.8
        / 2.1: "divides by the logit of the training photographs: the way goes on to the generated faces, "
        "below zero.",
        60: "is a percentage: give a share between 0 and 1.",
        -0.6: "has the sign turned: training photographs have the larger logit.",
    },
    {
        1 / 6: "is the share of pairs in which the held-out photograph has the larger logit.",
        5: "is how many pairs there are of the kind: of how many?",
        6: "is how many pairs there are.",
        2 / 3: "is the share of training photographs that lie above all held-out ones: take the pairs one by "
        "one.",
        1: "compares the means: take the pairs one by one.",
        0.5: "would be chance: take the pairs one by one.",
        100 * 5 / 6: "is a percentage: give a share between 0 and 1.",
    },
)


def check_remembered(answer: Any) -> None:
    names = ("the share of the way", "the share of pairs")
    values = as_numbers(answer, names)
    for name, value, right, slips in zip(names, values, remembered(), SLIPS, strict=True):
        if near(value, right):
            continue
        begin = name[0].upper() + name[1:]
        for other, slip in slips.items():
            if near(value, other):
                raise Wrong(f"{begin}: {value:g} {slip}")
        raise Wrong(f"{begin}: not {value:g}. Draw the three means on a line, and write the pairs below one "
                    "another.")  # fmt: skip


REMEMBERED = Exercise(
    number="06.1",
    title="What a discriminator remembers",
    question="A discriminator's mean logits are 2.1 on training photographs, 0.3 on new people and −0.9 on "
    "generated faces. Which share of the way from training photographs to generated faces have new people "
    "gone? Another one gives three training photographs 3, 1 and 2, and two of new people 0 and 1.5: in "
    "which share of the pairs has the training photograph the larger logit? Two numbers in brackets.",
    hints=(
        "The first is a difference of two means over another; three photographs and two make six pairs.",
        "(2.1 − 0.3) over (2.1 + 0.9); and in all pairs but one, 1 against 1.5.",
    ),
    solution=remembered(),
    why="The first is the gap of Karras et al. (2020): 0 where new people are treated like known ones, 1 "
    "where they are taken for generated. The second is ½ where nothing is remembered.",
    check=check_remembered,
    wrong=(
        ((1.8, 0.833), "which share of the way"),
        ((0.4, 0.833), "that is left"),
        ((1.5, 0.833), "the whole way begins"),
        ((3, 0.833), "is the whole way"),
        ((1.2, 0.833), "from held-out people to generated faces."),
        ((1.667, 0.833), "other way up"),
        ((0.857, 0.833), "below zero"),
        ((60, 0.833), "percentage"),
        ((-0.6, 0.833), "sign turned"),
        ((0.1, 0.833), "on a line"),
        ((0.6, 0.167), "the held-out photograph has"),
        ((0.6, 5), "of how many"),
        ((0.6, 0.667), "above all held-out ones"),
        ((0.6, 1), "compares the means"),
        ((0.6, 0.5), "would be chance"),
        ((0.6,), "should be 2 numbers"),
    ),
    working=remembered,
)

# --- 06.2 ---------------------------------------------------------------------------------------------------


def buggy_losses(discriminator: Any, augment: Any, real: Tensor, fake: Tensor) -> Any:
    """The discriminator's loss and the generator's, on augmented pictures."""
    real_logits = discriminator(augment(real))
    fake_logits = discriminator(fake.detach())
    for_discriminator = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    with torch.no_grad():
        shown = augment(fake)
    for_generator = F.softplus(-discriminator(shown)).mean()
    return for_discriminator, for_generator


def losses(discriminator: Any, augment: Any, real: Tensor, fake: Tensor) -> Any:
    real_logits = discriminator(augment(real))
    fake_logits = discriminator(augment(fake.detach()))
    for_discriminator = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    for_generator = F.softplus(-discriminator(augment(fake))).mean()
    return for_discriminator, for_generator


Shown = Callable[[Any], Any]


def losses_with(
    on_real: bool = True, on_fake: bool = True, for_generator: bool = True, detach: bool = True,
    flows: bool = True, sign: float = -1.0,
) -> Callable[..., Any]:  # fmt: skip
    """The right function with other parts."""

    def play(discriminator: Any, augment: Any, real: Tensor, fake: Tensor) -> Any:
        judged = fake.detach() if detach else fake
        real_logits = discriminator(augment(real) if on_real else real)
        fake_logits = discriminator(augment(judged) if on_fake else judged)
        seen = augment(fake) if for_generator else fake
        logits = discriminator(seen if flows else seen.detach())
        return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean(), F.softplus(
            sign * logits
        ).mean()

    return play


UNEVEN = {
    (True, False): "In the discriminator's loss real pictures are augmented and generated ones are not: it "
    "would tell the two by that.",
    (False, True): "In the discriminator's loss generated pictures are augmented and real ones are not: it "
    "would tell the two by that.",
    (False, False): "In the discriminator's loss nothing is augmented: it can still learn the real pictures "
    "by heart.",
}


def check_losses(answer: Any) -> None:
    real, weights = torch.randn(6, 1, 4, 4), torch.randn(1, 4, 4)
    fake = torch.randn(6, 1, 4, 4, requires_grad=True)

    def discriminator(images: Tensor) -> Tensor:
        return (images * weights).flatten(1).sum(1)

    def augment(images: Tensor) -> Tensor:
        return 0.5 * images.flip(3) + 0.3

    usage = "losses(discriminator, augment, real, fake)"
    both = call(answer, discriminator, augment, real, fake, usage=usage)
    if not isinstance(both, (tuple, list)) or len(both) != 2:
        raise Wrong(f"Your function should return two losses, not {describe(both)}.")
    names = "The discriminator's loss", "The generator's loss"
    first, second = (as_tensor(part, (), name) for part, name in zip(both, names, strict=True))

    def expected(**parts: Any) -> tuple[Tensor, Tensor]:
        one, other = losses_with(**parts)(discriminator, augment, real, fake)
        return one.detach(), other.detach()

    for (on_real, on_fake), slip in UNEVEN.items():
        if same(first, expected(on_real=on_real, on_fake=on_fake)[0]):
            raise Wrong(slip)
    if not same(first, expected()[0]):
        raise Wrong("The discriminator's loss is another: softplus of minus the logits of augmented real "
                    "pictures, and of the logits of augmented generated ones, each as a mean.")  # fmt: skip
    if same(second, expected(for_generator=False)[1]):
        raise Wrong("In the generator's loss its pictures are not augmented: the discriminator has never "
                    "learnt to judge such ones.")  # fmt: skip
    if same(second, expected(sign=1.0)[1]):
        raise Wrong("The generator's loss has the other sign: it would learn to be found out.")
    if not same(second, expected()[1]):
        raise Wrong("The generator's loss is another: softplus of minus the logits of its augmented "
                    "pictures, as a mean.")  # fmt: skip
    check_slopes(both, fake, discriminator, augment)


def check_slopes(both: Any, fake: Tensor, discriminator: Shown, augment: Shown) -> None:
    def slope(loss: Tensor) -> Tensor:
        if not loss.requires_grad:
            return torch.zeros_like(fake)
        (found,) = torch.autograd.grad(loss, fake, retain_graph=True, allow_unused=True)
        return torch.zeros_like(fake) if found is None else found

    right = slope(F.softplus(-discriminator(augment(fake))).mean())
    pull = slope(both[1])
    if not bool(pull.any()):
        raise Wrong("Both losses have the right value, but no gradient comes from the second one to the "
                    "generator: it has to flow back through the augmentation.")  # fmt: skip
    if bool(slope(both[0]).any()):
        raise Wrong("Both losses have the right value, but the gradient of the first one flows into the "
                    "generator: detach what only the discriminator should learn from.")  # fmt: skip
    if not same(pull, right):
        raise Wrong("Both losses have the right value, but the gradient of the second one is another than "
                    "that through the augmentation.")  # fmt: skip


LOSSES = Exercise(
    number="06.2",
    title="Find the bugs: augmentation on one side",
    question="What is printed augments what the discriminator sees, and has two bugs: its discriminator can "
    "tell real from generated pictures by something that says nothing of faces, and its generator learns "
    "nothing. Write `losses(discriminator, augment, real, fake)`, which returns both losses.",
    hints=(
        "Which of the pictures, in which of the two losses, are augmented? And where does the gradient stop?",
        "Both kinds of pictures are augmented wherever they are judged, and only the discriminator's loss "
        "is cut off from the generator.",
    ),
    solution=losses,
    why="Augmented on one side alone, the change itself becomes what tells real from generated. And a "
    "differentiable augmentation is of use only where the gradient goes through it.",
    check=check_losses,
    wrong=(
        (buggy_losses, "generated ones are not"),
        (losses_with(on_real=False), "real ones are not"),
        (losses_with(on_real=False, on_fake=False), "nothing is augmented"),
        (losses_with(for_generator=False), "its pictures are not augmented"),
        (losses_with(flows=False), "no gradient comes"),
        (losses_with(detach=False), "flows into the generator"),
        (losses_with(sign=1.0), "found out"),
        (lambda d, a, real, fake: losses(d, a, real, fake)[0], "two losses"),
        (lambda d, a, real, fake: losses(d, a, real, fake)[::-1], "loss is another: softplus of minus the "
         "logits of augmented"),
        (lambda d, a, real, fake: (losses(d, a, real, fake)[0], 2 * losses(d, a, real, fake)[1]), "of its "
         "augmented"),
    ),
    shown=(buggy_losses,),
)  # fmt: skip

EXERCISES = (REMEMBERED, LOSSES)
