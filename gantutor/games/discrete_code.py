"""Translation without pairs through a discrete code, trained by maximising mutual information."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import checked, number
from gantutor._errors import InputError, type_name
from gantutor.data.elastic_distortion import elastic_distortion
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Losses, Turn
from gantutor.networks.discrete_code import DiscreteCodeTranslator

Distortion = Callable[[Tensor], Tensor]
"""Maps images (N, C, H, W) to distorted versions of them; a code must not depend on the distortion."""

MARGINAL_EXPONENT = 1.5
"""Exponent of the marginals in the mutual information; above 1, using all codes counts more than agreeing."""


def mutual_information(codes_a: Tensor, codes_b: Tensor, marginal_exponent: float = 1.0) -> Tensor:
    """Return the mutual information I(k; k') between the codes of two versions of the same N images, in nats.

    P = E[p p'ᵀ], made symmetric; I = Σ P log (P / P₁ P₂): Ji et al. 2019, arXiv:1807.06653, equations 2, 3.
    It is at most log K. It reaches log K where all codes are used equally often and both versions of an image
    always have the same code.

    Args:
        codes_a: probabilities of the K codes for one version of the images, (N, K).
        codes_b: the same for another version of the same images, (N, K).
        marginal_exponent: exponent of P₁ P₂ (their appendix); above 1, using all codes counts more.

    Returns:
        A scalar.

    >>> round(float(mutual_information(torch.eye(4), torch.eye(4)).exp()), 2)
    4.0
    """
    joint = codes_a.T @ codes_b / len(codes_a)  # (K, K)
    joint = ((joint + joint.T) / 2).clamp(min=1e-6)
    log_marginal = marginal_exponent * joint.sum(0).log()  # (K,)
    return (joint * (joint.log() - log_marginal[:, None] - log_marginal)).sum()


@checked(information=number(0), anchor=number(0))
def discrete_code(
    generator: Any, information: float = 1.0, anchor: float = 0.5, distortion: Distortion = elastic_distortion
) -> GAN:
    """Return the game that learns to translate handwriting into type through a discrete code, without pairs.

    Train it on two streams, data (type, handwriting) whose rows are not paired; it has a single turn
    and no discriminator. Cycle consistency alone does not help: a network that keeps the image can always
    restore it. A code of ten numbers is too small for that. What the code should keep is learnt from pairs of
    distorted versions of one image: their codes must agree, and all codes must be used.

    Args:
        generator: a ``DiscreteCodeTranslator``.
        information: weight λ of the mutual information, at least 0: see ``discrete_code_loss``.
        anchor: weight μ of the identity loss on type, at least 0.
        distortion: makes the versions of an image that must have the same code.

    Raises:
        InputError: if the generator is not a ``DiscreteCodeTranslator``, a weight is negative, or
            ``distortion`` cannot be called.

    >>> [turn.name for turn in discrete_code(DiscreteCodeTranslator(torch.zeros(10, 1, 28, 28))).turns]
    ['generator']
    """
    if not isinstance(generator, DiscreteCodeTranslator):
        raise InputError(f"the generator must be a DiscreteCodeTranslator, not {type_name(generator)}")
    if not callable(distortion):
        raise InputError(
            f"distortion must be a function of images, such as bend, not {type_name(distortion)}"
        )
    turn = Turn("generator", partial(discrete_code_loss, information, anchor, distortion))
    return GAN.of({"generator": generator}, [turn], latent=1, outputs=("generator",))


def discrete_code_loss(
    information: float, anchor: float, distortion: Distortion, gan: GAN, batch: Batch
) -> Losses:
    """Return −μ · E log k_y(b(y)) − λ · I(k(b(x)); k(b'(x))) for type y, handwriting x and distortions b, b'.

    The first term is an identity loss (Zhu et al. 2017, section 5.2) under distortion: the network must map
    distorted type b(y) to y again. It uses no labels. The second term is ``mutual_information``.

    Args:
        information: weight λ of the mutual information, at least 0.
        anchor: weight μ of the identity loss on type, at least 0.
        distortion: draws a distortion b for each image of (N, C, H, W).
        gan: a game whose network ``generator`` is a ``DiscreteCodeTranslator``.
        batch: type y in ``real`` and handwriting x in ``condition``, (N, 1, 28, 28) each, not paired.

    Returns:
        ``total``; and ``anchor`` and ``information`` without their weights.
    """
    generator: Any = gan.networks["generator"]
    handwriting = batch.condition
    glyphs = batch.real[: max(2, len(batch.real) // 2)]
    distorted = torch.cat([distortion(handwriting), distortion(handwriting), distortion(glyphs)])
    codes_a, codes_b, glyph_codes = generator.encode(distorted).split(
        [len(handwriting), len(handwriting), len(glyphs)]
    )
    anchor_loss = F.nll_loss((glyph_codes + 1e-6).log(), generator.nearest_glyph(glyphs))
    mutual = mutual_information(codes_a, codes_b, MARGINAL_EXPONENT)
    return {
        "total": anchor * anchor_loss - information * mutual,
        "anchor": anchor_loss,
        "information": mutual,
    }
