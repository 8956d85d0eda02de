"""The illnesses of the balance between the two players, looked for after the warm-up."""

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
"""The doubt 1 − D(x) and D(G(z)) up to which D is called sure; healthy games keep it above 0.25."""

MIN_SEPARATION = 0.999
"""The separation from which on D confuses no samples; the healthy game where it is highest has 0.997."""

MAX_GRADIENT = 0.01
"""What the generator's loss would fall by if a sample moved by the data's whole spread: too little to
learn from. Healthy games stay above 0.03, and lowest where little is left to learn."""

MAX_BLIND_SEPARATION = 0.65
"""The separation up to which D does not see a difference as large as LARGE_DIFFERENCE."""

MIN_MEMORISED, MIN_GAP = 0.65, 0.2
"""The probability that D prefers a training sample to a held-out one, and the ratio of Karras et al.: 256
samples of each tell ½ from 0.65 with six standard errors, 50 of them with three; their paper holds the ratio
at 0.6."""

MAX_FULL_COLLAPSE, MAX_PARTIAL_COLLAPSE = 0.2, 0.5
"""The variety up to which a collapse is called full or partial: one or two clusters of ten, up to five."""

MIN_REACH, MIN_PATH_RATIO = 1.5, 3.0
"""The largest distance between two means of the samples, in data spreads, and how many times longer the path
of the mean is; the widest swing of a healthy game is one spread, of images."""

OSCILLATION_WINDOW, MIN_OSCILLATION_EXAMINATIONS = 0.4, 5
"""The share of the budget in which an oscillation is looked for, and the fewest examinations needed."""


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
    doubts = (
        f"D(x) = {1 - (on_real or 0):.4f} on real samples and D(G(z)) = {on_fake or 0:.4f}; " if sure else ""
    )
    slope = (
        f"; the generator's loss would fall by {gradient:.1e} if a sample moved by the data's spread"
        if gradient is not None
        else ""
    )
    return Diagnosis(
        "discriminator too strong",
        window[-1].step,
        f"{doubts}a real sample scores higher than a generated one in {separation or 0:.1%} of pairs, where "
        f"a healthy discriminator has doubts of a quarter or more{slope}.",
        "the discriminator has learnt faster than the generator, or the two clouds do not overlap: its slope "
        "where the samples are is no guide.",
        "objectives.non_saturating(r1=1.0) in place of minimax, fewer discriminator_turns=, a lower learning "
        "rate for the discriminator alone, or objectives.wasserstein().",
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
        f"a real sample scores higher than a generated one in {separation or 0:.0%} of pairs (50% is "
        f"guessing), although the two clouds differ by an energy coefficient of {difference or 0:.2f}, where "
        "a healthy run comes below 0.14.",
        "the discriminator learns too slowly, is too small, or its penalty holds it flat.",
        "a higher learning rate for the discriminator alone (optimizer={'discriminator': …, 'generator': "
        "…}), discriminator_turns=5, more width, or a tenth of the penalty (r1=, r2=).",
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
        f"it prefers a training sample to a held-out one in {memorised or 0:.0%} of pairs, where 50% is "
        f"healthy, and {gap or 0:.0%} of its margin between training and generated samples is gone on "
        "held-out ones, where 0% is.",
        "too few training samples for so large a discriminator, or too many steps.",
        "more data or augmentation of real and generated samples alike, a stronger penalty (r1=), a narrower "
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
        return None  # samples that are nowhere near the data have not collapsed on to them
    if rising(history, lambda signs: signs.variety):
        return None  # the game has not settled yet
    full = variety <= MAX_FULL_COLLAPSE
    return Diagnosis(
        "mode collapse" if full else "mode collapse, partial",
        latest.step,
        f"the samples reach {latest.clusters_reached} of {latest.clusters} clusters of the data, the "
        f"effective number being {variety:.0%} of that of real samples, where healthy runs end at 64% or "
        f"more; two of them are {latest.pairwise_distance or 0:.2f} times as far apart as two real ones.",
        "the generator does best against the discriminator of the moment by making one thing, and nothing in "
        "a single sample's score tells of variety.",
        "a penalty on both clouds (r1=1.0, r2=1.0), no momentum (optim.adam(…, betas=(0.0, 0.99))), "
        "objectives.relativistic(…), or networks.MinibatchStdDev in the discriminator.",
    )


def oscillation(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose samples whose mean moves to and fro without coming nearer to the data.

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
        f"in {len(window)} examinations the mean of the samples has gone {path:.1f} times the data's "
        f"spread and never farther than {reach:.1f} from where it was, where that of a healthy run stays "
        "within a fraction of one.",
        "each player chases the other's last move: momentum, or a game that nothing damps.",
        "a penalty (r1=0.1, r2=0.1; Mescheder et al. 2018), no momentum (optim.adam(…, "
        "betas=(0.0, 0.99))), or schedule=optim.linear_decay(); Run.sample draws from averages.",
    )
