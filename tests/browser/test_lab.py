"""The 2-D lab in a browser: it plays and steps after its cell has ended, and a shape can be drawn."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from jupyter_browser import READY, SESSION, Notebook

from gantutor.live.lab.controls import GAME_CONTROLS, NETWORK_CONTROLS
from gantutor.live.lab.layers import LAYERS
from gantutor.live.lab.settings import DISTRIBUTIONS


def step(lab: Notebook) -> int:
    found = re.search(r"step ([\d,]+)", lab.page.locator(".gt-lab-numbers").inner_text())
    assert found
    return int(found[1].replace(",", ""))


def said(lab: Notebook) -> str:
    return str(lab.page.locator(".gt-lab-status").inner_text())


def test_the_lab_plays_steps_and_learns_a_drawing(
    notebook: Callable[..., Notebook], shot: Callable[..., None]
) -> None:
    lab = notebook("import gantutor as gt\nlab = gt.live.lab()")
    lab.run()
    lab.page.wait_for_selector(".gt-lab-plane img", timeout=60_000)
    lab.idle()
    assert "8 modes" in str(lab.page.locator(".gt-lab-plane img").first.get_attribute("alt"))
    lab.page.click(".gt-lab-play")
    lab.until(lambda: step(lab) > 100, 30, "a hundred steps")
    time.sleep(5)
    shot(lab, "lab")
    lab.page.click(".gt-lab-play")
    time.sleep(1.0)
    stood = step(lab)
    time.sleep(1.0)
    assert step(lab) == stood
    lab.page.click(".gt-lab-step")
    lab.until(lambda: step(lab) == stood + 1, 5, "one step")
    lab.page.click(".gt-lab-step-g")
    lab.until(lambda: step(lab) == stood + 2, 5, "one step of the generator")
    lab.page.locator(".gt-lab-distribution select").select_option(label="draw your own")
    plane = lab.page.locator(".gt-lab-plane").bounding_box()
    assert plane
    across, down = plane["x"] + plane["width"] / 2, plane["y"] + plane["height"] / 2
    lab.page.mouse.move(across - 60, down)
    lab.page.mouse.down()
    for offset in range(-60, 61, 10):
        lab.page.mouse.move(across + offset, down + offset / 2)
        time.sleep(0.05)
    lab.page.mouse.up()
    field = lab.page.locator(".gt-lab-draw input")
    lab.until(lambda: field.input_value().count(";") >= 3, 10, "the points of the mouse")
    field.fill("0 0; 1 1")
    field.press("Enter")
    lab.until(lambda: "three" in said(lab) or "3" in said(lab), 5, "a word on two points")
    field.fill("-1 -1; 0 0; 1 1; 1 -1")
    field.press("Enter")
    lab.page.click(".gt-lab-step")
    lab.until(lambda: step(lab) == 1, 10, "a step on the drawing")
    assert "Traceback" not in lab.text()


def test_every_control_of_the_lab_does_its_work(notebook: Callable[..., Notebook]) -> None:
    """Each one moves its setting and no other; those of the networks build new ones, at step 0."""
    lab = notebook("import gantutor as gt\nlab = gt.live.lab()")
    lab.run()
    lab.page.wait_for_selector(".gt-lab-plane img", timeout=60_000)
    lab.idle()
    lab.page.click(".gt-lab-step-d")
    lab.until(lambda: step(lab) == 1, 30, "one step of the discriminator")
    for setting in (*GAME_CONTROLS, *NETWORK_CONTROLS, "slow"):
        name = setting.replace("_", "-")
        control = lab.page.locator(f".gt-lab-{name}")
        before, stood = control.inner_text(), step(lab)
        if name == "loss":
            control.locator("select").select_option(label="hinge")
        else:
            control.locator(".noUi-handle").press("ArrowRight")
            lab.until(
                lambda control=control, before=before: control.inner_text() != before, 30, f"another {name}"
            )
        if setting in NETWORK_CONTROLS:
            lab.until(lambda: step(lab) == 0, 30, f"new networks after {name}")
            lab.page.click(".gt-lab-step")
            lab.until(lambda: step(lab) == 1, 30, "one step of the new networks")
        else:
            assert step(lab) == stood
    plane = lab.page.locator(".gt-lab-plane img").first
    for name in LAYERS:
        before = plane.get_attribute("src")
        lab.page.locator(f".gt-lab-layer-{name.replace(' ', '-')} input").click()
        lab.until(lambda before=before: plane.get_attribute("src") != before, 30, f"the layer {name}")
    for name in DISTRIBUTIONS:
        lab.page.locator(".gt-lab-distribution select").select_option(label=name)
        lab.until(lambda name=name: name in str(plane.get_attribute("alt")), 30, name)
    lab.page.click(".gt-lab-step")
    lab.until(lambda: step(lab) == 1, 30, "a step on the moons")
    lab.page.click(".gt-lab-reset")
    lab.until(lambda: step(lab) == 0, 30, "the first weights")
    assert "Traceback" not in lab.text()


def test_a_notebook_opened_again_without_its_kernel_has_its_picture(
    notebook: Callable[..., Notebook],
) -> None:
    lab = notebook("import gantutor as gt\nlab = gt.live.lab(steps=5)")
    lab.run()
    lab.page.wait_for_selector(".gt-lab-plane img", timeout=60_000)
    lab.idle()
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.evaluate(f"{SESSION}.shutdown()")
    lab.page.reload()
    lab.page.wait_for_selector(".jp-CodeCell details", timeout=60_000)
    lab.page.wait_for_function(READY, timeout=60_000)
    lab.page.locator("details summary").click()
    picture = lab.page.locator("details img")
    assert picture.is_visible() and "The plane (ring)" in str(picture.get_attribute("alt"))
    lab.complaints.clear()  # JupyterLab's own, on the widget that is gone
