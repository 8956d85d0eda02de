"""Explorer, time machine and exercises in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_browser import Notebook

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


def test_time_machine_and_explorer_answer(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(RUN, "machine = gt.live.time_machine(run)\nexplorer = gt.live.explore(run, digits.train)")
    lab.run()
    lab.page.wait_for_selector(".gt-explorer img", timeout=60_000)

    def picture(view: str, attribute: str = "src") -> str:
        return str(lab.page.locator(f".{view} .gt-picture img").get_attribute(attribute))

    last = picture("gt-time-machine")
    lab.page.locator(".gt-moment .noUi-handle").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.until(lambda: picture("gt-time-machine") != last, 10, "another moment")
    assert "at step" in picture("gt-time-machine", "alt")
    before = picture("gt-explorer")
    lab.page.locator(".gt-explore-label button", has_text="7").click()
    lab.until(lambda: picture("gt-explorer") != before, 10, "another label")
    assert "of label 7" in picture("gt-explorer", "alt")
    lab.page.locator(".gt-explore-path button", has_text="linear").click()
    lab.until(lambda: "linear path" in picture("gt-explorer", "alt"), 10, "the straight line")


def test_every_slider_of_the_explorer_and_the_play_button_change_the_picture(
    notebook: Callable[..., Notebook],
) -> None:
    lab = notebook(RUN, "machine = gt.live.time_machine(run)\nexplorer = gt.live.explore(run, digits.train)")
    lab.run()
    lab.page.wait_for_selector(".gt-explorer img", timeout=60_000)
    lab.idle()
    picture = lab.page.locator(".gt-explorer .gt-picture img")
    handles = lab.page.locator(".gt-explorer .noUi-handle")
    assert handles.count() >= 5  # from, to, along, and directions
    for index in range(handles.count()):
        before = picture.get_attribute("src")
        handles.nth(index).press("ArrowRight")
        lab.until(
            lambda before=before: picture.get_attribute("src") != before, 30, f"the work of slider {index}"
        )
    machine = lab.page.locator(".gt-time-machine .gt-picture img")
    lab.page.locator(".gt-moment .noUi-handle").press("Home")
    lab.until(lambda: "at step 0" in str(machine.get_attribute("alt")), 30, "the first moment")
    lab.page.locator(".gt-time-machine button").first.click()
    lab.until(lambda: "at step 4" in str(machine.get_attribute("alt")), 30, "the last moment, by itself")
    assert "Traceback" not in lab.text()


def test_exercises_reply(notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    lab = notebook(f"%env GANTUTOR_PROGRESS={tmp_path}/progress.json\nimport gantutor as gt", *EXERCISES)
    lab.run()
    for words in ("Not answered yet", "Not yet", "Right", "99.9"):
        lab.says(words)
    lab.idle()
    assert "Traceback" not in lab.text()
