"""What the browser tests share: one server, one browser, and notebooks that leave a clean console."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

from jupyter_browser import CHROMIUM, Notebook, chromium, jupyterlab  # noqa: E402
from opened_notebooks import opened_notebooks  # noqa: E402

SHOTS = ROOT / "runs" / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a chromium there is nothing to look with; where GANTUTOR_BROWSER=1 the tests must run all the
    same, and fail."""
    if CHROMIUM is None and os.environ.get("GANTUTOR_BROWSER") != "1":
        skip = pytest.mark.skip(reason="there is no chromium here: apt-get install chromium")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address and the folder of a JupyterLab that serves nobody else."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as address:
        yield address, folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def shot() -> Callable[[Notebook, str], None]:
    """Keeps a screenshot under runs/browser."""

    def take(notebook: Notebook, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        notebook.page.screenshot(path=SHOTS / f"{name}.png")

    return take


@pytest.fixture
def notebook(
    server: tuple[str, Path], browser: Any, shot: Callable[[Notebook, str], None], request: Any
) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook of the given cells; afterwards its kernel ends, and the console must be clean."""
    with opened_notebooks(browser, *server, request.node.name, shot) as make:
        yield make
