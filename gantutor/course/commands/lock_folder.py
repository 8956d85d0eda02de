"""One process at a time in a folder: a second one gets an error, and changes nothing.

    python gantutor/course/commands/lock_folder.py .venv sh …     # the command holds the folder while it runs

It needs nothing but Python: `make` calls it before anything is installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TextIO

fcntl: ModuleType | None
msvcrt: ModuleType | None
try:
    import fcntl
except ImportError:
    fcntl = None
try:
    import msvcrt  # Windows
except ImportError:
    msvcrt = None

NAME = ".lock"


class FolderInUse(Exception):  # noqa: N818
    """The folder is in use; the message says by whom."""


@contextmanager
def lock_folder(folder: Path) -> Iterator[TextIO]:
    """Hold a folder while the block runs; another process that asks for it meanwhile is refused.

    The lock ends with the process, however it ends: the file that stays behind holds nothing.

    Args:
        folder: made if it is missing.

    Returns:
        The open file that is locked.

    Raises:
        FolderInUse: if another process holds the folder, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / NAME).open("a")
    except OSError as error:
        raise FolderInUse(f"nothing can be written to {folder}: {error.strerror or error}") from None
    with file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            elif msvcrt is not None:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except (BlockingIOError, PermissionError):
            raise FolderInUse(f"another run is at work in {folder}: wait for it to end, or end it") from None
        except OSError:  # a file system without locks
            pass
        yield file


def main(arguments: Sequence[str]) -> int:
    """Become the command, which goes on holding the folder; returns 2 only where that is not possible."""
    folder, *command = arguments
    try:
        with lock_folder(Path(folder)) as file:
            os.set_inheritable(file.fileno(), True)
            os.execvp(command[0], command)
    except (FolderInUse, OSError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
