"""The last few examinations, taken together: one number may be chance, the median of some is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from gantutor.doctor.signs import Signs

SETTLED = 0.25
"""The share of the budget before which a game is given time to find its balance: the healthy games of the
benchmark reach a third of the data's clusters by then, and most of them later."""

RECENT = 5
"""Examinations that a judgement of balance rests on: their median outlasts two that are off."""

FEWEST = 3
"""No judgement rests on fewer."""

BETTER = 0.05
"""A share that rises by more from one window to the next is on its way; chance moves medians by less."""

FAR = 0.15
"""An energy coefficient from which on samples are plainly not the data; the healthy games end below 0.1."""

TRAVELLED = 0.05
"""A network that is within so much of its first weights has learnt nothing yet."""


def settled(history: Sequence[Signs], most: int = RECENT) -> list[Signs]:
    """The last ``most`` examinations, if FEWEST of them lie beyond the beginning, else none.

    >>> signs = [Signs(step, step / 10) for step in range(6)]
    >>> [each.step for each in settled(signs)], settled(signs[:5])
    ([3, 4, 5], [])
    """
    late = [signs for signs in history if signs.spent >= SETTLED][-most:]
    return late if len(late) >= FEWEST else []


def middle(window: Sequence[Signs], what: Callable[[Signs], float | None]) -> float | None:
    """The median of one sign over a window; None unless FEWEST examinations saw it.

    >>> middle([Signs(step, 1.0, width=step / 2) for step in (1, 2, 9)], lambda signs: signs.width)
    1.0
    """
    values = [value for value in map(what, window) if value is not None]
    return median(values) if len(values) >= FEWEST else None


def rising(history: Sequence[Signs], window: Sequence[Signs], what: Callable[[Signs], float | None]) -> bool:
    """Whether the median of one sign over a window, the last of the history, is above the one before it.

    >>> history = [Signs(step, 1.0, width=step / 10) for step in range(10)]
    >>> rising(history, settled(history), lambda signs: signs.width)
    True
    """
    now = middle(window, what)
    before = middle(history[: -len(window)][-len(window) :], what)
    return now is not None and before is not None and now > before + BETTER


def at_least(value: float | None, least: float) -> bool:
    """Whether a sign was seen and is so large."""
    return value is not None and value >= least


def at_most(value: float | None, most: float) -> bool:
    """Whether a sign was seen and is so small."""
    return value is not None and value <= most
