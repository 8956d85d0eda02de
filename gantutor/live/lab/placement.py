"""The cells in which a lab is shown, each with a still picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gantutor.live import display

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Placement:
    """The places on the page where one lab is shown.

    Args:
        on_gone: a function that is called when the last of these places shows something else.

    >>> Placement(lambda: None).just_shown()
    False
    """

    def __init__(self, on_gone: Callable[[], None]) -> None:
        self._on_gone = on_gone
        self._panes: list[display.Pane] = []
        self._cell = 0

    def show(self, still: Figure, words: str, box: Any = None) -> None:
        """Show the lab in the present cell.

        Args:
            still: the picture that is saved.
            words: its alternative text.
            box: the widgets, or None to show the picture only.
        """
        self._cell = current_cell()
        pane = display.Pane()
        self._panes.append(pane)  # before the cell's last pane is left: that may be one of the same lab
        if box is None:
            pane.show_still(still, words)
        else:
            pane.show(box, still, words, partial(self._leave, pane))

    def show_still(self, still: Figure, words: str) -> None:
        """Replace the lab by this picture in all places."""
        for pane in self._panes:
            pane.show_still(still, words)

    def _leave(self, pane: display.Pane) -> None:
        """Forget a pane whose cell shows something new."""
        if pane in self._panes:
            self._panes.remove(pane)
            if not self._panes:
                self._on_gone()

    def just_shown(self) -> bool:
        """Return whether the present cell has shown the lab already."""
        return bool(self._panes) and self._cell == current_cell()


def current_cell() -> int:
    """Return the number of the cell that runs, or −1 outside of IPython."""
    shell = display.shell()
    return -1 if shell is None else int(shell.execution_count)
