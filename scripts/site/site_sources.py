"""The sources of the site: a copy of the pages and notebooks, made ready for Sphinx."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import api_pages

ALT_TEXTS = "alt_texts.json"
"""The file with the alternative text of each picture of a notebook, by the SHA-256 sum of the picture."""

LINK = re.compile(r"(\]\((?!https?:)[^)#\s]*)#([^)\s]+)\)")
PAGES = ("README.md", "LICENSE", "docs/*.md", "docs/colab_cell.py", "data/*.md", "images/*.*")


def slug(heading: str) -> str:
    """Return what a link names after its ``#`` to lead to a heading.

    JupyterLab keeps the letters of a heading as they are; code hosts write them small and drop signs. Both
    forms have one slug.

    >>> slug("How good are they?"), slug("How-good-are-they?")
    ('how-good-are-they', 'how-good-are-they')
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def write(root: Path, folder: Path, repository: str = "") -> None:
    """Write the sources of the site into an empty folder.

    Args:
        root: the folder of the project, with ``docs`` and ``notebooks``.
        folder: where the sources are written; what it held is removed.
        repository: the address of the project's repository; empty if it has none.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for pattern in PAGES:
        for path in sorted(root.glob(pattern)):
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".md":
                target.write_text(_page(path.read_text(encoding="utf-8")), encoding="utf-8")
            else:
                shutil.copy(path, target)
    index = folder / "docs" / "index.md"
    home = index.read_text(encoding="utf-8").replace("](../", "](")
    (folder / "index.md").write_text(home, encoding="utf-8")
    index.unlink()
    cite = folder / "docs" / "cite.md"
    if cite.is_file():
        cite.write_text(_citation(cite.read_text(encoding="utf-8"), repository), encoding="utf-8")
    alt_texts: dict[str, str] = {}
    (folder / "notebooks").mkdir()
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        section = ""
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                section = [section, *re.findall(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE)][-1]
            _prepare(cell, section, alt_texts)
        (folder / "notebooks" / path.name).write_text(json.dumps(notebook), encoding="utf-8")
    (folder / ALT_TEXTS).write_text(json.dumps(alt_texts), encoding="utf-8")
    if (root / "gantutor").is_dir():
        api_pages.write(folder / "reference")


def _page(text: str) -> str:
    """A page whose links name headings as ``slug`` does."""
    return LINK.sub(lambda link: f"{link[1]}#{slug(unquote(link[2]))})", text)


def _citation(text: str, repository: str) -> str:
    """The page on citing, with the version, and with the address if there is one."""
    line = f"  url     = {{{repository}}},\n" if repository else ""
    text = text.replace("{VERSION}", f"{{{api_pages.gantutor.__version__}}}")
    return text.replace("  url     = {REPOSITORY},\n", line)


def _prepare(cell: dict[str, Any], section: str, alt_texts: dict[str, str]) -> None:
    """Change a cell for the site: its links, its printed code, and how much of it is shown."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        cell["source"] = _page(source)
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        data.pop("application/vnd.gantutor.scores+json", None)  # for programs
        if "text/latex" in data and "".join(data.get("text/html", "")).startswith("<style>pre"):
            # Code that was printed: the site colours it itself, for the light and the dark theme.
            output["data"] = {"text/markdown": f"````python\n{''.join(data['text/plain'])}\n````"}
        if "image/png" in data:
            picture = base64.b64decode("".join(data["image/png"]))
            text = output["metadata"].get("image/png", {}).get("alt") or "".join(data["text/plain"])
            description = f"A figure of the section {section}" if text.startswith("<") else text
            alt_texts[hashlib.sha256(picture).hexdigest()] = description
