"""The folder of the notebooks and pages of the course, and a learner's copy of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from gantutor._errors import InputError

PACKAGE = Path(__file__).resolve().parents[2]
"""The folder ``gantutor``, in a checkout or where it is installed."""

PATTERNS = ("notebooks/*.ipynb", "docs/*.md", "docs/*.py", "images/*.*")
"""The content of a copy of the course: the notebooks, and the pages and pictures that they link to."""

OF_THE_SITE = frozenset(f"docs/{name}" for name in ("conf.py", "index.md", "cite.md", "lab.md"))
"""Sources of the site alone: a wheel and a copy of the course do without them."""

RECORD = ".gantutor-course.json"
"""The file in a copy that says which files were copied: what has changed since belongs to the learner."""

FIRST = "00_start_here"


def checkout() -> Path | None:
    """Return the folder of the checkout that this package is part of, or None where it is installed.

    >>> root = checkout()
    >>> root is None or (root / "notebooks").is_dir()
    True
    """
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def course_folder() -> Path:
    """Return the folder that holds ``notebooks``: the checkout, or a folder inside the installed package.

    Raises:
        InputError: if the package was installed without the notebooks.
    """
    root = checkout() or PACKAGE / "course" / "files"
    if not (root / "notebooks").is_dir():
        raise InputError(f"the notebooks are missing from {root}: install gantutor again")
    return root


def install_command() -> str:
    """Return the command that installs what the course needs; its quotes suit every shell.

    >>> "[course]" in install_command()
    True
    """
    return f'pip install {"-e " if checkout() else ""}"{"." if checkout() else "gantutor"}[course]"'


def find(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return all notebooks of a folder in order, or those whose names begin with one of ``names``.

    Args:
        folder: with the notebooks.
        names: beginnings of file names, such as ``"03"``; a path or an ending counts for nothing.

    Raises:
        InputError: if there is no notebook, or none of such a name.

    >>> find(course_folder() / "notebooks", ["03"])[0].name
    '03_cnn_image_gan.ipynb'
    >>> find(course_folder() / "notebooks", ["faecs"])
    Traceback (most recent call last):
    ...
    gantutor.InputError: there is no notebook 'faecs': did you mean '06_faces'? The notebooks are ...
    """
    every = sorted(folder.glob("*.ipynb"))
    if not every:
        raise InputError(f"there is no notebook in {str(folder)!r}")
    if not names:
        return every
    stems = [path.stem for path in every]
    for name in names:
        if not any(stem.startswith(Path(name).stem) for stem in stems):
            hint = f"did you mean {near!r}? The" if (near := _nearest(Path(name).stem, stems)) else "the"
            raise InputError(f"there is no notebook {name!r}: {hint} notebooks are {', '.join(stems)}")
    return [path for path in every if any(path.stem.startswith(Path(name).stem) for name in names)]


def _nearest(name: str, stems: Sequence[str]) -> str:
    """The notebook whose name, or a word of it, is nearly the one given; or the empty text."""
    words = {word: stem for stem in reversed(stems) for word in [*stem.split("_"), stem[3:], stem] if word}
    if name.isdigit():
        return words.get(name.zfill(2), "")
    near = get_close_matches(name.lower(), words, n=1)
    return words[near[0]] if near else ""


# --- a copy of one's own ------------------------------------------------------------------------------------


def copy_course(folder: Path) -> tuple[int, list[str]]:
    """Copy the course into a folder; files that the learner has changed since the last copy are kept.

    Args:
        folder: made if it is missing.

    Returns:
        How many files were written, and the names of those that were kept although the course has newer ones.

    Raises:
        InputError: if the folder cannot be written.
    """
    written, kept = 0, []
    before = _recorded(folder)
    after = dict(before)
    try:
        for name, content in _course_content().items():
            place = folder / name
            fresh, there = _digest(content), _digest(place.read_bytes()) if place.is_file() else None
            if there is not None and there not in (fresh, before.get(name)):
                if before.get(name) != fresh:
                    kept.append(name)
                continue
            if there != fresh:
                _write(place, content)
                written += 1
            after[name] = fresh
        if after != before:
            record = {"version": version("gantutor"), "files": after}
            _write(folder / RECORD, json.dumps(record, indent=1).encode())
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"the course cannot be copied to {folder}: {reason}; name another folder with --folder"
        ) from None
    return written, kept


def is_copy(folder: Path) -> bool:
    """Return whether a folder holds a copy that ``copy_course`` made."""
    return (folder / RECORD).is_file()


def _recorded(folder: Path) -> dict[str, str]:
    """The digest of each file as it was copied; empty where nothing was, or where the record is damaged."""
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _course_content() -> dict[str, bytes]:
    """The files of a copy by their names in it; they lie as in a checkout, so that their links lead there."""
    root = course_folder()
    content = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for pattern in PATTERNS
        for path in sorted(root.glob(pattern))
        if path.is_file() and not path.name.startswith(".")
    }
    content = {name: text for name, text in content.items() if name not in OF_THE_SITE}
    if found := checkout():
        pages = {name: found / name for name in ("README.md", "LICENSE", "data/README.md")}
        return content | {name: path.read_bytes() for name, path in pages.items()}
    content["data/README.md"] = (PACKAGE / "data" / "files" / "README.md").read_bytes()
    try:  # these two lie beside the installed package, in what pip knows of it
        about = distribution("gantutor")
        content["README.md"] = str(about.metadata.get_payload()).encode()  # type: ignore[attr-defined]
        content["LICENSE"] = (about.read_text("licenses/LICENSE") or "").encode()
    except PackageNotFoundError:
        pass
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(place: Path, content: bytes) -> None:
    """Write a file as a whole: it takes its name when it is complete."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.new")
    fresh.write_bytes(content)
    fresh.replace(place)
