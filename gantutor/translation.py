"""Games that translate: from pairs, from pairs without an adversary, and from two streams without pairs.

In a batch ``real`` is what is to be made (type), ``condition`` what it is made from (handwriting), alone or
with whatever else belongs to it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor.calling import apply, detached, mean_logit, over_heads
from gantutor.gan import (
    GAN,
    Batch,
    LatentSampler,
    Lazy,
    Losses,
    Turn,
    classical_turns,
    generator_loss,
    paired_generator_loss,
)
from gantutor.parameters import number, validate

Objective = objectives.Objective


def distance(made: Tensor, wanted: Tensor) -> Tensor:
    """E |y − ŷ| over all pixels: the L1 distance, which blurs less than a squared one (Isola et al. 2017,
    arXiv:1611.07004, section 3.1).

    >>> distance(torch.tensor([1.0, -1.0]), torch.tensor([0.0, 1.0]))
    tensor(1.5000)
    """
    return (made - wanted).abs().mean()


# --- pairs --------------------------------------------------------------------------------------------------


def paired_loss(objective: Objective, weight: float, gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for real, and to come near the real one of its pair.

    L_GAN(G, D) + λ · E |y − G(x, z)|: Isola et al. 2017, arXiv:1611.07004, equation 4.
    """
    against = paired_generator_loss if objective.paired else generator_loss
    adversarial = against(objective, gan, batch)["total"]
    missed = distance(batch.fake, batch.real)
    return {"total": adversarial + weight * missed, "adversarial": adversarial, "distance": missed}


def regression_loss(gan: GAN, batch: Batch) -> Losses:
    """E |y − G(x, z)| alone: where several results are possible, the least distance is to their median."""
    return {"total": distance(batch.fake, batch.real)}


def paired(
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

    >>> from gantutor.networks.translate import PatchDiscriminator, TypeTranslator
    >>> judge = PatchDiscriminator(typefaces=8, pairs=True)
    >>> [turn.name for turn in paired(TypeTranslator(typefaces=8), judge).turns]
    ['discriminator', 'generator']
    """
    validate({"weight": weight}, weight=number(0))
    objective = objectives.chosen(objective, objectives.non_saturating(r1=0.01))
    turns = [
        classical_turns(objective)[0],
        Turn("generator", partial(paired_loss, objective, weight)),
    ]
    return GAN.of({"generator": generator, "discriminator": discriminator}, turns, latent)


def regression(generator: nn.Module, latent: int | LatentSampler = 16) -> GAN:
    """The baseline: the same generator(z, condition) without an adversary, in a single turn.

    >>> from gantutor.networks.translate import TypeTranslator
    >>> [turn.name for turn in regression(TypeTranslator()).turns]
    ['generator']
    """
    return GAN.of({"generator": generator}, [Turn("generator", regression_loss)], latent)


# --- cycles -------------------------------------------------------------------------------------------------


def to_type(gan: GAN, batch: Batch, source: Any) -> Tensor:
    """G: handwriting into type."""
    made: Tensor = apply(gan.networks["generator"], batch.latent, source)
    return made


def to_hand(gan: GAN, batch: Batch, source: Any) -> Tensor:
    """F: type into handwriting."""
    made: Tensor = apply(gan.networks["back"], batch.latent, source)
    return made


def type_judge_loss(objective: Objective, gan: GAN, batch: Batch) -> Losses:
    """D_Y learns to tell type from what G makes of handwriting; neither knows of pairs."""
    return _judge_loss(objective, gan.networks["type_judge"], batch.real, detached(batch.fake))


def hand_judge_loss(objective: Objective, gan: GAN, batch: Batch) -> Losses:
    """D_X learns to tell handwriting from what F makes of type."""
    with torch.no_grad():
        fake = to_hand(gan, batch, batch.real)
    return _judge_loss(objective, gan.networks["hand_judge"], batch.condition, fake)


def _judge_loss(objective: Objective, judge: nn.Module, real: Tensor, fake: Tensor) -> Losses:
    real_logits, fake_logits = apply(judge, real), apply(judge, fake)
    total = over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def cycle_loss(objective: Objective, weight: float, identity: float, gan: GAN, batch: Batch) -> Losses:
    """Both generators learn to be taken for real, and to undo each other.

    L_GAN(G, D_Y) + L_GAN(F, D_X) + λ · (E |F(G(x)) − x| + E |G(F(y)) − y|): Zhu et al. 2017,
    arXiv:1703.10593, equations 1 to 3; and, with ``identity`` μ, μ · (E |G(y) − y| + E |F(x) − x|): their
    section 5.2.
    """
    written, typed = batch.condition, batch.real
    made_type, made_hand = batch.fake, to_hand(gan, batch, typed)
    adversarial = _taken_for_real(objective, gan.networks["type_judge"], typed, made_type)
    adversarial = adversarial + _taken_for_real(objective, gan.networks["hand_judge"], written, made_hand)
    undone = distance(to_hand(gan, batch, made_type), written) + distance(
        to_type(gan, batch, made_hand), typed
    )
    total = adversarial + weight * undone
    losses = {"total": total, "adversarial": adversarial, "cycle": undone}
    if identity:
        same = distance(to_type(gan, batch, typed), typed) + distance(to_hand(gan, batch, written), written)
        losses |= {"total": total + identity * same, "identity": same}
    return losses


def _taken_for_real(objective: Objective, judge: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    fake_logits = apply(judge, fake)
    real_logits = fake_logits
    if objective.paired:
        with torch.no_grad():
            real_logits = apply(judge, real)
    return over_heads(objective.generator, real_logits, fake_logits)


def cycle(
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

    ``weight`` is λ, ``identity`` μ of ``cycle_loss``. A generator that gives two kinds of handwriting one
    type cannot be undone; nothing says which type a kind should become. Raises InputError for negative
    weights, and what ``GAN.of`` raises.

    >>> from gantutor.networks.translate import PatchDiscriminator, TypeTranslator
    >>> ways, judges = [TypeTranslator(latent=0) for _ in "12"], [PatchDiscriminator() for _ in "12"]
    >>> [turn.name for turn in cycle(*ways, *judges).turns]
    ['type_judge', 'hand_judge', 'generator+back']
    """
    validate({"weight": weight, "identity": identity}, weight=number(0), identity=number(0))
    objective = objectives.chosen(objective, objectives.least_squares())
    networks = {"generator": generator, "back": back, "type_judge": type_judge, "hand_judge": hand_judge}
    turns = [
        Turn("type_judge", partial(type_judge_loss, objective), lazy=_penalties(objective, "type_judge")),
        Turn("hand_judge", partial(hand_judge_loss, objective), lazy=_penalties(objective, "hand_judge")),
        Turn(("generator", "back"), partial(cycle_loss, objective, weight, identity)),
    ]
    return GAN.of(networks, turns, latent, averaged=("generator", "back"))


def _penalties(objective: Objective, judge: str) -> dict[str, Lazy]:
    return {
        name: Lazy(partial(_judge_penalty, penalty, judge), objective.every)
        for name, penalty in objective.penalties.items()
    }


def _judge_penalty(penalty: objectives.Penalty, judge: str, gan: GAN, batch: Batch) -> Tensor:
    """A penalty on the slope of one of the two judges."""
    if judge == "type_judge":
        real, fake = batch.real, detached(batch.fake)
    else:
        with torch.no_grad():
            real, fake = batch.condition, to_hand(gan, batch, batch.real)
    return penalty(partial(apply, gan.networks[judge]), real, fake)
