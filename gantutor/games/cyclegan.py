"""Translation between two domains without pairs (CycleGAN)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply
from gantutor._checks import checked, number
from gantutor.games.classical import discriminator_loss, generator_loss, penalty_loss
from gantutor.games.gan import GAN
from gantutor.games.pix2pix import l1_distance
from gantutor.games.turn import Batch, Latent, Losses, Penalty, Turn
from gantutor.objectives import Objective


def cyclegan_loss(objective: Objective, weight: float, identity: float, gan: GAN, batch: Batch) -> Losses:
    """Return the loss of both generators: to raise the logits of their samples, and to invert each other.

    L_GAN(G, D_Y) + L_GAN(F, D_X) + λ · (E |F(G(x)) − x| + E |G(F(y)) − y|): Zhu et al. 2017,
    arXiv:1703.10593, equations 1 to 3. An identity loss may be added, μ · (E |G(y) − y| + E |F(x) − x|):
    their section 5.2.

    Args:
        objective: gives the adversarial losses as functions of the logits.
        weight: the weight λ of the cycle consistency, at least 0.
        identity: the weight μ of the identity loss, at least 0; 0 means none.
        gan: a game made by ``cyclegan``.
        batch: y in ``real`` and x in ``condition``, (N, C, H, W) each, not paired.

    Returns:
        ``total``; and ``adversarial``, ``cycle`` and, where μ is not 0, ``identity``, without their weights.
    """
    x, y = batch.condition, batch.real  # (N, C, H, W)
    to_y, to_x = (partial(_translate, gan, batch, name) for name in ("generator_xy", "generator_yx"))
    fake_y, fake_x = batch.fake, to_x(y)
    adversarial = (
        generator_loss(objective, gan, batch.replace(real=y, fake=fake_y), "discriminator_y")["total"]
        + generator_loss(objective, gan, batch.replace(real=x, fake=fake_x), "discriminator_x")["total"]
    )
    cycle = l1_distance(to_x(fake_y), x) + l1_distance(to_y(fake_x), y)
    total = adversarial + weight * cycle
    losses = {"total": total, "adversarial": adversarial, "cycle": cycle}
    if identity:
        identity_loss = l1_distance(to_y(y), y) + l1_distance(to_x(x), x)
        losses |= {"total": total + identity * identity_loss, "identity": identity_loss}
    return losses


def _translate(gan: GAN, batch: Batch, generator: str, source: Any) -> Tensor:
    """Translate images (N, C, H, W) with one of the two generators."""
    images: Tensor = apply(gan.networks[generator], batch.latent, source)
    return images


def _in_domain_x(gan: GAN, batch: Batch) -> Batch:
    """The inputs of D_X: real x, and the translations F(y)."""
    with torch.no_grad():
        return batch.replace(real=batch.condition, fake=_translate(gan, batch, "generator_yx", batch.real))


def _in_domain_y(gan: GAN, batch: Batch) -> Batch:
    """The inputs of D_Y: real y, and the translations G(x)."""
    return batch.replace(real=batch.real, fake=batch.fake)


_DOMAINS = {"discriminator_y": _in_domain_y, "discriminator_x": _in_domain_x}


def _discriminator_loss(objective: Objective, name: str, gan: GAN, batch: Batch) -> Losses:
    return discriminator_loss(objective, gan, _DOMAINS[name](gan, batch), name)


def _penalty_loss(penalty: objectives.PenaltyFunction, name: str, gan: GAN, batch: Batch) -> Tensor:
    return penalty_loss(penalty, gan, _DOMAINS[name](gan, batch), name)


@checked(weight=number(0), identity=number(0))
def cyclegan(
    generator_xy: nn.Module,
    generator_yx: nn.Module,
    discriminator_x: nn.Module,
    discriminator_y: nn.Module,
    objective: Objective | None = None,
    weight: float = 10.0,
    identity: float = 0.0,
    latent: Latent = 1,
) -> GAN:
    """Return the CycleGAN game, which learns to translate images of X into images of Y and back, unpaired.

    Train it on two streams, data (y, x) whose rows do not belong together. Two kinds of x that become the
    same y cannot be told apart again, so the cycle forces them to become different ones; but nothing says
    which y a kind should become.

    Args:
        generator_xy: G, called ``generator_xy(z, x)``; gives images of Y. It makes the samples of the run.
        generator_yx: F, called ``generator_yx(z, y)``; gives images of X.
        discriminator_x: D_X, called without a condition.
        discriminator_y: D_Y, called without a condition.
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
    ['discriminator_y', 'discriminator_x', 'generators']
    """
    objective = objectives.objective_or_default(objective, objectives.least_squares())
    generators = {"generator_xy": generator_xy, "generator_yx": generator_yx}
    discriminators = {"discriminator_y": discriminator_y, "discriminator_x": discriminator_x}
    turns = [
        Turn(
            name,
            partial(_discriminator_loss, objective, name),
            penalties={
                key: Penalty(partial(_penalty_loss, penalty, name), objective.every)
                for key, penalty in objective.penalties.items()
            },
        )
        for name in discriminators
    ]
    turns += [Turn("generators", partial(cyclegan_loss, objective, weight, identity), tuple(generators))]
    networks = {**generators, **discriminators}
    return GAN.of(networks, turns, latent, averaged=tuple(generators), outputs=("generator_xy",))
