"""Files that are whole or not there: tensors as safetensors, everything else as JSON, never a pickle."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from gantutor.errors import InputError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it takes its place at ``path`` in one step when the block ends well, and vanishes
    otherwise.

    What stood at ``path`` before stays until then. Raises InputError where nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from None
    try:
        yield fresh
        for file in fresh.iterdir():
            _flush(file)
        fresh.chmod(0o755)
        old = path.with_name(f".{path.name}-old")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.rename(old)
        try:
            fresh.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"cannot write to {path}: {error.strerror or error}; what was there is untouched"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _flush(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Tensors by name, as safetensors."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(
            {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, path
        )
    except SafetensorError as error:
        raise OSError(str(error)) from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; raises InputError where it is missing or damaged."""
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
    """Content as JSON text; not-a-number and infinity are written as such and read back."""
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises InputError where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no {path.name} in {path.parent}") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is damaged or no JSON file: {error}") from None
