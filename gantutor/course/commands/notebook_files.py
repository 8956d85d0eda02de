"""What the commands need to know of a notebook's file: its cells, its source, its parameters."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

from gantutor._files import new_file

Notebook = dict[str, Any]
Cell = dict[str, Any]


def read(path: Path) -> Notebook:
    """The notebook as the object its file holds."""
    content: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return content


def write(path: Path, notebook: Notebook) -> None:
    """Write it as JupyterLab does: indented by one, keys in order, a newline at the end; as a whole."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    with new_file(path) as fresh:
        fresh.write_text(text + "\n", encoding="utf-8")


def text_of(content: str | list[str]) -> str:
    """A source or an output's text, which the format allows as one string or as a list of lines."""
    return content if isinstance(content, str) else "".join(content)


def is_injected(cell: Cell) -> bool:
    """Whether papermill put this cell in: the parameters of one run."""
    return "injected-parameters" in cell.get("metadata", {}).get("tags", [])


def own_cells(notebook: Notebook) -> list[Cell]:
    """The cells that belong to the notebook itself.

    Papermill's parameters do not, nor do the banners it puts before a cell that failed.
    """
    foreign = {"injected-parameters", "papermill-error-cell-tag"}
    return [cell for cell in notebook["cells"] if not foreign & set(cell.get("metadata", {}).get("tags", []))]


def own_code(notebook: Notebook) -> list[Cell]:
    """The code cells among them."""
    return [cell for cell in own_cells(notebook) if cell["cell_type"] == "code"]


def source_hash(notebook: Notebook) -> str:
    """SHA-256 of the code of all own cells: it says whether outputs belong to the source they stand in.

    The prose between them may be mended without a new run: no output depends on it.
    """
    sources = (text_of(cell["source"]) for cell in own_code(notebook))
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def parameters(notebook: Notebook) -> dict[str, Any]:
    """The parameters that an executed notebook ran with, as far as they are plain values.

    Those of its own cell, then those that papermill put after it.
    """
    found: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if is_injected(cell) or "parameters" in cell.get("metadata", {}).get("tags", []):
            for statement in ast.parse(text_of(cell["source"])).body:
                if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                    try:
                        found[statement.targets[0].id] = ast.literal_eval(statement.value)
                    except ValueError:  # not a plain value
                        continue
    return found
