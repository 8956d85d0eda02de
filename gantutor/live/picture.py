"""A picture that is drawn anew while a training runs, and stays as a still one when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gantutor.run import Run
from gantutor.train import Callback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 0.05
"""Drawing takes at most this share of the time: a slow picture is drawn less often."""


class Picture(Callback):
    """Shows ``draw(run)``, a matplotlib figure, at most every ``seconds``; outside a notebook it does
    nothing.

    >>> from gantutor import plots
    >>> Picture(lambda run: plots.grid(run.sample(40))).seconds
    2.0
    """

    def __init__(self, draw: Callable[[Run], Figure], seconds: float = 2.0) -> None:
        self.draw, self.seconds = draw, seconds
        self._handle: Any = None
        self._next = 0.0

    def on_start(self, run: Run) -> None:
        self._handle = None
        self._show(run)

    def on_step(self, run: Run) -> None:
        if time.monotonic() >= self._next:
            self._show(run)

    def on_end(self, run: Run) -> None:
        self._show(run)

    def _show(self, run: Run) -> None:
        if not _in_notebook():
            return
        from IPython.display import display

        started = time.monotonic()
        picture = self.draw(run)
        if self._handle is None:
            self._handle = display(picture, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(picture)
        ended = time.monotonic()
        self._next = ended + max(self.seconds, (ended - started) * (1 - SHARE) / SHARE)


def _in_notebook() -> bool:
    import sys

    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython  # type: ignore[attr-defined]

    return getattr(get_ipython(), "kernel", None) is not None  # type: ignore[no-untyped-call]
