"""Files that are written whole or not at all: tensors as safetensors, everything else as JSON, no pickle."""

from __future__ import annotations

import errno
import glob
import json
import os
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_path
from gantutor._errors import InputError, first_line

FORMAT_VERSION = 4
"""Version of the format of checkpoints and saved runs."""

CONTENT, TENSORS = "content.json", "tensors.safetensors"
"""Names of what an archive holds."""

STALE_AFTER = 3600.0
"""Seconds after which a half-written file belongs to a process that was killed."""


class WriteFailed(InputError):  # noqa: N818
    """The file system refused to write.

    Args:
        message: the whole sentence.
        reason: what the file system said.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class OtherFormat(InputError):  # noqa: N818
    """A file is whole, and of another format than the one that is read here."""


def expand(path: str | Path, name: str = "path") -> Path:
    """Return a path with the home folder in the place of ``~``.

    Args:
        path: the path.
        name: what the argument is called in messages.

    Raises:
        InputError: if it is no path, or the home folder is not known.

    >>> expand("~/run.zip").name
    'run.zip'
    """
    return check_path(path, name)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give the name of a file to write, which replaces ``path`` in one step when the block ends well.

    What stood at ``path`` before stays until then.

    Args:
        path: the file; its folder is made if need be, and ``~`` stands for the home folder.

    Raises:
        InputError: if the home folder is not known.
        WriteFailed: if nothing can be written there.
    """
    path, fresh = expand(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, glob.escape(path.name), STALE_AFTER)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".new", dir=path.parent)
        os.close(handle)
        fresh = Path(name)
        yield fresh
        with fresh.open("rb+") as file:  # Windows cannot flush what is open for reading
            os.fsync(file.fileno())
        fresh.chmod(0o644)
        fresh.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, FileExistsError):
            error = NotADirectoryError(errno.ENOTDIR, f"{path.parent} is a file")
        reason = error.strerror or str(error)
        raise WriteFailed(f"cannot write to {path}: {reason}", reason) from None
    finally:
        if fresh is not None:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def remove_leftovers(folder: Path, name: str = "*", age: float = 0.0) -> None:
    """Remove what killed processes left half-written.

    Args:
        folder: the folder to look in.
        name: name of the file that was to be written, as a pattern such as ``step-*``.
        age: seconds since the last change; younger files may still be being written.
    """
    with suppress(OSError):
        for path in folder.glob(f".{name}-????????.new"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime >= age:
                    path.unlink()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot, and Windows has no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- archives: one file with JSON and tensors ---------------------------------------------------------------


def write_archive(path: Path, content: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a zip file that holds ``content.json`` and ``tensors.safetensors``, and replaces ``path`` in one
    step.

    Args:
        path: the file.
        content: what JSON can hold.
        tensors: dense tensors by name.

    Raises:
        InputError: if the content or a tensor cannot be saved.
        WriteFailed: if the file system refuses to write; what was there is untouched.
    """
    text, data = _to_json(path, content), _to_bytes(tensors)
    with new_file(path) as fresh, zipfile.ZipFile(fresh, "w") as archive:
        archive.writestr(CONTENT, text)
        archive.writestr(TENSORS, data)


def check_replaceable(path: Path) -> None:
    """Check that there is nothing at a path but what ``write_archive`` wrote.

    Args:
        path: where an archive is to go.

    Raises:
        InputError: if there is something else.
    """
    path = expand(path)
    try:
        with zipfile.ZipFile(path) as archive:
            known = sorted(archive.namelist()) == [CONTENT, TENSORS]
    except OSError:
        known = not os.path.lexists(path)
    except _DAMAGE:
        known = False
    if not known:
        raise InputError(f"{path} exists and is not a saved run: choose another name")


def read_archive(path: Path, kind: str = "saved run") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what ``write_archive`` wrote; the checksums of the zip file tell whether it is damaged.

    Args:
        path: the file.
        kind: what the file should be, for error messages.

    Returns:
        The content and the tensors.

    Raises:
        InputError: if the file is missing or damaged.
        OtherFormat: if it is of another format.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = expand(path)
    try:
        if (path / "run.json").is_file():  # a folder, as up to format 2
            check_format(read_json(path / "run.json"), path, kind)
        if not path.is_file():
            raise InputError(f"there is no {kind} at {path}")
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(CONTENT))
            check_format(content, path, kind)
            data = archive.read(TENSORS)
        tensors: dict[str, Tensor] = load(data)
        return content, tensors
    except InputError:
        raise
    except (SafetensorError, OSError, *_DAMAGE) as error:
        raise InputError(f"{path} is damaged or not a {kind}: {first_line(error)}") from None


def check_format(content: Any, path: Path, kind: str) -> None:
    """Raise OtherFormat unless the content of an archive is of the format that is read here."""
    version = content.get("format", "unknown") if isinstance(content, dict) else "unknown"
    if version != FORMAT_VERSION:
        raise OtherFormat(
            f"{path} is a {kind} of format {version}, and this version of gantutor reads format "
            f"{FORMAT_VERSION}: use the version that wrote it, or move it away and train again"
        )


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # of JSON and of Unicode
    KeyError,
    RuntimeError,  # what looks encrypted, or compressed in a way that is not known, or nested without end
)
"""What the reading of a damaged archive raises."""


def _to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    from safetensors.torch import save

    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided:
            raise InputError(f"{name} is a sparse tensor, and only dense ones can be saved")
    try:
        data: bytes = save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})
        return data
    except KeyError as error:
        raise InputError(f"tensors of type {error} cannot be saved as safetensors") from None


def _to_json(path: Path, content: Any) -> str:
    try:
        return json.dumps(content, indent=1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name} cannot be written: {error}") from None


# --- single files -------------------------------------------------------------------------------------------


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name as a safetensors file.

    Args:
        path: the file, replaced in one step.
        tensors: dense tensors by name.

    Raises:
        InputError: if a tensor cannot be saved.
        WriteFailed: if the file system refuses to write.
    """
    data = _to_bytes(tensors)
    with new_file(path) as fresh:
        fresh.write_bytes(data)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name, on the CPU.

    Args:
        path: the file.

    Raises:
        InputError: if the file is missing or damaged.
    """
    path = expand(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    except FileNotFoundError:
        raise InputError(f"there is no {path.name} in {path.parent}") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged or not a safetensors file: {error}") from None


def write_json(path: Path, content: Any) -> None:
    """Write content as JSON text; not-a-number and infinity are written as such and read back.

    Args:
        path: the file; where it must appear in one step, write to what ``new_file`` gives.
        content: what JSON can hold.

    Raises:
        InputError: if JSON cannot hold the content.
    """
    path = expand(path)
    path.write_text(_to_json(path, content), encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Args:
        path: the file.

    Raises:
        InputError: if the file is missing or damaged.
    """
    path = expand(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no {path.name} in {path.parent}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged or not a JSON file: {error}") from None
