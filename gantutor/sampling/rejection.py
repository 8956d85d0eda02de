"""Discriminator rejection sampling: of what a generator makes, keep what the discriminator takes for real in
the right proportion (Azadi et al. 2019, arXiv:1810.06758).

Where the discriminator is the best there is, its logit is log p_data(x) / p_generator(x) (Goodfellow et al.
2014). Keeping x with the probability of this ratio over its maximum turns samples of the generator into
samples of the data, as far as the generator reaches: rejection sampling (von Neumann 1951).

A trained discriminator is not the best there is. It must have learnt by the cross-entropy, as in
``objectives.non_saturating``: the logits of other losses are no ratio of densities. A penalty keeps them
small, so that the ratio is understated; augmentation has taught it about augmented samples; and where few
samples are real it knows them by heart, and would keep copies. So measure before and after, by something that
is not the discriminator.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from gantutor._calling import apply
from gantutor._checks import boolean, check_floats, integer, number, optional, validate
from gantutor._errors import InputError, type_name
from gantutor.training.run import Run, check_run

Draw = Callable[[int, torch.Generator], Tensor]
"""``draw(count, generator)`` → new samples (count, …)."""

Judge = Callable[[Tensor], Tensor]
"""Samples (N, …) → their logits (N,)."""

PART = 64
"""Samples drawn at once; a discriminator that looks at whole groups sees groups of the generator's own."""

PATIENCE = 1000
"""Samples tried for each one wanted before it is given up."""


@dataclass(frozen=True)
class Accepted:
    """The ``samples`` that were kept, (count, …), and how many of the ``tried`` were: ``rate``.

    ``most``: the largest logit seen, the log of M; ``gamma``: what was taken off.
    """

    samples: Tensor
    rate: float
    tried: int
    most: float
    gamma: float


def acceptance(logits: Tensor, most: float, gamma: float = 0.0, epsilon: float = 1e-8) -> Tensor:
    """The probability of keeping samples whose logits are d̃ (N,), where ``most`` is the largest there is:
    sigmoid(F), F = d̃ − most − log(1 − exp(d̃ − most − ε)) − γ, as the paper has it.

    With γ = 0 this is exp(d̃ − most), the ratio over its maximum. In many dimensions nearly all of these are
    next to nothing: γ < 0 keeps more, and less of the proportion. ε keeps the logarithm finite. A logit above
    ``most`` counts as that.

    >>> acceptance(torch.log(torch.tensor([0.1, 0.5, 2.0])), most=math.log(2.0))
    tensor([0.0500, 0.2500, 1.0000])
    """
    # A logit of −∞ is a ratio of 0, and nothing wrong.
    real = isinstance(logits, Tensor) and logits.is_floating_point()
    check_floats(logits=logits.clamp(min=-1e38) if real else logits)
    if logits.dim() != 1:
        raise InputError(f"logits must have shape (count,), one a sample, not {tuple(logits.shape)}")
    numbers = {"most": most, "gamma": gamma, "epsilon": epsilon}
    validate(numbers, most=number(), gamma=number(), epsilon=number(above=0))
    return _chance(logits, most, gamma, epsilon).to(logits.dtype)


def _chance(logits: Tensor, most: float, gamma: float, epsilon: float = 1e-8) -> Tensor:
    return torch.sigmoid(_score(logits, most, epsilon) - gamma)


def _score(logits: Tensor, most: float, epsilon: float = 1e-8) -> Tensor:
    below = (logits.double() - most).clamp(max=0.0)
    return below - torch.log(-torch.expm1(below - epsilon))


@torch.no_grad()
def reject_from(
    draw: Draw,
    judge: Judge,
    count: int,
    gamma: float = 0.0,
    quantile: float | None = None,
    burn_in: int = 1024,
    seed: int = 0,
    progress: bool = True,
) -> Accepted:
    """``count`` samples of ``draw``, kept by the logits of ``judge``; any two functions will do.

    The maximum is first that of ``burn_in`` samples, which are thrown away, and grows with what comes.
    ``quantile`` chooses γ as this quantile of F over the burn-in, as the paper does, so that a sample there
    is kept with probability ½: 0.8 keeps about a fifth and 0 nearly all, however long the logits' tail.
    Raises InputError for wrong numbers, logits that are not one a sample or not finite, and where fewer than
    one in 1,000 samples is kept.

    >>> def draw(count, generator): return torch.rand(count, generator=generator)
    >>> kept = reject_from(draw, torch.log, 500)  # density 1, ratio x: what is kept has density 2 x
    >>> abs(kept.rate - 0.5) < 0.05, abs(float(kept.samples.mean()) - 2 / 3) < 0.03
    (True, True)
    """
    given = {"count": count, "burn_in": burn_in, "seed": seed, "gamma": gamma, "quantile": quantile}
    validate(
        given | {"progress": progress},
        progress=boolean(),
        count=integer(1),
        burn_in=integer(1),
        seed=integer(0),
        gamma=number(),
        quantile=optional(number(0, 1)),
    )
    for name, function in (("draw", draw), ("judge", judge)):
        if not callable(function):
            raise InputError(f"{name} must be a function, not {type_name(function)}")
    random = torch.Generator().manual_seed(seed)
    first = [_judged(draw, judge, random)[1] for _ in range(math.ceil(burn_in / PART))]
    seen = torch.cat(first)[:burn_in]
    most = float(seen.max())
    if quantile is not None:
        gamma = float(_score(seen, most).quantile(quantile))
    kept: list[Tensor] = []
    found = tried = 0
    shown = {"file": sys.stdout, "disable": not progress, "delay": 2, "leave": False}
    with tqdm(total=count, desc="samples kept", **shown) as bar:
        while found < count:
            if tried >= PATIENCE * max(found, 1) and tried >= PATIENCE * PART:
                raise InputError(
                    f"only {found:,} of {tried:,} samples were kept, fewer than one in {PATIENCE:,}: "
                    "choose a lower gamma, or a quantile such as 0.8"
                )
            samples, logits = _judged(draw, judge, random)
            most = max(most, float(logits.max()))
            chance = torch.rand(len(logits), generator=random, dtype=torch.float64)
            chosen = (chance < _chance(logits, most, gamma)).nonzero().flatten()
            last = int(chosen[count - found - 1]) + 1 if found + len(chosen) >= count else len(logits)
            kept.append(samples[chosen[chosen < last]])
            found, tried = found + len(kept[-1]), tried + last
            bar.update(len(kept[-1]))
    return Accepted(torch.cat(kept), found / tried, tried, most, gamma)


def reject(
    run: Run,
    count: int,
    gamma: float = 0.0,
    quantile: float | None = None,
    burn_in: int = 1024,
    seed: int = 0,
    progress: bool = True,
) -> Accepted:
    """``count`` samples of a run's averaged generator, kept by its discriminator: see ``reject_from``.

    The discriminator is used in evaluation mode, without augmentation, and left as it was. It was trained
    against the generator itself, of which this is the average. Raises InputError for a game without a
    discriminator, or with conditions.
    """
    check_run(run)
    networks = run.gan.networks
    if "discriminator" not in networks or run.conditions is not None:
        raise InputError("rejection needs a game with a network called discriminator, and without conditions")
    discriminator, device = networks["discriminator"], run.gan.device

    def draw(some: int, random: torch.Generator) -> Tensor:
        here = torch.Generator(device).manual_seed(int(torch.randint(2**31, (), generator=random)))
        return run.generate(run.gan.draw_latent(some, here))

    def judge(samples: Tensor) -> Tensor:
        logits: Any = apply(discriminator, samples.to(device))
        if not isinstance(logits, Tensor):
            raise InputError("rejection needs a discriminator with one output, and this one has several")
        return logits.reshape(len(samples), -1).squeeze(1).cpu()

    modes = [(module, module.training) for module in discriminator.modules()]
    discriminator.eval()
    try:
        return reject_from(draw, judge, count, gamma, quantile, burn_in, seed, progress)
    finally:
        for module, training in modes:
            module.training = training


def _judged(draw: Draw, judge: Judge, random: torch.Generator) -> tuple[Tensor, Tensor]:
    samples = draw(PART, random)
    logits = judge(samples)
    if logits.shape != (PART,):
        raise InputError(f"there must be one logit a sample, ({PART},), not {tuple(logits.shape)}")
    if not bool((logits < math.inf).all()) or float(logits.max()) == -math.inf:
        raise InputError("the logits are not finite (NaN or infinity): the discriminator cannot judge")
    return samples, logits
