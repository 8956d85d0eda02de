"""A real JupyterLab in a real browser: the browser tests and the pictures of the README are made with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import nbformat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',  # cells out of sight are on the page too
}
OF_ITS_OWN = "Could not restore the debugger state"
"""What JupyterLab complains of by itself when a kernel ends that it has just connected to."""

SESSION = "window.jupyterapp.shell.currentWidget.sessionContext"
ANSWERS = f"""Promise.race([
    {SESSION}.session.kernel.requestExecute({{code: "pass", silent: true, store_history: false}}).done,
    new Promise((_, refuse) => setTimeout(() => refuse("the kernel does not answer"), 15000)),
]).then(() => true)"""
"""Lets the kernel run a line that leaves no trace."""


Application = Literal["lab", "notebook"]
PROGRAMS: dict[Application, tuple[str, str]] = {
    "lab": ("jupyterlab", "LabApp"),
    "notebook": ("notebook", "JupyterNotebookApp"),
}
"""The module that is run, and the name of its settings: JupyterLab, and Notebook 7."""


@contextmanager
def jupyterlab(folder: Path, application: Application = "lab", kernels: Path | None = None) -> Iterator[str]:
    """Serve ``folder`` to nobody else, with settings of its own; gives the address.

    Args:
        folder: its notebooks are served; settings and a log are kept in it.
        application: JupyterLab or Notebook 7.
        kernels: a folder ``…/share/jupyter`` with kernels besides that of this environment.
    """
    module, settings_name = PROGRAMS[application]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "settings"
    for name, content in SETTINGS.items():
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    command = [
        sys.executable, "-m", module, "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        f"--{settings_name}.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}", "--allow-root",
    ]  # fmt: skip
    own = {
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "JUPYTER_CONFIG_DIR": folder / "config",
    }
    if kernels is not None:
        own["JUPYTER_PATH"] = kernels
    environment = os.environ | {name: str(path) for name, path in own.items()}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(f"{address}/api/status"), 60, "JupyterLab did not start")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window; ends with a sentence where there is none."""
    if CHROMIUM is None:
        raise SystemExit("there is no chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Notebook:
    """A notebook of these cells, opened in a browser: run it, and look at what it says.

    Args:
        browser: of ``chromium``.
        address: of ``jupyterlab``.
        folder: where the notebook is written.
        name: of its file.
        cells: the code of its cells, or a notebook that is there.
        kernel: the name of its kernel.
        application: what the address serves.
    """

    def __init__(
        self,
        browser: Any,
        address: str,
        folder: Path,
        name: str,
        cells: tuple[str, ...] | Path,
        kernel: str = "python3",
        application: Application = "lab",
    ) -> None:
        if isinstance(cells, Path):
            content = nbformat.read(cells, as_version=4)
        else:
            codes = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
            content = nbformat.v4.new_notebook(cells=codes)
        content.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        nbformat.write(content, folder / f"{name}.ipynb")
        self.complaints: list[str] = []
        self.page = browser.new_page(viewport={"width": 1280, "height": 1000})
        if application == "lab":
            self._open(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb")
            self.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        else:
            self._open(f"{address}/notebooks/{name}.ipynb")
        # From here on: while it loads, JupyterLab itself complains of settings that nobody has made.
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _open(self, address: str) -> None:
        """Open the page, and wait until its kernel is idle and answers.

        Now and then JupyterLab and a kernel that begins miss each other's first words and wait for ever: then
        the page is loaded anew, as a person would do, and in the end the kernel is begun anew.
        """
        from playwright.sync_api import Error

        for attempt in range(4):
            self.page.goto(address)
            self.page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=60_000)
            try:
                self.page.wait_for_function(READY, timeout=15_000)
                self.page.evaluate(ANSWERS)
                return
            except Error:
                if attempt == 3:
                    raise
                if attempt > 0:
                    self.page.evaluate(f"void {SESSION}.restartKernel()")

    def restart(self) -> None:
        """End the kernel, busy or not, and begin it anew; returns when the new one answers.

        As in ``_open``: where the page and the new kernel have missed each other, it is begun once more.
        """
        from playwright.sync_api import Error

        for attempt in range(3):
            self.page.evaluate(f"{SESSION}.session.kernel.restart()")
            try:
                self.page.wait_for_function(READY, timeout=20_000)
                self.page.evaluate(ANSWERS)
                return
            except Error:
                if attempt == 2:
                    raise

    def _note(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(OF_ITS_OWN):
            self.complaints.append(message.text)

    def run(self) -> None:
        """Start all cells, and do not wait for their end.

        JupyterLab drops the command now and then while it still connects to the kernel: it is given once more
        where no cell has begun.
        """
        before = self.prompts()
        for seconds in (15, 60):
            self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
            try:
                wait_until(lambda: self.busy() or self.prompts() != before, seconds, "no cell began to run")
                return
            except AssertionError:
                if seconds == 60:
                    raise

    def prompts(self) -> list[str]:
        """What stands before the cells: their numbers, or a star while they wait or run."""
        found: list[str] = self.page.locator(".jp-InputPrompt").all_inner_texts()
        return found

    def text(self) -> str:
        """What stands in the outputs."""
        return "\n".join(self.page.locator(".jp-OutputArea-output").all_inner_texts())

    def until(
        self, happened: Callable[[], bool], seconds: float = 30, what: str = "what was waited for"
    ) -> None:
        wait_until(happened, seconds, lambda: f"{what} did not come; it says:\n{self.text()[-2000:]}")

    def says(self, words: str, seconds: float = 30) -> None:
        self.until(lambda: words in self.text(), seconds, repr(words))

    def busy(self) -> bool:
        """Whether a cell runs; the kernel's own word would be "idle" whenever a widget was answered."""
        return any("*" in prompt for prompt in self.prompts())

    def idle(self, seconds: float = 60) -> None:
        self.until(lambda: not self.busy(), seconds, "the end of the cells")

    def close(self) -> None:
        """End the kernel and leave the page."""
        self.page.evaluate(f"{SESSION}.shutdown()")
        self.page.close()


def wait_until(happened: Callable[[], bool], seconds: float, message: str | Callable[[], str]) -> None:
    """Return as soon as something has happened; raises AssertionError where it has not in ``seconds``."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(message() if callable(message) else message)
        time.sleep(0.05)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False
