"""The illnesses that the doctor knows, and the rules that recognise them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gantutor.doctor import balance, soundness
from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs

Rule = Callable[[Sequence[Signs]], Diagnosis | None]
"""A pure function of all signs so far (at least one, the newest last) that gives a diagnosis or None."""

RULES: tuple[Rule, ...] = (
    soundness.divergence,
    soundness.learning_rate_too_high,
    soundness.learning_rate_too_low,
    soundness.dead_activations,
    soundness.wrong_range,
    balance.too_strong,
    balance.too_weak,
    balance.overfitting,
    balance.collapse,
    balance.oscillation,
)
"""All rules, causes before the illnesses that they tend to cause."""

ILLNESSES = (
    "divergence",
    "learning rate too high",
    "learning rate too low",
    "dead activations",
    "wrong range",
    "discriminator too strong",
    "discriminator too weak",
    "discriminator overfitting",
    "mode collapse",
    "mode collapse, partial",
    "oscillation",
)
"""The names of all illnesses, in the order of the rules."""
