"""Where on the page a lab stands: in as many cells as it was shown in, each with a still picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gantutor.live import display

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Placement:
    """The places of one lab; ``gone()`` is called when the last of them shows something else.

    >>> Placement(lambda: None).just_shown()
    False
    """

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone
        self._panes: list[display.Pane] = []
        self._cell = 0

    def show(self, still: Figure, words: str, box: Any = None) -> None:
        """Show the widgets with the picture as what is left of them, or, without widgets, the picture."""
        self._cell = cell()
        pane = display.Pane()
        self._panes.append(pane)  # before the cell's last pane is left: that may be one of the same lab
        if box is None:
            pane.settle(still, words)
        else:
            pane.show(box, still, words, partial(self._leave, pane))

    def settle(self, still: Figure, words: str) -> None:
        """Leave this picture in all places, and nothing that moves."""
        for pane in self._panes:
            pane.settle(still, words)

    def _leave(self, pane: display.Pane) -> None:
        """The cell of a pane shows something new: it is no place of the lab any more."""
        if pane in self._panes:
            self._panes.remove(pane)
            if not self._panes:
                self._gone()

    def just_shown(self) -> bool:
        """Whether the cell that runs has shown it already."""
        return bool(self._panes) and self._cell == cell()


def cell() -> int:
    """The number of the cell that runs; −1 outside of IPython."""
    shell = display.shell()
    return -1 if shell is None else int(shell.execution_count)
