"""The classical game with adaptive discriminator augmentation (ADA)."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._checks import checked, integer, number
from gantutor._errors import InputError
from gantutor.games.classical import classical_turns, discriminator_loss
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Latent, Losses
from gantutor.networks.augmentation import AdaptiveAugment, AugmentedDiscriminator
from gantutor.objectives import Objective


def adaptive_discriminator_loss(
    objective: Objective,
    target: float,
    images: int,
    every: int,
    gan: GAN,
    batch: Batch,
    discriminator: str = "discriminator",
) -> Losses:
    """Return the classical loss of a discriminator, and adapt the probability of its augmentation.

    The sign of a logit says whether the discriminator takes an image for real. A mean sign near 1 on its
    training images says that it overfits: r = E sign D(x), Karras et al. 2020, arXiv:2006.06676, equation 1.
    The loss is that of ``discriminator_loss``; see ``AdaptiveAugment.adapt`` for the rule.

    Args:
        objective: gives the loss as a function of the logits.
        target: the value that r is to have, from −1 to 1; the paper uses 0.6.
        images: number of images in which the probability can rise from 0 to 1, at least 1.
        every: number of minibatches between two changes of the probability, at least 1.
        gan: the game.
        batch: real images with their condition; the generated ones are detached.
        discriminator: the name of the discriminator, which contains an ``AdaptiveAugment``.

    Returns:
        What ``discriminator_loss`` returns; ``real_sign``, the mean sign of this minibatch; and
        ``augmentation``, the probability that the next one meets.

    Raises:
        InputError: if the discriminator contains no ``AdaptiveAugment``.
    """
    signs = []

    def observed_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        signs.append(real_logits.detach().sign().mean())
        return objective.discriminator(real_logits, fake_logits)

    augment = _find_augment(gan.networks[discriminator], discriminator)
    losses = discriminator_loss(replace(objective, discriminator=observed_loss), gan, batch, discriminator)
    real_sign = torch.stack(signs).mean()  # over the heads of the discriminator
    augment.adapt(real_sign, len(batch.real), target, images, every)
    return losses | {"real_sign": real_sign, "augmentation": augment.probability.clone()}


def _find_augment(network: nn.Module, name: str) -> AdaptiveAugment:
    for module in network.modules():
        if isinstance(module, AdaptiveAugment):
            return module
    raise InputError(
        f"the {name} must contain an AdaptiveAugment: wrap it in AugmentedDiscriminator({name}, "
        "AdaptiveAugment())"
    )


@checked(target=number(-1, 1), images=integer(1), every=integer(1), discriminator_turns=integer(1))
def adaptive_augmentation(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: Objective | None = None,
    latent: Latent = 64,
    target: float = 0.6,
    images: int = 500_000,
    every: int = 4,
    augment: nn.Module | None = None,
    discriminator_turns: int = 1,
) -> GAN:
    """Return the classical game on images with adaptive discriminator augmentation (ADA).

    Karras et al. 2020, arXiv:2006.06676, section 3. Real and generated images are augmented before the
    discriminator sees them, in both turns, with a probability that rises from 0 while the discriminator
    overfits. The history records it as ``discriminator.augmentation``. Above about 0.8 augmentations begin to
    show in what is generated (their section 2.2).

    With several processes each follows its own logits; a checkpoint keeps the probability of the first. With
    ``accumulate`` each part of a batch counts as a minibatch.

    Args:
        generator: called ``generator(z)``, or ``generator(z, condition)`` where the data have conditions.
        discriminator: called with images (N, C, H, W), and a condition. It is wrapped in an
            ``AugmentedDiscriminator``.
        objective: the losses and penalties; None means ``non_saturating(r1=1.0)``. A logit of 0 must lie
            between real and generated, as with cross-entropy and hinge losses.
        latent: dimension or shape of the latent z, or a function that draws it: see ``GAN``.
        target: the mean sign of the logits of real images that is aimed at, from −1 to 1.
        images: number of real images in which the probability can rise from 0 to 1, at least 1.
        every: number of minibatches between two changes of the probability, at least 1.
        augment: an ``AdaptiveAugment``; None means one that uses all its transformations.
        discriminator_turns: updates of the discriminator for each update of the generator, at least 1.

    Raises:
        InputError: if a number is out of range, ``augment`` is something else, the losses of the
            objective give no meaning to the sign of a logit, or for the reasons that ``GAN`` names.

    >>> from gantutor import networks
    >>> game = adaptive_augmentation(networks.ConvGenerator(), networks.ConvDiscriminator())
    >>> float(game.discriminator.augment.probability)
    0.0
    """
    objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=1.0))
    if not _has_boundary_at_zero(objective):
        raise InputError(
            f"the losses of {objective.name} do not put the boundary between real and generated at a logit "
            "of 0, and the augmentation follows the signs: choose another objective, such as "
            "non_saturating(r1=1.0)"
        )
    augment = AdaptiveAugment() if augment is None else augment
    if not isinstance(augment, AdaptiveAugment):
        raise InputError(f"augment must be an AdaptiveAugment or None, not {augment!r:.60}")
    augmented = AugmentedDiscriminator(discriminator, augment)
    gan = GAN(generator, augmented, objective, latent, discriminator_turns)
    loss = partial(adaptive_discriminator_loss, objective, target, images, every)
    gan.turns[0] = replace(classical_turns(objective, discriminator_turns)[0], loss=loss)
    return gan


def _has_boundary_at_zero(objective: Objective) -> bool:
    """Whether a discriminator that cannot tell real from generated has the logit 0."""

    def loss(real_logit: float, fake_logit: float) -> float:
        return float(objective.discriminator(torch.tensor([real_logit]), torch.tensor([fake_logit])))

    is_symmetric = math.isclose(loss(0.5, 0.5), loss(-0.5, -0.5), abs_tol=1e-5)
    ignores_constants = math.isclose(loss(3.3, 2.8), loss(0.3, -0.2), abs_tol=1e-5)
    return is_symmetric and not ignores_constants
