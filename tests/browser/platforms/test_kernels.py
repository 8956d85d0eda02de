"""The controls with kernels that have no subshells, each in an environment of its own, and in Notebook 7."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jupyter_browser import Notebook, jupyterlab
from opened_notebooks import opened_notebooks

ROOT = Path(__file__).resolve().parents[3]
IPYKERNELS = ("6.31.0", "7.4.0")  # the other tests run with 7.3, which has subshells
TRAINING = """
import gantutor as gt, ipykernel
print("ipykernel", ipykernel.__version__)
gan = gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)), latent=2)
run = gt.train(
    gan, gt.data.toy.ring().dataset(2000).train, steps=10**7, batch_size=32, gallery=200, progress=False,
    callbacks=[gt.live.Dashboard()],
)
print("returned", run.ended)
"""
LAB = "import gantutor as gt\nlab = gt.live.lab()"


def make_environment(folder: Path, version: str) -> Path:
    """A Python that sees the packages of this environment, and before them an ipykernel of this version."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    mark = folder / "complete"
    if mark.exists():
        return python
    venv.EnvBuilder(clear=True, symlinks=sys.platform != "win32").create(folder)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", packages, f"ipykernel=={version}"], check=True)
    shared = sysconfig.get_path("purelib")
    Path(packages, "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n", encoding="utf-8")
    mark.touch()
    return python


@pytest.fixture(scope="module")
def kernels() -> Path:
    """A folder of Jupyter's that names a kernel for each version."""
    folder = ROOT / "runs" / "kernels"
    for version in IPYKERNELS:
        python = make_environment(folder / version, version)
        specification = folder / "jupyter" / "kernels" / f"ipykernel-{version}"
        specification.mkdir(parents=True, exist_ok=True)
        arguments = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        content = {"argv": arguments, "display_name": f"ipykernel {version}", "language": "python"}
        (specification / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "jupyter"


@pytest.fixture(params=[("lab", version) for version in IPYKERNELS] + [("notebook", "7.3")], ids="-".join)
def place(
    request: Any, kernels: Path, browser: Any, tmp_path: Path, shot: Callable[[Notebook, str], None]
) -> Iterator[tuple[str, Callable[..., Notebook]]]:
    """The version of ipykernel, and a function that opens notebooks there."""
    application, version = request.param
    kernel = f"ipykernel-{version}" if version in IPYKERNELS else "python3"
    with ExitStack() as stack:
        address = stack.enter_context(jupyterlab(tmp_path, application, kernels))
        how = {"kernel": kernel, "application": application}
        yield (
            version,
            stack.enter_context(opened_notebooks(browser, address, tmp_path, request.node.name, shot, **how)),
        )


def step(notebook: Notebook) -> int:
    return int(notebook.page.locator(".gt-step-count").inner_text().replace(",", ""))


def test_pause_step_rate_and_stop_answer_and_queued_cells_keep_their_order(
    place: tuple[str, Callable[..., Notebook]],
) -> None:
    version, notebook = place
    queued = [f"print('queued {index}')" for index in range(4)]
    opened = notebook(TRAINING, *queued)
    opened.run()
    opened.page.wait_for_selector(".gt-step-count", timeout=120_000)
    opened.until(lambda: step(opened) > 100, 60, "a hundred steps")
    assert f"ipykernel {version}" in opened.text()
    clicked = time.monotonic()
    opened.page.click(".gt-pause")
    opened.until(lambda: "paused" in opened.page.locator(".gt-progress").inner_text(), 2, "the pause")
    print(f"ipykernel {version}: paused {time.monotonic() - clicked:.2f} s after the click")
    time.sleep(1.0)  # the step that was under way ends
    stood = step(opened)
    time.sleep(1.0)
    assert step(opened) == stood
    opened.page.click(".gt-step")
    opened.until(lambda: step(opened) == stood + 1, 2, "one step")
    field = opened.page.locator(".gt-rate-generator input")
    field.fill("0.00025")
    field.press("Enter")
    opened.page.click(".gt-pause")
    opened.until(lambda: step(opened) > stood + 10, 10, "the training going on")
    assert field.input_value() == "0.00025"
    opened.page.click(".gt-stop")
    opened.says("returned stopped", 10)
    opened.idle()
    places = [opened.text().index(f"queued {index}") for index in range(4)]
    assert places == sorted(places)


def test_the_lab_plays(place: tuple[str, Callable[..., Notebook]]) -> None:
    _, notebook = place
    opened = notebook(LAB)
    opened.run()
    opened.page.wait_for_selector(".gt-lab-plane", timeout=120_000)
    opened.idle()
    opened.page.click(".gt-lab-play")
    drawn = (
        "Number(document.querySelector('.gt-lab [data-frames], .gt-lab[data-frames]')?.dataset.frames ?? 0)"
    )
    opened.until(lambda: opened.page.evaluate(drawn) > 50, 60, "fifty frames")
    opened.page.click(".gt-lab-play")
