"""Diagnoses of one network or of the whole run: divergence, learning rates, dead units, range."""

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
"""A loss diverges if it is more than this multiple of its size in the first third of the run, and above
DIVERGENCE_LOSS. The losses of the benchmark's healthy games at most double. Those of critics begin near 0,
hence the second condition."""

DIVERGENCE_LOSS = 100.0
"""Losses of a working discriminator are of order 1, and those of a critic of the order of the data."""

RECOVERY = 10
"""An explosion of a loss counts as present until this many times as many steps are done: what it destroyed
has to be learnt again, even if the loss has become small."""

MAX_UPDATE = 0.3
"""‖Δθ‖/‖θ‖ of one step at which a few steps replace the weights. Healthy games stay below 0.07."""

MIN_UPDATE = 1e-4
"""‖Δθ‖/‖θ‖ of one step at which replacing the weights takes ten thousand steps. Healthy games stay above
0.003."""

MAX_DEAD_SHARE = 0.95
"""Largest share of dead units in one layer; one healthy discriminator had 0.76."""

MAX_NARROW_RATIO, MANY_VALUES = 0.6, 16
"""The range of generated values is narrow at this fraction of the data's or less. Samples of fewer values
than MANY_VALUES must also vary, because a few points in the plane always have a small range."""

MAX_OUTSIDE = 0.2
"""Smallest share of generated values outside of the data's range; in healthy games it falls to 0.03."""


def divergence(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a loss that is no longer finite, has grown by orders of magnitude, or exploded once.

    Args:
        history: all signs so far, the newest last.
    """
    latest = history[-1]
    advice = (
        "optim.adam(…) with a tenth of the learning rate, and a penalty on the discriminator: r1=1.0, or "
        "gradient_penalty=10.0 for objectives.wasserstein()."
    )
    if latest.not_finite:
        losses = [f"{name} {value:.3g}" for name, value in latest.losses.items()]
        return Diagnosis(
            "divergence",
            latest.step,
            f"The loss of the {' and the '.join(latest.not_finite)} stopped being finite at step "
            f"{latest.step:,}."
            + (f" The mean absolute losses before it were: {', '.join(losses)}." if losses else ""),
            "The steps are so large that each overshoots further than the one before.",
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
                f"The absolute loss of the {name} has grown from {early_loss:.3g} to {value:.3g}. In a "
                "healthy run it stays within one order of magnitude.",
                "Nothing limits the discriminator's outputs, or the steps are too large.",
                advice,
            )
    return _explosion(history, advice)


def _explosion(history: Sequence[Signs], advice: str) -> Diagnosis | None:
    """Diagnose a loss that was large for at least two steps, although it may be small again."""
    latest, first = history[-1], history[0]
    for name, start in first.losses.items():
        limit = max(DIVERGENCE_LOSS, DIVERGENCE_FACTOR * start)
        peaks = [(signs.loss_peaks.get(name, 0.0), signs) for signs in history]
        recent = [peak for peak in peaks if peak[0] >= limit and latest.step < RECOVERY * peak[1].step]
        if not recent:
            continue
        peak, signs = max(recent, key=lambda found: found[0])
        logits = [value for value in (signs.real_logit, signs.fake_logit) if value is not None]
        largest = max(logits, key=abs, default=0.0)
        return Diagnosis(
            "divergence",
            latest.step,
            f"The absolute loss of the {name} rose from {start:.3g} to {peak:,.0f} by step {signs.step:,}; "
            "in a healthy run it stays within one order of magnitude."
            + (f" The mean logit at that step was {largest:,.0f}." if abs(largest) >= 1 else "")
            + f" Now the loss is {latest.losses.get(name, peak):.3g}. A small loss does not mean that the "
            "samples have recovered: look at them, and at their scores.",
            "The first steps are too large: Adam's are as long as the learning rate, however small the "
            "gradients are. The discriminator's logits overshoot, and the generator follows them.",
            f"{advice[:-1]}; and schedule=optim.warm_up(0.05), which begins with small steps.",
        )
    return None


def learning_rate_too_high(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose weights that a few steps replace, in a game whose samples stay far from the data.

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
            when = "The first step" if value >= MAX_UPDATE else "Each of the last examined steps"
            return Diagnosis(
                "learning rate too high",
                history[-1].step,
                f"{when} changed the weights of the {name} by {max(value, smallest):.0%} of their size. In a "
                "healthy game a step changes them by 0.4 to 6%.",
                "The learning rate is far too high for these weights. One step can destroy what was learnt, "
                "or set units to 0 permanently.",
                f"optimizer=optim.adam(…) with a tenth of the learning rate, or less, for the {name}.",
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
                f"A step changes the weights of the {name} by {update:.1e} of their size. In a healthy game "
                f"it is 0.004 to 0.06. Since the start they have changed by {distance:.2%}.",
                "The learning rate is far too low for these weights, or the gradient is nearly 0.",
                f"optimizer=optim.adam(…) with ten times the learning rate for the {name}.",
            )
    return None


def explained(history: Sequence[Signs]) -> bool:
    """Return whether a missing gradient, and not the learning rate, explains weights that do not move.

    Args:
        history: all signs so far, the newest last.
    """
    return dead_activations(history) is not None or too_strong(history) is not None


def dead_activations(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose a ReLU layer in which nearly all units are 0 for every sample.

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
                f"In one layer of the {name}, {share:.0%} of the units are 0 for every sample. In a healthy "
                "network it is less than 80% in the worst layer.",
                "Initial values, or one large step, have made the inputs of these units negative for every "
                "sample. A ReLU passes no gradient there, so the units cannot recover.",
                "activation=nn.LeakyReLU, a lower learning rate, or PyTorch's default initialisation.",
            )
    return None


def wrong_range(history: Sequence[Signs]) -> Diagnosis | None:
    """Diagnose generated values outside of the data's range, or in only a part of it.

    Args:
        history: all signs so far, the newest last.
    """
    window = after_warm_up(history)
    outside = median_of(window, lambda signs: signs.outside)
    ratio = median_of(window, lambda signs: signs.range_ratio)
    if outside is None or ratio is None or window[-1].quantiles is None:
        return None
    low, high, real_low, real_high = window[-1].quantiles
    numbers = f"98% of the generated values lie in [{low:.3g}, {high:.3g}], and 98% of the data's values in "
    numbers += f"[{real_low:.3g}, {real_high:.3g}]."
    moving = at_least(window[-1].output_distance, MIN_DISTANCE)
    many = window[-1].mean is not None and window[-1].mean.numel() >= MANY_VALUES
    varied = many or at_least(median_of(window, lambda signs: signs.pairwise_distance), 0.5)
    if outside >= MAX_OUTSIDE:
        evidence = (
            f"{numbers} {outside:.0%} lie outside of the data's range; in a healthy run it is below 5%."
        )
    elif ratio <= MAX_NARROW_RATIO and moving and varied and not rising(history, lambda s: s.range_ratio):
        evidence = f"{numbers} That is {ratio:.0%} of its width; a healthy run reaches 90% or more."
    else:
        return None
    return Diagnosis(
        "wrong range",
        window[-1].step,
        evidence,
        "The generator's last layer does not fit the range of the data: for instance a sigmoid, or no "
        "activation, for data in [−1, 1]. Or the discriminator's gradient does not bring samples back.",
        "output=nn.Tanh with data in [−1, 1] (from bytes: x / 127.5 − 1), and no bound for data without "
        "bounds.",
    )
