"""Exercises of notebook 09 in code: the relativistic losses, and a discriminator that judges packs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, describe, same, slope

# --- 09.2 ---------------------------------------------------------------------------------------------------

Losses = Callable[[Tensor, Tensor], Any]


def relativistic(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    discriminator = F.softplus(fake_logits - real_logits).mean()
    generator = F.softplus(real_logits - fake_logits).mean()
    return discriminator, generator


def of_means(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return F.softplus(fake.mean() - real.mean()), F.softplus(real.mean() - fake.mean())


def every_pair(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    apart = fake[:, None] - real[None]
    return F.softplus(apart).mean(), F.softplus(-apart).mean()


def apart(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return F.softplus(-real).mean() + F.softplus(fake).mean(), F.softplus(-fake).mean()


def linear(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return (fake - real).mean(), (real - fake).mean()


def one_sided(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return relativistic(real, fake)[0], F.softplus(real.detach() - fake).mean()


SLIPS: dict[str, Losses] = {
    "The two losses are exchanged: the discriminator wants the real one of a pair to have the larger logit.":
        lambda real, fake: relativistic(fake, real),
    "The means are compared: each real sample has a generated one for partner, so first the softplus of each "
    "pair, then the mean.": of_means,
    "Every real sample is paired with every generated one: pair them one to one, as they come.": every_pair,
    "That is the non-saturating loss: real and generated logits are judged apart, and nothing is compared.":
        apart,
    "The softplus is missing: without it a pair that is told apart well goes on pulling for ever.": linear,
    "The losses are sums over the pairs: take the mean.":
        lambda real, fake: tuple(len(real) * loss for loss in relativistic(real, fake)),
    "The generator's loss has the wrong sign: minimising it helps the discriminator.":
        lambda real, fake: (relativistic(real, fake)[0], -relativistic(real, fake)[0]),
}  # fmt: skip


def check_relativistic(answer: Any) -> None:
    real = torch.tensor([1.5, -0.3, 0.2, 2.4, -1.0], requires_grad=True)
    fake = torch.tensor([0.4, 0.9, -2.0, 1.1, 0.3], requires_grad=True)
    result = call(answer, real, fake, usage="relativistic(real_logits, fake_logits)")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Wrong(
            "The function should return two losses, the discriminator's and the generator's, not "
            f"{describe(result)}."
        )
    names = "The discriminator's loss", "The generator's loss"
    values = [as_tensor(loss, (), name) for loss, name in zip(result, names, strict=True)]
    right = [loss.detach() for loss in relativistic(real, fake)]
    if not all(map(same, values, right)):
        for slip, other in SLIPS.items():
            if all(map(same, values, (loss.detach() for loss in other(real, fake)))):
                raise Wrong(slip)
        which = next(i for i in (0, 1) if not same(values[i], right[i]))
        raise Wrong(f"{names[which]} of our five pairs is {float(values[which]):.4f}, and should be another "
                    "number.")  # fmt: skip
    for position, name in enumerate(names):
        for logits in (real, fake):
            loss = answer(real, fake)[position]
            if not bool(slope(loss, logits).any()):
                raise Wrong(f"{name} is right as a number, but no gradient reaches one kind of logits.")


RELATIVISTIC = Exercise(
    number="09.2",
    title="Write the relativistic losses",
    question="Write `relativistic(real_logits, fake_logits)` of logits (N,) and (N,), paired as they come. "
    "It returns two losses: the discriminator's, E log(1 + exp(−(D(x) − D(G(z))))), and the generator's, "
    "E log(1 + exp(−(D(G(z)) − D(x)))).",
    hints=(
        "`torch.nn.functional.softplus` is log(1 + exp(·)), for each element.",
        "Both losses are one function of D(x) − D(G(z)), with the sign turned; then the mean over the pairs.",
    ),
    solution=relativistic,
    why="Only the difference counts: a sample is never good enough by itself, only beside a real one. "
    "Where a mode is left out its real samples win all their pairs, and the generator feels it.",
    check=check_relativistic,
    wrong=(
        *((wrong, slip[:40]) for slip, wrong in SLIPS.items()),
        (lambda real, fake: relativistic(real, fake)[0], "two losses"),
        (lambda real, fake: relativistic(2 * real, fake), "should be another number"),
        (lambda real, fake: relativistic(real.detach(), fake.detach()), "No gradient"),
        (one_sided, "no gradient reaches"),
    ),
)

# --- 09.3 ---------------------------------------------------------------------------------------------------

Discriminator = Callable[[Tensor], Tensor]
PackedLogits = Callable[[Discriminator, Tensor, Tensor, int], Any]


def buggy_packed(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    """Logits of packs of real and of generated samples."""
    both = torch.stack([real, fake], dim=1).flatten(0, 1)
    packs = both.view(-1, packing * both.shape[1])
    real_logits, fake_logits = discriminator(packs).chunk(2)
    return real_logits, fake_logits


def packed(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    real_logits = discriminator(real.view(-1, packing * real.shape[1]))
    fake_logits = discriminator(fake.view(-1, packing * fake.shape[1]))
    return real_logits, fake_logits


def repeated(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    one = [part.repeat(1, packing) for part in (real, fake)]
    return discriminator(one[0]), discriminator(one[1])


def averaged(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    means = [p.view(-1, packing, p.shape[1]).mean(1).repeat(1, packing) for p in (real, fake)]
    return discriminator(means[0]), discriminator(means[1])


def exchanged(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    return packed(discriminator, fake, real, packing)


PACKS: dict[str, PackedLogits] = {
    "Real and generated samples lie in the same packs: such a pack is neither, and the discriminator is told "
    "that it is one of them.": buggy_packed,
    "The same sample is repeated to fill a pack: then no pack shows variety, the real ones as little.":
        repeated,
    "The samples of a pack are averaged before they are judged: their variety is lost.": averaged,
    "Real and generated logits are exchanged.": exchanged,
}  # fmt: skip


def check_packed(answer: Any) -> None:
    real, fake = torch.randn(12, 3), torch.randn(12, 3) + 0.5
    for packing in (2, 4):
        weights = torch.randn(3 * packing, 5), torch.randn(5)
        seen: list[tuple[int, ...]] = []

        def discriminator(packs: Tensor, weights: Any = weights, seen: Any = seen) -> Tensor:
            seen.append(tuple(packs.shape))
            return (packs @ weights[0]).tanh() @ weights[1]  # type: ignore[no-any-return]

        given = real.clone(), fake.clone()
        usage = "packed(discriminator, real, fake, packing)"
        result = call(answer, discriminator, *given, packing, usage=usage)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Wrong(f"The function should return the logits of both kinds, not {describe(result)}.")
        count = 12 // packing
        values = [as_tensor(part, (len(part),) if isinstance(part, Tensor) and part.dim() == 1 else (count,))
                  for part in result]  # fmt: skip
        right = packed(discriminator, real, fake, packing)
        if [len(value) for value in values] == [count, count] and all(map(same, values, right)):
            continue
        for slip, other in PACKS.items():
            there = other(discriminator, real, fake, packing)
            if all(a.shape == b.shape and same(a, b) for a, b in zip(values, there, strict=True)):
                raise Wrong(slip)
        if [len(value) for value in values] != [count, count]:
            raise Wrong(f"Twelve samples make {count} packs of {packing}, and one logit each: you return "
                        f"{len(values[0])} and {len(values[1])}.")  # fmt: skip
        raise Wrong("The logits are not those of packs of samples that follow one another: each pack is one "
                    "row, its samples side by side.")  # fmt: skip


PACKED = Exercise(
    number="09.3",
    title="Find the bugs: packs",
    question="This discriminator is to judge packs of `packing` samples that follow one another, each (F,), "
    "side by side in one row of `packing` · F numbers. It learns nothing: its packs are wrong, and so is "
    "what it calls real and generated. Write `packed(discriminator, real, fake, packing)` → the logits of "
    "the real packs, and those of the generated packs.",
    hints=(
        "Which samples lie in the first pack when `packing` is 2? Write down their indices.",
        "A pack holds samples of one kind. `view` lays rows that follow one another side by side.",
    ),
    solution=packed,
    why="A pack of generated samples that are all alike is told from a pack of real ones at once, so the "
    "discriminator asks for variety (Lin et al. 2018).",
    check=check_packed,
    shown=(buggy_packed,),
    wrong=(
        *((wrong, slip[:40]) for slip, wrong in PACKS.items()),
        (lambda d, real, fake, packing: d(real.view(-1, packing * 3)), "both kinds"),
        (lambda d, real, fake, packing: [each.repeat(2) for each in packed(d, real, fake, packing)],
         "one logit each"),
        (lambda d, real, fake, packing: packed(d, real.flip(0), fake.flip(0), packing), "follow one another"),
    ),
)  # fmt: skip

EXERCISES = (RELATIVISTIC, PACKED)
