"""A picture on the page that answers to widgets: drawn anew when one of them moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from gantutor._errors import InputError, first_line
from gantutor.live import display

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RedrawnPicture:
    """``draw()`` gives a figure and ``describe()`` its description; ``refresh`` draws again.

    Widgets may change from several threads at once: one picture is drawn at a time, and of changes that come
    meanwhile only the last is drawn. What cannot be drawn is said in one sentence instead.
    """

    def __init__(self, draw: Callable[[], Figure], describe: Callable[[], str]) -> None:
        import ipywidgets as widgets

        self.draw, self.describe = draw, describe
        self.picture, self.said = widgets.HTML(), widgets.HTML()
        self.picture.add_class("gt-picture")
        self._drawing, self._wanted = threading.Lock(), False

    def refresh(self) -> None:
        """Draw what the widgets ask for now."""
        self._wanted = True
        while self._wanted and self._drawing.acquire(blocking=False):
            try:
                self._wanted = False
                self.picture.value = display.image(display.png(self.draw()), self.describe())
                self.said.value = ""
            except InputError as error:
                self._say(str(error))
            except Exception as error:  # whatever a user's own network raises: said, and the views go on
                self._say(f"this picture could not be drawn: {first_line(error)}")
            finally:
                self._drawing.release()

    def _say(self, text: str) -> None:
        self.said.value = display.status(text)
