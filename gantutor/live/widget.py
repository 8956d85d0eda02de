"""The base of the views that the browser draws: an ES module, a style sheet, and messages of bytes.

A view is a file ``static/<name>.js``. The kernel sends it numbers as bytes, and the browser draws them, so
that an update costs the kernel about a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gantutor._errors import InputError

STATIC = Path(__file__).parent / "static"
"""The folder of the ES modules and of the style sheet."""

INSTALL_HINT = "This picture moves if the package anywidget is installed: pip install anywidget"
"""Shown where anywidget is missing."""

Listener = Callable[[dict[str, Any], list[Any]], None]
"""A function of a message's content and its buffers."""


def available() -> bool:
    """Return whether anywidget is installed; without it, views are still pictures that are replaced."""
    return find_spec("anywidget") is not None


class BrowserView:
    """A view that the browser draws, and the messages between it and the kernel.

    Each message has a kind, and one of a kind replaces the one before: a page that opens late, or shows the
    view twice, receives the last message of each kind.

    Args:
        name: the name of the ES module in ``static``, without its ending.
        state: what the module needs to build its page, as content for JSON.
        listener: called with the content and the buffers of each message that the page sends.

    Attributes:
        widget: the widget, for ``display.Pane`` or a box of ipywidgets.
        connected: whether the page has sent a message, which proves that somebody can watch.
    """

    def __init__(
        self, name: str, state: dict[str, Any] | None = None, listener: Listener | None = None
    ) -> None:
        self.widget = _widget_class(name)(state=state or {})
        self.connected = False
        self._listener = listener
        self._latest: dict[str, tuple[dict[str, Any], list[bytes]]] = {}
        self.widget.on_msg(self._receive)

    def send(self, kind: str, content: dict[str, Any] | None = None, *buffers: bytes) -> None:
        """Send a message to the page.

        Args:
            kind: the name of the function in the module that receives it.
            content: what it is given, as content for JSON.
            *buffers: bytes, such as those that ``image_bytes`` and ``float_bytes`` return.
        """
        message = {**(content or {}), "kind": kind}
        self._latest[kind] = (message, list(buffers))
        self.widget.send(message, list(buffers))

    @property
    def comm_id(self) -> str:
        """The identity of the channel between the kernel and the page; empty once the view is closed."""
        return getattr(self.widget.comm, "comm_id", "")

    def close(self) -> None:
        """Remove the view from the page and from the kernel's memory."""
        self._latest.clear()
        self.widget.close()

    def _receive(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        self.connected = True
        if content.get("kind") == "ready":
            for message, data in list(self._latest.values()):
                self.widget.send(message, data)
        if self._listener is not None:
            self._listener(content, buffers)


class Images(NamedTuple):
    """Images as bytes, with what the page needs to draw them.

    Attributes:
        content: count, height, width, channels and columns, as content for JSON.
        data: the pixels (N, H, W, C), one byte each.
    """

    content: dict[str, int]
    data: bytes


def image_bytes(images: Tensor, columns: int = 10) -> Images:
    """Turn images into bytes; the page arranges them in a grid and enlarges them without blurring.

    Args:
        images: shape (N, 1 or 3, H, W), values in [−1, 1]; values outside are clipped, and one that is not a
            number is black.
        columns: the number of images in a row.

    Raises:
        InputError: if the shape is another.

    >>> image_bytes(torch.tensor([-1.0, 0.0, 1.0, 2.0]).view(1, 1, 2, 2)).data
    b'\\x00\\x80\\xff\\xff'
    """
    if images.dim() != 4 or images.shape[1] not in (1, 3):
        raise InputError(f"images must have shape (count, 1 or 3, height, width), not {tuple(images.shape)}")
    count, channels, height, width = images.shape
    levels = torch.nan_to_num(images.detach().float(), -1.0).clamp(-1, 1).add(1).mul(127.5).round()
    pixels = levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu()
    content = {"count": count, "height": height, "width": width, "channels": channels, "columns": columns}
    return Images(content, pixels.numpy().tobytes())


def float_bytes(values: Tensor | Iterable[float]) -> bytes:
    """Turn numbers into the bytes of 32-bit floats, lowest byte first.

    >>> float_bytes([1.0, 2.0])
    b'\\x00\\x00\\x80?\\x00\\x00\\x00@'
    """
    if isinstance(values, Tensor):
        values = values.detach().float().cpu().numpy()
    return np.asarray(values, dtype="<f4").tobytes()


def module_source(name: str) -> str:
    """Return the source of an ES module together with ``common.js``.

    The front end is given one text and no folder, so the line that imports ``common.js`` is replaced by it.

    Args:
        name: the name of the module in ``static``, without its ending.
    """
    common = re.sub(r"^export ", "", (STATIC / "common.js").read_text(encoding="utf-8"), flags=re.M)
    own = (STATIC / f"{name}.js").read_text(encoding="utf-8")
    return common + re.sub(r'^import \{[^}]*\} from "\./common\.js";\n', "", own, flags=re.M)


@cache
def _widget_class(name: str) -> Any:
    """The widget class of a view; anywidget is imported when a view is first shown."""
    import anywidget
    import traitlets

    content = {
        "_esm": module_source(name),
        "_css": (STATIC / "views.css").read_text(encoding="utf-8"),
        "state": traitlets.Dict().tag(sync=True),
        "__module__": __name__,
    }
    return type(f"{name.title().replace('_', '')}View", (anywidget.AnyWidget,), content)
