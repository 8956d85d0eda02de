"""A file of one's own: chosen on the page, given to a function, and what it returns shown below."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from html import escape
from typing import Any

from gantutor._checks import string, validate
from gantutor._errors import InputError, first_line
from gantutor.live import display

Use = Callable[[str, bytes], Any]
"""Takes the name and the content of a file, and returns what is to be shown of it."""

READER = (
    "A file of at most 10 MB (should you choose a bigger one, run this cell again): "
    "only this notebook's kernel reads it."
)
"""JupyterLab's server drops a message of more than 10 MiB, and the button waits for its answer for ever."""


class Upload:
    """Gives each file that is chosen to ``use(name, content)`` and shows what it returns in the place of what
    was there; ``name`` and ``result`` are the last that went well.

    Several things in a list or tuple are shown one below the other. An error becomes one sentence.
    """

    def __init__(self, use: Use, accept: str, prompt: str) -> None:
        if not callable(use):
            raise InputError(f"use must be a function of a file's name and its content in bytes, not {use!r}")
        validate({"accept": accept, "prompt": prompt}, accept=string(), prompt=string())
        self.use, self.accept, self.prompt = use, accept, prompt
        self.name: str | None = None
        self.result: Any = None
        self._shown = display.Pane()
        self._said: Any = None
        self._using = threading.Lock()

    def __repr__(self) -> str:
        return f"Upload: {self.name or 'no file yet'}"

    def _ipython_display_(self) -> None:
        """At the end of a cell nothing more is shown: the button stands there already."""

    def sentence(self) -> str:
        """What stands in the place of the button where nobody can press it."""
        return f"{self.prompt} ({self.accept}): in JupyterLab, a button stands here for a file of your own."

    def show(self) -> None:
        """Put the button on the page, or the sentence where nobody can press it."""
        if display.watched():
            self._shown.show(panel(self), None, self.sentence())
            self._result = display.Pane()
            self._result.leave({"text/plain": ""})
        elif display.in_notebook():
            self._shown.leave({"text/plain": self.sentence()})
        else:
            print(self.sentence())

    def take(self, name: str, content: bytes) -> None:
        """Use a file, one at a time, and show what comes of it."""
        with self._using:
            self._say(f"{name} has arrived ({len(content):,} bytes): at work on it …")
            try:
                result = self.use(name, content)
                bundle, metadata = bundle_of(result)
            except InputError as error:
                self._say(f"{name}: {error}")
            except (
                Exception
            ) as error:  # whatever a function of the user's own raises: said, and the page goes on
                self._say(f"{name} could not be used: {first_line(error)}")
            else:
                self.name, self.result = name, result
                self._result.leave(bundle, metadata)
                self._say(f"This is what became of {name}; another file takes its place.")

    def _say(self, words: str) -> None:
        if self._said is not None:
            self._said.value = display.status(words)


def upload(use: Use, accept: str = ".wav,.flac,.ogg,.mp3", prompt: str = "Choose a recording") -> Upload:
    """Show a button that takes a file of one's own: ``use(name, content)`` is called with each file that is
    chosen, and what it returns is shown below the button.

    ``accept``: the suffixes that the page offers, with commas between them; ``prompt`` stands on the button.
    An error of ``use`` is said in one sentence, and what was shown before stays. Elsewhere than in
    JupyterLab, under papermill for instance, one line says what would be here. Raises InputError where
    ``use`` is no function.

    >>> upload(lambda name, content: len(content), ".txt", "Choose a text")
    Choose a text (.txt): in JupyterLab, a button stands here for a file of your own.
    Upload: no file yet
    """
    chosen = Upload(use, accept, prompt)
    chosen.show()
    return chosen


def panel(chosen: Upload) -> Any:
    """The widgets of an upload, bound to it."""
    import ipywidgets as widgets

    button = widgets.FileUpload(
        accept=chosen.accept,
        multiple=False,
        description=chosen.prompt,
        tooltip=f"{chosen.prompt} ({chosen.accept})",
        layout={"width": "auto"},
    )
    button.add_class("gt-upload")
    chosen._said = widgets.HTML(display.status(READER))

    def changed(change: dict[str, Any]) -> None:
        for file in change["new"]:
            chosen.take(str(file["name"]), bytes(file["content"]))
        if change["new"]:
            button.value = ()  # so that the same file can be chosen again

    button.observe(changed, "value")
    return widgets.VBox([button, chosen._said], layout={"align_items": "flex-start"})


def bundle_of(result: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a notebook shows of a result, by MIME type, and its metadata; of a list or tuple of them, all, one
    below the other.

    >>> bundle_of([1, "two"])[0]["text/html"]
    '<div><pre>1</pre></div><div><pre>&#x27;two&#x27;</pre></div>'
    """
    if isinstance(result, list | tuple):
        bundles = [bundle_of(each)[0] for each in result]
        return {
            "text/html": "".join(f"<div>{_as_html(bundle)}</div>" for bundle in bundles),
            "text/plain": "\n".join(str(bundle.get("text/plain", "")) for bundle in bundles),
        }, {}
    with display.DRAWING:
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
