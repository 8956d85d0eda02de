"""The scores of a sweep: for each setting the median, the lowest and the highest value over its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from gantutor.course.score_report import NotebookScores, as_table, format_number

Row = dict[str, Any]
Run = tuple[Mapping[str, Any], NotebookScores | None]
"""The setting of a run (the swept parameters without the seed), and its scores."""


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Return a row for each setting and score.

    ``runs`` counts the runs that recorded a number, and ``of`` all runs of the setting. A setting without any
    score has one row without a score.

    >>> scored = [NotebookScores("02", {"modes": {"value": value, "floor": 8}}) for value in (5, 8, 7)]
    >>> row = rows_of([({"steps": 300}, scores) for scores in scored])[0]
    >>> row["setting"], row["score"], row["median"], row["lowest"], row["highest"], row["runs"]
    ({'steps': 300}, 'modes', 7, 5, 8, 3)
    """
    settings: list[Mapping[str, Any]] = []
    for setting, _ in runs:
        if setting not in settings:
            settings.append(setting)
    return [row for setting in settings for row in _rows(setting, [s for own, s in runs if own == setting])]


def _rows(setting: Mapping[str, Any], of_runs: Sequence[NotebookScores | None]) -> list[Row]:
    scored = [scores for scores in of_runs if scores is not None]
    entries: dict[str, list[Mapping[str, Any]]] = {} if any(s.scores for s in scored) else {"": [{}]}
    for scores in scored:
        for name, entry in scores.scores.items():
            entries.setdefault(name, []).append(entry)
    took = [scores.seconds["notebook"] for scores in scored if "notebook" in scores.seconds]
    rows = []
    for name, found in entries.items():
        values, real_values = (_numbers(found, key) for key in ("value", "floor"))
        numbers = {"median": _median(values), "lowest": min(values, default=None)}
        numbers |= {"highest": max(values, default=None), "floor": _median(real_values)}
        words = {key: str(found[0].get(key, "")) for key in ("unit", "better")}
        counts = {"runs": len(values), "of": len(of_runs), "seconds": _median(took)}
        rows.append({"setting": dict(setting), "score": name, **numbers, **words, **counts})
    return rows


def _numbers(entries: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """Return the numbers among the entries: a score that is not a number is recorded as None."""
    return [entry[key] for entry in entries if isinstance(entry.get(key), (int, float))]


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a markdown table.

    A setting, and the median of the seconds of its runs, are in its first row only.

    >>> scored = NotebookScores("02", {"modes": {"value": 7, "floor": 8, "better": "higher"}})
    >>> print(markdown(rows_of([({"steps": 300}, scored), ({"steps": 300}, None)])))
    | steps | score | median | lowest | highest | real data | unit | better | runs   | seconds |
    | ----- | ----- | ------ | ------ | ------- | --------- | ---- | ------ | ------ | ------- |
    | 300   | modes | 7      | 7      | 7       | 8         |      | higher | 1 of 2 |         |
    """
    names = list(dict.fromkeys(name for row in rows for name in row["setting"]))
    numbers = ["median", "lowest", "highest", "floor"]
    table = [[*names, "score", *numbers[:3], "real data", "unit", "better", "runs", "seconds"]]
    before = None
    for row in rows:
        first, before = row["setting"] != before, row["setting"]
        setting = [str(row["setting"].get(name, "")) if first else "" for name in names]
        seconds = f"{row['seconds']:.0f}" if first and row["seconds"] is not None else ""
        words = [text.replace("|", "\\|") for text in (row["unit"], row["better"])]
        counts = f"{row['runs']} of {row['of']}"
        scores = [format_number(row[key]) for key in numbers]
        table.append([*setting, row["score"], *scores, *words, counts, seconds])
    return as_table(table)
