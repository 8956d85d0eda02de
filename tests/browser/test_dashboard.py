"""The dashboard in a browser: its controls answer while the cell is busy, and it leaves a picture."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from jupyter_browser import Notebook

GAME = """
import gantutor as gt, torch
ring = gt.data.toy.ring()
gan = gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)), latent=2)
made = {}
def remember(name):
    def make(parameters):
        made[name] = torch.optim.Adam(parameters, lr=1e-3)
        return made[name]
    return make
"""
TRAINING = """
run = gt.train(
    gan, ring.dataset(2000).train, steps=10_000_000, batch_size=32, gallery=200, progress=False,
    optimizer={name: remember(name) for name in ("generator", "discriminator")},
    callbacks=[gt.live.Dashboard()],
)
print("returned", type(run).__name__, run.ended, run.step)
"""
SECONDS_OF_PRESSING = 30


def step(notebook: Notebook) -> int:
    return int(notebook.page.locator(".gt-step-count").inner_text())


def begin(notebook: Notebook) -> Notebook:
    notebook.run()
    notebook.page.wait_for_selector(".gt-dashboard", timeout=60_000)
    notebook.says("Pause, step and steer")
    return notebook


def stands(notebook: Notebook) -> int:
    """The step at which a paused training stands, while its cell is busy."""
    before = step(notebook)
    time.sleep(1.0)
    assert step(notebook) == before and notebook.busy()
    return before


def test_the_controls_answer_while_the_cell_runs(
    notebook: Callable[..., Notebook], shot: Callable[..., None]
) -> None:
    lab = begin(notebook(GAME, TRAINING, "print(made['generator'].param_groups[0]['lr'])"))
    lab.until(lambda: step(lab) > 300, what="the training's steps")
    time.sleep(1.5)
    shot(lab, "dashboard")
    lab.page.click(".gt-pause")
    time.sleep(1.0)  # a second after the click the counter stands
    paused = stands(lab)
    lab.page.click(".gt-step")
    lab.until(lambda: step(lab) == paused + 1, 2, "one step")
    lab.page.click(".gt-step-generator")
    lab.until(lambda: step(lab) == paused + 2, 2, "one step of the generator")
    lab.page.click(".gt-step-discriminator")
    lab.until(lambda: step(lab) == paused + 3, 2, "one step of the discriminator")
    assert stands(lab) == paused + 3
    field = lab.page.locator(".gt-rate-generator input")
    field.fill("0.00025")
    field.press("Enter")
    lab.page.click(".gt-pause")
    lab.until(lambda: step(lab) > paused + 10, what="the training going on")
    lab.page.click(".gt-stop")
    lab.says("returned Run stopped", 5)
    lab.idle()
    assert lab.text().strip().endswith("0.00025")
    assert lab.page.locator(".gt-dashboard").count() == 0
    assert lab.page.locator(".jp-OutputArea-output img").count() == 1


def test_the_keyboard_reaches_every_control_and_interrupts(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook(GAME, TRAINING, TRAINING))
    lab.page.locator(".gt-pause").focus()
    reached = set()
    for _ in range(12):
        focused = "document.activeElement.closest('[class*=gt-]')?.className ?? ''"
        reached |= {name for name in lab.page.evaluate(focused).split() if name.startswith("gt-")}
        lab.page.keyboard.press("Tab")
    assert {"gt-pause", "gt-step", "gt-step-generator", "gt-stop", "gt-slow", "gt-rate-generator"} <= reached
    picture = lab.page.locator(".gt-picture img")
    assert "A training after" in (picture.get_attribute("alt") or "")
    lab.page.locator(".gt-pause").focus()
    lab.page.keyboard.press("Space")
    lab.until(lambda: "paused" in lab.text(), 2, "the pause")
    lab.page.locator(".gt-stop").focus()
    lab.page.keyboard.press("Enter")
    lab.says("returned Run stopped", 5)
    lab.until(lambda: lab.page.locator(".gt-step-count").count() > 0, 20, "the second training")
    lab.page.evaluate("void window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    lab.says("returned Run interrupted", 10)


def test_pressed_at_random_nothing_sticks(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook(GAME, TRAINING))
    draw, end = random.Random(0), time.monotonic() + SECONDS_OF_PRESSING
    names = ["gt-pause", "gt-step", "gt-step-generator", "gt-step-discriminator"]
    while time.monotonic() < end:
        lab.page.click(f".{draw.choice(names)}", timeout=2000)
        if draw.random() < 0.1:
            lab.page.locator(".gt-rate-generator input").fill(draw.choice(["0", "0.5", "-3", "", "0.001"]))
            lab.page.keyboard.press("Enter")
    lab.page.click(".gt-stop")
    lab.says("returned Run stopped", 5)
    lab.idle()
    assert "Traceback" not in lab.text()


def test_a_restarted_kernel_starts_anew(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook(GAME, TRAINING))
    lab.restart()
    lab.until(lambda: not lab.busy(), 20, "the end of the old cell")
    lab.run()
    lab.until(lambda: lab.page.locator(".gt-step-count").count() > 0 and step(lab) > 0, 60, "new steps")
    lab.says("Pause, step and steer")
    lab.page.locator(".gt-stop").last.click()
    lab.says("returned Run stopped", 10)
    # JupyterLab itself writes one such line for every widget of the kernel that is gone
    lab.complaints[:] = [words for words in lab.complaints if not words.startswith("Comm not found")]


def test_a_dashboard_shown_twice_works_twice(notebook: Callable[..., Notebook]) -> None:
    board = "board = gt.live.Dashboard()\nboard"
    training = TRAINING.replace("gt.live.Dashboard()", "board").replace("10_000_000", "30")
    lab = notebook(GAME, board, training, training, "board")
    lab.run()
    lab.until(lambda: lab.text().count("returned Run complete 30") == 2, 60, "both trainings")
    lab.idle()
    assert "no training yet" in lab.text()
    assert lab.page.locator(".jp-OutputArea-output img").count() == 3  # one each, and the last cell's


def test_a_front_end_without_subshells_is_told(notebook: Callable[..., Notebook]) -> None:
    deaf = """
from gantutor.live import controls
controls.RESPONSE_TIMEOUT = 1.0
controls.Controls._on_heartbeat = lambda *_: None
"""
    lab = notebook(GAME, deaf, TRAINING)
    lab.run()
    lab.says("This front end delivers no clicks while a cell runs", 30)
    lab.page.evaluate("void window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    lab.says("returned Run interrupted", 10)  # as the sentence promises
