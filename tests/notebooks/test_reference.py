"""The reference: every public name is in it, and its docstring reads there as it was written."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import pytest
from pdoc.doc import Module
from pdoc.render_helpers import to_html

ROOT = Path(__file__).resolve().parents[2]

import reference  # noqa: E402

MODULES = reference.public_modules()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages by the names of their files; a warning while they are written is an error."""
    folder = tmp_path_factory.mktemp("reference")
    assert reference.write(folder) == MODULES
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*.html")}


def plain(text: str) -> str:
    """What is read of a docstring or of its page, in one line: without tags, and what stands for them."""
    text = html.unescape(re.sub(r"</?\w[^>]*>", "", text)) if "<p>" in text else text
    return " ".join(re.sub(r"\|(?: -+ \|)+|[|`]", "", text).split())


def test_the_pages_are_those_of_the_public_modules(pages: dict[str, str]) -> None:
    assert {f"{name.replace('.', '/')}.html" for name in MODULES} | {"index.html"} == set(pages)
    assert "gantutor.data.toy" in MODULES and not {"gantutor.games.gan", "gantutor.training.trainer"} & set(
        MODULES
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_described_on_its_page(module: str, pages: dict[str, str]) -> None:
    page, said = pages[f"{module.replace('.', '/')}.html"], {"": Module.from_name(module).docstring}
    said |= {doc.qualname: reference.said(doc) for doc in reference.public_names(module)}
    read = plain(page)
    for name, text in said.items():
        first = plain(text.split("\n\n")[0])
        assert re.search(r"[.:?]$", first), f"{module}.{name} has no docstring that begins with a sentence"
        assert not name or f'id="{name}"' in page, f"{module}.{name} is not in the reference"
        assert first in read, f"{module}.{name} reads otherwise in the reference"


def test_what_is_private_is_not_in_it(pages: dict[str, str]) -> None:
    anchors = [name for page in pages.values() for name in re.findall(r'<(?:section|div) id="([^"]+)"', page)]
    assert len(anchors) > 300
    assert not [a for a in anchors if re.search(r"(^|\.)_(?!_init__$)", a)]


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    anchors = {name: set(re.findall(r'\bid="([^"]+)"', page)) for name, page in pages.items()}
    for name, page in pages.items():
        for link in set(re.findall(r'<a [^>]*?href="(?!https?:)([^"$]+)"', page)):
            file, _, anchor = link.partition("#")
            there = (Path("/") / name).parent.joinpath(file).resolve().relative_to("/").as_posix()
            there = there if file else name
            assert there in pages and (not anchor or anchor in anchors[there]), f"{name} links to {link}"
