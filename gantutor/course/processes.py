"""Training a recipe in several processes of this machine, from a notebook or a script."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gantutor._checks import integer, number, optional, validate
from gantutor._errors import InputError, ProcessLost
from gantutor._files import check_replaceable, expand, read_json, write_json
from gantutor.course.child_processes import INTERRUPTIONS, available_cores, interrupt, own_group
from gantutor.course.recipes import find_recipe
from gantutor.training.device import mixed_precision, resolve_device
from gantutor.training.distributed import LOST_PROCESS_MESSAGE

STOP_MESSAGE = "told to stop, or another process of this training ended"
"""The beginning of what a process prints when it is ended from outside."""

GRACE_PERIOD = 40.0
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
    """Train a recipe in several processes of this machine, and wait until all have ended.

    It is ``torchrun --standalone --nproc-per-node=2 -m gantutor train digits --steps 900 --out digits.zip``
    and shows what the first process prints. ■ and Ctrl-C end the training, and what was learnt until then is
    saved.

    Args:
        recipe: the name of one of ``gantutor.course.recipes``, or ``package.module:function``.
        processes: how many, 1 to 64.
        out: the file that the run is saved to, such as ``"runs/digits.zip"``; a saved run is replaced.
        steps: the budget in steps, at least 1; give either steps or seconds.
        seconds: the budget in seconds, above 0.
        batch_size: of each process; None: the recipe's.
        seed: of weights and training, 0 to 2³¹.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or another device of PyTorch.
        precision: ``"float32"`` or ``"bfloat16"``.
        accumulate: parts that each batch is split into, at least 1.
        checkpoint: a folder for checkpoints; a training with one there goes on from it.
        checkpoint_every: seconds between two checkpoints, at least 0.
        threads: CPU threads of each process, 1 to 1024; None: as many as its networks can use, and no more
            than its share of the cores.

    Returns:
        ``out`` as a path, from which ``Run.load`` reads the run.

    Raises:
        InputError: if an argument cannot be used, before any process is started.
        ProcessLost: if a process fails.
        KeyboardInterrupt: if it was interrupted before anything was saved.

    >>> launch("digit", steps=3, out="runs/digits.zip")
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
    if checkpoint is not None and _writable("checkpoint", checkpoint, "folder").is_file():
        raise InputError(f"checkpoint must be a folder, and {checkpoint} is a file")
    arguments: dict[str, object] = {
        "steps": steps,
        "seconds": seconds,
        "batch-size": batch_size,
        "seed": seed,
        "threads": threads,
    }
    arguments |= {
        "precision": precision,
        "accumulate": accumulate,
        "device": device,
        "checkpoint": checkpoint,
        "checkpoint-every": checkpoint_every,
        "out": out,
    }
    options = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    saved_before = _time_saved(out)
    with tempfile.TemporaryDirectory(prefix="gantutor-") as logs:
        interrupted, status = _run(["train", recipe, *options], processes, threads, Path(logs))
        if status and not interrupted:
            raise ProcessLost(f"the training did not finish: {_cause(Path(logs))}")
    if _time_saved(out) == saved_before:
        raise KeyboardInterrupt("ended before anything was saved")
    return out


def check_budget(steps: int | None, seconds: float | None) -> None:
    """Check that there is one budget, in steps or in seconds.

    Args:
        steps: at least 1, or None.
        seconds: above 0, or None.

    Raises:
        InputError: if both or neither are given, or if the one given is out of range.

    >>> check_budget(900, None)
    """
    if (steps is None) == (seconds is None):
        raise InputError("a training needs a budget: pass either steps or seconds")
    if steps is not None:
        validate({"steps": steps}, steps=integer(1))
    else:
        validate({"seconds": seconds}, seconds=number(above=0))


def check_out(out: str | Path) -> Path:
    """Check that a run can be saved at a path, and return it.

    Args:
        out: the file; its folder is made if it is missing.

    Raises:
        InputError: if it is not a path, cannot be written, or exists and is not a saved run.
    """
    out = _writable("out", out, "file")
    check_replaceable(out)
    return out


def _writable(name: str, value: object, kind: str) -> Path:
    """The path of a file or folder that can be written."""
    if not isinstance(value, str | Path) or not str(value):
        raise InputError(f"{name} must be the path of a {kind}, not {value!r}")
    path = expand(value)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from None
    return path


def _time_saved(out: Path) -> float:
    """When the run was saved, in nanoseconds; 0 where there is none."""
    with suppress(OSError):
        return out.stat().st_mtime_ns
    return 0


# --- the processes ------------------------------------------------------------------------------------------


def _run(arguments: list[str], processes: int, threads: int | None, logs: Path) -> tuple[bool, int]:
    """Run the processes; returns whether the user ended the training, and the exit status."""
    code = "from gantutor.course.processes import supervise; supervise()"
    command = [sys.executable, "-c", code, str(processes), str(logs), *arguments]
    interrupted = False
    with (logs / "supervisor.log").open("wb") as log:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(processes, threads),
            **own_group(),  # else ■ would also reach it directly, and interrupt it twice
        )
        assert child.stdout is not None
        with _terminated(child), child.stdout:
            while True:
                try:
                    _print_output(child.stdout)
                    return interrupted, child.wait()
                except KeyboardInterrupt:
                    if interrupted:  # a second Ctrl-C ends it at once
                        return True, 1
                    interrupted = True
                    interrupt(child)


def supervise() -> None:
    """Run ``python -m gantutor ARGUMENTS`` in several processes, and write down why they failed, if they do.

    The command line gives the number of processes, the folder of the logs, and the arguments. Each failure
    becomes a row of ``failures.json``: exit code, message and time.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for interruption in INTERRUPTIONS[1:]:  # of Windows: the processes hear it too, and the first ends them
        signal.signal(interruption, signal.SIG_IGN)
    processes, logs, *arguments = sys.argv[1:]
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(processes),
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(log_dir=logs, redirects=Std.ERR),
    )
    try:
        elastic_launch(config, sys.executable)("-m", "gantutor", *arguments)
    except SignalException as error:
        sys.exit(128 + error.sigval)
    except ChildFailedError as error:
        failures = []
        for rank, failure in error.failures.items():
            # Written by the process itself as a dict, or a sentence of torch's.
            written = failure.error_file_data["message"]
            message = written["message"] if isinstance(written, dict) else failure.message
            time = failure.timestamp
            own = isinstance(written, dict)
            failures.append(
                {"rank": rank, "exitcode": failure.exitcode, "message": message, "time": time, "own": own}
            )
        write_json(Path(logs) / "failures.json", failures)
        sys.exit(1)


def _environment(processes: int, threads: int | None) -> dict[str, str]:
    share = max(1, available_cores() // processes)
    settings = {"OMP_NUM_THREADS": str(threads or share), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    # gloo looks up the address of the machine's name, which on many laptops is missing or wrong.
    loopback = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
    return os.environ | settings | ({"GLOO_SOCKET_IFNAME": loopback[0]} if loopback else {})


def _print_output(output: IO[bytes]) -> None:
    """Print the output as it comes, until its end."""
    decode = getincrementaldecoder("utf-8")(errors="replace").decode
    while chunk := os.read(output.fileno(), 4096):
        print(decode(chunk), end="", flush=True)


@contextmanager
def _terminated(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End torchrun, and its children with it, when the block ends."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(GRACE_PERIOD)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _cause(logs: Path) -> str:
    """Why the processes ended, in one sentence: a killed process comes before the errors of the others."""
    try:
        failures = sorted(read_json(logs / "failures.json"), key=lambda failure: failure["time"])
    except InputError:
        lines = (logs / "supervisor.log").read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "they said nothing")
    for failure in failures:
        if failure["exitcode"] < 0 and -failure["exitcode"] != signal.SIGTERM:
            name = signal.Signals(-failure["exitcode"]).name
            rank = failure["rank"]
            return f"process {rank} was ended by {name}; started again, a checkpoint folder lets it go on"
    # A process that has failed may be ended from outside before it has left, because others end too.
    messages = [failure["message"] for failure in failures if failure["exitcode"] > 0 or failure["own"]]
    causes = [message for message in messages if LOST_PROCESS_MESSAGE not in message]
    return str((causes or messages or ["they were ended from outside"])[0])
