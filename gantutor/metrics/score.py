"""A score is a number with what is needed to read it: its floor, its unit, how many samples, against what."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from gantutor._errors import InputError

MIME = "application/vnd.gantutor.scores+json"
"""The type under which a notebook records its scores in its outputs, for ``python -m gantutor scores`` to
collect."""


@dataclass(frozen=True)
class Score:
    """``value``, and ``floor``, what real data reach in the same measurement.

    ``better`` is ``"lower"`` or ``"higher"``; ``samples`` says how many were scored, ``reference`` against
    what.

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
        """The value as a multiple of the floor; infinite where the floor is 0."""
        return self.value / self.real if self.real else float("inf")

    def __str__(self) -> str:
        return (
            f"{format_number(self.value)} {self.unit} ({self.better} is better; real data {format_number(self.real)}; "
            f"{self.samples:,} samples against {self.reference})"
        )


class Scores(dict[str, Score]):
    """Scores by name; a notebook shows them as a table.

    >>> scores = Scores(recall=Score(0.8, 0.9, "share", "higher", 4000, "1,000 held-out digits"))
    >>> print(scores)
    recall: 0.8 share (higher is better; real data 0.9; 4,000 samples against 1,000 held-out digits)
    """

    def __str__(self) -> str:
        return "\n".join(f"{name}: {score}" for name, score in self.items())

    def _repr_html_(self) -> str:
        return score_table(self)

    def only(self, *names: str, **renamed: str) -> Scores:
        """Some of the scores, under their own names or, as ``new=old``, under others."""
        return Scores({name: self[name] for name in names} | {new: self[old] for new, old in renamed.items()})


def format_number(value: float) -> str:
    """A number in three significant digits, whole ones kept whole and thousands apart.

    >>> format_number(0.97625), format_number(10.956), format_number(6176.48)
    ('0.976', '11', '6,176')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def score_table(scores: Mapping[str, Score]) -> str:
    """Scores as an HTML table, one row each."""
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
    """Show the scores as a table and leave them in the notebook's outputs, where a run of the course collects
    them.

    ``seconds``, which differ from run to run, go into the output's metadata. Outside a notebook the scores
    are printed.
    """
    if not _in_notebook():
        print(Scores(scores))
        return
    from IPython.display import display

    content: dict[str, Any] = {
        name: {"value": _plain(s.value), "floor": _plain(s.real), "unit": s.unit, "better": s.better}
        for name, s in scores.items()
    }
    bundle = {MIME: content, "text/html": score_table(scores), "text/plain": str(Scores(scores))}
    display(bundle, raw=True, metadata={"gantutor": {"seconds": dict(seconds or {})}})  # type: ignore[no-untyped-call]


def _in_notebook() -> bool:
    """Whether IPython runs this; where nobody has imported it, it does not."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _plain(value: float) -> float | None:
    """Rounded to six significant digits; None for what JSON cannot hold."""
    value = float(f"{float(value):.6g}")
    return value if value == value and abs(value) != float("inf") else None
