"""Threads that wait without spinning: this module is imported before torch.

torch shares work among threads with OpenMP; on Linux that is GNU's library, libgomp. A thread that has done
its part *spins* for some milliseconds: it asks in a loop, at full load, whether the others are ready. If
another program needs that core, the thread that everybody waits for does not get it, and a training becomes
up to twenty times slower. A thread that sleeps instead costs a few microseconds.

There are two ways to say so. libgomp reads the environment variable ``GOMP_SPINCOUNT`` while it is loaded.
If it is loaded already, because somebody imported torch first, the variable comes too late; but libgomp
itself hardly spins (100 rounds instead of 300,000) while it holds more threads than the machine has CPUs. So
a team of that many threads is started once, and sleeps as long as the process lives.

If you set ``GOMP_SPINCOUNT`` or ``OMP_WAIT_POLICY`` has the last word. On macOS and Windows, where torch
uses other OpenMP libraries, nothing is done. Results do not depend on any of this.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

WAITING_POLICY = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""Environment variables with which a person decides how libgomp waits."""

MAX_CPUS = 64
"""On a machine with more CPUs no team is started: it would need as many threads."""


def stop_spinning(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the threads of libgomp sleep while they wait, whether it is loaded already or not.

    Args:
        environment: the environment variables; changed in place, so that child processes do the same.

    >>> variables = {"OMP_WAIT_POLICY": "ACTIVE"}; stop_spinning(variables); variables
    {'OMP_WAIT_POLICY': 'ACTIVE'}
    """
    if sys.platform != "linux" or any(name in environment for name in WAITING_POLICY):
        return
    environment["GOMP_SPINCOUNT"] = "0"
    for path in _loaded_libgomps():
        with suppress(OSError, AttributeError):  # not to be opened, or another library of that name
            _start_team(ctypes.CDLL(path))


def _loaded_libgomps() -> list[str]:
    """Paths of the copies of libgomp in this process; wheels bring their own, so there may be several."""
    try:
        lines = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    except OSError:
        return []
    paths = [line.split(maxsplit=5)[-1] for line in lines if "/libgomp" in line]
    return list(dict.fromkeys(paths))


def _start_team(libgomp: ctypes.CDLL) -> None:
    """Start a team of one thread more than there are CPUs, and keep it asleep."""
    cpus = len(os.sched_getaffinity(0))
    if not libgomp.omp_get_max_threads() > 1 or cpus > MAX_CPUS:
        return
    parallel, nothing = libgomp.GOMP_parallel, ctypes.CDLL(None).free  # free(NULL) does nothing
    parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    started, forever = _thread.allocate_lock(), _thread.allocate_lock()
    started.acquire()
    forever.acquire()

    def keep() -> None:
        parallel(ctypes.cast(nothing, ctypes.c_void_p), None, cpus + 1, 0)
        started.release()
        forever.acquire()  # a team lives as long as the thread that started it

    _thread.start_new_thread(keep, ())
    started.acquire()


stop_spinning()
