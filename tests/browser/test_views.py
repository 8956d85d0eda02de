"""Explorer, time machine and exercises in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_browser import Notebook
from view_checks import CUT, set_theme

RUN = """
import gantutor as gt, torch
digits = gt.data.digits()
gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
run = gt.train(gan, digits.train, steps=4, batch_size=8, snapshots=3, gallery=20, progress=False)
"""


EXERCISES = (
    "gt.exercises.check('03.1', ...)",
    "gt.exercises.check('03.1', 'something else')",
    "from gantutor.course.exercises import EXERCISES\ngt.exercises.check('03.1', EXERCISES['03.1'].solution)",
    "gt.exercises.check('99.9', 1)",
)


VIEWS = "machine = gt.live.time_machine(run)\nexplorer = gt.live.explore(run, digits.train)"


def begin(notebook: Callable[..., Notebook], *more: str) -> Notebook:
    lab = notebook(RUN, VIEWS, *more)
    lab.run()
    lab.page.wait_for_selector(".gt-explorer .gt-picture canvas", timeout=60_000)
    lab.until(lambda: "A generated image" in said(lab, "gt-explorer"), 30, "the explorer's picture")
    return lab


def said(lab: Notebook, view: str) -> str:
    """The text for screen readers of a view's picture."""
    return str(lab.page.locator(f".{view} .gt-picture canvas").first.get_attribute("aria-label"))


def pixels(lab: Notebook, view: str) -> bytes:
    """A view as it is seen."""
    picture: bytes = lab.page.locator(f".{view}").first.screenshot()
    return picture


def test_time_machine_and_explorer_answer(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook)
    last = pixels(lab, "gt-time-machine .gt-picture")
    lab.page.locator(".gt-moment input").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.until(lambda: pixels(lab, "gt-time-machine .gt-picture") != last, 10, "another moment")
    assert "at step" in said(lab, "gt-time-machine")
    before = pixels(lab, "gt-explorer .gt-shown")
    lab.page.locator(".gt-explore-label button", has_text="7").click()
    lab.until(lambda: pixels(lab, "gt-explorer .gt-shown") != before, 10, "another label")
    lab.until(lambda: "of label 7" in said(lab, "gt-explorer"), 10, "the name of the label")
    lab.page.locator(".gt-explore-path button", has_text="linear").click()
    lab.until(lambda: "linear path" in said(lab, "gt-explorer"), 10, "the straight line")


def test_every_slider_of_the_explorer_and_the_play_button_change_the_picture(
    notebook: Callable[..., Notebook],
) -> None:
    lab = begin(notebook)
    lab.idle()
    sliders = lab.page.locator(".gt-explorer input[type=range]")
    assert sliders.count() >= 5  # from, to, along, and directions
    for index in range(sliders.count()):
        before = pixels(lab, "gt-explorer .gt-shown")
        sliders.nth(index).press("ArrowRight")
        lab.until(lambda before=before: pixels(lab, "gt-explorer .gt-shown") != before, 30, f"slider {index}")
        assert sliders.nth(index).get_attribute("aria-valuetext")
    lab.page.locator(".gt-moment input").press("Home")
    lab.until(lambda: "at step 0" in said(lab, "gt-time-machine"), 30, "the first moment")
    lab.page.locator(".gt-time-machine button").first.click()
    lab.until(lambda: "at step 4" in said(lab, "gt-time-machine"), 30, "the last moment, by itself")
    assert "Traceback" not in lab.text()


def test_the_time_machine_plays_while_the_kernel_is_busy(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook, "import time\ntime.sleep(45)")
    assert lab.busy()
    lab.page.locator(".gt-moment input").press("Home")
    lab.page.locator(".gt-time-machine button").first.press("Enter")
    lab.until(lambda: "at step 4" in said(lab, "gt-time-machine"), 15, "the last moment, by itself")
    assert lab.busy()
    lab.page.evaluate("void window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    lab.idle()


def test_no_view_is_cut_off(notebook: Callable[..., Notebook], shot: Callable[..., None]) -> None:
    lab = begin(notebook)
    for theme in ("Dark", "Light"):
        set_theme(lab, theme)
        for width in (700, 900, 1400, 1600):
            lab.page.set_viewport_size({"width": width, "height": 1000})
            for view in (".gt-time-machine", ".gt-explorer"):
                lab.until(lambda view=view: not lab.page.evaluate(CUT, view), 10, f"all of {view}")
            shot(lab, f"views-{theme.lower()}-{width}")


def test_exercises_reply(notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    lab = notebook(f"%env GANTUTOR_PROGRESS={tmp_path}/progress.json\nimport gantutor as gt", *EXERCISES)
    lab.run()
    for words in ("Not answered yet", "Not yet", "Right", "99.9"):
        lab.says(words)
    lab.idle()
    assert "Traceback" not in lab.text()
