"""The scores that executed notebooks recorded in their outputs, collected into one table."""

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
    """What one notebook recorded: for each name its ``value``, ``floor``, ``unit`` and ``better``.

    ``seconds`` holds the whole notebook's time under ``"notebook"`` where it is known, and those of single
    scores under their names.
    """

    name: str
    scores: dict[str, dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)


def collect(folder: str | Path) -> list[NotebookScores]:
    """The recorded scores of the notebooks in ``folder`` and in the folders just below it, ordered by name.

    Notebooks without scores are left out, and so is what lies in a folder called ``outputs``. Raises
    InputError where there is no such folder, no notebook in it, or one that cannot be read.

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
    found = [read_notebook(path) for path in sorted(paths, key=lambda path: path.stem)]
    return [notebook for notebook in found if notebook.scores]


def read_notebook(path: Path) -> NotebookScores:
    """The scores that one notebook recorded; where a name was recorded twice, the later one counts."""
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
        whole = metadata.get("papermill", {}).get("duration") or metadata.get("gantutor", {}).get("seconds")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} cannot be read as a notebook") from None
    if whole is not None:
        seconds["notebook"] = float(whole)
    return NotebookScores(path.stem, scores, seconds)


def as_json(notebooks: Sequence[NotebookScores]) -> dict[str, Any]:
    """The scores as one object: notebook → ``{"scores": …, "seconds": …}``.

    >>> as_json([NotebookScores("01", {"modes": {"value": 8}}, {"notebook": 60.0})])
    {'01': {'scores': {'modes': {'value': 8}}, 'seconds': {'notebook': 60.0}}}
    """
    return {notebook.name: {"scores": notebook.scores, "seconds": notebook.seconds} for notebook in notebooks}


def as_markdown(notebooks: Sequence[NotebookScores]) -> str:
    """The scores as a markdown table; a notebook's own seconds stand in its first row.

    >>> scores = {"digit_fid": {"value": 1.5, "floor": 0.5, "unit": "distance", "better": "lower"}}
    >>> print(as_markdown([NotebookScores("03", scores, {"notebook": 310.4})]))
    | notebook | score     | value | floor | × floor | unit     | better | seconds |
    | -------- | --------- | ----- | ----- | ------- | -------- | ------ | ------- |
    | 03       | digit_fid | 1.5   | 0.5   | 3.0     | distance | lower  | 310     |
    """
    rows = [("notebook", "score", "value", "floor", "× floor", "unit", "better", "seconds")]
    for notebook in notebooks:
        seconds = f"{notebook.seconds['notebook']:.0f}" if "notebook" in notebook.seconds else ""
        name = notebook.name
        for score, entry in notebook.scores.items():
            value, floor = entry.get("value"), entry.get("floor")
            numbers = (short(value), short(floor), _multiple(value, floor))
            words = (str(entry.get("unit", "")).replace("|", "\\|"), str(entry.get("better", "")))
            rows.append((name, score, *numbers, *words, seconds))
            name = seconds = ""
    return as_table(rows)


def as_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of words as a markdown table, the first row its head; every row has as many words.

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


def short(value: Any) -> str:
    """A number to four digits; of anything else its text, and nothing of None.

    >>> short(0.123456), short(1846.2), short(None)
    ('0.1235', '1846', '')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:.4g}"


def _multiple(value: Any, floor: Any) -> str:
    numbers = all(isinstance(part, (int, float)) for part in (value, floor))
    return f"{value / floor:.1f}" if numbers and floor > 0 else ""
