"""Translation between two domains without pairs (CycleGAN)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply, detach, mean_logit, sum_over_heads
from gantutor._checks import number, validate
from gantutor.games.gan import GAN
from gantutor.games.pix2pix import l1_distance
from gantutor.games.turn import Batch, LatentSampler, Losses, Penalty, Turn
from gantutor.objectives import Objective

# --- cycles -------------------------------------------------------------------------------------------------


def translate_xy(gan: GAN, batch: Batch, source: Any) -> Tensor:
    """G: handwriting into type."""
    made: Tensor = apply(gan.networks["generator"], batch.latent, source)
    return made


def translate_yx(gan: GAN, batch: Batch, source: Any) -> Tensor:
    """F: type into handwriting."""
    made: Tensor = apply(gan.networks["back"], batch.latent, source)
    return made


def discriminator_y_loss(objective: Objective, gan: GAN, batch: Batch) -> Losses:
    """D_Y learns to tell type from what G makes of handwriting; neither knows of pairs."""
    return _judge_loss(objective, gan.networks["type_judge"], batch.real, detach(batch.fake))


def discriminator_x_loss(objective: Objective, gan: GAN, batch: Batch) -> Losses:
    """D_X learns to tell handwriting from what F makes of type."""
    with torch.no_grad():
        fake = translate_yx(gan, batch, batch.real)
    return _judge_loss(objective, gan.networks["hand_judge"], batch.condition, fake)


def _judge_loss(objective: Objective, judge: nn.Module, real: Tensor, fake: Tensor) -> Losses:
    real_logits, fake_logits = apply(judge, real), apply(judge, fake)
    total = sum_over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def cyclegan_loss(objective: Objective, weight: float, identity: float, gan: GAN, batch: Batch) -> Losses:
    """Both generators learn to be taken for real, and to undo each other.

    L_GAN(G, D_Y) + L_GAN(F, D_X) + λ · (E |F(G(x)) − x| + E |G(F(y)) − y|): Zhu et al. 2017,
    arXiv:1703.10593, equations 1 to 3; and, with ``identity`` μ, μ · (E |G(y) − y| + E |F(x) − x|): their
    section 5.2.
    """
    written, typed = batch.condition, batch.real
    made_type, made_hand = batch.fake, translate_yx(gan, batch, typed)
    adversarial = _taken_for_real(objective, gan.networks["type_judge"], typed, made_type)
    adversarial = adversarial + _taken_for_real(objective, gan.networks["hand_judge"], written, made_hand)
    undone = l1_distance(translate_yx(gan, batch, made_type), written) + l1_distance(
        translate_xy(gan, batch, made_hand), typed
    )
    total = adversarial + weight * undone
    losses = {"total": total, "adversarial": adversarial, "cycle": undone}
    if identity:
        same = l1_distance(translate_xy(gan, batch, typed), typed) + l1_distance(
            translate_yx(gan, batch, written), written
        )
        losses |= {"total": total + identity * same, "identity": same}
    return losses


def _taken_for_real(objective: Objective, judge: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    fake_logits = apply(judge, fake)
    real_logits = fake_logits
    if objective.paired:
        with torch.no_grad():
            real_logits = apply(judge, real)
    return sum_over_heads(objective.generator, real_logits, fake_logits)


def cyclegan(
    generator: nn.Module,
    back: nn.Module,
    type_judge: nn.Module,
    hand_judge: nn.Module,
    objective: Objective | None = None,
    weight: float = 10.0,
    identity: float = 0.0,
    latent: int | LatentSampler = 1,
) -> GAN:
    """CycleGAN on two streams, data (type, handwriting) whose rows do not belong together: ``generator``(z,
    handwriting) makes type, ``back``(z, type) makes handwriting, and a judge(x) of each sees no condition.

    ``weight`` is λ, ``identity`` μ of ``cyclegan_loss``. A generator that gives two kinds of handwriting one
    type cannot be undone; nothing says which type a kind should become. Raises InputError for negative
    weights, and what ``GAN.of`` raises.

    >>> from gantutor.networks.type_translation import PatchDiscriminator, TypeTranslator
    >>> ways, judges = [TypeTranslator(latent=0) for _ in "12"], [PatchDiscriminator() for _ in "12"]
    >>> [turn.name for turn in cyclegan(*ways, *judges).turns]
    ['type_judge', 'hand_judge', 'generator+back']
    """
    validate({"weight": weight, "identity": identity}, weight=number(0), identity=number(0))
    objective = objectives.objective_or_default(objective, objectives.least_squares())
    networks = {"generator": generator, "back": back, "type_judge": type_judge, "hand_judge": hand_judge}
    turns = [
        Turn(
            "type_judge",
            partial(discriminator_y_loss, objective),
            penalties=_penalties(objective, "type_judge"),
        ),
        Turn(
            "hand_judge",
            partial(discriminator_x_loss, objective),
            penalties=_penalties(objective, "hand_judge"),
        ),
        Turn(("generator", "back"), partial(cyclegan_loss, objective, weight, identity)),
    ]
    return GAN.of(networks, turns, latent, averaged=("generator", "back"))


def _penalties(objective: Objective, judge: str) -> dict[str, Penalty]:
    return {
        name: Penalty(partial(_judge_penalty, penalty, judge), objective.every)
        for name, penalty in objective.penalties.items()
    }


def _judge_penalty(penalty: objectives.PenaltyFunction, judge: str, gan: GAN, batch: Batch) -> Tensor:
    """A penalty on the slope of one of the two judges."""
    if judge == "type_judge":
        real, fake = batch.real, detach(batch.fake)
    else:
        with torch.no_grad():
            real, fake = batch.condition, translate_yx(gan, batch, batch.real)
    return penalty(partial(apply, gan.networks[judge]), real, fake)
