"""The dashboard in a browser: its controls answer while the cell is busy."""

from __future__ import annotations

import time
from collections.abc import Callable

from conftest import Notebook

TRAINING = """
import gantutor as gt, torch
ring = gt.data.toy.ring()
gan = gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)), latent=2)
made = {}
def remember(name):
    def make(parameters):
        made[name] = torch.optim.Adam(parameters, lr=1e-3)
        return made[name]
    return make
run = gt.train(
    gan, ring.dataset(2000).train, steps=10_000_000, batch_size=32, gallery=200, progress=False,
    optimizer={name: remember(name) for name in ("generator", "discriminator")},
    callbacks=[gt.live.Dashboard()],
)
print("returned", type(run).__name__, run.ended, run.step)
"""


def step(notebook: Notebook) -> int:
    return int(notebook.page.locator(".gt-step-count").inner_text())


def begin(notebook: Notebook) -> Notebook:
    notebook.run()
    notebook.page.wait_for_selector(".gt-dashboard", timeout=60_000)
    notebook.says("Pause, step and steer")
    return notebook


def still(notebook: Notebook) -> int:
    """The step at which a paused training stands."""
    time.sleep(0.5)
    before = step(notebook)
    time.sleep(1.0)
    assert step(notebook) == before and notebook.busy()
    return before


def test_the_controls_answer_while_the_cell_runs(notebook: Callable[..., Notebook]) -> None:
    lab = begin(notebook(TRAINING, "print(made['generator'].param_groups[0]['lr'], run.control.delay)"))
    lab.until(lambda: step(lab) > 50, what="the training's steps")
    lab.shot("dashboard")
    lab.page.click(".gt-pause button, button.gt-pause")
    paused = still(lab)
    lab.page.click("button.gt-step")
    lab.until(lambda: step(lab) == paused + 1, 2, "one step")
    lab.page.click("button.gt-step-generator")
    lab.until(lambda: step(lab) == paused + 2, 2, "one step of the generator")
    assert still(lab) == paused + 2
    field = lab.page.locator(".gt-rate-generator input")
    field.fill("0.00025")
    field.press("Enter")
    lab.page.click(".gt-pause button, button.gt-pause")
    lab.until(lambda: step(lab) > paused + 10, what="the training going on")
    lab.page.click(".gt-stop button, button.gt-stop")
    lab.says("returned Run stopped", 5)
    lab.idle()
    assert "0.00025 0.0" in lab.text()
    assert (
        lab.page.locator(".gt-dashboard").count() == 0
        and lab.page.locator(".jp-OutputArea-output img").count() == 1
    )
