"""Statistics over the last examinations: a median of several is less noisy than one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from gantutor.doctor.signs import Signs

WARM_UP = 0.25
"""The share of the budget before the first diagnosis of the balance. The slowest healthy game of the
benchmark has less than half of the data's variety by then."""

WARM_UP_STEPS = 50
"""Steps before the first diagnosis of the balance, however small the budget is: a trial run of a few steps is
not diagnosed."""

WINDOW = 0.2
"""The share of the budget over whose examinations medians are taken."""

MIN_EXAMINATIONS = 3
"""The smallest number of examinations for a diagnosis."""

MIN_RISE = 0.05
"""A sign that grows by more than this from one window to the next is rising; noise changes it by less."""

LARGE_DIFFERENCE = 0.15
"""The energy coefficient at which samples clearly differ from the data; healthy games end below 0.14."""

MIN_DISTANCE = 0.05
"""Relative change of a network's weights since the start below which it has learnt nothing yet."""

Sign = Callable[[Signs], float | None]
"""Reads one sign of an examination; None if it was not measured."""


def recent(history: Sequence[Signs], share: float = WINDOW) -> list[Signs]:
    """Return the examinations of the last share of the budget, and at least MIN_EXAMINATIONS.

    Args:
        history: all examinations so far, the newest last.
        share: of the budget, 0 to 1.

    >>> [signs.step for signs in recent([Signs(step, step / 20) for step in range(10)])]
    [5, 6, 7, 8, 9]
    """
    inside = [signs for signs in history if signs.progress >= history[-1].progress - share - 1e-9]
    return list(history[-max(MIN_EXAMINATIONS, len(inside)) :])


def after_warm_up(history: Sequence[Signs], share: float = WINDOW) -> list[Signs]:
    """Return the recent examinations that lie after the warm-up, or none if they are too few.

    Args:
        history: all examinations so far, the newest last.
        share: of the budget, 0 to 1, as for ``recent``.

    Returns:
        At least MIN_EXAMINATIONS examinations, or an empty list.

    >>> history = [Signs(20 * number, number / 20) for number in range(10)]
    >>> [signs.step for signs in after_warm_up(history)], after_warm_up(history[:7])
    ([100, 120, 140, 160, 180], [])
    """
    late = [
        signs for signs in recent(history, share) if signs.progress >= WARM_UP and signs.step >= WARM_UP_STEPS
    ]
    return late if len(late) >= MIN_EXAMINATIONS else []


def median_of(window: Sequence[Signs], sign: Sign) -> float | None:
    """Return the median of one sign over some examinations.

    Args:
        window: the examinations.
        sign: reads the sign.

    Returns:
        The median of the measured values; None if there are fewer than MIN_EXAMINATIONS.

    >>> window = [Signs(step, 1.0, range_ratio=step / 2) for step in (1, 2, 9)]
    >>> median_of(window, lambda signs: signs.range_ratio)
    1.0
    """
    values = [value for value in map(sign, window) if value is not None]
    return median(values) if len(values) >= MIN_EXAMINATIONS else None


def rising(history: Sequence[Signs], sign: Sign) -> bool:
    """Return whether the median of one sign is higher than in the window before the recent one.

    Args:
        history: all examinations so far, the newest last.
        sign: reads the sign.

    Returns:
        True also where there are too few examinations to tell.

    >>> history = [Signs(step, step / 20, range_ratio=step / 10) for step in range(10)]
    >>> rising(history, lambda signs: signs.range_ratio)
    True
    """
    new = recent(history)
    old = recent(history[: -len(new)])
    now, before = median_of(new, sign), median_of(old, sign)
    return now is None or before is None or now > before + MIN_RISE


def at_least(value: float | None, minimum: float) -> bool:
    """Return whether a sign was measured and is at least ``minimum``.

    >>> at_least(0.3, 0.2), at_least(None, 0.2)
    (True, False)
    """
    return value is not None and value >= minimum


def at_most(value: float | None, maximum: float) -> bool:
    """Return whether a sign was measured and is at most ``maximum``.

    >>> at_most(0.1, 0.2), at_most(None, 0.2)
    (True, False)
    """
    return value is not None and value <= maximum
