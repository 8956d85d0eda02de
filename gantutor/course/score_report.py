"""Tables of the scores that executed notebooks recorded in their outputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gantutor._checks import check_path
from gantutor._errors import InputError
from gantutor.metrics import MIME


@dataclass(frozen=True)
class NotebookScores:
    """The scores that one notebook recorded.

    Args:
        name: the notebook's file name without its ending.
        scores: by name, each a dict with ``"value"``, ``"floor"`` (the score of real data), ``"unit"`` and
            ``"better"``.
        seconds: the time of the whole notebook under ``"notebook"``, where it is known, and the times of
            single scores under their names.
    """

    name: str
    scores: dict[str, dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)


def collect(folder: str | Path) -> list[NotebookScores]:
    """Return the recorded scores of the notebooks in a folder and its subfolders, ordered by name.

    Only direct subfolders are searched. Notebooks without scores are left out, and so are those in a folder
    called ``outputs``.

    Args:
        folder: of executed notebooks.

    Raises:
        InputError: if there is no such folder, if it holds no notebook, or if one cannot be read.

    >>> collect("no such folder")
    Traceback (most recent call last):
    ...
    gantutor.InputError: there is no folder 'no such folder'
    """
    folder = check_path(folder, "folder")
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r}")
    paths = [*folder.glob("*.ipynb"), *folder.glob("*/*.ipynb")]
    paths = [path for path in paths if path.parent == folder or path.parent.name != "outputs"]
    paths = [path for path in paths if not path.relative_to(folder).as_posix().startswith(".")]
    if not paths:
        raise InputError(f"there is no notebook in {str(folder)!r}")
    notebooks = [read_notebook(path) for path in sorted(paths, key=lambda path: path.stem)]
    return [notebook for notebook in notebooks if notebook.scores]


def read_notebook(path: Path) -> NotebookScores:
    """Return the scores that one notebook recorded; if a name was recorded twice, the later one counts.

    Args:
        path: of the executed notebook.

    Raises:
        InputError: if the file cannot be read as a notebook.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = content["cells"]
        metadata = content.get("metadata", {})
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        scores: dict[str, dict[str, Any]] = {}
        seconds: dict[str, float] = {}
        for output in outputs:
            if MIME in output.get("data", {}):
                scores.update(output["data"][MIME])
                seconds.update(output.get("metadata", {}).get("gantutor", {}).get("seconds", {}))
        duration = metadata.get("papermill", {}).get("duration") or metadata.get("gantutor", {}).get(
            "seconds"
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} cannot be read as a notebook") from None
    if duration is not None:
        seconds["notebook"] = float(duration)
    return NotebookScores(path.stem, scores, seconds)


def as_json(notebooks: Sequence[NotebookScores]) -> dict[str, Any]:
    """Return the scores as one dict: notebook → ``{"scores": …, "seconds": …}``.

    Args:
        notebooks: what ``collect`` returns.

    >>> as_json([NotebookScores("01", {"modes": {"value": 8}}, {"notebook": 60.0})])
    {'01': {'scores': {'modes': {'value': 8}}, 'seconds': {'notebook': 60.0}}}
    """
    return {notebook.name: {"scores": notebook.scores, "seconds": notebook.seconds} for notebook in notebooks}


def as_markdown(notebooks: Sequence[NotebookScores]) -> str:
    """Return the scores as a markdown table, with each notebook's time in its first row.

    Args:
        notebooks: what ``collect`` returns.

    >>> scores = {"digit_fid": {"value": 1.5, "floor": 0.5, "unit": "distance", "better": "lower"}}
    >>> print(as_markdown([NotebookScores("03", scores, {"notebook": 310.4})]))
    | notebook | score     | value | real data | × real | unit     | better | seconds |
    | -------- | --------- | ----- | --------- | ------ | -------- | ------ | ------- |
    | 03       | digit_fid | 1.5   | 0.5       | 3.0    | distance | lower  | 310     |
    """
    rows = [("notebook", "score", "value", "real data", "× real", "unit", "better", "seconds")]
    for notebook in notebooks:
        seconds = f"{notebook.seconds['notebook']:.0f}" if "notebook" in notebook.seconds else ""
        name = notebook.name
        for score, entry in notebook.scores.items():
            value, real = entry.get("value"), entry.get("floor")
            columns = (format_number(value), format_number(real), _multiple(value, real))
            words = (str(entry.get("unit", "")).replace("|", "\\|"), str(entry.get("better", "")))
            rows.append((name, score, *columns, *words, seconds))
            name = seconds = ""
    return as_table(rows)


def as_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a markdown table.

    Args:
        rows: the header first; all of the same length.

    >>> print(as_table([("score", "value"), ("modes", "8")]))
    | score | value |
    | ----- | ----- |
    | modes | 8     |
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def format_number(value: Any) -> str:
    """Return a number with four digits, anything else as its text, and None as the empty text.

    Args:
        value: a number or anything else.

    >>> format_number(0.123456), format_number(1846.2), format_number(None)
    ('0.1235', '1846', '')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:.4g}"


def _multiple(value: Any, real: Any) -> str:
    are_numbers = all(isinstance(number, (int, float)) for number in (value, real))
    return f"{value / real:.1f}" if are_numbers and real > 0 else ""
