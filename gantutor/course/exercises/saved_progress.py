"""The record of solved exercises, a small JSON file that outlasts the kernel."""

from __future__ import annotations

import os
from pathlib import Path

from gantutor._errors import InputError
from gantutor._files import new_file, read_json, write_json

PROGRESS_VARIABLE = "GANTUTOR_PROGRESS"
"""The environment variable that names another file for the record."""

LOCK_TIMEOUT = 2.0
"""Seconds to wait for another kernel that is writing; writing takes a few milliseconds."""


def progress_file() -> Path:
    """Return the path of the record, ``~/.cache/gantutor/progress.json`` or what ``GANTUTOR_PROGRESS`` names.

    Raises:
        InputError: if the user has no home folder.

    >>> progress_file().suffix
    '.json'
    """
    try:
        name = os.environ.get(PROGRESS_VARIABLE)
        return Path(name).expanduser() if name else Path.home() / ".cache" / "gantutor" / "progress.json"
    except RuntimeError:
        raise InputError(f"there is no home folder here: name a file in {PROGRESS_VARIABLE}") from None


def read_states(path: Path) -> dict[str, str]:
    """Return the states of the exercises that were tried.

    Args:
        path: of the record.

    Returns:
        ``"solved"`` or ``"tried"`` by number; empty where there is no file yet.

    Raises:
        InputError: if the file is damaged, is not a record of exercises or cannot be read.

    >>> read_states(Path("no such file"))
    {}
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
    """Record that an exercise was tried or solved; what was solved stays solved.

    The file is read again and then replaced as a whole, by one kernel at a time.

    Args:
        number: of the exercise.
        state: ``"solved"`` or ``"tried"``.

    Raises:
        InputError: if the record cannot be read or written; it is then left as it was.
    """
    from filelock import FileLock  # torch depends on it

    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), LOCK_TIMEOUT):  # ends with its process
            states = read_states(path)
            if states.get(number) not in (state, "solved"):
                with new_file(path) as fresh:
                    write_json(fresh, {"exercises": dict(sorted((states | {number: state}).items()))})
    except (OSError, NotImplementedError) as error:  # the latter on a file system without locks
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write to {path}: {reason}") from None
