"""The classical game of two players: the losses of the discriminator and of the generator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor import objectives
from gantutor._calling import apply, mean_logit, sum_over_heads
from gantutor.games.turn import Batch, Losses, Penalty, Turn

if TYPE_CHECKING:
    from gantutor.games.gan import GAN


def discriminator_loss(
    objective: objectives.Objective, gan: GAN, batch: Batch, discriminator: str = "discriminator"
) -> Losses:
    """Return the loss with which a discriminator learns to separate real from generated samples.

    Args:
        objective: gives the loss as a function of the logits.
        gan: the game.
        batch: real samples with their condition; the generated ones are detached.
        discriminator: the name of the discriminator.

    Returns:
        ``total``, the loss, and the mean logits ``real_logit`` and ``fake_logit`` for the history.
    """
    network = gan.networks[discriminator]
    real, fake = batch.real, batch.detached()
    if _reuses_logits(objective, real, fake):
        real, fake = real.detach().requires_grad_(True), fake.detach().requires_grad_(True)
    real_logits = apply(network, real, batch.condition)
    fake_logits = apply(network, fake, batch.condition)
    batch.logits_of[discriminator] = [(real, real_logits), (fake, fake_logits)]
    total = sum_over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def _reuses_logits(objective: objectives.Objective, real: Any, fake: Any) -> bool:
    """Whether penalties at the samples can use the logits of the loss: due at each step, in one precision."""
    tensors = isinstance(real, Tensor) and isinstance(fake, Tensor)
    due = objective.every == 1 and not {"r1", "r2"}.isdisjoint(objective.penalties)
    return tensors and due and not torch.is_autocast_enabled(real.device.type)


def generator_loss(
    objective: objectives.Objective, gan: GAN, batch: Batch, discriminator: str = "discriminator"
) -> Losses:
    """Return the loss with which a generator learns to raise the logits of its samples.

    A paired objective, such as the relativistic one, compares each generated sample with a real one.

    Args:
        objective: gives the loss as a function of the logits.
        gan: the game.
        batch: latents and conditions of the generated samples; real samples for a paired objective.
        discriminator: the name of the discriminator.

    Returns:
        ``total``, the loss.
    """
    real_logits = None
    if objective.paired:
        with torch.no_grad():
            real_logits = apply(gan.networks[discriminator], batch.real, batch.condition)
    fake_logits = apply(gan.networks[discriminator], batch.fake, batch.condition)
    reference = fake_logits if real_logits is None else real_logits
    return {"total": sum_over_heads(objective.generator, reference, fake_logits)}


def penalty_loss(
    penalty: objectives.PenaltyFunction, gan: GAN, batch: Batch, discriminator: str = "discriminator"
) -> Tensor:
    """Return a gradient penalty on a discriminator.

    Where the discriminator has several heads, the penalty is computed on the sum of their logits.

    Args:
        penalty: a function ``penalty(critic, real, fake)``, such as ``objectives.r1_penalty(1.0)``.
        gan: the game.
        batch: real samples with their condition; the generated ones are detached.
        discriminator: the name of the discriminator.

    Returns:
        A scalar.
    """

    known = [pair for pair in batch.logits_of.get(discriminator, []) if _needs_gradient(pair[0])]
    real, fake = (inputs for inputs, _ in known) if known else (batch.real, batch.detached())

    def critic(samples: Tensor) -> Tensor:
        logits = next((logits for inputs, logits in known if inputs is samples), None)
        if logits is None:
            logits = apply(gan.networks[discriminator], samples, batch.condition)
        return (
            torch.cat([head.reshape(len(head), -1) for head in logits], 1)
            if isinstance(logits, tuple)
            else logits
        )

    return penalty(critic, real, fake)


def _needs_gradient(inputs: Any) -> bool:
    return isinstance(inputs, Tensor) and inputs.requires_grad


def classical_turns(objective: objectives.Objective, discriminator_turns: int = 1) -> list[Turn]:
    """Return the two turns of the classical game: first the discriminator's, then the generator's.

    Args:
        objective: the losses and penalties.
        discriminator_turns: updates of the discriminator for each update of the generator, at least 1.

    Raises:
        InputError: if ``discriminator_turns`` is not a whole number of at least 1.

    >>> [(turn.name, turn.times) for turn in classical_turns(objectives.hinge(), discriminator_turns=2)]
    [('discriminator', 2), ('generator', 1)]
    """
    penalties = {
        name: Penalty(partial(penalty_loss, penalty), objective.every)
        for name, penalty in objective.penalties.items()
    }
    return [
        Turn(
            "discriminator",
            partial(discriminator_loss, objective),
            times=discriminator_turns,
            penalties=penalties,
        ),
        Turn("generator", partial(generator_loss, objective)),
    ]
