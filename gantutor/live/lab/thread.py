"""A thread that does one thing again and again, from ``start`` to ``stop``."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RepeatingThread:
    """Calls ``turn()``, which gives the seconds to wait before the next, or None to end; then ``last()``.

    The thread dies with the kernel. ``start`` and ``stop`` may be called in any order, from any thread.

    >>> done = []
    >>> player = RepeatingThread(lambda: done.append(1), lambda: done.append(2)); player.start(); player.stop(); done
    [1, 2]
    """

    def __init__(self, turn: Callable[[], float | None], last: Callable[[], None]) -> None:
        self._turn, self._last = turn, last
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def playing(self) -> bool:
        """Whether turns go on."""
        return self._thread is not None and self._thread.is_alive() and not self._ended.is_set()

    def start(self) -> None:
        """Begin, unless it plays already."""
        with self._lock:
            if not self.playing:
                self._ended = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._ended,), name="gantutor lab", daemon=True
                )
                self._thread.start()

    def stop(self, wait: bool = True) -> None:
        """End after the present turn, and wait for that unless called by a turn itself."""
        thread = self._thread
        self._ended.set()
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def _run(self, ended: threading.Event) -> None:
        while True:
            pause = self._turn()
            # Even the shortest wait lets those in who wait for a lock that the turn held.
            if pause is None or ended.wait(max(0.002, pause)):
                break
        ended.set()
        self._last()
