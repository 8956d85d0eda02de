"""The last few examinations, taken together: one number may be chance, the median of some is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from gantutor.doctor.signs import Signs

SETTLED = 0.25
"""The share of the budget before which a game is given time to find its balance: the slowest healthy game of
the benchmark has not half of the data's variety by then."""

EARLIEST = 50
"""The step before which no game has found a balance, however small its budget: a rehearsal is not judged."""

RECENT = 0.2
"""The share of the budget whose examinations are judged together: a median outlasts a few that are off."""

FEWEST = 3
"""No judgement rests on fewer."""

BETTER = 0.05
"""A share that rises by more from one window to the next is on its way; chance moves medians by less."""

FAR = 0.15
"""An energy coefficient from which on samples are plainly not the data; the healthy games end below 0.14."""

TRAVELLED = 0.05
"""A network that is within so much of its first weights has learnt nothing yet."""


def last(history: Sequence[Signs], share: float = RECENT) -> list[Signs]:
    """The examinations of the last ``share`` of the budget, or the last FEWEST if these are more.

    >>> [signs.step for signs in last([Signs(step, step / 20) for step in range(10)])]
    [5, 6, 7, 8, 9]
    """
    inside = [signs for signs in history if signs.spent >= history[-1].spent - share - 1e-9]
    return list(history[-max(FEWEST, len(inside)) :])


def settled(history: Sequence[Signs], share: float = RECENT) -> list[Signs]:
    """The same without the beginning; none while fewer than FEWEST examinations lie beyond it.

    >>> signs = [Signs(20 * number, number / 20) for number in range(10)]
    >>> [each.step for each in settled(signs)], settled(signs[:7])
    ([100, 120, 140, 160, 180], [])
    """
    late = [signs for signs in last(history, share) if signs.spent >= SETTLED and signs.step >= EARLIEST]
    return late if len(late) >= FEWEST else []


def middle(window: Sequence[Signs], what: Callable[[Signs], float | None]) -> float | None:
    """The median of one sign over a window; None unless FEWEST examinations saw it.

    >>> middle([Signs(step, 1.0, width=step / 2) for step in (1, 2, 9)], lambda signs: signs.width)
    1.0
    """
    values = [value for value in map(what, window) if value is not None]
    return median(values) if len(values) >= FEWEST else None


def rising(history: Sequence[Signs], what: Callable[[Signs], float | None]) -> bool:
    """Whether the median of one sign is higher than in the examinations before the last, or those are too few
    to tell.

    >>> rising([Signs(step, step / 20, width=step / 10) for step in range(10)], lambda signs: signs.width)
    True
    """
    new = last(history)
    old = last(history[: -len(new)])
    now, before = middle(new, what), middle(old, what)
    return now is None or before is None or now > before + BETTER


def at_least(value: float | None, least: float) -> bool:
    """Whether a sign was seen and is so large."""
    return value is not None and value >= least


def at_most(value: float | None, most: float) -> bool:
    """Whether a sign was seen and is so small."""
    return value is not None and value <= most
