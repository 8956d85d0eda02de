"""The illnesses of balance between the two players, once a game has had time to find one."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs
from gantutor.doctor.window import FAR, TRAVELLED, at_least, at_most, middle, rising, settled

SURE = 0.01
"""The doubt 1 − D(x) and D(G(z)) below which D is sure; healthy games keep it above 0.25."""

APART = 0.999
"""The separation that leaves D no sample to confuse; the healthy game where it is highest has 0.997."""

PULL = 0.01
"""What the generator's loss would fall by if a sample moved by the data's whole spread: too little to
learn from. Healthy games stay above 0.03, and lowest where little is left to learn."""

BLIND = 0.65
"""The separation below which D does not see a difference as large as FAR."""

REMEMBERED, GAP = 0.65, 0.2
"""The chance that D prefers a training sample to a held-out one, and Karras et al.'s ratio: 256 samples of
each tell ½ from 0.65 with six standard errors, 50 of them with three; their paper holds the ratio at 0.6."""

COLLAPSED, PARTIAL = 0.2, 0.5
"""The variety up to which a collapse is called full or partial; one or two clusters of ten, up to five."""

ORBIT, TURNS = 1.5, 3.0
"""The mean of the samples goes so many data spreads to and fro, on a way so many times as long; the widest
swing of a healthy game is one spread, of images."""

AROUND, ENOUGH = 0.4, 5
"""The share of the budget that is looked at for it, and the fewest examinations to tell a turn from."""


def too_strong(history: Sequence[Signs]) -> Diagnosis | None:
    """A discriminator that makes no mistake and leaves the generator nothing to follow."""
    window = settled(history)
    apart = middle(window, lambda signs: signs.separation)
    on_real = middle(window, lambda signs: signs.doubt and signs.doubt[0])
    on_fake = middle(window, lambda signs: signs.doubt and signs.doubt[1])
    pull = middle(window, lambda signs: signs.pull)
    sure = at_most(on_real, SURE) and at_most(on_fake, SURE)
    if not (at_least(apart, APART) and (sure or at_most(pull, PULL))):
        return None
    doubts = (
        f"D(x) = {1 - (on_real or 0):.4f} on real samples and D(G(z)) = {on_fake or 0:.4f}; " if sure else ""
    )
    slope = (
        f"; the generator's loss would fall by {pull:.1e} if a sample moved by the data's spread"
        if pull is not None
        else ""
    )
    return Diagnosis(
        "discriminator too strong",
        window[-1].step,
        f"{doubts}a real sample scores higher than a generated one in {apart or 0:.1%} of pairs, where a "
        f"healthy discriminator has doubts of a quarter or more{slope}.",
        "the discriminator has learnt faster than the generator, or the two clouds do not overlap: its slope "
        "where the samples are is no guide.",
        "objectives.non_saturating(r1=1.0) in place of minimax, fewer discriminator_turns=, a lower learning "
        "rate for the discriminator alone, or objectives.wasserstein().",
    )


def too_weak(history: Sequence[Signs]) -> Diagnosis | None:
    """A discriminator that cannot tell samples apart that plainly differ."""
    window = settled(history)
    apart = middle(window, lambda signs: signs.separation)
    far = middle(window, lambda signs: signs.difference)
    if not (at_most(apart, BLIND) and at_least(far, FAR)):
        return None
    return Diagnosis(
        "discriminator too weak",
        window[-1].step,
        f"a real sample scores higher than a generated one in {apart or 0:.0%} of pairs (50% is guessing), "
        f"although the two clouds differ by an energy coefficient of {far or 0:.2f}, where a healthy run "
        "comes below 0.14.",
        "the discriminator learns too slowly, is too small, or its penalty holds it flat.",
        "a higher learning rate for the discriminator alone (optimizer={'discriminator': …, 'generator': "
        "…}), discriminator_turns=5, more width, or a tenth of the penalty (r1=, r2=).",
    )


def overfitting(history: Sequence[Signs]) -> Diagnosis | None:
    """A discriminator that knows its training samples by heart."""
    window = settled(history)
    remembered = middle(window, lambda signs: signs.remembered)
    gap = middle(window, lambda signs: signs.gap)
    if not (at_least(remembered, REMEMBERED) and at_least(gap, GAP)):
        return None
    return Diagnosis(
        "discriminator overfitting",
        window[-1].step,
        f"it prefers a training sample to a held-out one in {remembered or 0:.0%} of pairs, where 50% is "
        f"healthy, and {gap or 0:.0%} of its margin between training and generated samples is gone on "
        "held-out ones, where 0% is.",
        "too few training samples for so large a discriminator, or too many steps.",
        "more data or augmentation of real and generated samples alike, a stronger penalty (r1=), a narrower "
        "discriminator, or fewer steps.",
    )


def collapse(history: Sequence[Signs]) -> Diagnosis | None:
    """Samples that reach only one, or some, of the places where the data are."""
    window = settled(history)
    variety = middle(window, lambda signs: signs.variety)
    now = window[-1] if window else None
    if variety is None or variety > PARTIAL or now is None or now.travelled.get("generator", 1) < TRAVELLED:
        return None
    if at_least(middle(window, lambda signs: signs.outside), 0.5):
        return None  # samples that are nowhere near the data have not collapsed on to them
    if rising(history, lambda signs: signs.variety):
        return None  # still finding its way
    whole = variety <= COLLAPSED
    return Diagnosis(
        "mode collapse" if whole else "mode collapse, partial",
        now.step,
        f"the samples reach {now.reached} of {now.clusters} clusters of the data, the effective number being "
        f"{variety:.0%} of that of real samples, where healthy runs end at 64% or more; two of them are "
        f"{now.pairs or 0:.2f} times as far apart as two real ones.",
        "the generator does best against the discriminator of the moment by making one thing, and nothing in "
        "a single sample's score tells of variety.",
        "a penalty on both clouds (r1=1.0, r2=1.0), no momentum (optimization.adam(…, betas=(0.0, 0.99))), "
        "objectives.relativistic(…), or networks.conv.MinibatchDeviation in the discriminator.",
    )


def oscillation(history: Sequence[Signs]) -> Diagnosis | None:
    """Samples that go to and fro as a whole, and do not come nearer."""
    late = [signs for signs in settled(history, AROUND) if signs.mean is not None]
    if len(late) < ENOUGH or not at_least(middle(late, lambda signs: signs.difference), FAR):
        return None
    means = torch.stack([signs.mean for signs in late if signs.mean is not None])
    reach = float(torch.cdist(means, means).max())
    way = float((means[1:] - means[:-1]).norm(dim=1).sum())
    if reach < ORBIT or way < TURNS * reach:
        return None
    return Diagnosis(
        "oscillation",
        late[-1].step,
        f"in {len(late)} examinations the mean of the samples has gone {way:.1f} times the data's "
        f"spread and never farther than {reach:.1f} from where it was, where that of a healthy run stays "
        "within a fraction of one.",
        "each player chases the other's last move: momentum, or a game that nothing damps.",
        "a penalty (r1=0.1, r2=0.1; Mescheder et al. 2018), no momentum (optimization.adam(…, "
        "betas=(0.0, 0.99))), or schedule=optimization.linear_decay(); Run.sample draws from averages.",
    )
