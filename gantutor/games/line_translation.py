"""The game of translating lines: a distance, an adversary, a frozen reader, and a variety term."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply
from gantutor._checks import checked, number
from gantutor._errors import InputError, type_name
from gantutor.games.classical import classical_turns, generator_loss
from gantutor.games.gan import GAN
from gantutor.games.pix2pix import l1_distance
from gantutor.games.turn import Batch, Losses, Turn
from gantutor.metrics.text_reader import ctc_loss


def coarse_distance(one: Tensor, other: Tensor) -> Tensor:
    """Return how far lines lie apart at the scale of strokes: the mean |difference| of means of 4 × 4 pixels.

    Noise and other fine patterns hardly count, so that a generator cannot raise it with them.

    Args:
        one: lines (N, 1, 32, W).
        other: likewise.

    Returns:
        (N,).

    >>> coarse_distance(torch.ones(1, 1, 32, 8), -torch.ones(1, 1, 32, 8))
    tensor([2.])
    """
    return F.avg_pool2d(one - other, 4).abs().mean((1, 2, 3))


def line_loss(
    objective: objectives.Objective,
    distance: float,
    reader: nn.Module | None,
    reading: float,
    variety: float,
    gan: GAN,
    batch: Batch,
) -> Losses:
    """Return the generator's loss: adversarial + λ · L1 + ρ · reader − variety, those whose weight is not 0.

    The reader's term is the CTC loss of the text in what was generated. The variety term is that of
    mode-seeking GANs (Mao et al. 2019, arXiv:1903.05628): with a second latent, the distance of the two lines
    divided by that of the latents.

    Args:
        objective: gives the adversarial loss.
        distance: the weight λ of the L1 distance.
        reader: a frozen reader, called ``reader(lines)``, or None.
        reading: the weight ρ of its loss.
        variety: the weight of the variety term.
        gan: the game, with a network ``generator``, and a ``discriminator`` or none.
        batch: targets in ``real``; the condition is (source, style, text).

    Returns:
        ``total``, and the terms without their weights.
    """
    losses: Losses = {"distance": l1_distance(batch.fake, batch.real)}
    total = distance * losses["distance"]
    if "discriminator" in gan.networks:
        losses["adversarial"] = generator_loss(objective, gan, batch)["total"]
        total = total + losses["adversarial"]
    if reader is not None and reading:
        losses["reader"] = ctc_loss(reader(batch.fake), batch.condition[2])
        total = total + reading * losses["reader"]
    if variety:
        # Half of the batch is enough, and costs half as much.
        half = len(batch.latent) // 2
        z = batch.latent[:half]
        other = torch.randn(z.shape, generator=batch.rng, device=z.device)
        condition = tuple(part[:half] for part in batch.condition)
        again = apply(gan.networks["generator"], other, condition)
        ratio = coarse_distance(again, batch.fake[:half]) / (z - other).abs().mean(1)
        losses["variety"] = ratio.mean()
        total = total - variety * losses["variety"]
    return {"total": total} | losses


@checked(distance=number(0), reading=number(0), variety=number(0))
def line_game(
    generator: nn.Module,
    discriminator: nn.Module | None = None,
    objective: objectives.Objective | None = None,
    distance: float = 5.0,
    reader: nn.Module | None = None,
    reading: float = 0.1,
    variety: float = 0.0,
    latent: int = 16,
) -> GAN:
    """Return the game of translating lines; without a discriminator it is plain regression.

    Train it on data (target, (source, style, text)), such as ``LinesDataset.writing()``.

    Args:
        generator: called ``generator(z, condition)``, such as ``networks.LineTranslator``.
        discriminator: called ``discriminator(lines, condition)``, or None.
        objective: the adversarial losses; None means ``non_saturating(r1=2e-4)``, because the penalty
            is that of the sum of 64 logits.
        distance: the weight λ of the L1 distance, at least 0.
        reader: a frozen reader, such as ``metrics.text_reader()``, or None.
        reading: the weight ρ of the reader's loss, at least 0.
        variety: the weight of the variety term, at least 0.
        latent: dimension of z.

    Raises:
        InputError: if a weight is negative, or for the reasons that ``GAN.of`` names.

    >>> from gantutor.networks import LineTranslator
    >>> [turn.name for turn in line_game(LineTranslator(2)).turns]
    ['generator']
    """
    if reader is not None and not callable(reader):
        raise InputError(f"reader must be a network or None, not {type_name(reader)}")
    objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=2e-4))
    loss = partial(line_loss, objective, distance, reader, reading, variety)
    networks: dict[str, Any] = {"generator": generator}
    if discriminator is None:
        return GAN.of(networks, [Turn("generator", loss)], latent, outputs=("generator",))
    turns = [classical_turns(objective)[0], Turn("generator", loss)]
    networks["discriminator"] = discriminator
    gan = GAN.of(networks, turns, latent, outputs=("generator",))
    gan.pair = ("generator", "discriminator")
    return gan
