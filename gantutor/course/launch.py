"""Several processes on this machine, started from a notebook or a script: ``launch``."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gantutor._checks import integer, number, optional, validate
from gantutor._errors import InputError, ProcessLost
from gantutor.course.recipes import find_recipe
from gantutor.training.device import mixed_precision, resolve_device
from gantutor.training.distributed import LOST

TOLD = "told to stop, or another process of this training ended"
"""How the sentence begins that a process says when it is ended from outside."""

GRACE = 40.0
"""Seconds in which an interrupted training may end its step and write what it has; torchrun allows 30."""


def launch(
    recipe: str,
    processes: int = 2,
    *,
    out: str | Path,
    steps: int | None = None,
    seconds: float | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "float32",
    accumulate: int = 1,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 60.0,
    threads: int | None = None,
) -> Path:
    """Train a recipe in several processes of this machine; returns ``out``, where ``Run.load`` finds the run.

    It is ``torchrun --standalone --nproc-per-node=2 -m gantutor train digits --steps 900 --out runs/digits``.
    ``recipe``: one of ``gantutor.course.recipes``, or ``package.module:function``. ``batch_size``: of each process.
    ``threads``: of each process; the cores shared out if left out. Waits until all have ended, and shows what
    the first one prints. ■ and Ctrl-C end the training, and what was learnt until then is saved. Raises
    InputError for what cannot be used, before anything is started, and ProcessLost where a process fails.

    >>> launch("digit", steps=3, out="runs/digits")
    Traceback (most recent call last):
    ...
    gantutor.InputError: there is no recipe called 'digit': did you mean 'digits'? There are ...
    """
    find_recipe(recipe)
    check_budget(steps, seconds)
    validate(
        {"processes": processes, "batch_size": batch_size, "seed": seed}
        | {"checkpoint_every": checkpoint_every, "threads": threads, "accumulate": accumulate},
        processes=integer(1, 64),
        batch_size=optional(integer(1)),
        seed=integer(0, 2**31),
        checkpoint_every=number(0),
        threads=optional(integer(1, 1024)),
        accumulate=integer(1),
    )
    mixed_precision(precision, resolve_device(device))
    out = check_out(out)
    if checkpoint is not None and _folder("checkpoint", checkpoint).is_file():
        raise InputError(f"checkpoint must be a folder, and {checkpoint} is a file")
    given: dict[str, object] = {"steps": steps, "seconds": seconds, "batch-size": batch_size, "seed": seed}
    given |= {
        "precision": precision,
        "accumulate": accumulate,
        "device": device,
        "checkpoint": checkpoint,
        "checkpoint-every": checkpoint_every,
        "out": out,
    }
    options = [f"--{name}={value}" for name, value in given.items() if value is not None]
    before = _written(out)
    with tempfile.TemporaryDirectory(prefix="gantutor-") as logs:
        interrupted, status = _run(["train", recipe, *options], processes, threads, Path(logs))
        if status and not interrupted:
            raise ProcessLost(f"the training did not reach its end: {_cause(Path(logs))}")
    if _written(out) == before:
        raise KeyboardInterrupt("ended before anything was saved")
    return out


def check_budget(steps: int | None, seconds: float | None) -> None:
    """Raise InputError unless there is one budget, in steps or in seconds."""
    if (steps is None) == (seconds is None):
        raise InputError("give a budget: either steps or seconds")
    if steps is not None:
        validate({"steps": steps}, steps=integer(1))
    else:
        validate({"seconds": seconds}, seconds=number(above=0))


def check_out(out: str | Path) -> Path:
    """The path of a run to be saved; raises InputError where it cannot be written."""
    out = _folder("out", out)
    if out.exists() and not (out / "run.json").exists():
        raise InputError(f"{out} exists and is no saved run: choose another name")
    return out


def _folder(name: str, given: object) -> Path:
    """A path beside which something can be written."""
    if not isinstance(given, str | Path) or not str(given):
        raise InputError(f"{name} must be the path of a folder, not {given!r}")
    path = Path(given)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from None
    return path


def _written(out: Path) -> float:
    """When the run there was written; 0 where there is none."""
    with suppress(OSError):
        return (out / "run.json").stat().st_mtime_ns
    return 0


# --- the processes ------------------------------------------------------------------------------------------


def _run(arguments: list[str], processes: int, threads: int | None, logs: Path) -> tuple[bool, int]:
    """Whether a person ended the training, and the exit status of torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command += [f"--nproc-per-node={processes}", "--redirects=2", f"--log-dir={logs}", "-m", "gantutor"]
    interrupted = False
    with (logs / "torchrun.log").open("w") as log:
        child = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(processes, threads),
            start_new_session=True,  # or ■ would reach it a second time, past this function
        )
        assert child.stdout is not None
        with _ended_at_the_end(child), child.stdout:
            while True:
                try:
                    _print_output(child.stdout)
                    return interrupted, child.wait()
                except KeyboardInterrupt:
                    if interrupted:  # somebody has lost patience
                        return True, 1
                    interrupted = True
                    child.send_signal(signal.SIGINT)


def _environment(processes: int, threads: int | None) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    own = {"OMP_NUM_THREADS": str(threads or max(1, cores // processes)), "PYTHONUNBUFFERED": "1"}
    # gloo looks up the name of the machine, and finds none, or a wrong one, in many a laptop.
    loopback = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
    return os.environ | own | ({"GLOO_SOCKET_IFNAME": loopback[0]} if loopback else {})


def _print_output(output: IO[bytes]) -> None:
    """Print what comes, as it comes, until the end."""
    decode = getincrementaldecoder("utf-8")(errors="replace").decode
    while chunk := os.read(output.fileno(), 4096):
        print(decode(chunk), end="", flush=True)


@contextmanager
def _ended_at_the_end(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """torchrun has ended when the block does, and its children with it."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(GRACE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _cause(logs: Path) -> str:
    """Why the processes ended, in one sentence: the death of one before the complaints of the others."""
    log = (logs / "torchrun.log").read_text(errors="replace")
    for rank, status in re.findall(r"rank\s+: (\d+) \(.*\n\s+exitcode\s+: -(\d+)", log):
        if int(status) != signal.SIGTERM:
            name = signal.Signals(int(status)).name
            return f"process {rank} was ended by {name}; started again, a checkpoint folder lets it go on"
    said = [line for file in sorted(logs.rglob("stderr.log")) for line in _last_line(file)]
    own = [line for line in said if not line.startswith((LOST, TOLD))]
    return (own or said or [*_last_line(logs / "torchrun.log"), "torchrun said nothing"])[0]


def _last_line(file: Path) -> list[str]:
    """The last line that is no remark of the C++ beneath, if there is one."""
    lines = [line.strip() for line in file.read_text(errors="replace").splitlines()]
    return [line for line in lines if line and not line.startswith("[")][-1:]
