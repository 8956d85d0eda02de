"""How tests of properties are run."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings


def tried(examples: int) -> settings:
    """The same examples every time."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
