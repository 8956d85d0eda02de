"""The 2-D lab in a browser: it plays and steps after its cell has ended, and a shape can be drawn."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from jupyter_browser import READY, SESSION, Notebook
from view_checks import CUT, set_theme

from gantutor.live.lab.controls import GAME_CONTROLS, NETWORK_CONTROLS
from gantutor.live.lab.layers import LAYERS
from gantutor.live.lab.settings import DISTRIBUTIONS


def step(lab: Notebook) -> int:
    found = re.search(r"step ([\d,]+)", lab.page.locator(".gt-lab-numbers").inner_text())
    assert found
    return int(found[1].replace(",", ""))


def plane_says(lab: Notebook) -> str:
    return str(lab.page.locator(".gt-lab-plane").first.get_attribute("aria-label"))


def pixels(lab: Notebook) -> bytes:
    """What stands on the plane's canvas, as it is seen."""
    picture: bytes = lab.page.locator(".gt-lab-plane").first.screenshot()
    return picture


def begin(
    notebook: Callable[..., Notebook], cell: str = "import gantutor as gt\nlab = gt.live.lab()"
) -> Notebook:
    lab = notebook(cell)
    lab.run()
    lab.page.wait_for_selector(".gt-lab-plane", timeout=60_000)
    lab.idle()
    lab.until(lambda: "The plane (" in plane_says(lab), 30, "the first frame")
    return lab


def said(lab: Notebook) -> str:
    return str(lab.page.locator(".gt-lab-status").inner_text())


def test_the_lab_plays_steps_and_learns_a_drawing(
    notebook: Callable[..., Notebook], shot: Callable[..., None]
) -> None:
    lab = begin(notebook)
    assert "8 modes" in plane_says(lab)
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
    lab.until(lambda: "Drag with the mouse" in said(lab), 10, "the invitation to draw")
    lab.page.mouse.move(across - 60, down)
    empty = pixels(lab)
    lab.page.mouse.down()
    for offset in range(-60, 61, 10):
        lab.page.mouse.move(across + offset, down + offset / 2)
        time.sleep(0.05)
    lab.until(lambda: pixels(lab) != empty, 10, "the stroke under the mouse")
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
    lab = begin(notebook)
    lab.page.click(".gt-lab-step-d")
    lab.until(lambda: step(lab) == 1, 30, "one step of the discriminator")
    for setting in (*GAME_CONTROLS, *NETWORK_CONTROLS, "slow"):
        name = setting.replace("_", "-")
        control = lab.page.locator(f".gt-lab-{name}")
        before, stood = control.inner_text(), step(lab)
        assert control.locator("label").inner_text() and control.get_attribute("title")
        if name == "loss":
            control.locator("select").select_option(label="hinge")
        else:
            control.locator("input").press("ArrowRight")
            lab.until(
                lambda control=control, before=before: control.inner_text() != before, 30, f"another {name}"
            )
        if setting in NETWORK_CONTROLS:
            lab.until(lambda: step(lab) == 0, 30, f"new networks after {name}")
            lab.page.click(".gt-lab-step")
            lab.until(lambda: step(lab) == 1, 30, "one step of the new networks")
        else:
            assert step(lab) == stood
    for name in LAYERS:
        before = pixels(lab)
        lab.page.locator(f".gt-lab-layer-{name.replace(' ', '-')} input").click()
        lab.until(lambda before=before: pixels(lab) != before, 30, f"the layer {name}")
    for name in DISTRIBUTIONS:
        lab.page.locator(".gt-lab-distribution select").select_option(label=name)
        lab.until(lambda name=name: name in plane_says(lab), 30, name)
    lab.page.click(".gt-lab-step")
    lab.until(lambda: step(lab) == 1, 30, "a step on the moons")
    lab.page.click(".gt-lab-reset")
    lab.until(lambda: step(lab) == 0, 30, "the first weights")
    assert "Traceback" not in lab.text()


def test_the_keyboard_reaches_every_control(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook)
    lab.page.locator(".gt-lab-play").focus()
    reached = set()
    for _ in range(40):
        focused = "document.activeElement.closest('[class*=gt-lab-]')?.className ?? ''"
        reached |= {name for name in lab.page.evaluate(focused).split() if name.startswith("gt-lab-")}
        lab.page.keyboard.press("Tab")
    names = [*GAME_CONTROLS, *NETWORK_CONTROLS, "slow", "distribution", "play", "step", "step-d", "step-g"]
    names += ["reset", "draw", "clear", *(f"layer-{name}" for name in LAYERS)]
    assert {f"gt-lab-{name.replace('_', '-').replace(' ', '-')}" for name in names} <= reached
    lab.page.locator(".gt-lab-play").focus()
    lab.page.keyboard.press("Space")
    lab.until(lambda: step(lab) > 3, 30, "the training")
    lab.page.keyboard.press("Enter")
    lab.until(lambda: said(lab) == "Paused.", 30, "the pause")
    lab.page.locator(".gt-lab-discriminator-width input").first.press("ArrowUp")
    lab.until(lambda: "New networks" in said(lab), 30, "the work of an arrow key")
    assert lab.page.locator(".jp-Cell").count() == 1 and "Traceback" not in lab.text()


def test_nothing_is_cut_off(notebook: Callable[..., Notebook], shot: Callable[..., None]) -> None:
    lab = begin(notebook)
    for theme in ("Dark", "Light"):
        set_theme(lab, theme)
        for width in (700, 900, 1400, 1600):
            lab.page.set_viewport_size({"width": width, "height": 1000})
            lab.until(lambda: not lab.page.evaluate(CUT, ".gt-lab"), 10, f"all of the lab at {width} pixels")
            shot(lab, f"lab-{theme.lower()}-{width}")


def test_a_lab_shown_twice_moves_in_both_places(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("import gantutor as gt\nlab = gt.live.lab()", "lab")
    lab.run()
    lab.until(lambda: lab.page.locator(".gt-lab-plane").count() == 2, 60, "both places")
    lab.idle()
    lab.page.locator(".gt-lab-play").nth(1).click()
    for place in (0, 1):
        numbers = lab.page.locator(".gt-lab-numbers").nth(place)
        lab.until(lambda numbers=numbers: "step 1" in numbers.inner_text(), 30, f"the steps in place {place}")
    assert "Traceback" not in lab.text()


def test_a_notebook_opened_again_without_its_kernel_has_its_picture(
    notebook: Callable[..., Notebook],
) -> None:
    lab = begin(notebook, "import gantutor as gt\nlab = gt.live.lab(steps=5)")
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.evaluate(f"{SESSION}.shutdown()")
    lab.page.reload()
    lab.page.wait_for_selector(".jp-CodeCell details", timeout=60_000)
    lab.page.wait_for_function(READY, timeout=60_000)
    lab.page.locator("details summary").click()
    picture = lab.page.locator("details img")
    assert picture.is_visible() and "The plane (ring)" in str(picture.get_attribute("alt"))
    lab.page.wait_for_timeout(3000)  # JupyterLab's own complaint of the widget that is gone may come late
    lab.complaints[:] = [words for words in lab.complaints if "widget model not found" not in words]
