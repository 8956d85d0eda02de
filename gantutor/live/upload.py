"""A button that lets the user choose a file, and the result of a function of it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from html import escape
from typing import Any

from gantutor._checks import checked, string
from gantutor._errors import InputError, first_line
from gantutor.live import display

Use = Callable[[str, bytes], Any]
"""A function of a file's name and content that returns what to show."""

SIZE_HINT = (
    "A file of at most 10 MB (should you choose a bigger one, run this cell again): "
    "only this notebook's kernel reads it."
)
"""JupyterLab's server drops messages of more than 10 MiB, and the button would then wait for ever."""


class Upload:
    """A button that passes each chosen file to a function and shows what it returns.

    A new result replaces the old one. A list or tuple of results is shown one below the other. An error
    becomes one sentence, and the old result stays.

    Args:
        use: a function ``use(name, content)`` of the file's name and its bytes.
        accept: the suffixes that the page offers, separated by commas.
        prompt: the text on the button.

    Raises:
        InputError: if ``use`` is not a function, or if another argument is not a string.

    Attributes:
        name: the name of the last file that was used without an error, or None.
        result: what ``use`` returned for it.
    """

    @checked(accept=string(), prompt=string())
    def __init__(self, use: Use, accept: str, prompt: str) -> None:
        if not callable(use):
            raise InputError(f"use must be a function of a file's name and its content in bytes, not {use!r}")
        self.use, self.accept, self.prompt = use, accept, prompt
        self.name: str | None = None
        self.result: Any = None
        self._button_pane = display.Pane()
        self._message: Any = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Upload: {self.name or 'no file yet'}"

    def _ipython_display_(self) -> None:
        """At the end of a cell nothing more is shown: the button stands there already."""

    def sentence(self) -> str:
        """Return the text that is shown where there is no button."""
        return f"{self.prompt} ({self.accept}): in JupyterLab, a button stands here for a file of your own."

    def show(self) -> None:
        """Show the button, or the sentence if there can be no button."""
        if display.watched():
            self._button_pane.show(panel(self), None, self.sentence())
            self._result_pane = display.Pane()
            self._result_pane.show_bundle({"text/plain": ""})
        elif display.in_notebook():
            self._button_pane.show_bundle({"text/plain": self.sentence()})
        else:
            print(self.sentence())

    def take(self, name: str, content: bytes) -> None:
        """Use one file and show the result; one file at a time.

        Args:
            name: the name of the file.
            content: its bytes.
        """
        with self._lock:
            self._say(f"{name} has arrived ({len(content):,} bytes): at work on it …")
            try:
                result = self.use(name, content)
                bundle, metadata = bundle_of(result)
            except InputError as error:
                self._say(f"{name}: {error}")
            except Exception as error:  # the user's function may raise anything: report it and go on
                self._say(f"{name} could not be used: {first_line(error)}")
            else:
                self.name, self.result = name, result
                self._result_pane.show_bundle(bundle, metadata)
                self._say(f"This is what became of {name}; another file takes its place.")

    def _say(self, words: str) -> None:
        if self._message is not None:
            self._message.value = display.status(words)


def upload(use: Use, accept: str = ".wav,.flac,.ogg,.mp3", prompt: str = "Choose a recording") -> Upload:
    """Show a button to choose a file, and below it the result of a function of each chosen file.

    An error in the function becomes one sentence, and what was shown before stays. Outside JupyterLab, for
    instance under papermill, one line says what would be here.

    Args:
        use: a function ``use(name, content)`` of the file's name and its bytes; what it returns is shown.
        accept: the suffixes that the page offers, separated by commas.
        prompt: the text on the button.

    Returns:
        The ``Upload``, whose ``name`` and ``result`` are those of the last file.

    Raises:
        InputError: if ``use`` is not a function, or if another argument is not a string.

    >>> upload(lambda name, content: len(content), ".txt", "Choose a text")
    Choose a text (.txt): in JupyterLab, a button stands here for a file of your own.
    Upload: no file yet
    """
    chosen = Upload(use, accept, prompt)
    chosen.show()
    return chosen


def panel(chosen: Upload) -> Any:
    """Return the widgets of an upload, connected to it."""
    import ipywidgets as widgets

    button = widgets.FileUpload(
        accept=chosen.accept,
        multiple=False,
        description=chosen.prompt,
        tooltip=f"{chosen.prompt} ({chosen.accept})",
        layout={"width": "auto"},
    )
    button.add_class("gt-upload")
    chosen._message = widgets.HTML(display.status(SIZE_HINT))

    def changed(change: dict[str, Any]) -> None:
        for file in change["new"]:
            chosen.take(str(file["name"]), bytes(file["content"]))
        if change["new"]:
            button.value = ()  # so that the same file can be chosen again

    button.observe(changed, "value")
    return widgets.VBox([button, chosen._message], layout={"align_items": "flex-start"})


def bundle_of(result: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a notebook shows of a result, by MIME type, and its metadata.

    Args:
        result: anything; the parts of a list or tuple are shown one below the other.

    >>> bundle_of([1, "two"])[0]["text/html"]
    '<div><pre>1</pre></div><div><pre>&#x27;two&#x27;</pre></div>'
    """
    if isinstance(result, list | tuple):
        bundles = [bundle_of(part)[0] for part in result]
        return {
            "text/html": "".join(f"<div>{_as_html(bundle)}</div>" for bundle in bundles),
            "text/plain": "\n".join(str(bundle.get("text/plain", "")) for bundle in bundles),
        }, {}
    with display.DRAWING_LOCK:
        bundle, metadata = _formatter().format(result)
    return (bundle or {"text/plain": ""}), metadata


def _formatter() -> Any:
    shell = display.shell()
    if shell is not None:
        return shell.display_formatter
    from IPython.core.formatters import DisplayFormatter

    return DisplayFormatter()  # type: ignore[no-untyped-call]


def _as_html(bundle: dict[str, Any]) -> str:
    if "text/html" in bundle:
        return str(bundle["text/html"])
    if "image/png" in bundle:
        picture = bundle["image/png"]
        data = picture if isinstance(picture, bytes) else base64.b64decode(picture)
        return display.image(data, str(bundle.get("text/plain", "a picture")))
    return f"<pre>{escape(str(bundle.get('text/plain', '')))}</pre>"
