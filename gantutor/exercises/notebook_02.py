"""Exercises of notebook 02 on the loop: batch norm and the discriminator's turn, each with a bug."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, describe, near, same

# --- 02.1 ---------------------------------------------------------------------------------------------------


def buggy_layer() -> nn.Module:
    """Batch norm of 100 features whose running averages go 0.8 of the way to each new batch."""
    return nn.BatchNorm1d(100, 0.8)


def layer() -> nn.Module:
    return nn.BatchNorm1d(100, momentum=0.8)


def check_layer(answer: Any) -> None:
    if callable(answer) and not isinstance(answer, nn.Module):
        answer = call(answer, usage="layer()")
    if not isinstance(answer, nn.Module):
        raise Wrong(f"The answer should be a layer, such as nn.BatchNorm1d makes, not {describe(answer)}.")
    own = copy.deepcopy(answer).cpu().train()
    means = [getattr(part, "running_mean", None) for part in own.modules()]
    kept = [mean for mean in means if isinstance(mean, Tensor)]
    if not kept:
        raise Wrong("This layer keeps no running averages of what it saw, as batch norm does for later use.")
    before, batch = kept[0].clone(), 3 + 0.5 * torch.randn(64, 100)
    normed = as_tensor(call(own, batch, usage="layer(batch of shape (64, 100))"), (64, 100))
    if abs(float(normed.std(0, unbiased=False).mean()) - 1) > 0.02:
        raise Wrong(
            f"Features of standard deviation 0.5 come out with {normed.std(0).mean():.2f} and not with 1: "
            "the second argument of BatchNorm1d is eps, which is added to their variance."
        )
    moved = float(((kept[0] - before) / (batch.mean(0) - before)).mean())
    if near(moved, 0.1):
        raise Wrong("The running mean goes 0.1 of the way to a new batch: that is the momentum by default.")
    if near(moved, 0.2):
        raise Wrong("The running mean goes 0.2 of the way: in other frameworks momentum is the share that "
                    "is kept, and in PyTorch the share of the new batch.")  # fmt: skip
    if not near(moved, 0.8):
        raise Wrong(f"The running mean goes {moved:.2f} of the way to a new batch.")


LAYER = Exercise(
    number="02.1",
    title="Find the bug: momentum",
    question="The layer below was meant to have running averages that go 0.8 of the way to each new batch. "
    "Find the bug, and give the layer that was meant.",
    hints=(
        "Look up the order of the arguments of `nn.BatchNorm1d`.",
        "Write the argument's name in front of the number.",
    ),
    solution=layer(),
    why="The second argument by position is eps: it raised every variance by 0.8, and the momentum stayed "
    "0.1.",
    check=check_layer,
    wrong=(
        (buggy_layer, "is eps"),
        (nn.BatchNorm1d(100), "by default"),
        (nn.BatchNorm1d(100, momentum=0.2), "other frameworks"),
        (nn.BatchNorm1d(100, momentum=0.5), "goes 0.50"),
        (nn.LayerNorm(100), "no running averages"),
        (nn.BatchNorm2d(100, momentum=0.8), "raised ValueError"),
    ),
    shown=(buggy_layer,),
    working=layer,
)

# --- 02.2 ---------------------------------------------------------------------------------------------------

Network = Callable[[Tensor], Tensor]


def buggy_turn(
    generator: Network, discriminator: Network, optimizer: torch.optim.Optimizer, real: Tensor, latent: Tensor
) -> None:
    """The discriminator's turn; the optimizer holds the discriminator's weights."""
    fake = generator(latent)
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def discriminator_turn(
    generator: Network, discriminator: Network, optimizer: torch.optim.Optimizer, real: Tensor, latent: Tensor
) -> None:
    fake = generator(latent).detach()
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def detaches_too_much(
    generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor
) -> None:
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(generator(latent)).detach()).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def forgets_to_zero(generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor) -> None:
    fake = generator(latent).detach()
    (softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def takes_the_other_side(
    generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor
) -> None:
    optimizer.zero_grad()
    fake = generator(latent).detach()
    (softplus(discriminator(real)).mean() + softplus(-discriminator(fake)).mean()).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def never_steps(generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor) -> None:
    optimizer.zero_grad()
    fake = generator(latent).detach()
    (softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()).backward()  # type: ignore[no-untyped-call]


def freezes_the_generator(
    generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor
) -> None:
    generator.requires_grad_(False)
    buggy_turn(generator, discriminator, optimizer, real, latent)


def check_turn(answer: Any) -> None:
    generator, discriminator = nn.Linear(2, 2), nn.Linear(2, 1)
    real, latent = torch.randn(8, 2) + 1, torch.randn(8, 2)
    weight, start = discriminator.weight, generator.weight.detach().clone()
    with torch.no_grad():
        fake = generator(latent)

    def pull(loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss.mean(), weight)[0]

    from_real, from_fake = pull(softplus(-discriminator(real))), pull(softplus(discriminator(fake)))
    other_side = pull(softplus(discriminator(real))) + pull(softplus(-discriminator(fake)))
    for left_over in discriminator.parameters():  # what the generator's turn leaves behind
        left_over.grad = torch.ones_like(left_over)
    before = weight.detach().clone()
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.5)
    spare = nn.Linear(
        1, 1
    )  # torch loads much of itself at a first step, which is no part of the answer's time
    torch.optim.SGD(spare.parameters()).step()
    usage = "discriminator_turn(generator, discriminator, optimizer, real, latent)"
    call(answer, generator, discriminator, optimizer, real.clone(), latent.clone(), usage=usage)
    used = (before - weight.detach()) / 0.5
    slips = {
        "did not move at all: who calls `step()`, and when?": 0 * used,
        "followed old gradients too, those that the generator's turn had left: who sets them to "
        "zero?": from_real
        + from_fake + 1,
        "learnt from the real samples only: cut what the generator made, not what the discriminator "
        "says of it.":
        from_real,
        "moved the wrong way: it learns to call generated samples real.": other_side,
    }  # fmt: skip
    for slip, other in slips.items():
        if same(used, other):
            raise Wrong(f"The discriminator {slip}")
    if not same(used, from_real + from_fake):
        raise Wrong("The discriminator moved, but not down the gradient of −E log D(x) − E log(1 − D(G(z))).")
    if any(bool(w.grad is not None and w.grad.any()) for w in generator.parameters()):
        raise Wrong(
            "The discriminator moves as it should, but gradients are left in the generator's weights."
        )
    if not same(generator.weight.detach(), start):
        raise Wrong("The generator has moved in the discriminator's turn.")
    if not all(w.requires_grad for w in generator.parameters()):
        raise Wrong(
            "After this turn the generator's weights ask for no gradient, so its own turn would fail."
        )


TURN = Exercise(
    number="02.2",
    title="Find the bug: whose gradients?",
    question="The turn below trains the discriminator, and leaves gradients in the generator as well: an "
    "optimiser that holds both networks would make the generator worse. Write "
    "`discriminator_turn(generator, discriminator, optimizer, real, latent)` without the bug.",
    hints=(
        "The discriminator's loss depends on the generator's weights, through one variable.",
        "A tensor's `detach()` cuts it off from the network that made it.",
    ),
    solution=discriminator_turn,
    why="Detached, the generated samples are mere data: `backward()` stops at them, which saves time as "
    "well.",
    check=check_turn,
    wrong=(
        (buggy_turn, "left in the generator"),
        (detaches_too_much, "real samples only"),
        (forgets_to_zero, "old gradients"),
        (takes_the_other_side, "wrong way"),
        (never_steps, "did not move"),
        (freezes_the_generator, "ask for no gradient"),
    ),
    shown=(buggy_turn,),
)

EXERCISES = (LAYER, TURN)
