"""Files that are whole or not there: tensors as safetensors, everything else as JSON, never a pickle.

A folder that is written here holds the checksums of its files, as ``sha256sum -c SHA256SUMS`` reads them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

from gantutor._checks import check_path
from gantutor._errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FORMAT = 2
"""Of checkpoints and saved runs; 1 had no checksums."""

SUMS = "SHA256SUMS"

PATIENCE = 2.0
"""Seconds to wait for others that write in the same folder."""

_beginning = threading.RLock()
"""Held while leftovers are cleared away: a folder that is begun and not yet locked would pass for one."""


class WriteFailed(InputError):  # noqa: N818
    """The file system refused to write; ``reason`` is what it said."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


# --- folders ------------------------------------------------------------------------------------------------


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it takes its place at ``path`` in one step when the block ends well, and vanishes
    otherwise.

    What stood at ``path`` before stays until then. Raises WriteFailed where nothing can be written.
    """
    try:
        fresh, sums = _begin(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}", reason) from None
    old = fresh.with_suffix(".old")
    try:
        yield fresh
        _seal(fresh, sums)
        with _one_at_a_time(path.parent):
            _put_in_place(fresh, path, old)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}; what was there is untouched", reason) from None
    finally:
        with suppress(OSError):  # a full disk refuses the rest of the checksums once more
            sums.close()
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, path: Path, old: Path) -> None:
    try:
        if path.exists():
            path.rename(old)
        fresh.rename(path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            if old.exists() and not path.exists():
                old.rename(path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """The name of a file to write; it takes its place at ``path`` in one step when the block ends well, and
    vanishes otherwise.

    What stood at ``path`` before stays until then. Raises WriteFailed where nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            fresh = Path(folder) / path.name
            yield fresh
            with fresh.open("rb") as handle:
                os.fsync(handle.fileno())
            fresh.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}", reason) from None


def remove_leftovers(folder: Path, leftover: str) -> None:
    """Put back what a killed write had moved aside, and remove what it left half-written.

    ``leftover`` is a regular expression for the names of leftovers, whose first group is the name of what was
    to be written. What another thread or process is writing at this moment stays.
    """
    with _one_at_a_time(folder):
        for path in list(folder.iterdir()):
            found = re.fullmatch(leftover, path.name)
            if found is None or _is_being_written(path.with_suffix(".new")):
                continue
            if path.suffix == ".old" and not (folder / found[1]).exists():
                path.rename(folder / found[1])
            else:
                shutil.rmtree(path, ignore_errors=True)


def leftovers_of(name: str) -> str:
    """A regular expression for what killed writes of a folder of this name leave beside it."""
    return rf"\.({re.escape(name)})-[a-z0-9_]{{8}}\.(?:new|old)"


def _begin(path: Path) -> tuple[Path, TextIO]:
    """An empty folder beside ``path`` and its file of checksums, which is locked while it is open: the lock
    ends with the process, and so tells a folder that is being written from a leftover."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, f"{path.parent} is a file") from None
    remove_leftovers(path.parent, leftovers_of(path.name))
    with _one_at_a_time(path.parent):
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}-", suffix=".new", dir=path.parent))
        try:
            sums = (fresh / SUMS).open("w", encoding="utf-8")
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(sums, fcntl.LOCK_EX)
        return fresh, sums


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Of all threads and processes that begin, place or tidy folders in this one; whoever waits for longer
    than PATIENCE goes on, since the others need milliseconds."""
    with _beginning, ExitStack() as stack:
        if fcntl is not None:
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            until = time.monotonic() + PATIENCE
            with suppress(OSError):  # a file system without locks
                while not _locked(handle) and time.monotonic() < until:
                    time.sleep(0.005)
        yield


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_being_written(fresh: Path) -> bool:
    if not fresh.is_dir():
        return False
    if fcntl is None:
        return True  # nobody can tell: a leftover does less harm than a lost write
    try:
        with (fresh / SUMS).open("r+") as sums:
            fcntl.flock(sums, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _seal(fresh: Path, sums: TextIO) -> None:
    """Write the checksums, and see to it that everything has reached the disk."""
    for file in sorted(file for file in fresh.iterdir() if file.name != SUMS):
        with file.open("rb") as handle:
            sums.write(_line_of_sums(handle, file.name))
            os.fsync(handle.fileno())
    sums.flush()
    os.fsync(sums.fileno())
    if fcntl is None:
        sums.close()  # Windows renames no folder with an open file in it
    fresh.chmod(0o755)
    _sync_folder(fresh)


def _line_of_sums(file: BufferedReader, name: str) -> str:
    return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n"


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot, and Windows has no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def verify_checksums(folder: Path, *names: str) -> None:
    """Raise InputError, naming the file, unless each of these files of a folder is as it was written."""
    try:
        sums = (folder / SUMS).read_text(encoding="utf-8")
        for name in names:
            with (folder / name).open("rb") as handle:
                line = _line_of_sums(handle, name)
            if line not in sums:
                raise InputError(f"{folder / name} is damaged: its checksum is not the one in {SUMS}")
    except FileNotFoundError as error:
        raise InputError(f"there is no {Path(error.filename).name} in {folder}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder} is damaged: {error}") from None


# --- files --------------------------------------------------------------------------------------------------


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Tensors by name, as safetensors; raises InputError for kinds of tensors that such a file cannot
    hold."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided:
            raise InputError(f"{name} is a sparse tensor, and only dense ones can be saved")
    try:
        save_file(
            {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, path
        )
    except KeyError as error:
        raise InputError(f"tensors of the kind {error} cannot be saved as safetensors") from None
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(*(int(number[1]), os.strerror(int(number[1]))) if number else [str(error)]) from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; raises InputError where it is missing or damaged."""
    path = check_path(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    except FileNotFoundError:
        raise InputError(f"there is no {path.name} in {path.parent}") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged or no safetensors file: {error}") from None


def write_json(path: Path, content: Any) -> None:
    """Content as JSON text; not-a-number and infinity are written as such and read back.

    Raises InputError for content that JSON cannot hold.
    """
    try:
        text = json.dumps(content, indent=1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name} cannot be written: {error}") from None
    path.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises InputError where it is missing or damaged."""
    path = check_path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no {path.name} in {path.parent}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged or no JSON file: {error}") from None
