"""The illnesses of a run as it stands: each a pure function of all signs so far that gives its Diagnosis or
None.

The two players' balance has a file of its own, ``balance``.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from gantutor.doctor.balance import too_strong
from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs
from gantutor.doctor.window import FAR, FEWEST, TRAVELLED, at_least, at_most, middle, rising, settled

GROWN = 30.0
"""A loss that is so many times what it was in the first third of the run, and above LARGE, runs away; those
of the benchmark's healthy games rise twofold, but for critics' that begin at nearly nothing, hence LARGE."""

LARGE = 100.0
"""Losses of logits of a working discriminator are of order 1; those of a critic, of the data's size."""

HASTY = 0.3
"""‖Δθ‖/‖θ‖ of one step: the weights are others after a few. Healthy games stay below 0.07."""

SLUGGISH = 1e-4
"""‖Δθ‖/‖θ‖ of one step: ten thousand steps to become others. Healthy games stay above 0.003."""

DEAD = 0.95
"""Dead units in one layer; a healthy discriminator has been seen with 0.76 of them and works."""

NARROW, MANY_VALUES = 0.6, 16
"""A range of generated values below this share of the data's; samples of fewer values must vary as well, as
a few points in a plane always have a small range."""

BEYOND_SHARE = 0.2
"""The share of generated values beyond the data's; healthy games leave 0.03 there after the beginning."""


def divergence(history: Sequence[Signs]) -> Diagnosis | None:
    """A loss that is not finite any more, or has grown by orders of magnitude."""
    now = history[-1]
    advice = (
        "a lower learning rate, optimization.adam(…) at a tenth of it, and a penalty that holds the "
        "discriminator: r1=1.0, or gradient_penalty=10.0 for objectives.wasserstein()."
    )
    if now.broken:
        before = [f"{name} {value:.3g}" for name, value in now.losses.items()]
        return Diagnosis(
            "divergence",
            now.step,
            f"the loss of the {' and the '.join(now.broken)} stopped being finite at step {now.step:,}"
            + (f"; the mean size of the losses before it: {', '.join(before)}." if before else "."),
            "steps so large that each overshoots by more than the one before.",
            advice,
        )
    early = history[: max(1, len(history) // 3)]
    for name, value in now.losses.items():
        usual = median([signs.losses[name] for signs in early if name in signs.losses] or [value])
        last = [signs.losses.get(name, 0.0) for signs in history[-2:]]
        if len(history) >= 2 * FEWEST and min(last) >= max(LARGE, GROWN * usual):
            return Diagnosis(
                "divergence",
                now.step,
                f"the loss of the {name} has grown from {usual:.3g} to {value:.3g} in size; that of a "
                "healthy run stays of one order of magnitude.",
                "nothing holds the discriminator's outputs, or steps that are too large.",
                advice,
            )
    return None


def learning_rate_too_high(history: Sequence[Signs]) -> Diagnosis | None:
    """Weights that change as a whole from step to step, in a game that does not come near the data."""
    far = [signs.difference for signs in history[-FEWEST:]]
    if len(history) < 2 * FEWEST or any(at_most(value, FAR) for value in far):
        return None
    first, last = history[0].update, history[-FEWEST:]
    for name, value in first.items():
        lately = min(signs.update.get(name, 0.0) for signs in last)
        if max(value, lately) >= HASTY:
            when = "the first step" if value >= HASTY else "each of the last steps looked at"
            return Diagnosis(
                "learning rate too high",
                history[-1].step,
                f"{when} changed the weights of the {name} by {max(value, lately):.0%}, where a healthy one "
                "changes them by 0.4 to 6%.",
                "a learning rate far beyond what these weights bear: one step can throw away what was "
                "learnt, or kill units for good.",
                f"optimizer=optimization.adam(…) at a tenth of the learning rate, or lower, for the {name}.",
            )
    return None


def learning_rate_too_low(history: Sequence[Signs]) -> Diagnosis | None:
    """Weights that hardly move although the samples are far from the data."""
    window = settled(history)
    if not at_least(middle(window, lambda signs: signs.difference), FAR) or explained(history):
        return None
    for name, way in window[-1].travelled.items():
        update = middle(window, lambda signs, name=name: signs.update.get(name))  # type: ignore[misc]
        if update is not None and 0 < update <= SLUGGISH and way <= TRAVELLED:
            return Diagnosis(
                "learning rate too low",
                window[-1].step,
                f"a step changes the weights of the {name} by {update:.1e} of their size, where a healthy "
                f"one changes them by 0.004 to 0.06; since the start they have changed by {way:.2%}.",
                "a learning rate far below what these weights need, or hardly any gradient at all.",
                f"optimizer=optimization.adam(…) at ten times the learning rate for the {name}.",
            )
    return None


def explained(history: Sequence[Signs]) -> bool:
    """Whether there is another reason than the learning rate for weights to stand still: no gradient."""
    return dead_activations(history) is not None or too_strong(history) is not None


def dead_activations(history: Sequence[Signs]) -> Diagnosis | None:
    """A rectified layer in which hardly a unit is ever above 0."""
    last = history[-FEWEST:]
    for name, share in last[-1].dead.items():
        if len(last) == FEWEST and all(signs.dead.get(name, 0.0) >= DEAD for signs in last):
            return Diagnosis(
                "dead activations",
                last[-1].step,
                f"in one layer of the {name} {share:.0%} of the units are 0 for every sample, where a "
                "healthy network has below 80% in its worst layer.",
                "weights or biases that push all inputs below 0, at the start or by one large step: a ReLU "
                "there passes no gradient, so that the units cannot come back.",
                "activation=nn.LeakyReLU, a lower learning rate, or PyTorch's own initialisation.",
            )
    return None


def wrong_range(history: Sequence[Signs]) -> Diagnosis | None:
    """Generated values beyond those of the data, or confined to a part of them."""
    window = settled(history)
    outside = middle(window, lambda signs: signs.outside)
    width = middle(window, lambda signs: signs.width)
    if outside is None or width is None or window[-1].low_high is None:
        return None
    low, high, real_low, real_high = window[-1].low_high
    numbers = f"98% of the generated values lie in [{low:.3g}, {high:.3g}], of the data in [{real_low:.3g}, "
    numbers += f"{real_high:.3g}]"
    moving = at_least(window[-1].travelled.get("generator", 1.0), TRAVELLED)
    many = window[-1].mean is not None and window[-1].mean.numel() >= MANY_VALUES
    varied = many or at_least(middle(window, lambda signs: signs.pairs), 0.5)
    if outside >= BEYOND_SHARE:
        evidence = f"{numbers}; {outside:.0%} are beyond the data, where a healthy run has below 5%."
    elif width <= NARROW and moving and varied and not rising(history, lambda signs: signs.width):
        evidence = f"{numbers}: {width:.0%} of its width, where a healthy run comes to 90% or more."
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
