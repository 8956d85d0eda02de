"""Translation without pairs by way of a short code: one code for all hands, no two characters in one code.

A cycle asks that a picture can be brought back, and a network that keeps the picture brings it back; a code
of ten numbers can keep nothing but what was written. What that is, two bent copies of one picture say: their
codes shall agree, and all codes shall be used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import number, validate
from gantutor._errors import InputError, type_name
from gantutor.data.elastic_distortion import elastic_distortion
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Losses, Turn
from gantutor.networks.discrete_code import DiscreteCodeTranslator

Distortion = Callable[[Tensor], Tensor]
"""Pictures in, the same pictures bent out of shape out: what a code must not depend on."""

USE = 1.5
"""How much more it counts that all codes are used than that they agree."""


def mutual_information(one: Tensor, other: Tensor, use: float = 1.0) -> Tensor:
    """I(k; k') in nats of the codes (N, K) of two versions of the same N pictures: how much one tells of the
    other.

    P = E[p p'ᵀ], made symmetric; I = Σ P log (P / P₁ P₂): Ji et al. 2019, arXiv:1807.06653, equations 2, 3.
    It is at most log K: each code used as often as any other, and always the same one for both versions.
    ``use`` is the exponent of P₁ P₂ (their appendix): more than 1 and it counts more that all are used.

    >>> round(float(mutual_information(torch.eye(4), torch.eye(4)).exp()), 2)
    4.0
    """
    joint = one.T @ other / len(one)
    joint = ((joint + joint.T) / 2).clamp(min=1e-6)
    alone = use * joint.sum(0).log()
    return (joint * (joint.log() - alone[:, None] - alone)).sum()


def discrete_code(
    generator: Any, information: float = 1.0, anchor: float = 0.5, change: Distortion = elastic_distortion
) -> GAN:
    """Handwriting into type by a code, on two streams, data (type, handwriting) whose rows do not belong
    together, in a single turn.

    ``information`` and ``anchor`` are the weights of ``discrete_code_loss``; ``change`` makes the versions of a
    picture that shall have one code. Raises InputError for a generator without a code and negative weights.

    >>> [turn.name for turn in discrete_code(DiscreteCodeTranslator(torch.zeros(10, 1, 28, 28))).turns]
    ['generator']
    """
    validate({"information": information, "anchor": anchor}, information=number(0), anchor=number(0))
    if not isinstance(generator, DiscreteCodeTranslator):
        raise InputError(f"the generator must be a CodedTranslator, not {type_name(generator)}")
    if not callable(change):
        raise InputError(f"change must be a function of images, such as bend, not {type_name(change)}")
    turn = Turn("generator", partial(discrete_code_loss, information, anchor, change))
    return GAN.of({"generator": generator}, [turn], latent=1)


def discrete_code_loss(
    information: float, anchor: float, change: Distortion, gan: GAN, batch: Batch
) -> Losses:
    """−μ · E log k_y(b(y)) − λ · I(k(b(x)); k(b'(x))) for type y, handwriting x, and bends b, b'.

    The first term is an identity loss (Zhu et al. 2017, section 5.2) under bending: y, bent, shall be set as
    y again. No character has a name in it. The second is that of ``mutual_information``.
    """
    generator: Any = gan.networks["generator"]
    written, typed = batch.condition, batch.real[: max(2, len(batch.real) // 2)]
    codes = generator.code(torch.cat([change(written), change(written), change(typed)]))
    one, other, own = codes.split([len(written), len(written), len(typed)])
    missed = F.nll_loss((own + 1e-6).log(), generator.find(typed))
    known = mutual_information(one, other, USE)
    return {"total": anchor * missed - information * known, "anchor": missed, "information": known}
