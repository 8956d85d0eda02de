"""Translation learnt from pairs, with a discriminator (pix2pix) or by regression alone."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from gantutor import objectives
from gantutor._checks import checked, number
from gantutor.games.classical import classical_turns, generator_loss
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Latent, Losses, Turn
from gantutor.objectives import Objective


def l1_distance(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the L1 distance E |y − ŷ|, the mean over all samples and pixels.

    Training with it blurs images less than training with a squared distance (Isola et al. 2017,
    arXiv:1611.07004, section 3.1).

    Args:
        outputs: what a network gave, ŷ, of any shape.
        targets: the values y that it should have given, of the same shape.

    >>> import torch
    >>> l1_distance(torch.tensor([1.0, -1.0]), torch.tensor([0.0, 1.0]))
    tensor(1.5000)
    """
    return (outputs - targets).abs().mean()


def pix2pix_loss(objective: Objective, weight: float, gan: GAN, batch: Batch) -> Losses:
    """Return the generator's loss in pix2pix: an adversarial loss and the L1 distance to the target.

    L_GAN(G, D) + λ · E |y − G(x, z)|: Isola et al. 2017, arXiv:1611.07004, equation 4.

    Args:
        objective: gives the adversarial loss as a function of the logits.
        weight: the weight λ of the distance, at least 0.
        gan: the game, with networks ``generator`` and ``discriminator``.
        batch: targets y in ``real``, inputs x in ``condition``.

    Returns:
        ``total``; and ``adversarial`` and ``distance``, without their weights.
    """
    adversarial = generator_loss(objective, gan, batch)["total"]
    distance = l1_distance(batch.fake, batch.real)
    return {"total": adversarial + weight * distance, "adversarial": adversarial, "distance": distance}


def regression_loss(gan: GAN, batch: Batch) -> Losses:
    """Return the L1 distance E |y − G(x, z)| alone, the baseline for pix2pix.

    Where several results are possible, their median minimises it.

    Args:
        gan: the game, with a network ``generator``.
        batch: targets y in ``real``, inputs x in ``condition``.

    Returns:
        ``total``, the loss.
    """
    return {"total": l1_distance(batch.fake, batch.real)}


@checked(weight=number(0))
def pix2pix(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: Objective | None = None,
    weight: float = 10.0,
    latent: Latent = 16,
) -> GAN:
    """Return the pix2pix game, which learns to translate a condition x into a target y from pairs.

    Train it on data (y, x): the real sample and its condition.

    Args:
        generator: called ``generator(z, x)``; gives an estimate of y.
        discriminator: called ``discriminator(y, x)``, so that it sees the pair.
        objective: the adversarial losses; None means ``non_saturating(r1=0.01)``.
        weight: the weight λ of the L1 distance, at least 0. The paper uses 100, with a sum of losses of the
            same form.
        latent: dimension of the latent z, or a function that draws it: see ``GAN``.

    Raises:
        InputError: if the weight is negative, or for the reasons that ``GAN.of`` names.

    >>> from gantutor.networks.type_translation import PatchDiscriminator, TypeTranslator
    >>> discriminator = PatchDiscriminator(typefaces=8, pairs=True)
    >>> [turn.name for turn in pix2pix(TypeTranslator(typefaces=8), discriminator).turns]
    ['discriminator', 'generator']
    """
    objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=0.01))
    turns = [
        classical_turns(objective)[0],
        Turn("generator", partial(pix2pix_loss, objective, weight)),
    ]
    networks = {"generator": generator, "discriminator": discriminator}
    gan = GAN.of(networks, turns, latent, outputs=("generator",))
    gan.pair = ("generator", "discriminator")
    return gan


def regression(generator: nn.Module, latent: Latent = 16) -> GAN:
    """Return the baseline for pix2pix: the same generator, trained with the L1 distance alone.

    Args:
        generator: called ``generator(z, x)``; gives an estimate of y.
        latent: dimension of the latent z, or a function that draws it: see ``GAN``.

    Raises:
        InputError: for the reasons that ``GAN.of`` names.

    >>> from gantutor.networks.type_translation import TypeTranslator
    >>> [turn.name for turn in regression(TypeTranslator()).turns]
    ['generator']
    """
    return GAN.of(
        {"generator": generator}, [Turn("generator", regression_loss)], latent, outputs=("generator",)
    )
