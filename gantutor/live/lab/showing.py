"""Where on the page a lab stands: in as many cells as it was shown in, each with a still picture."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gantutor.live import page

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Showing:
    """The places of one lab.

    >>> Showing().just_shown()
    False
    """

    def __init__(self) -> None:
        self._panes: list[page.Pane] = []
        self._cell = 0

    def show(self, still: Figure, words: str, box: Any = None) -> None:
        """Show the widgets with the picture as what is left of them, or, without widgets, the picture."""
        self._cell = cell()
        self._panes.append(page.Pane())
        if box is None:
            self._panes[-1].settle(still, words)
        else:
            self._panes[-1].show(box, still, words)

    def settle(self, still: Figure, words: str) -> None:
        """Leave this picture in all places, and nothing that moves."""
        for pane in self._panes:
            pane.settle(still, words)

    def just_shown(self) -> bool:
        """Whether the cell that runs has shown it already."""
        return bool(self._panes) and self._cell == cell()


def cell() -> int:
    """The number of the cell that runs; −1 outside of IPython."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return -1 if shell is None else int(shell.execution_count)
