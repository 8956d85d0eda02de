"""The game with an auxiliary classifier (ACGAN): the discriminator also predicts the class of a sample.

A class is one label, or several attributes with options of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply, mean_logit
from gantutor._checks import boolean, checked, number
from gantutor._errors import InputError, type_name
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Latent, Losses, Penalty, Turn
from gantutor.objectives import Objective


def acgan_discriminator_loss(
    objective: Objective,
    real_weight: float,
    fake_weight: float,
    gan: GAN,
    batch: Batch,
    conditional: bool = False,
) -> Losses:
    """Return the loss of a discriminator that also classifies.

    −L_S − L_C: Odena et al. 2017, arXiv:1610.09585, equations 2 and 3. L_S is the adversarial loss of the
    objective, and −L_C the cross-entropy of the labels, for real and for generated samples.

    Args:
        objective: gives the adversarial loss as a function of the logits.
        real_weight: weight of the cross-entropy on real samples, at least 0.
        fake_weight: weight of the cross-entropy on generated samples, at least 0.
        gan: a game made by ``acgan``.
        batch: real samples, with their labels (N,) or attributes (N, A) in ``condition``; the generated ones
            are detached.
        conditional: whether the discriminator is also given the labels.

    Returns:
        ``total``; the cross-entropies ``real_class`` and ``fake_class`` without their weights; and the mean
        logits ``real_logit`` and ``fake_logit``.
    """
    labels = _labels(batch)
    condition = labels if conditional else None
    real_logits, real_classes = _judge(gan, batch.real, condition)
    fake_logits, fake_classes = _judge(gan, batch.detached(), condition)
    real_class = class_loss(real_classes, labels)
    fake_class = class_loss(fake_classes, labels)
    adversarial = objective.discriminator(real_logits, fake_logits)
    return {
        "total": adversarial + real_weight * real_class + fake_weight * fake_class,
        "real_class": real_class,
        "fake_class": fake_class,
        "real_logit": mean_logit(real_logits),
        "fake_logit": mean_logit(fake_logits),
    }


def acgan_generator_loss(
    objective: Objective, weight: float, gan: GAN, batch: Batch, conditional: bool = False
) -> Losses:
    """Return the loss of a generator whose samples should look real and be classified correctly.

    L_S − L_C: Odena et al. 2017, arXiv:1610.09585, equations 2 and 3.

    Args:
        objective: gives the adversarial loss as a function of the logits.
        weight: weight of the cross-entropy of the labels, at least 0.
        gan: a game made by ``acgan``.
        batch: latents, with the labels (N,) or attributes (N, A) in ``condition``; real samples for a paired
            objective.
        conditional: whether the discriminator is also given the labels.

    Returns:
        ``total``; and ``adversarial`` and ``class``, without their weights.
    """
    labels = _labels(batch)
    condition = labels if conditional else None
    fake_logits, fake_classes = _judge(gan, batch.fake, condition)
    real_logits = fake_logits
    if objective.paired:
        with torch.no_grad():
            real_logits, _ = _judge(gan, batch.real, condition)
    adversarial = objective.generator(real_logits, fake_logits)
    classification = class_loss(fake_classes, labels)
    return {
        "total": adversarial + weight * classification,
        "adversarial": adversarial,
        "class": classification,
    }


def class_loss(classes: Tensor | tuple[Tensor, ...], labels: Tensor) -> Tensor:
    """Return the cross-entropy of labels, or its mean over several attributes.

    Args:
        classes: class logits (N, K); or a tuple with the class logits (N, K_a) of each attribute a.
        labels: labels (N,); or attributes (N, A).

    Raises:
        InputError: if there are not as many attributes as class logits.

    >>> class_loss((torch.zeros(3, 2), torch.zeros(3, 4)), torch.zeros(3, 2, dtype=torch.long)).exp() ** 2
    tensor(8.0000)
    """
    if not isinstance(classes, tuple):
        return F.cross_entropy(classes, labels)
    if labels.dim() != 2 or labels.shape[1] != len(classes):
        raise InputError(
            f"there must be one column of attributes for each of the {len(classes)} class logits, but the "
            f"attributes have the shape {tuple(labels.shape)}"
        )
    losses = [F.cross_entropy(part, column) for part, column in zip(classes, labels.unbind(1), strict=True)]
    return torch.stack(losses).mean()


def _penalty_loss(penalty: objectives.PenaltyFunction, conditional: bool, gan: GAN, batch: Batch) -> Tensor:
    """A gradient penalty on the adversarial logits; the class logits are free."""
    condition = _labels(batch) if conditional else None
    return penalty(lambda samples: _judge(gan, samples, condition)[0], batch.real, batch.detached())


def _judge(gan: GAN, samples: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Any]:
    """Return the adversarial logits (N, …) and the class logits, (N, K) or one for each attribute."""
    outputs: Any = apply(gan.networks["discriminator"], samples, condition)
    if not isinstance(outputs, tuple) or len(outputs) != 2:
        raise InputError(
            f"the discriminator must return a pair (adversarial logits, class logits), not "
            f"{f'{len(outputs)} outputs' if isinstance(outputs, tuple) else type_name(outputs)}"
        )
    return outputs


def _labels(batch: Batch) -> Tensor:
    labels = batch.condition
    if not isinstance(labels, Tensor):
        raise InputError("an ACGAN needs a label for each sample: the data must be pairs (samples, labels)")
    return labels


@checked(real_weight=number(0), fake_weight=number(0), generator_weight=number(0), conditional=boolean())
def acgan(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: Objective | None = None,
    latent: Latent = 64,
    real_weight: float = 1.0,
    fake_weight: float = 1.0,
    generator_weight: float = 1.0,
    conditional: bool = False,
) -> GAN:
    """Return the game of a conditional GAN with an auxiliary classifier (ACGAN).

    Odena et al. 2017, arXiv:1610.09585. The generator receives a label, which the discriminator predicts.
    Train it on data (x, label). The generator may learn samples that are easy to classify, and lose the
    variety within a class; a smaller ``generator_weight`` makes that less likely. A class may also be several
    attributes: the data are then pairs (x, attributes (N, A)), and the cross-entropy is the mean over them.

    Args:
        generator: called ``generator(z, label)``.
        discriminator: called ``discriminator(x)``, or ``discriminator(x, label)`` if ``conditional``; returns
            a pair: adversarial logits (N, …), and class logits (N, K), or a tuple of class logits, one for
            each attribute.
        objective: the adversarial losses, and the penalties on the adversarial logits; None means
            ``non_saturating(r1=1.0)``. Labels are whole numbers (N,) from 0 to K − 1.
        latent: dimension or shape of the latent z, or a function that draws it: see ``GAN``.
        real_weight: weight of the cross-entropy on real samples in the discriminator's loss, at least 0.
        fake_weight: weight of the cross-entropy on generated samples in the discriminator's loss, at least 0.
        generator_weight: weight of the cross-entropy in the generator's loss, at least 0.
        conditional: whether the discriminator is also given the labels, as a projection discriminator is.

    Raises:
        InputError: if a weight is negative, or for the reasons that ``GAN.of`` names.

    >>> from gantutor import networks
    >>> game = acgan(networks.ConvGenerator(classes=10), networks.ConvDiscriminator(), generator_weight=0.1)
    >>> [turn.name for turn in game.turns]
    ['discriminator', 'generator']
    """
    objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=1.0))
    penalties = {
        name: Penalty(partial(_penalty_loss, penalty, conditional), objective.every)
        for name, penalty in objective.penalties.items()
    }
    discriminator_loss = partial(
        acgan_discriminator_loss, objective, real_weight, fake_weight, conditional=conditional
    )
    generator_loss = partial(acgan_generator_loss, objective, generator_weight, conditional=conditional)
    turns = [
        Turn("discriminator", discriminator_loss, penalties=penalties),
        Turn("generator", generator_loss),
    ]
    return GAN.of({"generator": generator, "discriminator": discriminator}, turns, latent)
