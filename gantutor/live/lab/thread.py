"""A background thread that calls a function again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RepeatingThread:
    """A thread that calls ``turn()`` repeatedly between ``start`` and ``stop``, and then ``last()`` once.

    It is a daemon thread and ends with the kernel. ``start`` and ``stop`` may be called in any order and from
    any thread.

    Args:
        turn: a function that returns the seconds to wait before the next call, or None to end.
        last: a function that is called once at the end.

    >>> done = []
    >>> thread = RepeatingThread(lambda: done.append(1), lambda: done.append(2))
    >>> thread.start(); thread.stop(); done
    [1, 2]
    """

    def __init__(self, turn: Callable[[], float | None], last: Callable[[], None]) -> None:
        self._turn, self._last = turn, last
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    @property
    def playing(self) -> bool:
        """Whether calls continue."""
        return self._thread is not None and self._thread.is_alive() and not self._stopping.is_set()

    def start(self) -> None:
        """Start the thread, unless it is running."""
        with self._lock:
            if not self.playing:
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopping,), name="gantutor lab", daemon=True
                )
                self._thread.start()

    def stop(self, wait: bool = True) -> None:
        """End after the present call.

        Args:
            wait: whether to wait for it, for at most 5 seconds; a call that stops its own thread never waits.
        """
        thread = self._thread
        self._stopping.set()
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def _run(self, stopping: threading.Event) -> None:
        while True:
            pause = self._turn()
            # Even the shortest wait lets those in who wait for a lock that the turn held.
            if pause is None or stopping.wait(max(0.002, pause)):
                break
        stopping.set()
        self._last()
