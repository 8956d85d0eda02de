"""A picture on the page that is redrawn when a widget changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from gantutor._errors import InputError, first_line
from gantutor.live import display

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RedrawnPicture:
    """A picture that is drawn again on request, with a message below it for errors.

    Widgets may change from several threads at once: one picture is drawn at a time, and of the changes that
    come meanwhile only the last is drawn. An error becomes one sentence on the page.

    Args:
        draw: a function that returns the figure.
        describe: a function that returns its alternative text.

    Attributes:
        picture: the widget of the picture.
        message: the widget of the message.
    """

    def __init__(self, draw: Callable[[], Figure], describe: Callable[[], str]) -> None:
        import ipywidgets as widgets

        self.draw, self.describe = draw, describe
        self.picture, self.message = widgets.HTML(), widgets.HTML()
        self.picture.add_class("gt-picture")
        self._drawing, self._requested = threading.Lock(), False

    def refresh(self) -> None:
        """Draw the picture for the present state of the widgets."""
        self._requested = True
        while self._requested and self._drawing.acquire(blocking=False):
            try:
                self._requested = False
                self.picture.value = display.image(display.png(self.draw()), self.describe())
                self.message.value = ""
            except InputError as error:
                self._say(str(error))
            except Exception as error:  # the user's network may raise anything: report it and go on
                self._say(f"this picture could not be drawn: {first_line(error)}")
            finally:
                self._drawing.release()

    def _say(self, text: str) -> None:
        self.message.value = display.status(text)
