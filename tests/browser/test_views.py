"""Explorer, time machine and exercises in a browser."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_browser import Notebook

RUN = """
import gantutor as gt, torch
digits = gt.data.digits()
gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
run = gt.train(gan, digits.train, steps=4, batch_size=8, snapshots=3, gallery=20, progress=False)
"""


def picture(lab: Notebook) -> str:
    return str(lab.page.locator(".gt-picture img").get_attribute("src"))


def test_the_slider_moves_the_time_machine(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(RUN, "machine = gt.live.time_machine(run)")
    lab.run()
    lab.page.wait_for_selector(".gt-time-machine img", timeout=60_000)
    last = picture(lab)
    handle = lab.page.locator(".gt-moment .noUi-handle, .gt-moment .ui-slider-handle").first
    handle.focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.until(lambda: picture(lab) != last, 10, "another picture")
    assert "at step" in str(lab.page.locator(".gt-picture img").get_attribute("alt"))


def test_the_explorer_answers(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(RUN, "explorer = gt.live.explore(run, digits.train)")
    lab.run()
    lab.page.wait_for_selector(".gt-explorer img", timeout=60_000)
    before = picture(lab)
    lab.page.locator(".gt-explore-label button", has_text="7").click()
    lab.until(lambda: picture(lab) != before, 10, "another picture")
    assert "of label 7" in str(lab.page.locator(".gt-picture img").get_attribute("alt"))
    lab.page.locator(".gt-explore-path button", has_text="linear").click()
    lab.until(
        lambda: "linear path" in str(lab.page.locator(".gt-picture img").get_attribute("alt")), 10, "the line"
    )


def test_exercises_reply(notebook: Callable[..., Notebook], tmp_path: str) -> None:
    lab = notebook(
        f"%env GANTUTOR_PROGRESS={tmp_path}/progress.json\nimport gantutor as gt",
        "gt.exercises.check('03.1', ...)",
        "gt.exercises.check('03.1', 'something else')",
        "from gantutor.exercises import EXERCISES\ngt.exercises.check('03.1', EXERCISES['03.1'].solution)",
        "gt.exercises.check('99.9', 1)",
    )
    lab.run()
    lab.says("Not answered yet")
    lab.says("Not yet")
    lab.says("Right")
    lab.says("99.9")
    lab.idle()
    assert "Traceback" not in lab.text()
