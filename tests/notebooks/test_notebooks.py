"""The contract that every notebook of the course keeps, in its source."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import adopt_outputs
from notebook_cases import PATHS, SCORES, code_cells, every, lesson_cells, prose

import gantutor
from gantutor.course.commands import notebook_files
from gantutor.course.commands.notebook_files import Notebook, text_of

WORDS, CODE_CELLS, LINES = 2200, 35, 25


def code(notebook: Notebook) -> str:
    return "\n".join(text_of(cell["source"]) for cell in code_cells(notebook))


def count_words(text: str) -> int:
    """Words a person reads: an equation counts as one, tags and addresses as none."""
    text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", " equation ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|https?://\S+", " ", text)
    return len(re.findall(r"[^\W_]+(?:['’.,-][^\W_]+)*", text))


def assigned(source: str) -> list[str]:
    kinds = ast.Assign | ast.AnnAssign
    statements = [s for s in ast.parse(source).body if isinstance(s, kinds)]
    targets = [s.target if isinstance(s, ast.AnnAssign) else s.targets[0] for s in statements]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def validated(source: str) -> set[str]:
    """The names that a cell gives rules for when it calls ``validate``."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = (getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls)
    rules = [call for call, name in zip(calls, names, strict=True) if name == "validate"]
    return {word.arg for call in rules for word in call.keywords if word.arg}


def test_the_course_is_there() -> None:
    assert {path.stem[:2] for path in PATHS} >= set(SCORES)


def test_words_are_counted_as_a_reader_does() -> None:
    assert count_words("Don't *panic*: see [this page](notes.md), $x^2 + y$ <b>is</b> 2,000.") == 8


# --- the source ------------------------------------------------------------------------------------------


@every
def test_the_parameters_come_first(path: Path) -> None:
    first, second = lesson_cells(notebook_files.read(path))[:2]
    source = text_of(first["source"])
    tagged = [c for c in notebook_files.read(path)["cells"] if "parameters" in c["metadata"].get("tags", [])]
    assert [text_of(cell["source"]) for cell in tagged] == [source]
    assert source.startswith("# Parameters\n")
    names = assigned(source)
    assert names[:3] == ["preset", "seed", "device"]
    assert notebook_files.parameters({"cells": [first]})["preset"] == "cpu"
    assert validated(text_of(second["source"])) == set(names)


@every
def test_every_parameter_is_explained(path: Path) -> None:
    notebook = notebook_files.read(path)
    source = text_of(lesson_cells(notebook)[0]["source"])
    explained = prose(notebook)
    commented = {line.split(":")[0].split("=")[0].strip() for line in source.splitlines() if "  # " in line}
    missing = [n for n in assigned(source) if f"`{n}`" not in explained and n not in commented]
    assert not missing  # in the prose, or in the comment that papermill --help-notebook prints


@every
def test_nothing_is_defined_before_the_parameters_are_right(path: Path) -> None:
    body = ast.parse(text_of(lesson_cells(notebook_files.read(path))[1]["source"])).body
    kinds = [type(statement).__name__ for statement in body]
    calls = [index for index, statement in enumerate(body) if "validate(" in ast.unparse(statement)]
    assert len(calls) == 1
    assert set(kinds[: calls[0]]) <= {"Import", "ImportFrom", "Assign"}  # rules = gt.course.parameters


@every
def test_it_opens_with_what_it_gives_and_what_it_takes(path: Path) -> None:
    first = notebook_files.read(path)["cells"][0]
    said = text_of(first["source"])
    assert first["cell_type"] == "markdown" and said.startswith("# ")
    for words in ("you can", "Before", "Time", "two CPU cores", "GPU"):
        assert words in said


@every
def test_it_is_no_longer_than_a_reader_can_hold(path: Path) -> None:
    notebook = notebook_files.read(path)
    assert count_words(prose(notebook)) <= WORDS
    assert len(code_cells(notebook)) <= CODE_CELLS
    long = [
        text_of(c["source"]) for c in code_cells(notebook) if len(text_of(c["source"]).splitlines()) > LINES
    ]
    assert not long


@every
def test_it_names_its_kernel_and_nobodys_folders(path: Path) -> None:
    notebook = notebook_files.read(path)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert not notebook["metadata"].get("papermill")
    for cell in notebook["cells"]:
        assert not adopt_outputs.ABSOLUTE.search(text_of(cell["source"]))
        assert "widgets" not in cell["metadata"] and "execution" not in cell["metadata"]


def missing(source: str) -> list[str]:
    """What a source asks of the package, ``gt.part.name``, that is not there."""
    absent = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names, node = [node.attr, *names], node.value
        if isinstance(node, ast.Name) and node.id == "gt":
            found: Any = gantutor
            for name in names:
                if not isinstance(found, ModuleType):
                    break
                if not hasattr(found, name):
                    absent.append(f"gt.{'.'.join(names)}")
                    break
                found = getattr(found, name)
    return sorted(set(absent))


def test_what_the_package_lacks_is_found() -> None:
    assert missing("gt.training.run.Nothing(gt.metrics.recoil); gt.nowhere") == [
        "gt.metrics.recoil",
        "gt.nowhere",
        "gt.training.run.Nothing",
    ]


@every
def test_all_that_it_uses_of_the_package_is_there(path: Path) -> None:
    assert missing(code(notebook_files.read(path))) == []


@every
def test_its_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|attachment:)([^)#\s]+)", prose(notebook_files.read(path)))
    assert [link for link in links if not (path.parent / link).exists()] == []


@every
def test_it_closes_with_references_and_what_comes_next(path: Path) -> None:
    notebook = notebook_files.read(path)
    said = prose(notebook)
    for heading in ("Exercises", "(?:Summary|Closing)"):
        assert re.search(rf"^#+ .*{heading}", said, re.MULTILINE), heading
    last = text_of([c for c in notebook["cells"] if c["cell_type"] == "markdown"][-1]["source"])
    assert "Next" in last and re.search(r"\b(19|20)\d\d\b", last)
