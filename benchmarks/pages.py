"""What a reader sees in a real browser: frames of the 2-D lab and pictures of the dashboard a second.

Run ``python benchmarks/pages.py`` (needs chromium). JupyterLab is opened in a browser without a window, whose
drawing runs on the processor too; once on an otherwise quiet machine, and once beside a process that keeps
one core busy. The lab has two layers of 100, batch 128 and all layers of its picture; the dashboard shows 60
digits of the networks of notebook 03. Writes ``results/pages.json`` beside this file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "site"))

from jupyter_browser import Notebook, chromium, jupyterlab  # noqa: E402
from machine import write  # noqa: E402

SECONDS = 20.0
LAB = "import gantutor as gt\nlab = gt.live.lab()"
DIGITS = """
import gantutor as gt, torch
pair = gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)
gan = gt.GAN(*pair, gt.objectives.non_saturating(r1=1.0))
gallery = torch.randn(6, 64).repeat_interleave(10, 0), torch.arange(10).repeat(6)
gt.train(gan, gt.data.digits().train, gallery=gallery, steps=10**6, callbacks=[gt.live.Dashboard()])
"""


@contextmanager
def other_work(busy: bool) -> Iterator[None]:
    """A process that keeps one core busy, where ``busy``."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    yield
    if process is not None:
        process.kill()
        process.wait()


def rates(page: Any, *counters: str) -> list[float]:
    """How much the numbers that these expressions give on the page grow in a second."""
    values = f"[{', '.join(counters)}]"
    time.sleep(5)
    began, first = time.monotonic(), page.evaluate(values)
    time.sleep(SECONDS)
    seconds, last = time.monotonic() - began, page.evaluate(values)
    return [(after - before) / seconds for before, after in zip(first, last, strict=True)]


def frames_of_lab(notebook: Notebook) -> float:
    notebook.run()
    notebook.page.wait_for_selector(".gt-lab-play", timeout=120_000)
    notebook.idle()
    notebook.page.click(".gt-lab-play")
    (frames,) = rates(notebook.page, "Number(document.querySelector('[data-frames]').dataset.frames)")
    return frames


def updates_of_dashboard(notebook: Notebook) -> dict[str, float]:
    notebook.run()
    notebook.page.wait_for_selector(".gt-picture", timeout=120_000)
    count = "Number(document.querySelector('.gt-picture').dataset.updates ?? 0)"
    step = "Number(document.querySelector('.gt-step-count').innerText.replace(/[^0-9]/g, ''))"
    pictures, steps = rates(notebook.page, count, step)
    notebook.page.click(".gt-stop")
    notebook.idle()
    return {"pictures_per_second": round(pictures, 2), "steps_per_second": round(steps, 1)}


def main() -> None:
    """Measure both views on a quiet and on a busy machine, print and write the rates."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, jupyterlab(Path(folder)) as address, chromium() as browser:
        for busy in (False, True):
            with other_work(busy):
                lab = Notebook(browser, address, Path(folder), f"lab_{busy}", (LAB,))
                frames = round(frames_of_lab(lab), 1)
                lab.close()
                digits = Notebook(browser, address, Path(folder), f"digits_{busy}", (DIGITS,))
                dashboard = updates_of_dashboard(digits)
                digits.close()
            results["beside a busy process" if busy else "quiet"] = {
                "lab_frames_per_second": frames,
                "dashboard": dashboard,
            }
            print(results)
    write("pages", results)


if __name__ == "__main__":
    main()
