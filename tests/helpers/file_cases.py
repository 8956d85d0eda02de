"""Folders that tests write, and what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gantutor._files import new_folder


def contents(folder: Path) -> dict[str, str]:
    """The text of all files; those of checksums are checked, and left out."""
    found = {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}
    for name in [name for name in found if Path(name).name == "SHA256SUMS"]:
        beside = [p for p in sorted((folder / name).parent.iterdir()) if p.name != "SHA256SUMS"]
        assert found.pop(name) == "".join(
            f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in beside
        )
    return found


def write(path: Path, **files: str) -> None:
    with new_folder(path) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)
