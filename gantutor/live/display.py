"""The page: who looks at it, and how a live view is shown there and leaves a still picture."""

from __future__ import annotations

import base64
import io
import sys
import threading
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from gantutor._errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"

KEPT = "A picture of this view, kept with the notebook"

DRAWING = threading.RLock()
"""Held while matplotlib draws: a view of one thread and a training of another share its parser of labels."""

_closers: dict[tuple[str, str, int], Callable[[], None]] = {}
"""How to end what a cell shows, by cell, run of the cell and pane."""


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    return _kernel() is not None


def watched() -> bool:
    """Whether the front end that runs the present cell can show widgets.

    JupyterLab, and what is built from it, says which cell it runs; papermill, nbval and nbclient do not, and
    nobody looks there while a cell runs. Raises InputError where the front end could, but ipywidgets is
    missing.
    """
    kernel = _kernel()
    if kernel is None:
        return False
    parent = kernel.get_parent("shell") or {}
    if not parent.get("metadata", {}).get("cellId"):
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        raise InputError(
            "live views need the package ipywidgets, which is missing: pip install ipywidgets"
        ) from None
    return True


def shell() -> Any:
    """IPython's shell, or None outside of it; where nobody has imported IPython, it does not run this."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def _kernel() -> Any:
    return getattr(shell(), "kernel", None)


def png(figure: Figure) -> bytes:
    """A matplotlib figure as a PNG, compressed little: it is drawn many times and kept once."""
    file = io.BytesIO()
    with DRAWING:
        figure.savefig(file, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def image(picture: bytes, description: str) -> str:
    """A PNG or JPEG as HTML, with the description that screen readers speak.

    >>> image(b"", "eight points")
    '<img alt="eight points" src="data:image/png;base64,">'
    """
    kind = "jpeg" if picture.startswith(b"\xff\xd8") else "png"
    data = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{escape(description)}" src="data:image/{kind};base64,{data}">'


def still_bundle(picture: bytes, description: str) -> dict[str, Any]:
    """A PNG in the forms that a notebook keeps: the picture, and the words for it."""
    return {"text/plain": description, "image/png": base64.b64encode(picture).decode("ascii")}


def status(words: str) -> str:
    """A sentence as HTML that screen readers speak when it changes.

    >>> status("a < b")
    "<span role='status'>a &lt; b</span>"
    """
    return f"<span role='status'>{escape(words)}</span>"


class Pane:
    """A place on the page: a widget while it lives, a still picture for whoever reads the notebook later.

    ``show`` puts the widget there where somebody watches, and the picture elsewhere; ``settle`` replaces what
    stands there by a picture. Outside a notebook nothing happens.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._kept: Any = None

    def show(
        self, widget: Any, still: Figure | None, description: str, close: Callable[[], None] | None = None
    ) -> None:
        """Show the widget; code hosts, which cannot, fall back to the picture. ``close`` ends it when the
        same cell shows something new.

        Under the widget the picture is kept folded up: a notebook that is opened again without its kernel has
        no widget any more.
        """
        picture = None if still is None else png(still)
        bundle = {} if picture is None else still_bundle(picture, description)
        if watched():
            _take_over(self, close or (lambda: close_all(widget)))
            bundle |= widget._repr_mimebundle_() | {"text/plain": description}
        if bundle:
            self._handle = _put(self._handle, bundle)
        if watched() and picture is not None:
            folded = f"<details><summary>{KEPT}</summary>{image(picture, description)}</details>"
            self._kept = _put(self._kept, {"text/html": folded, "text/plain": KEPT})

    def settle(self, still: Figure, description: str) -> None:
        """Leave this picture, and nothing that moves."""
        self._handle = _put(self._handle, still_bundle(png(still), description))
        if self._kept is not None:
            _put(self._kept, {"text/html": "", "text/plain": ""})

    def leave(self, bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Leave what these MIME types hold, in the place of what stands there; it can be replaced again, from
        any thread."""
        self._handle = _put(self._handle, bundle, metadata)


def _put(handle: Any, bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
    """Show a bundle, or put it in the place of what a handle shows; returns the handle."""
    if not in_notebook():
        return handle
    from IPython.display import display

    alternative = {"image/png": {"alt": bundle["text/plain"]}} if "image/png" in bundle else {}
    alternative |= metadata or {}
    if handle is None:
        return display(bundle, raw=True, display_id=True, metadata=alternative)  # type: ignore[no-untyped-call]
    handle.update(bundle, raw=True, metadata=alternative)
    return handle


def _take_over(pane: Pane, close: Callable[[], None]) -> None:
    """End what this cell showed when it ran before, and remember how to end what it shows now.

    Several views of one cell live side by side: only those of an earlier run of the cell are ended.
    """
    kernel = _kernel()
    parent = (kernel.get_parent("shell") or {}) if kernel is not None else {}
    cell = parent.get("metadata", {}).get("cellId", "")
    run = parent.get("header", {}).get("msg_id", "")
    for key in [key for key in _closers if key[0] == cell and key[1] != run]:
        _closers.pop(key)()
    _closers[cell, run, id(pane)] = close


def close_all(widget: Any) -> None:
    """Take a widget and all it holds off the page and out of the kernel's memory."""
    if hasattr(widget, "playing"):  # its clock ticks in the browser
        widget.playing = False
    for child in getattr(widget, "children", ()):
        close_all(child)
    widget.close()
