"""Diagnoses of the balance between the two networks, which are made after the warm-up."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs
from gantutor.doctor.window import (
    LARGE_DIFFERENCE,
    MIN_DISTANCE,
    after_warm_up,
    at_least,
    at_most,
    median_of,
    rising,
)

MAX_DOUBT = 0.01
"""Largest 1 − D(x) and D(G(z)) at which D counts as certain; healthy games keep both above 0.25."""

MIN_SEPARATION = 0.999
"""Smallest separation at which D makes no mistakes; the largest of a healthy game is 0.997."""

MAX_GRADIENT = 0.01
"""Largest decrease of the generator's loss, if a sample moved by the data's spread, that is too small to
learn from. Healthy games stay above 0.03, and are lowest where little is left to learn."""

MAX_BLIND_SEPARATION = 0.65
"""Largest separation at which D misses a difference as large as LARGE_DIFFERENCE."""

MIN_MEMORISED, MIN_GAP = 0.65, 0.2
"""Smallest probability that D gives a training sample a larger logit than a held-out one, and smallest gap of
Karras et al. With 256 samples of each, 0.65 is six standard errors from ½, and with 50 it is three. Their
paper keeps the gap at 0.6."""

MAX_FULL_COLLAPSE, MAX_PARTIAL_COLLAPSE = 0.2, 0.5
"""Largest variety of a full and of a partial collapse: one or two clusters of ten, and up to five."""

MIN_REACH, MIN_PATH_RATIO = 1.5, 3.0
"""Smallest values that count as an oscillation: of the largest distance between two means of the samples, in
data spreads, and of the length of the mean's path divided by it. In healthy games the first is at most one
spread (images)."""

OSCILLATION_WINDOW, MIN_OSCILLATION_EXAMINATIONS = 0.4, 5
"""The share of the budget that is searched for an oscillation, and the smallest number of examinations."""


def too_strong(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a discriminator that makes no mistake and leaves the generator no gradient.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    separation = median_of(window, lambda signs: signs.separation)
    on_real = median_of(window, lambda signs: signs.doubt and signs.doubt[0])
    on_fake = median_of(window, lambda signs: signs.doubt and signs.doubt[1])
    gradient = median_of(window, lambda signs: signs.gradient)
    sure = at_most(on_real, MAX_DOUBT) and at_most(on_fake, MAX_DOUBT)
    if not (at_least(separation, MIN_SEPARATION) and (sure or at_most(gradient, MAX_GRADIENT))):
        return None
    outputs = (
        f" D(x) is {1 - (on_real or 0):.4f} and D(G(z)) is {on_fake or 0:.4f} on average; in a healthy game "
        "they stay below 0.75 and above 0.25."
        if sure
        else ""
    )
    slope = (
        f" The generator's loss would fall by {gradient:.1e} if a sample moved by the data's spread; in a "
        "healthy game it is more than 0.03."
        if gradient is not None
        else ""
    )
    return Diagnosis(
        "discriminator too strong",
        window[-1].step,
        f"A real sample has a larger logit than a generated one in {separation or 0:.1%} of pairs."
        f"{outputs}{slope}",
        "The discriminator learns faster than the generator, or real and generated samples do not overlap. "
        "Its gradient at the samples then gives the generator no useful direction.",
        "objectives.non_saturating(r1=1.0) instead of minimax, a smaller discriminator_turns=, a lower "
        "learning rate for the discriminator alone, or objectives.wasserstein().",
    )


def too_weak(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a discriminator that cannot tell samples apart although they clearly differ.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    separation = median_of(window, lambda signs: signs.separation)
    difference = median_of(window, lambda signs: signs.energy_coefficient)
    if not (at_most(separation, MAX_BLIND_SEPARATION) and at_least(difference, LARGE_DIFFERENCE)):
        return None
    return Diagnosis(
        "discriminator too weak",
        window[-1].step,
        f"A real sample has a larger logit than a generated one in {separation or 0:.0%} of pairs, where "
        f"50% is guessing. Yet real and generated samples differ by an energy coefficient of "
        f"{difference or 0:.2f}; in a healthy run it falls below 0.14.",
        "The discriminator learns too slowly, is too small, or its penalty is too strong.",
        "a higher learning rate for the discriminator alone (optimizer={'discriminator': …, 'generator': "
        "…}), discriminator_turns=5, more units, or a tenth of the penalty (r1=, r2=).",
    )


def overfitting(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a discriminator that has memorised its training samples.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    memorised = median_of(window, lambda signs: signs.memorised)
    gap = median_of(window, lambda signs: signs.gap)
    if not (at_least(memorised, MIN_MEMORISED) and at_least(gap, MIN_GAP)):
        return None
    return Diagnosis(
        "discriminator overfitting",
        window[-1].step,
        f"A training sample has a larger logit than a held-out one in {memorised or 0:.0%} of pairs; without "
        f"overfitting it is 50%. The mean logit of held-out samples lies {gap or 0:.0%} of the way from "
        "training samples to generated ones; without overfitting it is 0%.",
        "There are too few training samples for a discriminator of this size, or too many steps.",
        "more data, augmentation of real and generated samples alike, a stronger penalty (r1=), a smaller "
        "discriminator, or fewer steps.",
    )


def collapse(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose samples that cover only one, or some, of the clusters of the data.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    variety = median_of(window, lambda signs: signs.variety)
    latest = window[-1] if window else None
    if latest is None or variety is None or variety > MAX_PARTIAL_COLLAPSE:
        return None
    if latest.output_distance < MIN_DISTANCE:
        return None
    if at_least(median_of(window, lambda signs: signs.outside), 0.5):
        return None  # samples far from all data have not collapsed onto a part of them
    if rising(history, lambda signs: signs.variety):
        return None  # the game has not settled yet
    full = variety <= MAX_FULL_COLLAPSE
    return Diagnosis(
        "mode collapse" if full else "mode collapse, partial",
        latest.step,
        f"The samples reach {latest.clusters_reached} of {latest.clusters} clusters of the data. Their "
        f"effective number of clusters is {variety:.0%} of that of real samples; healthy runs end at 64% or "
        "more. The mean distance between two samples is "
        f"{latest.pairwise_distance or 0:.2f} times that of real ones.",
        "The loss of a single sample does not reward variety, so the generator moves all samples to where "
        "the discriminator's logit is largest at the moment.",
        "penalties at real and generated samples (r1=1.0, r2=1.0), no momentum "
        "(optim.adam(…, betas=(0.0, 0.99))), objectives.relativistic(…), or networks.MinibatchStdDev in the "
        "discriminator.",
    )


def oscillation(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose samples whose mean moves back and forth without approaching the data.

    Args:
        history: all signs so far, the newest last.
    """
    window = [signs for signs in after_warm_up(history, OSCILLATION_WINDOW) if signs.mean is not None]
    difference = median_of(window, lambda signs: signs.energy_coefficient)
    if len(window) < MIN_OSCILLATION_EXAMINATIONS or not at_least(difference, LARGE_DIFFERENCE):
        return None
    means = torch.stack([signs.mean for signs in window if signs.mean is not None])  # (N, D)
    reach = float(torch.cdist(means, means).max())
    path = float((means[1:] - means[:-1]).norm(dim=1).sum())
    if reach < MIN_REACH or path < MIN_PATH_RATIO * reach:
        return None
    return Diagnosis(
        "oscillation",
        window[-1].step,
        f"Over {len(window)} examinations the mean of the samples travelled {path:.1f} spreads of the data "
        f"in total, but never more than {reach:.1f} from an earlier place: it is circling. In a healthy run "
        "it moves by a fraction of a spread.",
        "Each network reacts to the other's last step and overshoots. Momentum and a missing penalty favour "
        "this.",
        "a penalty (r1=0.1, r2=0.1; Mescheder et al. 2018), no momentum (optim.adam(…, "
        "betas=(0.0, 0.99))), or schedule=optim.linear_decay(). Run.sample uses the averaged weights, which "
        "oscillate less.",
    )
