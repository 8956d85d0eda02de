"""The classical game of two players: the losses of the discriminator and of the generator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gantutor import objectives
from gantutor._calling import apply, detach, mean_logit, sum_over_heads
from gantutor.games.turn import Batch, Losses, Penalty, Turn

if TYPE_CHECKING:
    from gantutor.games.gan import GAN


def discriminator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """Return the loss with which the discriminator learns to separate real from generated samples.

    Args:
        objective: gives the loss as a function of the logits.
        gan: the game, with networks ``generator`` and ``discriminator``.
        batch: real samples with their condition; the generated ones are detached.

    Returns:
        ``total``, the loss, and the mean logits ``real_logit`` and ``fake_logit`` for the history.
    """
    real_logits = apply(gan.networks["discriminator"], batch.real, batch.condition)
    fake_logits = apply(gan.networks["discriminator"], detach(batch.fake), batch.condition)
    total = sum_over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def generator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """Return the loss with which the generator learns to raise the logits of its samples.

    Args:
        objective: gives the loss as a function of the logits.
        gan: the game, with networks ``generator`` and ``discriminator``.
        batch: latents and conditions for the generated samples.

    Returns:
        ``total``, the loss.
    """
    fake_logits = apply(gan.networks["discriminator"], batch.fake, batch.condition)
    return {"total": sum_over_heads(objective.generator, fake_logits, fake_logits)}


def paired_generator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """Return the generator's loss for an objective that compares each generated sample with a real one.

    Args:
        objective: a paired objective, such as ``objectives.relativistic()``.
        gan: the game, with networks ``generator`` and ``discriminator``.
        batch: real samples with their condition, and latents for the generated ones.

    Returns:
        ``total``, the loss.
    """
    with torch.no_grad():
        real_logits = apply(gan.networks["discriminator"], batch.real, batch.condition)
    fake_logits = apply(gan.networks["discriminator"], batch.fake, batch.condition)
    return {"total": sum_over_heads(objective.generator, real_logits, fake_logits)}


def penalty_loss(penalty: objectives.PenaltyFunction, gan: GAN, batch: Batch) -> Tensor:
    """Return a gradient penalty on the discriminator of a game.

    Where the discriminator has several heads, the penalty is computed on the sum of their logits.

    Args:
        penalty: a function ``penalty(critic, real, fake)``, such as ``objectives.r1_penalty(1.0)``.
        gan: the game, with networks ``generator`` and ``discriminator``.
        batch: real samples with their condition; the generated ones are detached.

    Returns:
        A scalar.
    """

    def critic(samples: Tensor) -> Tensor:
        logits = apply(gan.networks["discriminator"], samples, batch.condition)
        return (
            torch.cat([head.reshape(len(head), -1) for head in logits], 1)
            if isinstance(logits, tuple)
            else logits
        )

    return penalty(critic, batch.real, detach(batch.fake))


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
    generator = paired_generator_loss if objective.paired else generator_loss
    return [
        Turn(
            "discriminator",
            partial(discriminator_loss, objective),
            times=discriminator_turns,
            penalties=penalties,
        ),
        Turn("generator", partial(generator, objective)),
    ]
