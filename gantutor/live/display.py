"""The notebook page: whether it can show widgets, and how a view is shown and leaves a still picture."""

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

WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"
"""The MIME type of a widget."""

SAVED_CAPTION = "A picture of this view, kept with the notebook"
"""The title of the folded picture that is saved under a widget."""

DRAWING_LOCK = threading.RLock()
"""Held while matplotlib draws: views and trainings on several threads share its parser of labels."""

_closers: dict[tuple[str, str, int], Callable[[], None]] = {}
"""Functions that close what a cell shows, by cell, run of the cell and pane."""


def in_notebook() -> bool:
    """Return whether this code runs in a Jupyter kernel."""
    return kernel() is not None


def watched() -> bool:
    """Return whether the front end that runs the present cell can show widgets.

    JupyterLab, Notebook 7 and VS Code tell the kernel which cell it runs, and Colab does so in its own way.
    papermill, nbval and nbclient do not, nor can they be asked for input: nobody sees a cell there while it
    runs.

    Raises:
        InputError: if the front end can show widgets and ipywidgets is not installed.
    """
    running = kernel()
    if running is None:
        return False
    request = running.get_parent("shell") or {}
    if request.get("content", {}).get("allow_stdin") is False or not _cell_of(request):
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        raise InputError(
            "live views need the package ipywidgets, which is missing: pip install ipywidgets"
        ) from None
    return True


def _cell_of(request: dict[str, Any]) -> str:
    """The identity of the cell that a front end asks the kernel to run; empty if it does not say."""
    metadata = request.get("metadata") or {}
    return metadata.get("cellId") or (metadata.get("colab") or {}).get("cell_id") or ""


def shell() -> Any:
    """Return IPython's shell, or None outside of IPython."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def kernel() -> Any:
    """Return the Jupyter kernel that runs this code, or None."""
    return getattr(shell(), "kernel", None)


def png(figure: Figure, keep: bool = False) -> bytes:
    """Encode a figure as a PNG, with little compression because most are drawn often and soon replaced.

    Args:
        figure: the figure.
        keep: whether it is kept in the notebook, and compressed as far as possible.
    """
    file = io.BytesIO()
    with DRAWING_LOCK:
        figure.savefig(file, format="png", pil_kwargs={"optimize": True} if keep else {"compress_level": 1})
    return file.getvalue()


def image(picture: bytes, description: str) -> str:
    """Return a PNG or JPEG as HTML, with a description for screen readers.

    Args:
        picture: the bytes of the file.
        description: the alternative text.

    >>> image(b"", "eight points")
    '<img alt="eight points" src="data:image/png;base64,">'
    """
    kind = "jpeg" if picture.startswith(b"\xff\xd8") else "png"
    data = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{escape(description)}" src="data:image/{kind};base64,{data}">'


def still_bundle(picture: bytes, description: str) -> dict[str, Any]:
    """Return a PNG and its description by MIME type, as a notebook saves them."""
    return {"text/plain": description, "image/png": base64.b64encode(picture).decode("ascii")}


def status(words: str) -> str:
    """Return a sentence as HTML that screen readers read aloud when it changes.

    >>> status("a < b")
    "<span role='status'>a &lt; b</span>"
    """
    return f"<span role='status'>{escape(words)}</span>"


class Pane:
    """A place on the page: a widget while the kernel runs, and a still picture in the saved notebook.

    Outside a notebook nothing is shown.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._saved: Any = None

    def show(
        self, widget: Any, still: Figure | None, description: str, close: Callable[[], None] | None = None
    ) -> None:
        """Show a widget if the front end can, and the picture otherwise.

        Code hosts, which cannot show widgets, show the picture. Under the widget the picture is saved folded
        up: a notebook that is opened again without its kernel has no widget any more.

        Args:
            widget: the widget, or None if ``watched()`` is False.
            still: the picture, or None for none.
            description: the alternative text of the picture.
            close: what ends the widget when the same cell shows something new; None closes the widget.
        """
        picture = None if still is None else png(still)
        bundle = {} if picture is None else still_bundle(picture, description)
        if watched():
            _take_over(self, close or (lambda: close_all(widget)))
            bundle |= _widget_bundle(widget) | {"text/plain": description}
        if bundle:
            self._handle = _put(self._handle, bundle)
        if watched() and picture is not None:
            folded = f"<details><summary>{SAVED_CAPTION}</summary>{image(picture, description)}</details>"
            self._saved = _put(self._saved, {"text/html": folded, "text/plain": SAVED_CAPTION})

    def show_still(self, still: Figure, description: str) -> None:
        """Replace what is shown by this picture."""
        self._handle = _put(self._handle, still_bundle(png(still), description))
        if self._saved is not None:
            _put(self._saved, {"text/html": "", "text/plain": ""})

    def show_bundle(self, bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Replace what is shown by a bundle; it can be replaced again, from any thread.

        Args:
            bundle: the content by MIME type.
            metadata: the metadata by MIME type.
        """
        self._handle = _put(self._handle, bundle, metadata)


def _put(handle: Any, bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
    """Show a bundle, or replace what a handle shows; return the handle."""
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
    """Close what this cell showed when it ran before, and remember how to close what it shows now.

    Several views of one cell live side by side: only those of an earlier run of the cell are closed.
    """
    running = kernel()
    parent = (running.get_parent("shell") or {}) if running is not None else {}
    cell = _cell_of(parent)
    run = parent.get("header", {}).get("msg_id", "")
    for key in [key for key in _closers if key[0] == cell and key[1] != run]:
        _closers.pop(key)()
    _closers[cell, run, id(pane)] = close


def close_all(widget: Any) -> None:
    """Remove a widget and all its children from the page and from the kernel's memory."""
    if hasattr(widget, "playing"):  # its clock ticks in the browser
        widget.playing = False
    for child in getattr(widget, "children", ()):
        close_all(child)
    widget.close()


def _widget_bundle(widget: Any) -> dict[str, Any]:
    """What a front end needs to show a widget, by MIME type."""
    if not hasattr(widget, "_repr_mimebundle_"):  # ipywidgets 7, as in Colab
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        return {"application/vnd.jupyter.widget-view+json": view}
    bundle: Any = widget._repr_mimebundle_()
    return dict(bundle[0] if isinstance(bundle, tuple) else bundle)  # anywidget adds metadata
