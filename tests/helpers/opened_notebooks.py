"""Notebooks that a test opens in a browser, and closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_browser import Notebook


@contextmanager
def opened_notebooks(
    browser: Any, address: str, folder: Path, test: str, shot: Callable[[Notebook, str], None], **how: Any
) -> Iterator[Callable[..., Notebook]]:
    """A function that opens notebooks; at the end their kernels end, and each console must be clean."""
    name = "".join(letter if letter.isalnum() else "_" for letter in test)
    opened: list[Notebook] = []

    def make(*cells: str | Path) -> Notebook:
        content = cells[0] if isinstance(cells[0], Path) else cells
        opened.append(Notebook(browser, address, folder, name, content, **how))
        return opened[-1]

    yield make
    for each in opened:
        try:
            shot(each, name)
        finally:
            each.close()
        assert not each.complaints, f"the browser's console complains: {each.complaints}"
