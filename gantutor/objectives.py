"""Adversarial losses and gradient penalties: pure functions of logits, or of a network and its inputs.

Logits are real numbers of any shape, one per sample and discriminator output; losses are their means. Both
losses of an objective take ``(real_logits, fake_logits)``, so that a relativistic pairing is nothing special.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import integer, number, validate
from gantutor._errors import InputError

Critic = Callable[[Tensor], Tensor]
"""A discriminator with its condition already filled in: samples in, logits out."""

PenaltyFunction = Callable[[Critic, Tensor, Tensor], Tensor]
"""``penalty(critic, real, fake)`` → a scalar to add to the discriminator's loss."""


@dataclass(frozen=True)
class Objective:
    """What each network minimises, and the penalties on the discriminator.

    ``discriminator`` and ``generator`` map ``(real_logits, fake_logits)`` to a scalar. ``paired`` says that
    the generator's loss looks at the real logits too, which costs one more pass of the discriminator.
    ``penalties`` are added to the discriminator's loss every ``every``-th step, ``every`` times as strong
    (lazy regularisation, Karras et al. 2020, arXiv:1912.04958, appendix B).

    >>> objective = non_saturating(r1=1.0)
    >>> objective.name, list(objective.penalties), objective.every
    ('non_saturating', ['r1'], 8)
    """

    name: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False
    penalties: dict[str, PenaltyFunction] = field(default_factory=dict)
    every: int = 1


# --- losses -------------------------------------------------------------------------------------------------


def discriminator_cross_entropy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Binary cross-entropy of the discriminator: −E log D(x) − E log(1 − D(G(z))), with D = sigmoid(logit).

    Its least value over all discriminators is 2 log 2 − 2 JS(p_data, p_generator): Goodfellow et al. 2014,
    arXiv:1406.2661, theorem 1.

    >>> round(float(discriminator_cross_entropy(torch.zeros(4), torch.zeros(4))), 4)  # 2 log 2
    1.3863
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_minimax(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E log(1 − D(G(z))): the generator's side of the minimax game, which gives no gradient where D is sure.

    >>> float(generator_minimax(torch.zeros(1), torch.tensor([0.0]))) == -float(torch.log(torch.tensor(2.0)))
    True
    """
    return -F.softplus(fake_logits).mean()


def generator_non_saturating(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−E log D(G(z)): the same fixed point as minimax, with a gradient where it is needed (Goodfellow et al.
    2014)."""
    return F.softplus(-fake_logits).mean()


def discriminator_least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½ E (D(x) − 1)² + ½ E D(G(z))²: Mao et al. 2017, arXiv:1611.04076, equation 9."""
    return 0.5 * (real_logits - 1).square().mean() + 0.5 * fake_logits.square().mean()


def generator_least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½ E (D(G(z)) − 1)²: Mao et al. 2017, arXiv:1611.04076, equation 9."""
    return 0.5 * (fake_logits - 1).square().mean()


def discriminator_hinge(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))): Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def discriminator_wasserstein(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E D(G(z)) − E D(x), the negative of the Wasserstein-1 estimate if D is 1-Lipschitz: Arjovsky et al.
    2017."""
    return fake_logits.mean() - real_logits.mean()


def generator_wasserstein(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−E D(G(z)): the generator raises the critic's output (hinge and Wasserstein games)."""
    return -fake_logits.mean()


def discriminator_relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(−(D(x) − D(G(z)))): each real sample against one generated one (Jolicoeur-Martineau 2018,
    arXiv:1807.00734; with R1 and R2 in Huang et al. 2024, arXiv:2501.05441, equation 2)."""
    return F.softplus(fake_logits - real_logits).mean()


def generator_relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(−(D(G(z)) − D(x))): the same pairs, seen from the other side."""
    return F.softplus(real_logits - fake_logits).mean()


# --- penalties ----------------------------------------------------------------------------------------------


def gradient_norm_squared(critic: Critic, inputs: Tensor) -> Tensor:
    """‖∇ₓ D(x)‖² of each sample, differentiable in the critic's weights: shape (N,).

    The gradient of the sum of all outputs is taken, which is the per-sample gradient as long as the critic
    does not couple the samples of a batch.

    >>> gradient_norm_squared(lambda x: 3 * x[:, 0] + 4 * x[:, 1], torch.zeros(2, 2)).tolist()
    [25.0, 25.0]
    """
    inputs = inputs.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(inputs).sum(), inputs, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def r1_penalty(gamma: float) -> PenaltyFunction:
    """γ/2 · E‖∇ₓ D(x)‖² on real samples: Mescheder et al. 2018, arXiv:1801.04406, equation 9.

    >>> penalty = r1_penalty(2.0)
    >>> float(penalty(lambda x: 3 * x[:, 0], torch.zeros(4, 2), torch.zeros(4, 2)))
    9.0
    """

    validate({"gamma": gamma}, gamma=number(0, 1e30))

    def r1(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * gradient_norm_squared(critic, real).mean()

    return r1


def r2_penalty(gamma: float) -> PenaltyFunction:
    """γ/2 · E‖∇ₓ D(x)‖² on generated samples: Mescheder et al. 2018, arXiv:1801.04406, equation 10."""

    validate({"gamma": gamma}, gamma=number(0, 1e30))

    def r2(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * gradient_norm_squared(critic, fake).mean()

    return r2


def gradient_penalty(weight: float) -> PenaltyFunction:
    """λ · E (‖∇ D(x̂)‖ − 1)², x̂ uniform on the line between a real and a generated sample: Gulrajani et al.
    2017.

    One ε per sample, equal over all its dimensions (arXiv:1704.00028, algorithm 1).
    """

    validate({"weight": weight}, weight=number(0, 1e30))

    def gp(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device, dtype=real.dtype)
        between = torch.lerp(fake.detach(), real, epsilon)
        norm = (gradient_norm_squared(critic, between) + 1e-12).sqrt()
        return weight * (norm - 1).square().mean()

    return gp


# --- objectives ---------------------------------------------------------------------------------------------


def _penalties(r1: float, r2: float, gp: float = 0.0) -> dict[str, PenaltyFunction]:
    weights = {"r1": r1, "r2": r2, "gradient_penalty": gp}
    validate(weights, r1=number(0), r2=number(0), gradient_penalty=number(0))
    make = {"r1": r1_penalty, "r2": r2_penalty, "gradient_penalty": gradient_penalty}
    return {name: make[name](weight) for name, weight in weights.items() if weight > 0}


def _objective(
    name: str,
    discriminator: Callable[[Tensor, Tensor], Tensor],
    generator: Callable[[Tensor, Tensor], Tensor],
    penalties: dict[str, PenaltyFunction],
    every: int,
    paired: bool = False,
) -> Objective:
    validate({"every": every}, every=integer(1))
    return Objective(name, discriminator, generator, paired, penalties, every)


def minimax(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """The game as first written: min over G, max over D of E log D(x) + E log(1 − D(G(z))) (Goodfellow et al.
    2014)."""
    return _objective("minimax", discriminator_cross_entropy, generator_minimax, _penalties(r1, r2), every)


def non_saturating(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Cross-entropy for the discriminator, −E log D(G(z)) for the generator (Goodfellow et al. 2014, section
    3)."""
    return _objective(
        "non_saturating", discriminator_cross_entropy, generator_non_saturating, _penalties(r1, r2), every
    )


def least_squares(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Squared distances to the targets 1 and 0 (Mao et al. 2017)."""
    return _objective(
        "least_squares", discriminator_least_squares, generator_least_squares, _penalties(r1, r2), every
    )


def hinge(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """A margin for the discriminator; the generator raises its output (Lim & Ye 2017)."""
    return _objective("hinge", discriminator_hinge, generator_wasserstein, _penalties(r1, r2), every)


def wasserstein(gradient_penalty: float = 10.0, every: int = 1) -> Objective:
    """The Wasserstein-1 distance by a critic whose slope is held near 1 by a gradient penalty (Gulrajani et
    al. 2017).

    Its protocol takes five critic turns to one of the generator: ``GAN(..., discriminator_turns=5)``.
    """
    return _objective(
        "wasserstein",
        discriminator_wasserstein,
        generator_wasserstein,
        _penalties(0.0, 0.0, gradient_penalty),
        every,
    )


def relativistic(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Real and generated samples compared in pairs (Jolicoeur-Martineau 2018); with R1 and R2 the loss of
    R3GAN."""
    return _objective(
        "relativistic",
        discriminator_relativistic,
        generator_relativistic,
        _penalties(r1, r2),
        every,
        paired=True,
    )


def objective_or_default(given: Any, default: Objective) -> Objective:
    """The objective given, or the default for None; raises InputError for anything else.

    >>> objective_or_default(None, hinge()).name
    'hinge'
    """
    if given is not None and not isinstance(given, Objective):
        raise InputError(
            f"objective must be one of gantutor.objectives, such as non_saturating(r1=1.0), not {given!r}"
        )
    return default if given is None else given
