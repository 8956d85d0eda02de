"""Scores: numbers with their unit, direction and the value of real data in the same measurement."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from gantutor._errors import InputError

MIME = "application/vnd.gantutor.scores+json"
"""The MIME type of the scores in a notebook's outputs, which ``python -m gantutor scores`` collects."""


@dataclass(frozen=True)
class Score:
    """One measured number, with all that is needed to read it.

    Args:
        value: the score of the generated samples.
        real: the real-data value, which real data reach in the same measurement.
        unit: what the number is, such as ``"nats"`` or ``"share"``.
        better: ``"lower"`` or ``"higher"``.
        samples: how many samples were scored.
        reference: what they were scored against, in words.

    Raises:
        InputError: if ``better`` is neither ``"lower"`` nor ``"higher"``.

    >>> print(Score(1.2, 0.4, "Fréchet distance", "lower", 4000, "1,000 held-out digits"))
    1.2 Fréchet distance (lower is better; real data 0.4; 4,000 samples against 1,000 held-out digits)
    """

    value: float
    real: float
    unit: str
    better: str
    samples: int
    reference: str

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher"):
            raise InputError(f"better must be 'lower' or 'higher', not {self.better!r}")

    @property
    def multiple(self) -> float:
        """The value divided by the real-data value; infinite where the latter is 0."""
        return self.value / self.real if self.real else float("inf")

    def __str__(self) -> str:
        return (
            f"{format_number(self.value)} {self.unit} ({self.better} is better; "
            f"real data {format_number(self.real)}; {self.samples:,} samples against {self.reference})"
        )


class Scores(dict[str, Score]):
    """A dictionary of scores by name, which a notebook shows as a table.

    >>> scores = Scores(recall=Score(0.8, 0.9, "share", "higher", 4000, "1,000 held-out digits"))
    >>> print(scores)
    recall: 0.8 share (higher is better; real data 0.9; 4,000 samples against 1,000 held-out digits)
    """

    def __str__(self) -> str:
        return "\n".join(f"{name}: {score}" for name, score in self.items())

    def _repr_html_(self) -> str:
        return score_table(self)

    def only(self, *names: str, **renamed: str) -> Scores:
        """Return some of the scores, under the same names or under new ones.

        Args:
            *names: scores that keep their name.
            **renamed: scores that get another name, as ``new_name="old_name"``.

        >>> scores = Scores(recall=Score(0.8, 0.9, "share", "higher", 4000, "1,000 held-out digits"))
        >>> list(scores.only(recall_plain="recall"))
        ['recall_plain']
        """
        return Scores({name: self[name] for name in names} | {new: self[old] for new, old in renamed.items()})


def format_number(value: float) -> str:
    """Format a number with three significant digits, or as a whole number with commas from 100 on.

    >>> format_number(0.97625), format_number(10.956), format_number(6176.48)
    ('0.976', '11', '6,176')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def score_table(scores: Mapping[str, Score]) -> str:
    """Return an HTML table of scores, one row for each.

    >>> table = score_table({"recall": Score(0.8, 0.9, "share", "higher", 4000, "1,000 held-out digits")})
    >>> table.count("<tr>")
    2
    """
    head = "".join(
        f"<th>{column}</th>"
        for column in ("score", "value", "real data", "unit", "better", "samples", "against")
    )
    rows = ""
    for name, score in scores.items():
        cells = (
            name,
            format_number(score.value),
            format_number(score.real),
            score.unit,
            score.better,
            f"{score.samples:,}",
            score.reference,
        )
        rows += (
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in cells) + "</tr>"
        )
    return f"<table><tr>{head}</tr>{rows}</table>"


def record(scores: Mapping[str, Score], seconds: Mapping[str, float] | None = None) -> None:
    """Show scores as a table and store them in the notebook's outputs.

    A run of the course collects them there. Outside a notebook the scores are printed.

    Args:
        scores: the scores by name.
        seconds: durations by name, in seconds. They differ from run to run, so they are stored in the
            output's metadata.

    >>> record({"recall": Score(0.8, 0.9, "share", "higher", 4000, "1,000 held-out digits")})
    recall: 0.8 share (higher is better; real data 0.9; 4,000 samples against 1,000 held-out digits)
    """
    if not _in_notebook():
        print(Scores(scores))
        return
    from IPython.display import display

    content: dict[str, Any] = {
        name: {
            "value": _json_number(score.value),
            "floor": _json_number(score.real),
            "unit": score.unit,
            "better": score.better,
        }
        for name, score in scores.items()
    }
    bundle = {MIME: content, "text/html": score_table(scores), "text/plain": str(Scores(scores))}
    display(bundle, raw=True, metadata={"gantutor": {"seconds": dict(seconds or {})}})  # type: ignore[no-untyped-call]


def _in_notebook() -> bool:
    """Whether this code runs in IPython, which is then imported already."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _json_number(value: float) -> float | None:
    """The value rounded to six significant digits, or None where JSON cannot hold it (NaN and infinity)."""
    value = float(f"{float(value):.6g}")
    return value if value == value and abs(value) != float("inf") else None
