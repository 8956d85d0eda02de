"""A real JupyterLab in a real browser, and a notebook in it, for the tests of what moves on the page."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "runs" / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a chromium these tests have nothing to look with; where GANTUTOR_BROWSER=1 they must run."""
    if CHROMIUM is None and os.environ.get("GANTUTOR_BROWSER") != "1":
        skip = pytest.mark.skip(reason="there is no chromium here: apt-get install chromium")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address and the folder of a JupyterLab that serves nobody else."""
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={folder}", "--allow-root",
    ]  # fmt: skip
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    quiet = {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: _answers(f"{address}/api/status"), 60, "JupyterLab did not start")
        yield address, folder
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Notebook:
    """A notebook that is open in JupyterLab: run its cells, look at what they say."""

    def __init__(self, page: Any, name: str) -> None:
        self.page, self.name = page, name
        self.complaints: list[str] = []

    def run(self) -> None:
        """Start all cells, and do not wait for them."""
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def text(self) -> str:
        """What stands in the outputs."""
        return "\n".join(self.page.locator(".jp-OutputArea-output").all_inner_texts())

    def until(
        self, happened: Callable[[], bool], seconds: float = 30, what: str = "what was waited for"
    ) -> None:
        _wait_until(happened, seconds, f"{what} did not come; the outputs say:\n{self.text()[-2000:]}")

    def says(self, words: str, seconds: float = 30) -> None:
        self.until(lambda: words in self.text(), seconds, repr(words))

    def busy(self) -> bool:
        """Whether a cell runs; the kernel's own word would be "idle" whenever a widget was answered."""
        return any("*" in prompt for prompt in self.page.locator(".jp-InputPrompt").all_inner_texts())

    def idle(self, seconds: float = 60) -> None:
        self.until(lambda: not self.busy(), seconds, "the end of the cells")

    def shot(self, name: str) -> Path:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")
        return SHOTS / f"{name}.png"


@pytest.fixture
def notebook(
    server: tuple[str, Path], browser: Any, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """Makes a notebook of these cells and opens it; afterwards its kernel ends, and the console must be
    clean."""
    address, folder = server
    opened: list[Notebook] = []

    def make(*cells: str) -> Notebook:
        name = f"{request.node.name.split('[')[0]}.ipynb"
        content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
        content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(content, folder / name)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        made = Notebook(page, name)
        page.on("console", lambda m: made.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        page.goto(f"{address}/lab/workspaces/{name.removesuffix('.ipynb')}/tree/{name}")
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=60_000)
        page.wait_for_function(READY, timeout=60_000)
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        made.complaints.clear()
        opened.append(made)
        return made

    yield make
    for each in opened:
        each.shot(request.node.name)
        shutdown = "window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
        each.page.evaluate(shutdown)
        complaints = each.complaints
        each.page.close()
        assert not complaints, f"the browser's console complains: {complaints}"


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


def _wait_until(happened: Callable[[], bool], seconds: float, message: str) -> None:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(message)
        time.sleep(0.05)
