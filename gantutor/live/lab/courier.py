"""When the next frame goes to the browser: always the newest, and never faster than it draws."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW = 8
"""Frames that may be under way at once: on a busy machine a round trip takes a quarter of a second,
and the page draws only the newest of those that arrive together."""

PATIENCE = 0.5
"""Seconds after which a frame is sent although none was acknowledged: a hidden page draws nothing, and some
front ends deliver no messages while a cell runs."""


class Courier:
    """Decides when a frame may be sent; frames in between are dropped and never queued.

    Args:
        interval: seconds from one frame to the next, at least.
        clock: returns the time in seconds.

    >>> now = [0.0]
    >>> courier = Courier(0.1, clock=lambda: now[0])
    >>> for _ in range(WINDOW): now[0] += 0.1; assert courier.ready() and courier.number_next()
    >>> now[0] += 0.1; courier.ready()
    False
    >>> courier.acknowledge(1); courier.ready()
    True
    """

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.interval, self._clock = interval, clock
        self._sent = self._acknowledged = 0
        self._sent_at = -float("inf")

    def number_next(self) -> int:
        """Note that a frame is sent now, and return its number: 1, 2, 3, …"""
        self._sent, self._sent_at = self._sent + 1, self._clock()
        return self._sent

    def acknowledge(self, number: int) -> None:
        """Note that the browser has drawn this frame, and with it all before it."""
        self._acknowledged = max(self._acknowledged, min(number, self._sent))

    def seconds_left(self) -> float:
        """Return the seconds until the interval is over, 0 if it is."""
        return max(0.0, self._sent_at + self.interval - self._clock())

    def ready(self) -> bool:
        """Return whether a frame may be sent now."""
        if self.seconds_left() > 0:
            return False
        under_way = self._sent - self._acknowledged
        return under_way < WINDOW or self._clock() - self._sent_at >= PATIENCE
