"""What was solved, kept from one kernel to the next in a small JSON file of the user's."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gantutor._errors import InputError
from gantutor._files import read_json, write_json

VARIABLE = "GANTUTOR_PROGRESS"
"""The environment variable that names another file."""

PATIENCE = 2.0
"""Seconds to wait for another kernel that is just writing; the writing takes some milliseconds."""


def progress_file() -> Path:
    """The file: ``~/.cache/gantutor/progress.json``, or what ``GANTUTOR_PROGRESS`` names.

    Raises InputError where the user has no home folder.
    """
    try:
        chosen = os.environ.get(VARIABLE)
        return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "gantutor" / "progress.json"
    except RuntimeError:
        raise InputError(f"there is no home folder here: name a file in {VARIABLE}") from None


def read_states(path: Path) -> dict[str, str]:
    """``"solved"`` or ``"tried"`` by the exercise's number; empty where there is no file yet.

    Raises InputError for a file that is damaged or of another kind.
    """
    try:
        if not path.exists():
            return {}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    content = read_json(path)
    states = content.get("exercises") if isinstance(content, dict) else None
    if not isinstance(states, dict) or not set(map(str, states.values())) <= {"solved", "tried"}:
        raise InputError(f"{path} is damaged or no record of exercises")
    return states


def save_state(number: str, state: str) -> None:
    """Write down that an exercise was tried or solved; what was solved stays so.

    The file is read again just before it is replaced as a whole, by one kernel at a time. Raises InputError
    where it cannot be read or written; it is then left as it was.
    """
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            states = read_states(path)
            if states.get(number) not in (state, "solved"):
                _replace(path, {"exercises": dict(sorted((states | {number: state}).items()))})
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from None


def _replace(path: Path, content: object) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        write_json(fresh, content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; a lock that stays for longer than PATIENCE was left by one that died."""
    lock = path.with_name(f".{path.name}.lock")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            lock.touch(exist_ok=False)
            break
        except FileExistsError:
            if time.monotonic() > until:
                lock.unlink(missing_ok=True)
            time.sleep(0.01)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
