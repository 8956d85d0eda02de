"""The glossary: each term once and in order; a term with a link is taught where the link leads."""

from __future__ import annotations

import re
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

import gantutor
from gantutor.course.commands import notebook_files
from gantutor.course.commands.notebook_files import text_of

ROOT = Path(__file__).resolve().parents[2]

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRY = re.compile(
    r"\*\*(?P<term>[^*]+)\*\*(?: \((?P<others>[^)]+)\))?: (?P<meaning>.+?)"
    r"(?: \[(?P<label>[^]]+)\]\((?P<file>[^)#\s]+)#(?P<anchor>\S+)\))?(?P<names>(?:,? `gt\.[\w.]+`)*)"
)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Entry(NamedTuple):
    term: str
    others: str | None
    meaning: str
    label: str | None
    file: str | None
    anchor: str | None
    names: str


def entries(text: str) -> list[Entry]:
    """The entries of a glossary, each on one line; an entry that breaks the form is an error."""
    found = []
    for part in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        match = ENTRY.fullmatch(" ".join(part.split()))
        assert match and "](" not in match["meaning"] and match["meaning"].endswith("."), part
        found.append(Entry(**match.groupdict()))
    return found


def section(path: Path, anchor: str) -> str | None:
    """A notebook's prose under the heading with this anchor, up to the next of its rank; None where there is
    no such heading."""
    cells = [c for c in notebook_files.read(path)["cells"] if c["cell_type"] == "markdown"]
    prose = "\n\n".join(text_of(cell["source"]) for cell in cells)
    headings = list(HEADING.finditer(prose))
    for index, heading in enumerate(headings):
        if heading[2].strip().replace(" ", "-") == unquote(anchor):
            after = (h.start() for h in headings[index + 1 :] if len(h[1]) <= len(heading[1]))
            return prose[heading.start() : next(after, len(prose))]
    return None


def occurs(form: str, text: str) -> bool:
    """Whether a text says a term, as words and in any case; emphasis and a plural aside."""
    return bool(re.search(rf"(?<!\w){re.escape(form)}s?(?!\w)", re.sub(r"[*`]", "", text), re.IGNORECASE))


ALL = entries(TEXT)
LINKED = [entry for entry in ALL if entry.file]
every = pytest.mark.parametrize("entry", ALL, ids=[entry.term for entry in ALL])
every_linked = pytest.mark.parametrize("entry", LINKED, ids=[entry.term for entry in LINKED])


def test_an_entry_out_of_form_is_found() -> None:
    with pytest.raises(AssertionError):
        entries("- **term**: a link [04 Train](train.ipynb)\n")
    assert not occurs("mode", "a model") and occurs("nat", "in *nats*") and not occurs("R1", "R10")
    assert section(ROOT / "notebooks" / "01_concepts.ipynb", "No-such-heading") is None


def test_the_terms_are_in_order_and_each_there_once() -> None:
    terms = [entry.term.casefold() for entry in ALL]
    assert len(terms) >= 100 and len(LINKED) >= 95
    assert terms == sorted(set(terms))


@every_linked
def test_it_is_taught_where_its_link_leads(entry: Entry) -> None:
    assert entry.file and entry.anchor and entry.label
    path = ROOT / "docs" / entry.file
    assert path.is_file()
    assert entry.label == f"{path.name[:2]} {unquote(entry.anchor).replace('-', ' ')}" or "-" in entry.label
    taught = section(path, entry.anchor)
    assert taught is not None, entry.anchor
    forms = [entry.term, *re.findall(r"\*([^*]+)\*", entry.others or "")]
    assert any(occurs(form, taught) for form in forms), forms


@every
def test_its_names_are_in_the_package(entry: Entry) -> None:
    for name in re.findall(r"`gt\.([\w.]+)`", entry.names):
        attrgetter(name)(gantutor)


def test_the_course_leads_to_it() -> None:
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    start = notebook_files.read(ROOT / "notebooks" / "00_start_here.ipynb")
    assert any("(../docs/glossary.md)" in text_of(cell["source"]) for cell in start["cells"])
