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
    """Return a notebook as the object that its file holds.

    Args:
        path: of the notebook.
    """
    content: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return content


def write(path: Path, notebook: Notebook) -> None:
    """Write a notebook as JupyterLab does, as a whole: indented by one, keys in order, a newline at the end.

    Args:
        path: its folder is made if it is missing.
        notebook: as the file is to hold it.

    Raises:
        InputError: if nothing can be written there; what stood there before is untouched.
    """
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    with new_file(path) as fresh:
        fresh.write_text(text + "\n", encoding="utf-8")


def text_of(content: str | list[str]) -> str:
    """Return the text of a source or an output, which the format allows as one string or as a list of lines.

    Args:
        content: a string or lines with their ends.

    >>> text_of(["a\\n", "b"])
    'a\\nb'
    """
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
    """Return the SHA-256 of the code of all own cells: outputs belong to the source that has the same.

    The prose between them may be mended without a new run: no output depends on it.

    Args:
        notebook: executed or not.

    Returns:
        64 hexadecimal digits.
    """
    sources = (text_of(cell["source"]) for cell in own_code(notebook))
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def parameters(notebook: Notebook) -> dict[str, Any]:
    """Return the parameters that a notebook ran with, as far as they are plain values.

    Those of its own cell come first, then those that papermill put after it.

    Args:
        notebook: executed or not.

    Returns:
        The values by name.
    """
    found: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if is_injected(cell) or "parameters" in cell.get("metadata", {}).get("tags", []):
            for statement in ast.parse(text_of(cell["source"])).body:
                target = statement.targets[0] if isinstance(statement, ast.Assign) else None
                if isinstance(statement, ast.AnnAssign):
                    target = statement.target
                value = getattr(statement, "value", None)
                if isinstance(target, ast.Name) and value is not None:
                    try:
                        found[target.id] = ast.literal_eval(value)
                    except ValueError:  # not a plain value
                        continue
    return found
