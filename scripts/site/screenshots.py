"""Take the pictures of the README in a real JupyterLab: ``make screenshots``.

Both trainings run before the camera for some seconds: the dashboard on digits, and the 2-D lab on a ring.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from jupyter_browser import Notebook, chromium, jupyterlab

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images"
SECONDS = 45

DASHBOARD = """
import torch, gantutor as gt
torch.manual_seed(0)
digits = gt.data.digits()
gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
labels = torch.arange(10).repeat(6)
latents = torch.randn(6, 64).repeat_interleave(10, 0)
doctor = gt.doctor.Doctor(digits.train, held_out=digits.held_out)
run = gt.train(
    gan, digits.train, seconds=120, gallery=(latents, labels),
    callbacks=[doctor, gt.live.Dashboard(doctor=doctor)],
)
"""
LAB = "import gantutor as gt\nlab = gt.live.lab()"


def take(notebook: Notebook, element: str, name: str) -> None:
    """Wait while it trains, then keep the picture of one element of the page."""
    print(f"{name}: {SECONDS} s of training", flush=True)
    time.sleep(SECONDS)
    notebook.page.locator(element).first.screenshot(path=IMAGES / name)
    print(f"{name}: {(IMAGES / name).stat().st_size:,} bytes", flush=True)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, jupyterlab(Path(place)) as address, chromium() as browser:
        training = Notebook(browser, address, Path(place), "dashboard", (DASHBOARD,))
        training.run()
        training.page.wait_for_selector(".gt-dashboard", timeout=120_000)
        take(training, ".gt-dashboard", "dashboard.png")
        training.close()
        lab = Notebook(browser, address, Path(place), "lab", (LAB,))
        lab.run()
        lab.page.wait_for_selector(".gt-lab-plane", timeout=120_000)
        lab.idle()
        lab.page.click(".gt-lab-play")
        take(lab, ".gt-lab", "lab.png")
        lab.close()


if __name__ == "__main__":
    main()
