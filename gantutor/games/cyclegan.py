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


def translate_xy(gan: GAN, batch: Batch, source: Any) -> Tensor:
    """Translate from domain X into domain Y, handwriting into type, with the generator G.

    Args:
        gan: a game made by ``cyclegan``.
        batch: the batch, for its latents.
        source: images of X, (N, C, H, W).

    Returns:
        Images of Y, (N, C, H, W).
    """
    images: Tensor = apply(gan.networks["generator"], batch.latent, source)
    return images


def translate_yx(gan: GAN, batch: Batch, source: Any) -> Tensor:
    """Translate from domain Y into domain X, type into handwriting, with the generator F.

    Args:
        gan: a game made by ``cyclegan``.
        batch: the batch, for its latents.
        source: images of Y, (N, C, H, W).

    Returns:
        Images of X, (N, C, H, W).
    """
    images: Tensor = apply(gan.networks["back"], batch.latent, source)
    return images


def discriminator_y_loss(objective: Objective, gan: GAN, batch: Batch) -> Losses:
    """Return the loss with which D_Y learns to separate type y from the translations G(x).

    Args:
        objective: gives the loss as a function of the logits.
        gan: a game made by ``cyclegan``.
        batch: type in ``real`` and handwriting in ``condition``, (N, C, H, W) each, not paired.

    Returns:
        ``total``, the loss, and the mean logits ``real_logit`` and ``fake_logit`` for the history.
    """
    return _discriminator_loss(objective, gan.networks["type_judge"], batch.real, detach(batch.fake))


def discriminator_x_loss(objective: Objective, gan: GAN, batch: Batch) -> Losses:
    """Return the loss with which D_X learns to separate handwriting x from the translations F(y).

    Args:
        objective: gives the loss as a function of the logits.
        gan: a game made by ``cyclegan``.
        batch: type in ``real`` and handwriting in ``condition``, (N, C, H, W) each, not paired.

    Returns:
        ``total``, the loss, and the mean logits ``real_logit`` and ``fake_logit`` for the history.
    """
    with torch.no_grad():
        fake = translate_yx(gan, batch, batch.real)
    return _discriminator_loss(objective, gan.networks["hand_judge"], batch.condition, fake)


def _discriminator_loss(objective: Objective, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Losses:
    real_logits, fake_logits = apply(discriminator, real), apply(discriminator, fake)
    total = sum_over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def cyclegan_loss(objective: Objective, weight: float, identity: float, gan: GAN, batch: Batch) -> Losses:
    """Return the loss with which both generators learn to fool their discriminators and to invert each other.

    L_GAN(G, D_Y) + L_GAN(F, D_X) + λ · (E |F(G(x)) − x| + E |G(F(y)) − y|): Zhu et al. 2017,
    arXiv:1703.10593, equations 1 to 3. An identity loss may be added, μ · (E |G(y) − y| + E |F(x) − x|):
    their section 5.2.

    Args:
        objective: gives the adversarial losses as functions of the logits.
        weight: the weight λ of the cycle consistency, at least 0.
        identity: the weight μ of the identity loss, at least 0; 0 means none.
        gan: a game made by ``cyclegan``.
        batch: type y in ``real`` and handwriting x in ``condition``, (N, C, H, W) each, not paired.

    Returns:
        ``total``; and ``adversarial``, ``cycle`` and, where μ is not 0, ``identity``, without their weights.
    """
    x, y = batch.condition, batch.real  # handwriting and type, (N, C, H, W)
    fake_y, fake_x = batch.fake, translate_yx(gan, batch, y)
    adversarial = _adversarial_loss(objective, gan.networks["type_judge"], y, fake_y)
    adversarial = adversarial + _adversarial_loss(objective, gan.networks["hand_judge"], x, fake_x)
    cycle = l1_distance(translate_yx(gan, batch, fake_y), x) + l1_distance(
        translate_xy(gan, batch, fake_x), y
    )
    total = adversarial + weight * cycle
    losses = {"total": total, "adversarial": adversarial, "cycle": cycle}
    if identity:
        identity_loss = l1_distance(translate_xy(gan, batch, y), y) + l1_distance(
            translate_yx(gan, batch, x), x
        )
        losses |= {"total": total + identity * identity_loss, "identity": identity_loss}
    return losses


def _adversarial_loss(objective: Objective, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    fake_logits = apply(discriminator, fake)
    real_logits = fake_logits
    if objective.paired:
        with torch.no_grad():
            real_logits = apply(discriminator, real)
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
    """Return the CycleGAN game, which learns to translate handwriting (X) into type (Y) and back, unpaired.

    Train it on two streams, data (type, handwriting) whose rows do not belong together. Two kinds of
    handwriting that become the same type cannot be told apart again, so the cycle forces them to become
    different types; but nothing says which type a kind should become.

    Args:
        generator: G, called ``generator(z, handwriting)``; gives type.
        back: F, called ``back(z, type)``; gives handwriting.
        type_judge: the discriminator D_Y of type, called without a condition.
        hand_judge: the discriminator D_X of handwriting, called without a condition.
        objective: the losses; None means ``least_squares()``.
        weight: the weight λ of the cycle consistency, at least 0: see ``cyclegan_loss``.
        identity: the weight μ of the identity loss, at least 0; 0 means none.
        latent: dimension of the latent z, or a function that draws it: see ``GAN``.

    Raises:
        InputError: if a weight is negative, or for the reasons that ``GAN.of`` names.

    >>> from gantutor.networks.type_translation import PatchDiscriminator, TypeTranslator
    >>> generators = [TypeTranslator(latent=0) for _ in range(2)]
    >>> discriminators = [PatchDiscriminator() for _ in range(2)]
    >>> [turn.name for turn in cyclegan(*generators, *discriminators).turns]
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


def _penalties(objective: Objective, name: str) -> dict[str, Penalty]:
    """The objective's penalties on the discriminator of that name."""
    return {
        penalty_name: Penalty(partial(_penalty_loss, penalty, name), objective.every)
        for penalty_name, penalty in objective.penalties.items()
    }


def _penalty_loss(penalty: objectives.PenaltyFunction, name: str, gan: GAN, batch: Batch) -> Tensor:
    """A gradient penalty on one of the two discriminators."""
    if name == "type_judge":
        real, fake = batch.real, detach(batch.fake)
    else:
        with torch.no_grad():
            real, fake = batch.condition, translate_yx(gan, batch, batch.real)
    return penalty(partial(apply, gan.networks[name]), real, fake)
