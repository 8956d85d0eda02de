"""Links between notebooks, and from one of them to a page: each leads to a heading that is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from gantutor.course.commands import notebook_files
from gantutor.course.commands.notebook_files import text_of

ROOT = Path(__file__).resolve().parents[2]

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


def prose(path: Path) -> str:
    """A page's text; of a notebook its prose."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = notebook_files.read(path)["cells"]
    return "\n\n".join(text_of(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def anchors(text: str) -> set[str]:
    """What a link may name after its #: JupyterLab puts dashes for the spaces of a heading."""
    return {heading.strip().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def lost(path: Path) -> list[str]:
    """The links of a page whose file or heading is not there."""
    found = []
    for file, anchor in LINK.findall(prose(path)):
        target = path.parent / file if file else path
        if not target.is_file() or unquote(anchor) not in anchors(prose(target)):
            found.append(f"{file}#{anchor}")
    return found


def test_a_link_to_no_heading_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words\n\n[a](page.md#Two-words) [b](#Two-words) [c](page.md#two) [d](no.md#Two-words)\n"
    )
    assert lost(page) == ["page.md#two", "no.md#Two-words"]


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_its_links_lead_to_headings(path: Path) -> None:
    assert lost(path) == []


@pytest.mark.parametrize("path", PATHS[:-1], ids=[path.stem for path in PATHS[:-1]])
def test_it_closes_with_a_link_to_the_next(path: Path) -> None:
    following = PATHS[PATHS.index(path) + 1].name
    last = [c for c in notebook_files.read(path)["cells"] if c["cell_type"] == "markdown"][-1]
    link = re.search(r"\*\*Next:\*\* \[(\d\d) [^]]+\]\(([^)]+)\)", text_of(last["source"]))
    assert link and link.groups() == (following[:2], following)
