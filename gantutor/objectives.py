"""Adversarial losses and gradient penalties: pure functions of logits, or of a network and its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import checked, integer, number, validate
from gantutor._errors import InputError

Critic = Callable[[Tensor], Tensor]
"""A discriminator whose condition is already filled in: it maps samples to logits."""

PenaltyFunction = Callable[[Critic, Tensor, Tensor], Tensor]
"""``penalty(critic, real, fake)`` gives a scalar to add to the discriminator's loss."""


@dataclass(frozen=True)
class Objective:
    """The losses of the discriminator and the generator, and the penalties on the discriminator.

    Both losses take ``(real_logits, fake_logits)``, so that relativistic losses, which compare real with
    generated samples, have the same form as all others. Logits are real numbers of any shape, one per sample
    and discriminator output; a loss is their mean.

    Args:
        name: the name of the objective.
        discriminator: the loss that the discriminator minimises, ``(real_logits, fake_logits) -> scalar``.
        generator: the loss that the generator minimises, ``(real_logits, fake_logits) -> scalar``.
        paired: whether the generator's loss depends on the real logits; that costs one more forward pass of
            the discriminator.
        penalties: gradient penalties by name, added to the discriminator's loss.
        every: penalties are computed every ``every`` steps and multiplied by ``every`` (lazy regularisation,
            Karras et al. 2020, arXiv:1912.04958, appendix B).

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
    """Return the discriminator's binary cross-entropy, −E log σ(D(x)) − E log(1 − σ(D(G(z)))).

    D = sigmoid(logit). The minimum over all discriminators is 2 log 2 − 2 JS(p_data, p_generator), where JS
    is the Jensen-Shannon divergence (Goodfellow et al. 2014, arXiv:1406.2661, theorem 1).

    Args:
        real_logits: logits of real samples, of any shape.
        fake_logits: logits of generated samples, of any shape.

    >>> round(float(discriminator_cross_entropy(torch.zeros(4), torch.zeros(4))), 4)  # 2 log 2
    1.3863
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_minimax(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the generator's loss in the minimax game, E log(1 − D(G(z))).

    Its gradient vanishes where the discriminator is sure that a sample is generated (Goodfellow et al. 2014,
    arXiv:1406.2661, section 3).

    Args:
        real_logits: logits of real samples; not used.
        fake_logits: logits of generated samples, of any shape.

    >>> float(generator_minimax(torch.zeros(1), torch.tensor([0.0]))) == -float(torch.log(torch.tensor(2.0)))
    True
    """
    return -F.softplus(fake_logits).mean()


def generator_non_saturating(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the non-saturating loss of the generator, −E log σ(D(G(z))).

    It has the same fixed point as the minimax loss, but its gradient is large where the discriminator is sure
    that a sample is generated (Goodfellow et al. 2014, arXiv:1406.2661, section 3).

    Args:
        real_logits: logits of real samples; not used.
        fake_logits: logits of generated samples, of any shape.

    >>> round(float(generator_non_saturating(torch.zeros(4), torch.zeros(4))), 4)  # log 2
    0.6931
    """
    return F.softplus(-fake_logits).mean()


def discriminator_least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the discriminator's least-squares loss, ½ E (D(x) − 1)² + ½ E D(G(z))².

    Mao et al. 2017, arXiv:1611.04076, equation 9; D(x) is the logit.

    Args:
        real_logits: logits of real samples, of any shape.
        fake_logits: logits of generated samples, of any shape.

    >>> discriminator_least_squares(torch.zeros(4), torch.ones(4))
    tensor(1.)
    """
    return 0.5 * (real_logits - 1).square().mean() + 0.5 * fake_logits.square().mean()


def generator_least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the generator's least-squares loss, ½ E (D(G(z)) − 1)².

    Mao et al. 2017, arXiv:1611.04076, equation 9; D(x) is the logit.

    Args:
        real_logits: logits of real samples; not used.
        fake_logits: logits of generated samples, of any shape.

    >>> generator_least_squares(torch.zeros(4), torch.zeros(4))
    tensor(0.5000)
    """
    return 0.5 * (fake_logits - 1).square().mean()


def discriminator_hinge(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the discriminator's hinge loss, E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))).

    Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018. D(x) is the logit. The generator's loss that belongs
    to it is ``generator_wasserstein``.

    Args:
        real_logits: logits of real samples, of any shape.
        fake_logits: logits of generated samples, of any shape.

    >>> discriminator_hinge(torch.zeros(4), torch.zeros(4))
    tensor(2.)
    """
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def discriminator_wasserstein(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the critic's Wasserstein loss, E D(G(z)) − E D(x).

    If D is 1-Lipschitz, this is the negative of an estimate of the Wasserstein-1 distance (Arjovsky et al.
    2017).

    Args:
        real_logits: logits of real samples, of any shape.
        fake_logits: logits of generated samples, of any shape.

    >>> discriminator_wasserstein(torch.full((4,), 3.0), torch.ones(4))
    tensor(-2.)
    """
    return fake_logits.mean() - real_logits.mean()


def generator_wasserstein(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the generator's loss in the hinge and Wasserstein games, −E D(G(z)).

    Args:
        real_logits: logits of real samples; not used.
        fake_logits: logits of generated samples, of any shape.

    >>> generator_wasserstein(torch.zeros(4), torch.ones(4))
    tensor(-1.)
    """
    return -fake_logits.mean()


def discriminator_relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the discriminator's relativistic loss, E softplus(−(D(x) − D(G(z)))).

    Each real sample is compared with one generated sample (Jolicoeur-Martineau 2018, arXiv:1807.00734; with
    R1 and R2 in Huang et al. 2024, arXiv:2501.05441, equation 2).

    Args:
        real_logits: logits of real samples, of any shape.
        fake_logits: logits of as many generated samples, of the same shape.

    >>> round(float(discriminator_relativistic(torch.zeros(4), torch.zeros(4))), 4)  # log 2
    0.6931
    """
    return F.softplus(fake_logits - real_logits).mean()


def generator_relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the generator's relativistic loss, E softplus(−(D(G(z)) − D(x))).

    It compares the same pairs as ``discriminator_relativistic``, with the two roles exchanged.

    Args:
        real_logits: logits of real samples, of any shape.
        fake_logits: logits of as many generated samples, of the same shape.

    >>> round(float(generator_relativistic(torch.zeros(4), torch.zeros(4))), 4)  # log 2
    0.6931
    """
    return F.softplus(real_logits - fake_logits).mean()


# --- penalties ----------------------------------------------------------------------------------------------


def gradient_norm_squared(critic: Critic, inputs: Tensor) -> Tensor:
    """Return ‖∇ₓ D(x)‖² of each sample, differentiable with respect to the critic's weights.

    It takes the gradient of the sum of all outputs. That is the gradient of each sample as long as the critic
    does not couple the samples of a batch.

    Args:
        critic: maps samples to logits.
        inputs: the samples x, (N, …).

    Returns:
        One squared norm per sample, shape (N,).

    >>> gradient_norm_squared(lambda x: 3 * x[:, 0] + 4 * x[:, 1], torch.zeros(2, 2)).tolist()
    [25.0, 25.0]
    """
    if not isinstance(inputs, Tensor):
        raise InputError("a gradient penalty needs samples in one tensor, not in several")
    if not (inputs.is_leaf and inputs.requires_grad):  # else their logits may be known already
        inputs = inputs.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(inputs).sum(), inputs, create_graph=True)
    return gradient.flatten(1).square().sum(1)


@checked(gamma=number(0, 1e30))
def r1_penalty(gamma: float) -> PenaltyFunction:
    """Return the R1 penalty, which keeps the discriminator's gradient small at real samples.

    R1 = γ/2 · E‖∇ₓ D(x)‖² (Mescheder et al. 2018, arXiv:1801.04406, equation 9).

    Args:
        gamma: the strength γ, at least 0.

    Returns:
        A function ``penalty(critic, real, fake)`` that gives a scalar.

    Raises:
        InputError: if gamma is negative or not a finite number.

    >>> penalty = r1_penalty(2.0)
    >>> float(penalty(lambda x: 3 * x[:, 0], torch.zeros(4, 2), torch.zeros(4, 2)))
    9.0
    """

    def r1(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * gradient_norm_squared(critic, real).mean()

    return r1


@checked(gamma=number(0, 1e30))
def r2_penalty(gamma: float) -> PenaltyFunction:
    """Return the R2 penalty, which keeps the discriminator's gradient small at generated samples.

    R2 = γ/2 · E‖∇ₓ D(x)‖² over generated x (Mescheder et al. 2018, arXiv:1801.04406, equation 10).

    Args:
        gamma: the strength γ, at least 0.

    Returns:
        A function ``penalty(critic, real, fake)`` that gives a scalar.

    Raises:
        InputError: if gamma is negative or not a finite number.

    >>> penalty = r2_penalty(2.0)
    >>> float(penalty(lambda x: 3 * x[:, 0], torch.zeros(4, 2), torch.zeros(4, 2)))
    9.0
    """

    def r2(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * gradient_norm_squared(critic, fake).mean()

    return r2


@checked(weight=number(0, 1e30))
def gradient_penalty(weight: float) -> PenaltyFunction:
    """Return the gradient penalty of WGAN-GP, which keeps the norm of the critic's gradient near 1.

    λ · E (‖∇ D(x̂)‖ − 1)², where x̂ is uniform on the line between a real and a generated sample (Gulrajani et
    al. 2017, arXiv:1704.00028, algorithm 1). One ε is drawn per sample, the same for all its dimensions.

    Args:
        weight: the weight λ, at least 0; the paper uses 10.

    Returns:
        A function ``penalty(critic, real, fake)`` that gives a scalar.

    Raises:
        InputError: if the weight is negative or not a finite number.

    >>> penalty = gradient_penalty(10.0)
    >>> float(penalty(lambda x: 3 * x[:, 0], torch.zeros(4, 2), torch.zeros(4, 2)))  # 10 · (3 − 1)²
    40.0
    """

    def gp(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device, dtype=real.dtype)
        interpolates = torch.lerp(fake.detach(), real, epsilon)
        norm = (gradient_norm_squared(critic, interpolates) + 1e-12).sqrt()
        return weight * (norm - 1).square().mean()

    return gp


# --- objectives ---------------------------------------------------------------------------------------------


def _penalties(r1: float, r2: float, gp: float = 0.0) -> dict[str, PenaltyFunction]:
    weights = {"r1": r1, "r2": r2, "gradient_penalty": gp}
    validate(weights, r1=number(0), r2=number(0), gradient_penalty=number(0))
    factories = {"r1": r1_penalty, "r2": r2_penalty, "gradient_penalty": gradient_penalty}
    return {name: factories[name](weight) for name, weight in weights.items() if weight > 0}


@checked(every=integer(1))
def _objective(
    name: str,
    discriminator: Callable[[Tensor, Tensor], Tensor],
    generator: Callable[[Tensor, Tensor], Tensor],
    penalties: dict[str, PenaltyFunction],
    every: int,
    paired: bool = False,
) -> Objective:
    return Objective(name, discriminator, generator, paired, penalties, every)


def minimax(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Return the minimax objective: min over G, max over D of E log σ(D(x)) + E log(1 − σ(D(G(z)))).

    Goodfellow et al. 2014, arXiv:1406.2661, equation 1.

    Args:
        r1: strength γ of R1, at least 0; 0 means none.
        r2: strength γ of R2, at least 0; 0 means none.
        every: penalties are computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if a strength is negative or ``every`` is less than 1.

    >>> minimax(r1=1.0).penalties.keys()
    dict_keys(['r1'])
    """
    return _objective("minimax", discriminator_cross_entropy, generator_minimax, _penalties(r1, r2), every)


def non_saturating(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Return the non-saturating objective: cross-entropy for D, and −E log σ(D(G(z))) for the generator.

    Goodfellow et al. 2014, arXiv:1406.2661, section 3.

    Args:
        r1: strength γ of R1, at least 0; 0 means none.
        r2: strength γ of R2, at least 0; 0 means none.
        every: penalties are computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if a strength is negative or ``every`` is less than 1.

    >>> non_saturating(r1=1.0).penalties.keys()
    dict_keys(['r1'])
    """
    return _objective(
        "non_saturating", discriminator_cross_entropy, generator_non_saturating, _penalties(r1, r2), every
    )


def least_squares(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Return the least-squares objective: squared distances of logits to the targets 1 (real) and 0 (fake).

    Mao et al. 2017, arXiv:1611.04076.

    Args:
        r1: strength γ of R1, at least 0; 0 means none.
        r2: strength γ of R2, at least 0; 0 means none.
        every: penalties are computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if a strength is negative or ``every`` is less than 1.

    >>> least_squares(r1=1.0).penalties.keys()
    dict_keys(['r1'])
    """
    return _objective(
        "least_squares", discriminator_least_squares, generator_least_squares, _penalties(r1, r2), every
    )


def hinge(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Return the hinge objective: a margin for the discriminator, −E D(G(z)) for the generator.

    Lim & Ye 2017, arXiv:1705.02894.

    Args:
        r1: strength γ of R1, at least 0; 0 means none.
        r2: strength γ of R2, at least 0; 0 means none.
        every: penalties are computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if a strength is negative or ``every`` is less than 1.

    >>> hinge(r1=1.0).penalties.keys()
    dict_keys(['r1'])
    """
    return _objective("hinge", discriminator_hinge, generator_wasserstein, _penalties(r1, r2), every)


def wasserstein(gradient_penalty: float = 10.0, every: int = 1) -> Objective:
    """Return the WGAN-GP objective: a Wasserstein-1 critic whose gradient norm a penalty keeps near 1.

    Gulrajani et al. 2017, arXiv:1704.00028. The paper updates the critic five times for each update of the
    generator: ``GAN(..., discriminator_turns=5)``.

    Args:
        gradient_penalty: weight λ of the gradient penalty, at least 0; 0 means none.
        every: the penalty is computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if the weight is negative or ``every`` is less than 1.

    >>> wasserstein().penalties.keys()
    dict_keys(['gradient_penalty'])
    """
    return _objective(
        "wasserstein",
        discriminator_wasserstein,
        generator_wasserstein,
        _penalties(0.0, 0.0, gradient_penalty),
        every,
    )


def relativistic(r1: float = 0.0, r2: float = 0.0, every: int = 8) -> Objective:
    """Return the relativistic objective, which compares real and generated samples in pairs.

    Jolicoeur-Martineau 2018, arXiv:1807.00734. With R1 and R2 it is the loss of R3GAN (Huang et al. 2024,
    arXiv:2501.05441).

    Args:
        r1: strength γ of R1, at least 0; 0 means none.
        r2: strength γ of R2, at least 0; 0 means none.
        every: penalties are computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if a strength is negative or ``every`` is less than 1.

    >>> relativistic(r1=1.0).penalties.keys()
    dict_keys(['r1'])
    """
    return _objective(
        "relativistic",
        discriminator_relativistic,
        generator_relativistic,
        _penalties(r1, r2),
        every,
        paired=True,
    )


def objective_or_default(objective: Any, default: Objective) -> Objective:
    """Return the objective, or the default where the objective is None.

    Args:
        objective: an ``Objective``, or None.
        default: what None stands for.

    Raises:
        InputError: if ``objective`` is neither None nor an ``Objective``.

    >>> objective_or_default(None, hinge()).name
    'hinge'
    """
    if objective is not None and not isinstance(objective, Objective):
        raise InputError(
            f"objective must be one of gantutor.objectives, such as non_saturating(r1=1.0), not {objective!r}"
        )
    return default if objective is None else objective
