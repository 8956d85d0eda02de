"""Notebook 00 on a machine that has other work to do: it moves, it answers, and all of it can be seen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_browser import Notebook
from view_checks import CUT, set_theme

START_HERE = Path(__file__).resolve().parents[3] / "notebooks" / "00_start_here.ipynb"


@pytest.fixture
def other_work() -> Iterator[None]:
    """Keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    process.kill()
    process.wait()


class Watching:
    """What the page has shown of a training: when which picture came, without the time of a pause."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.paused = notebook, 0.0
        self.began = time.monotonic()
        self.moments: list[float] = []
        self.pixels: set[int] = set()
        self._known = 0

    def look(self) -> None:
        page = self.notebook.page
        picture = page.locator(".gt-picture")
        if not picture.count():
            return
        count = int(picture.get_attribute("data-updates") or 0)
        if count > self._known:
            self._known = count
            self.moments.append(time.monotonic() - self.began - self.paused)
            drawn = page.locator(".gt-pictures canvas").evaluate("one => one.toDataURL()")
            self.pixels.add(hash(drawn))

    def pause_and_go_on(self) -> None:
        """Press Pause, see that the training stands, and press it again."""
        began, page = time.monotonic(), self.notebook.page
        page.click(".gt-pause")
        self.notebook.until(lambda: "paused" in page.locator(".gt-progress").inner_text(), 5, "the pause")
        print(f"paused after {time.monotonic() - began:.2f} s")
        time.sleep(2.0)  # the step that was under way ends
        stood = page.locator(".gt-step-count").inner_text()
        time.sleep(1.0)
        assert page.locator(".gt-step-count").inner_text() == stood
        page.click(".gt-pause")
        self.paused += time.monotonic() - began


@pytest.mark.usefixtures("other_work")
@pytest.mark.parametrize(("theme", "width"), [("Light", 1400), ("Dark", 900)])
def test_notebook_00_moves_in_each_tenth_of_its_training_and_answers(
    notebook: Callable[..., Notebook], shot: Callable[..., None], theme: str, width: int
) -> None:
    lab = notebook(START_HERE)
    set_theme(lab, theme)
    lab.page.set_viewport_size({"width": width, "height": 1000})
    lab.run()
    lab.page.wait_for_selector(".gt-dashboard", timeout=240_000)
    board = lab.page.locator(".gt-dashboard")
    watching, half = Watching(lab), False
    while board.count():
        watching.look()
        if not half and len(watching.pixels) >= 5:
            half = True
            board.scroll_into_view_if_needed()
            shot(lab, f"busy_{theme.lower()}_{width}")
            assert lab.page.evaluate(CUT, ".gt-dashboard") == ""
            watching.pause_and_go_on()
        assert time.monotonic() - watching.began < 400, "the training did not end"
        time.sleep(0.05)
    seconds = time.monotonic() - watching.began - watching.paused
    tenths = {int(10 * moment / seconds) for moment in watching.moments}
    print(f"{len(watching.moments)} pictures, {len(watching.pixels)} different, in {seconds:.1f} s")
    assert half and tenths >= set(range(10)) and len(watching.pixels) >= 10
    lab.idle(240)
    assert "Traceback" not in lab.text()
