"""Processes that this one starts and ends, on every platform.

A child that runs a notebook is ended without a signal, since Windows has none that it would hear. It waits
for the end of its standard input: the parent closes it to end the child, and the system closes it when the
parent is killed. Processes of torchrun are interrupted with what stands for Ctrl-C on each platform.
"""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import IO, Any

INTERRUPTIONS = [getattr(signal, name) for name in ("SIGINT", "SIGBREAK") if hasattr(signal, name)]
"""The signals that ask a process to end as Ctrl-C does; the second exists on Windows alone."""


def start_child(
    module: str, arguments: Sequence[str], log: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start ``python -m MODULE ARGUMENTS`` as a child that Ctrl-C in this terminal does not reach.

    Args:
        module: must call ``end_with_parent`` as soon as it runs.
        arguments: of the module.
        log: an open file that both outputs of the child go to, as UTF-8.
        environment: variables beside those of this process.
    """
    child: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        **own_group(),
    )
    return child


def own_group() -> dict[str, Any]:
    """Return the options with which ``subprocess`` starts a process outside of the terminal's group."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a process that was started with ``own_group`` as Ctrl-C would, and on Windows its children.

    Args:
        process: whose children have its group; see ``INTERRUPTIONS``.
    """
    if sys.platform == "win32":
        process.send_signal(signal.CTRL_BREAK_EVENT)  # Ctrl-C itself is not heard in a group of its own
    else:
        process.send_signal(signal.SIGINT)


def end_children(processes: Collection[subprocess.Popen[bytes]], patience: float) -> None:
    """End these children: each may clean up after itself, and is killed where it takes too long.

    Args:
        processes: from ``start_child``.
        patience: seconds that each may take.
    """
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    for process in processes:
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_with_parent() -> None:
    """In a child: raise KeyboardInterrupt in the main thread when the parent says so, or is no more."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else ignored where a shell ran us with &
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 1024):  # not sys.stdin: its lock would hinder the interpreter's end
        pass
    if hasattr(signal, "pthread_kill"):  # interrupts even a system call
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def available_cores() -> int:
    """Return the number of processors that this process may use.

    >>> available_cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
