"""Translation from pairs, with an adversary (pix2pix) or by regression alone."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from gantutor import objectives
from gantutor._checks import number, validate
from gantutor.games.classical import classical_turns, generator_loss, paired_generator_loss
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, LatentSampler, Losses, Turn
from gantutor.objectives import Objective


def l1_distance(made: Tensor, wanted: Tensor) -> Tensor:
    """E |y − ŷ| over all pixels: the L1 distance, which blurs less than a squared one (Isola et al. 2017,
    arXiv:1611.07004, section 3.1).

    >>> l1_distance(torch.tensor([1.0, -1.0]), torch.tensor([0.0, 1.0]))
    tensor(1.5000)
    """
    return (made - wanted).abs().mean()


# --- pairs --------------------------------------------------------------------------------------------------


def pix2pix_loss(objective: Objective, weight: float, gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for real, and to come near the real one of its pair.

    L_GAN(G, D) + λ · E |y − G(x, z)|: Isola et al. 2017, arXiv:1611.07004, equation 4.
    """
    against = paired_generator_loss if objective.paired else generator_loss
    adversarial = against(objective, gan, batch)["total"]
    missed = l1_distance(batch.fake, batch.real)
    return {"total": adversarial + weight * missed, "adversarial": adversarial, "distance": missed}


def regression_loss(gan: GAN, batch: Batch) -> Losses:
    """E |y − G(x, z)| alone: where several results are possible, the least distance is to their median."""
    return {"total": l1_distance(batch.fake, batch.real)}


def pix2pix(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: Objective | None = None,
    weight: float = 10.0,
    latent: int | LatentSampler = 16,
) -> GAN:
    """pix2pix: a generator(z, condition) and a discriminator(x, condition) that sees the pair, on data (real,
    condition).

    ``weight`` is the λ of the distance to the real one; the paper's, with a sum of losses of the same form,
    is 100. Raises InputError for a negative weight, and what ``GAN.of`` raises.

    >>> from gantutor.networks.type_translation import PatchDiscriminator, TypeTranslator
    >>> judge = PatchDiscriminator(typefaces=8, pairs=True)
    >>> [turn.name for turn in pix2pix(TypeTranslator(typefaces=8), judge).turns]
    ['discriminator', 'generator']
    """
    validate({"weight": weight}, weight=number(0))
    objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=0.01))
    turns = [
        classical_turns(objective)[0],
        Turn("generator", partial(pix2pix_loss, objective, weight)),
    ]
    return GAN.of({"generator": generator, "discriminator": discriminator}, turns, latent)


def regression(generator: nn.Module, latent: int | LatentSampler = 16) -> GAN:
    """The baseline: the same generator(z, condition) without an adversary, in a single turn.

    >>> from gantutor.networks.type_translation import TypeTranslator
    >>> [turn.name for turn in regression(TypeTranslator()).turns]
    ['generator']
    """
    return GAN.of({"generator": generator}, [Turn("generator", regression_loss)], latent)
