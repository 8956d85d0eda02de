"""Files that are written completely or not at all: tensors as safetensors, the rest as JSON, no pickles."""

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

FORMAT_VERSION = 2
"""Version of the format of checkpoints and saved runs; version 1 had no checksums."""

CHECKSUM_FILE = "SHA256SUMS"
"""Name of the checksums in a folder, in the format of ``sha256sum -c``."""

LOCK_TIMEOUT = 2.0
"""Seconds to wait for others that write in the same folder."""

_creation_lock = threading.RLock()
"""Held while leftovers are removed: a new folder that is not yet locked would look like one."""


class WriteFailed(InputError):  # noqa: N818
    """The file system refused to write.

    Args:
        message: one sentence.
        reason: what the file system said.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


# --- folders ------------------------------------------------------------------------------------------------


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder to fill, which replaces ``path`` in one step at the end of the block.

    If the block fails, the new folder is removed. What was at ``path`` stays until then. The folder gets a
    file of checksums.

    Args:
        path: where the folder goes.

    Raises:
        WriteFailed: if nothing can be written there.
    """
    try:
        new_path, checksums = _create_folder(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}", reason) from None
    old_path = new_path.with_suffix(".old")
    try:
        yield new_path
        _write_checksums(new_path, checksums)
        with _folder_lock(path.parent):
            _put_in_place(new_path, path, old_path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}; what was there is untouched", reason) from None
    finally:
        with suppress(OSError):  # a full disk refuses the rest of the checksums again
            checksums.close()
        shutil.rmtree(old_path, ignore_errors=True)
        shutil.rmtree(new_path, ignore_errors=True)


def _put_in_place(new_path: Path, path: Path, old_path: Path) -> None:
    try:
        if path.exists():
            path.rename(old_path)
        new_path.rename(path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            if old_path.exists() and not path.exists():
                old_path.rename(path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield the path of a new file to write, which replaces ``path`` in one step at the end of the block.

    If the block fails, the new file is removed. What was at ``path`` stays until then.

    Args:
        path: where the file goes.

    Raises:
        WriteFailed: if nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            new_path = Path(folder) / path.name
            yield new_path
            with new_path.open("rb") as handle:
                os.fsync(handle.fileno())
            new_path.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}", reason) from None


def remove_leftovers(folder: Path, leftover: str) -> None:
    """Remove what killed writes left unfinished, and restore what they had moved aside.

    What another thread or process is writing at this moment is left alone.

    Args:
        folder: the folder to clean.
        leftover: regular expression of the names of leftovers; its first group is the name of what was to be
            written.
    """
    with _folder_lock(folder):
        for path in list(folder.iterdir()):
            match = re.fullmatch(leftover, path.name)
            if match is None or _is_being_written(path.with_suffix(".new")):
                continue
            if path.suffix == ".old" and not (folder / match[1]).exists():
                path.rename(folder / match[1])
            else:
                shutil.rmtree(path, ignore_errors=True)


def leftovers_of(name: str) -> str:
    """Return a regular expression for what killed writes of a folder leave beside it.

    >>> bool(re.fullmatch(leftovers_of("run"), ".run-abcd1234.new"))
    True
    """
    return rf"\.({re.escape(name)})-[a-z0-9_]{{8}}\.(?:new|old)"


def _create_folder(path: Path) -> tuple[Path, TextIO]:
    """Return a new, empty folder beside ``path`` and its open file of checksums.

    The file is locked while it is open. The lock ends with the process, and so distinguishes a folder that is
    being written from a leftover.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, f"{path.parent} is a file") from None
    remove_leftovers(path.parent, leftovers_of(path.name))
    with _folder_lock(path.parent):
        new_path = Path(tempfile.mkdtemp(prefix=f".{path.name}-", suffix=".new", dir=path.parent))
        try:
            checksums = (new_path / CHECKSUM_FILE).open("w", encoding="utf-8")
        except OSError:
            shutil.rmtree(new_path, ignore_errors=True)
            raise
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(checksums, fcntl.LOCK_EX)
        return new_path, checksums


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Let only one thread or process at a time create, move or remove folders in this folder.

    After LOCK_TIMEOUT seconds the block runs without the lock, since the others need only milliseconds.
    """
    with _creation_lock, ExitStack() as stack:
        if fcntl is not None:
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            deadline = time.monotonic() + LOCK_TIMEOUT
            with suppress(OSError):  # a file system without locks
                while not _try_lock(handle) and time.monotonic() < deadline:
                    time.sleep(0.005)
        yield


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_being_written(new_path: Path) -> bool:
    if not new_path.is_dir():
        return False
    if fcntl is None:
        return True  # unknown: a leftover does less harm than a lost write
    try:
        with (new_path / CHECKSUM_FILE).open("r+") as checksums:
            fcntl.flock(checksums, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _write_checksums(new_path: Path, checksums: TextIO) -> None:
    """Write the checksums, and make sure that all files have reached the disk."""
    for file in sorted(file for file in new_path.iterdir() if file.name != CHECKSUM_FILE):
        with file.open("rb") as handle:
            checksums.write(_checksum_line(handle, file.name))
            os.fsync(handle.fileno())
    checksums.flush()
    os.fsync(checksums.fileno())
    if fcntl is None:
        checksums.close()  # Windows cannot rename a folder with an open file in it
    new_path.chmod(0o755)
    _sync_folder(new_path)


def _checksum_line(file: BufferedReader, name: str) -> str:
    return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n"


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not supported by some file systems, and by Windows
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def verify_checksums(folder: Path, *names: str) -> None:
    """Check that files of a folder are as they were written.

    Args:
        folder: a folder that ``new_folder`` wrote.
        *names: names of the files to check.

    Raises:
        InputError: if a file is missing or damaged; the message names it.
    """
    try:
        checksums = (folder / CHECKSUM_FILE).read_text(encoding="utf-8")
        for name in names:
            with (folder / name).open("rb") as handle:
                line = _checksum_line(handle, name)
            if line not in checksums:
                raise InputError(
                    f"{folder / name} is damaged: its checksum is not the one in {CHECKSUM_FILE}"
                )
    except FileNotFoundError as error:
        raise InputError(f"there is no {Path(error.filename).name} in {folder}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder} is damaged: {error}") from None


# --- files --------------------------------------------------------------------------------------------------


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as a safetensors file.

    Args:
        path: the file.
        tensors: the tensors by name, on any device.

    Raises:
        InputError: if a tensor is sparse or has a dtype that the format does not support.
        OSError: if the file cannot be written.
    """
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
    """Return the tensors of a safetensors file by name, on the CPU.

    Args:
        path: the file.

    Raises:
        InputError: if the file is missing or damaged.
    """
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
    """Write content as JSON text; NaN and infinity are written as such.

    Args:
        path: the file.
        content: dicts, lists, numbers, strings, booleans and None.

    Raises:
        InputError: if JSON cannot hold the content.
    """
    try:
        text = json.dumps(content, indent=1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name} cannot be written: {error}") from None
    path.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Args:
        path: the file.

    Raises:
        InputError: if the file is missing or damaged.
    """
    path = check_path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no {path.name} in {path.parent}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged or no JSON file: {error}") from None
