"""How far a fresh run's scores may lie from the committed ones.

Machines differ in speed, in thread count and in the order in which they add numbers up, so the same seed does
not give the same network everywhere. Two values agree when their difference is at most ``relative`` times the
larger of the two, or at most ``absolute``. A relative tolerance of 0.5 thus allows a factor of 2.

A notebook may state its own under ``metadata["gantutor"]["tolerance"] = {score: [relative, absolute]}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHARE = (0.0, 0.05)
"""For scores with the unit "share", which lie between 0 and 1."""

LOWER = (0.5, 0.02)
"""For other scores of which the lower is better: distances and divergences."""

HIGHER = (0.25, 0.02)
"""For other scores of which the higher is better: counts."""


def default(score: Mapping[str, Any]) -> tuple[float, float]:
    """The tolerance (relative, absolute) of a recorded score."""
    if score.get("unit") == "share":
        return SHARE
    return LOWER if score.get("better") == "lower" else HIGHER


def differences(
    committed: Mapping[str, Mapping[str, Any]],
    fresh: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, tuple[float, float]],
) -> list[str]:
    """Return one sentence for each score that differs by more than its tolerance, or that only one side has.

    Args:
        committed: what was recorded for each score, by its name.
        fresh: the same of another run.
        own: tolerances (relative, absolute) of the notebook's own, by the name of the score.
    """
    found = []
    for name in sorted(committed.keys() | fresh.keys()):
        if name not in fresh:
            found.append(f"{name} is committed but was not recorded")
        elif name not in committed:
            found.append(f"{name} was recorded but is not committed")
        else:
            before, now = committed[name]["value"], fresh[name]["value"]
            relative, absolute = own.get(name, default(committed[name]))
            if not _agree(before, now, relative, absolute):
                allowed = f"{relative:g} of the larger or {absolute:g}"
                found.append(f"{name} is {now}, but {before} is committed (allowed: {allowed})")
    return found


def _agree(before: Any, now: Any, relative: float, absolute: float) -> bool:
    if before is None or now is None:  # a value that JSON cannot hold: not a number, or infinite
        return before is now
    return bool(abs(before - now) <= max(relative * max(abs(before), abs(now)), absolute))
