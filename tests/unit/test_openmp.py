"""Threads of libgomp sleep while they wait, whatever was imported first. Each test asks a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gantutor import _openmp

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="libgomp is the OpenMP library of Linux alone")
WITH_TWO_CPUS = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="with one CPU libgomp does not spin")

WAITING = """
import time
x = torch.randn(200_000)
result = torch.empty_like(x)
for threads in 1, 2:
    torch.set_num_threads(threads)
    torch.exp(x, out=result)
    used = 0.0
    for _ in range(20):
        time.sleep(0.02)
        before = time.process_time()
        torch.exp(x, out=result)  # shared among the threads
        time.sleep(0.02)
        used += time.process_time() - before
    print(1000 * used / 20)
"""
"""Prints the milliseconds of CPU time that a shared operation and waiting for the next one take, with one
thread and with two. About 0.3 where threads sleep; 2 to 11 where they spin, however busy the machine is."""

SPINNING = 1.0
"""Milliseconds above which threads spin."""


def milliseconds_used(imports: str, **environment: str) -> list[float]:
    inherited = {name: value for name, value in os.environ.items() if name not in _openmp.WAITING_POLICY}
    inherited.pop("OMP_NUM_THREADS", None)
    code = f"{imports}\n{WAITING}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


@ON_LINUX
@pytest.mark.parametrize("imports", ["import gantutor, torch", "import torch, gantutor"])
def test_waiting_threads_sleep(imports: str) -> None:
    assert max(milliseconds_used(imports)) < SPINNING


@ON_LINUX
@WITH_TWO_CPUS
def test_without_the_package_they_spin() -> None:
    """Else the test above would show nothing."""
    one, two = milliseconds_used("import torch")
    assert one < SPINNING < two


@ON_LINUX
@WITH_TWO_CPUS
def test_who_asks_for_spinning_gets_it() -> None:
    assert milliseconds_used("import gantutor, torch", GOMP_SPINCOUNT="300000")[1] > SPINNING


@pytest.mark.parametrize("policy", _openmp.WAITING_POLICY)
def test_a_given_policy_stays(policy: str) -> None:
    variables = {policy: "given"}
    _openmp.stop_spinning(variables)
    assert variables == {policy: "given"}


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_nothing_is_done(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    variables: dict[str, str] = {}
    _openmp.stop_spinning(variables)
    assert variables == {}


@ON_LINUX
def test_child_processes_do_the_same() -> None:
    variables: dict[str, str] = {}
    _openmp.stop_spinning(variables)
    assert variables == {"GOMP_SPINCOUNT": "0"}


@ON_LINUX
def test_a_training_has_the_same_weights_as_with_threads_that_spin() -> None:
    training = """import torch, gantutor
game = gantutor.course.recipes.digits(0)
run = gantutor.train(game.gan, game.data, steps=2, snapshots=0, progress=False, threads=2)
print(sum(float(w.double().abs().sum()) for w in run.weights().values()))
"""
    spinning = {name: value for name, value in os.environ.items() if name not in _openmp.WAITING_POLICY}
    spinning.pop("OMP_NUM_THREADS", None)
    sums = [
        subprocess.run(
            [sys.executable, "-c", training], env=environment, capture_output=True, text=True
        ).stdout
        for environment in (spinning, spinning | {"GOMP_SPINCOUNT": "300000"})
    ]
    assert sums[0] == sums[1] != ""
