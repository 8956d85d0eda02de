"""``gantutor exercises``: the exercises of each notebook in a separate notebook, to hand out and in.

    gantutor exercises                    # all, into runs/exercises
    gantutor exercises 03 09 --out handout
    gantutor exercises --format nbgrader  # with solutions and points, for an nbgrader course

Each holds the imports of its notebook, the questions and their open cells, and no outputs. Of what the
notebook computes it holds only what a question is about, so that it runs in seconds. An answer that raises an
error does not keep the cells below it from running.
"""

from __future__ import annotations

import argparse
import ast
import copy
import re
from collections.abc import Iterable, Sequence

from gantutor._errors import InputError
from gantutor.course.commands import notebook_files
from gantutor.course.commands.course_files import course_folder, find
from gantutor.course.commands.nbgrader_format import for_nbgrader
from gantutor.course.commands.notebook_files import Cell, Notebook, text_of

ABOUT = {"09": ("counts", "means", "patients")}
"""What questions are about that no cell of theirs names: 09.4 tries a function on scores, 09.5 shows runs."""

HEADING = "## Exercises"


def sections(cells: Iterable[Cell]) -> list[Cell]:
    """The cells, where prose with several headings of the second level is taken apart before each."""
    result = []
    for cell in cells:
        parts = [text_of(cell["source"])]
        if cell["cell_type"] == "markdown":
            parts = [part.strip() for part in re.split(r"(?m)^(?=## )", parts[0]) if part.strip()]
        for count, part in enumerate(parts):
            name = cell.get("id", "") + (f"-{count}" if count else "")
            result.append({**copy.deepcopy(cell), "source": part, "id": name})
    return result


def divide(notebook: Notebook) -> tuple[list[Cell], list[Cell]]:
    """The cells above the exercises, and those of the exercises; raises InputError where there are none."""
    cells = sections(notebook_files.own_cells(notebook))
    headings = [index for index, cell in enumerate(cells) if cell["source"].startswith("## ")]
    begin = [index for index in headings if cells[index]["source"].split("\n")[0] == HEADING]
    if len(begin) != 1:
        raise InputError(f"there must be one section {HEADING!r}, not {len(begin)}")
    end = next((index for index in headings if index > begin[0]), len(cells))
    return cells[: begin[0]], cells[begin[0] : end]


# --- names --------------------------------------------------------------------------------------------------


def bound(tree: ast.AST) -> set[str]:
    """The names that a piece of code defines, those inside of its functions too.

    >>> sorted(bound(ast.parse("import torch as t\\ndef f(x): return x\\na, b = 1, 2")))
    ['a', 'b', 'f', 't', 'x']
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
    return found


def wanted(source: str) -> set[str]:
    """The names that a cell takes from those above it.

    >>> sorted(wanted("steps = steps or 3\\nmade = [g(i) for i in range(steps)]\\nmade"))
    ['g', 'range', 'steps']
    """
    found: set[str] = set()
    known: set[str] = set()
    for statement in ast.parse(source).body:
        loaded = {
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        own = bound(statement)
        if isinstance(statement, ast.Assign):  # its value is computed before its names are bound
            own = set().union(*(bound(node) for node in ast.walk(statement.value)))
        found |= loaded - own - known
        known |= bound(statement)
    return found


def needed(cells: Sequence[Cell], names: set[str]) -> list[Cell]:
    """Those of the cells that ``names`` depend on, in order."""
    found = []
    for cell in reversed(cells):
        if names & bound(ast.parse(cell["source"])):
            found.append(cell)
            names = names | wanted(cell["source"])
    return found[::-1]


def imports(source: str) -> str:
    """The import statements of a cell, unchanged."""
    chosen = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return "\n".join(ast.get_source_segment(source, node) or "" for node in chosen)


def mentioned(prose: str) -> set[str]:
    """The names in the code that a text quotes between backticks.

    >>> sorted(mentioned("Try `f(run)` on `counts, means`, not `a file` or `r1 = 100`."))
    ['counts', 'f', 'means', 'r1', 'run']
    """
    found = set()
    for code in re.findall(r"`([^`\n]+)`", prose):
        try:
            found |= {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        except SyntaxError:
            continue
    return found


# --- the notebook -------------------------------------------------------------------------------------------


def code(cell: Cell, *tags: str) -> Cell:
    """A code cell that has not been run."""
    kept = [tag for tag in cell["metadata"].get("tags", []) if tag in ("parameters", "hide-input")]
    metadata = {key: value for key, value in cell["metadata"].items() if key == "jupyter"}
    metadata |= {"tags": [*kept, *tags]}
    fresh: Cell = {**cell, "metadata": metadata, "outputs": [], "execution_count": None}
    return fresh


def markdown(name: str, source: str) -> Cell:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def preparation(above: Sequence[Cell], names: set[str]) -> list[Cell]:
    """The cell that installs what is missing, and the imports; or, where ``names`` depend on more, the
    parameters and the cells that make them."""
    codes = [cell for cell in above if cell["cell_type"] == "code"]
    install = [cell for cell in codes if "hide-input" in cell["metadata"].get("tags", [])]
    parameters, rules, *rest = (cell for cell in codes if cell not in install)
    chosen = needed(rest, names)
    cells = [code(cell) for cell in install]
    if not chosen:
        return [*cells, code({**rules, "source": imports(rules["source"])})]
    cells += [code(parameters), code(rules)]
    for cell in chosen:
        before = above[above.index(cell) - 1]
        cells += [without_links(before)] if before["cell_type"] == "markdown" else []
        cells.append(code(cell))
    return cells


def without_links(cell: Cell) -> Cell:
    """Prose whose links to other notebooks, and to other parts of this one, are words only.

    >>> without_links({"source": "As in [00](00_start.ipynb#Data), [above](#Data) and [there](https://a.org)."})
    {'source': 'As in 00, above and [there](https://a.org).'}
    """
    source = re.sub(r"\[([^\]]+)\]\((?:#|[\w.]+\.ipynb)[^)]*\)", r"\1", cell["source"])
    return {**cell, "source": source}


def remark(cell: Cell, absent: set[str], file: str) -> Cell:
    """A question that quotes what only the whole notebook has says so."""
    names = sorted(mentioned(cell["source"]) & absent)
    if not names:
        return cell
    listed = ", ".join(f"`{name}`" for name in names)
    return {**cell, "source": f"{cell['source']}\n\n*Only in the whole notebook, {file}: {listed}.*"}


def exercises_only(notebook: Notebook, stem: str) -> Notebook:
    """Return the exercises of a notebook as a notebook.

    Args:
        notebook: the whole one.
        stem: the name of its file, without its ending.

    Raises:
        InputError: if it has no section of exercises.
    """
    try:
        above, below = divide(notebook)
    except InputError as error:
        raise InputError(f"{stem}: {error}") from None
    own = [cell["source"] for cell in below if cell["cell_type"] == "code"]
    names = set(ABOUT.get(stem[:2], ())).union(*map(wanted, own))
    start = preparation(above, names)
    sources = [cell["source"] for cell in above if cell["cell_type"] == "code"]
    known = [cell["source"] for cell in start if cell["cell_type"] == "code"]
    absent = _names(sources) - _names([*known, *own])
    title = above[0]["source"].split("\n")[0].removeprefix("# ")
    opening = (
        f"# Exercises: {title}\n\n**Name:** …\n\nThe exercises of {stem}.ipynb alone. Run the first cells, "
        "answer, run all cells once more, save, and hand in this file with its outputs."
    )
    cells = [markdown("opening", opening), *start]
    for cell in below:
        if cell["cell_type"] == "code":
            cells.append(code(cell, "raises-exception"))
        else:
            cells.append(remark(without_links(cell), absent, f"{stem}.ipynb"))
    metadata = {key: notebook["metadata"][key] for key in ("kernelspec", "language_info")}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _names(sources: Iterable[str]) -> set[str]:
    return set().union(*(bound(ast.parse(source)) for source in sources))


def run(options: argparse.Namespace) -> int:
    """Write the notebooks of exercises.

    Args:
        options: of the command line.

    Returns:
        0.

    Raises:
        InputError: if a notebook has no exercises, or the folder cannot be written.
    """
    folder = options.notebooks or course_folder() / "notebooks"
    if options.out.resolve() == folder.resolve():
        raise InputError("--out must not be the folder of the notebooks")
    for path in find(folder, options.names):
        place = options.out / f"{path.stem}_exercises.ipynb"
        content = exercises_only(notebook_files.read(path), path.stem)
        if options.format == "nbgrader":
            content = for_nbgrader(content, path.name)
        notebook_files.write(place, content)
        print(f"wrote {place}", flush=True)
    return 0
