"""How often a task runs beside a training: as often as requested, within a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Decides when a task is due again, depending on its cost.

    The cost of a task is averaged over its last runs, because one of them may have been held up by other work
    of the machine. The first one loads fonts and code and does not count.

    Args:
        interval: the seconds from one beginning to the next at least.
        share: the largest share of the time that the task may take, between 0 and 1.

    Attributes:
        seconds: the time that the task has taken so far.
        count: how often it was done.

    >>> pace = Pace(interval=1.0, share=0.1)
    >>> pace.due(0.0), pace.done(0.0, 5.0), pace.due(5.5), pace.due(6.0)
    (True, None, False, True)
    >>> pace.done(6.0, 6.5), pace.due(10.9), pace.due(11.1)
    (None, False, True)
    """

    def __init__(self, interval: float, share: float) -> None:
        self.interval, self.share = interval, share
        self.seconds, self.count = 0.0, 0
        self._cost: float | None = None
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """Return whether the task is due."""
        return now >= self._next

    def done(self, began: float, ended: float) -> None:
        """Note that the task was done, and when."""
        cost = ended - began
        self.seconds += cost
        self.count += 1
        if self.count == 1:
            self._next = ended + self.interval
            return
        self._cost = cost if self._cost is None else (self._cost + cost) / 2
        self._next = ended + pause_after(self._cost, self.share, self.interval - cost)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Do the task inside the block, which is timed."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.done(began, time.monotonic())

    def hurry(self) -> None:
        """Let the task be due at once."""
        self._next = float("-inf")


def pause_after(duration: float, share: float, minimum: float) -> float:
    """Return how many seconds to wait after a task, so that it takes at most a given share of the time.

    Args:
        duration: the seconds that the task took.
        share: the largest share of the time, between 0 and 1.
        minimum: the seconds to wait at least.

    >>> pause_after(2.0, share=0.25, minimum=1.0), pause_after(0.1, share=0.25, minimum=1.0)
    (6.0, 1.0)
    """
    return max(minimum, duration * (1 - share) / share)
