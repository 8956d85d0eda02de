"""The classical game of two players: the losses of the discriminator and of the generator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gantutor import objectives
from gantutor._calling import apply, detach, mean_logit, sum_over_heads
from gantutor.games.turn import Batch

if TYPE_CHECKING:
    from gantutor.games.gan import GAN
from gantutor.games.turn import Losses, Penalty, Turn

# --- the classical game -------------------------------------------------------------------------------------


def discriminator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """The discriminator learns to tell real samples from generated ones."""
    real_logits = apply(gan.networks["discriminator"], batch.real, batch.condition)
    fake_logits = apply(gan.networks["discriminator"], detach(batch.fake), batch.condition)
    total = sum_over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def generator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for real."""
    fake_logits = apply(gan.networks["discriminator"], batch.fake, batch.condition)
    return {"total": sum_over_heads(objective.generator, fake_logits, fake_logits)}


def paired_generator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for more real than the real sample it is paired with."""
    with torch.no_grad():
        real_logits = apply(gan.networks["discriminator"], batch.real, batch.condition)
    fake_logits = apply(gan.networks["discriminator"], batch.fake, batch.condition)
    return {"total": sum_over_heads(objective.generator, real_logits, fake_logits)}


def penalty_loss(penalty: objectives.PenaltyFunction, gan: GAN, batch: Batch) -> Tensor:
    """A penalty on the slope of the discriminator; of the sum of its heads where it has several."""

    def critic(samples: Tensor) -> Tensor:
        logits = apply(gan.networks["discriminator"], samples, batch.condition)
        return (
            torch.cat([head.reshape(len(head), -1) for head in logits], 1)
            if isinstance(logits, tuple)
            else logits
        )

    return penalty(critic, batch.real, detach(batch.fake))


def classical_turns(objective: objectives.Objective, discriminator_turns: int = 1) -> list[Turn]:
    """The discriminator's turn, ``discriminator_turns`` times, then the generator's."""
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
