"""The illnesses of a single player or of the whole run: divergence, learning rates, dead units, range."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from gantutor.doctor.balance import too_strong
from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs
from gantutor.doctor.window import (
    LARGE_DIFFERENCE,
    MIN_DISTANCE,
    MIN_EXAMINATIONS,
    after_warm_up,
    at_least,
    at_most,
    median_of,
    rising,
)

DIVERGENCE_FACTOR = 30.0
"""A loss diverges if it is so many times what it was in the first third of the run, and above
DIVERGENCE_LOSS. The losses of the benchmark's healthy games rise twofold; those of critics begin at nearly
nothing, hence the second condition."""

DIVERGENCE_LOSS = 100.0
"""Losses of logits of a working discriminator are of order 1; those of a critic, of the data's size."""

MAX_UPDATE = 0.3
"""‖Δθ‖/‖θ‖ of one step from which on a few steps replace the weights. Healthy games stay below 0.07."""

MIN_UPDATE = 1e-4
"""‖Δθ‖/‖θ‖ of one step up to which replacing the weights takes ten thousand steps. Healthy games stay above
0.003."""

MAX_DEAD_SHARE = 0.95
"""Dead units in one layer; a healthy discriminator has been seen with 0.76 of them and works."""

MAX_NARROW_RATIO, MANY_VALUES = 0.6, 16
"""A range of generated values up to this share of the data's is narrow; samples of fewer values than
MANY_VALUES must vary as well, as a few points in a plane always have a small range."""

MAX_OUTSIDE = 0.2
"""The share of generated values beyond the data's; healthy games leave 0.03 there after the beginning."""


def divergence(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a loss that is not finite any more, or has grown by orders of magnitude.

    Args:
        history: all signs so far, the newest last.
    """
    latest = history[-1]
    advice = (
        "a lower learning rate, optim.adam(…) at a tenth of it, and a penalty that holds the "
        "discriminator: r1=1.0, or gradient_penalty=10.0 for objectives.wasserstein()."
    )
    if latest.not_finite:
        losses = [f"{name} {value:.3g}" for name, value in latest.losses.items()]
        return Diagnosis(
            "divergence",
            latest.step,
            f"the loss of the {' and the '.join(latest.not_finite)} stopped being finite at step "
            f"{latest.step:,}"
            + (f"; the mean size of the losses before it: {', '.join(losses)}." if losses else "."),
            "steps so large that each overshoots by more than the one before.",
            advice,
        )
    early = history[: max(1, len(history) // 3)]
    for name, value in latest.losses.items():
        early_loss = median([signs.losses[name] for signs in early if name in signs.losses] or [value])
        limit = max(DIVERGENCE_LOSS, DIVERGENCE_FACTOR * early_loss)
        latest_losses = [signs.losses.get(name, 0.0) for signs in history[-2:]]
        if len(history) >= 2 * MIN_EXAMINATIONS and min(latest_losses) >= limit:
            return Diagnosis(
                "divergence",
                latest.step,
                f"the loss of the {name} has grown from {early_loss:.3g} to {value:.3g} in size; that of a "
                "healthy run stays of one order of magnitude.",
                "nothing holds the discriminator's outputs, or steps that are too large.",
                advice,
            )
    return None


def learning_rate_too_high(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose weights that one step replaces, in a game that does not come near the data.

    Args:
        history: all signs so far, the newest last.
    """
    differences = [signs.energy_coefficient for signs in history[-MIN_EXAMINATIONS:]]
    if len(history) < 2 * MIN_EXAMINATIONS or any(at_most(value, LARGE_DIFFERENCE) for value in differences):
        return None
    first, window = history[0].update, history[-MIN_EXAMINATIONS:]
    for name, value in first.items():
        smallest = min(signs.update.get(name, 0.0) for signs in window)
        if max(value, smallest) >= MAX_UPDATE:
            when = "the first step" if value >= MAX_UPDATE else "each of the last steps looked at"
            return Diagnosis(
                "learning rate too high",
                history[-1].step,
                f"{when} changed the weights of the {name} by {max(value, smallest):.0%}, where a healthy "
                "one changes them by 0.4 to 6%.",
                "a learning rate far beyond what these weights bear: one step can throw away what was "
                "learnt, or kill units for good.",
                f"optimizer=optim.adam(…) at a tenth of the learning rate, or lower, for the {name}.",
            )
    return None


def learning_rate_too_low(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose weights that hardly move although the samples are far from the data.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    difference = median_of(window, lambda signs: signs.energy_coefficient)
    if not at_least(difference, LARGE_DIFFERENCE) or explained(history):
        return None
    for name, distance in window[-1].distance_from_start.items():
        update = median_of(window, lambda signs, name=name: signs.update.get(name))  # type: ignore[misc]
        if update is not None and 0 < update <= MIN_UPDATE and distance <= MIN_DISTANCE:
            return Diagnosis(
                "learning rate too low",
                window[-1].step,
                f"a step changes the weights of the {name} by {update:.1e} of their size, where a healthy "
                f"one changes them by 0.004 to 0.06; since the start they have changed by {distance:.2%}.",
                "a learning rate far below what these weights need, or hardly any gradient at all.",
                f"optimizer=optim.adam(…) at ten times the learning rate for the {name}.",
            )
    return None


def explained(history: Sequence[Signs]) -> bool:
    """Return whether a missing gradient, and not the learning rate, explains weights that do not move.

    Args:
        history: all signs so far, the newest last.
    """
    return dead_activations(history) is not None or too_strong(history) is not None


def dead_activations(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a rectified layer in which hardly a unit is ever above 0.

    Args:
        history: all signs so far, the newest last.
    """
    window = history[-MIN_EXAMINATIONS:]
    for name, share in window[-1].dead_units.items():
        shares = [signs.dead_units.get(name, 0.0) for signs in window]
        if len(window) == MIN_EXAMINATIONS and min(shares) >= MAX_DEAD_SHARE:
            return Diagnosis(
                "dead activations",
                window[-1].step,
                f"in one layer of the {name} {share:.0%} of the units are 0 for every sample, where a "
                "healthy network has below 80% in its worst layer.",
                "weights or biases that push all inputs below 0, at the start or by one large step: a ReLU "
                "there passes no gradient, so that the units cannot come back.",
                "activation=nn.LeakyReLU, a lower learning rate, or PyTorch's own initialisation.",
            )
    return None


def wrong_range(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose generated values beyond those of the data, or confined to a part of their range.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    outside = median_of(window, lambda signs: signs.outside)
    ratio = median_of(window, lambda signs: signs.range_ratio)
    if outside is None or ratio is None or window[-1].quantiles is None:
        return None
    low, high, real_low, real_high = window[-1].quantiles
    numbers = f"98% of the generated values lie in [{low:.3g}, {high:.3g}], of the data in [{real_low:.3g}, "
    numbers += f"{real_high:.3g}]"
    moving = at_least(window[-1].output_distance, MIN_DISTANCE)
    many = window[-1].mean is not None and window[-1].mean.numel() >= MANY_VALUES
    varied = many or at_least(median_of(window, lambda signs: signs.pairwise_distance), 0.5)
    if outside >= MAX_OUTSIDE:
        evidence = f"{numbers}; {outside:.0%} are beyond the data, where a healthy run has below 5%."
    elif ratio <= MAX_NARROW_RATIO and moving and varied and not rising(history, lambda s: s.range_ratio):
        evidence = f"{numbers}: {ratio:.0%} of its width, where a healthy run comes to 90% or more."
    else:
        return None
    return Diagnosis(
        "wrong range",
        window[-1].step,
        evidence,
        "the generator's last layer and the data are scaled differently, such as a sigmoid for data in "
        "[−1, 1], or nothing at the end where a tanh belongs; or nothing draws the samples back.",
        "output=nn.Tanh for data in [−1, 1], the data scaled to it (bytes: x / 127.5 − 1), and no bound at "
        "all for data that have none.",
    )
