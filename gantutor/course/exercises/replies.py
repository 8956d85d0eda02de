"""What a learner sees of an exercise: replies, questions and progress, as HTML and as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from gantutor import plots

VERDICTS = {
    "right": ("✓", "Right", plots.REAL, "#FFFFFF"),
    "wrong": ("✗", "Not yet", plots.GENERATED, "#000000"),
    "open": ("○", "Not answered yet", plots.NEUTRAL, "#FFFFFF"),
}
"""Symbol, word, background and text colour of each verdict; the contrast is that of WCAG 2, level AA."""


def markup(text: str) -> str:
    """Return text as HTML: special characters are escaped, `…` becomes code, and line breaks are kept.

    Args:
        text: plain text.

    >>> markup("`a < b`")
    '<code>a &lt; b</code>'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)).replace("\n", "<br>")


def badge(verdict: str, word: str = "") -> str:
    """Return a verdict as a small coloured label with symbol and word, in HTML.

    Args:
        verdict: a key of VERDICTS.
        word: in place of the verdict's own.

    >>> "✓ Right" in badge("right")
    True
    """
    symbol, usual_word, background, colour = VERDICTS[verdict]
    style = (
        f"background-color:{background};color:{colour};padding:1px 6px;border-radius:3px;white-space:nowrap"
    )
    return f"<span style='{style}'>{symbol} {word or usual_word}</span>"


@dataclass(frozen=True, repr=False)
class Reply:
    """The reply to an answer.

    Args:
        number: of the exercise.
        title: of the exercise.
        verdict: ``"right"``, ``"wrong"`` or ``"open"`` (not answered yet).
        text: what is wrong, or why the answer is right.
        remark: whether something went wrong while progress was saved.

    >>> print(Reply("01.1", "A loss", "wrong", "That is the other one."))
    ✗ Not yet (01.1, A loss). That is the other one.
    """

    number: str
    title: str
    verdict: str
    text: str
    remark: str = ""

    def __str__(self) -> str:
        symbol, word, *_ = VERDICTS[self.verdict]
        text = f"{symbol} {word} ({self.number}, {self.title}). {self.text}"
        return f"{text}\n{self.remark}" if self.remark else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        remark = f"<br><em>{markup(self.remark)}</em>" if self.remark else ""
        heading = f"<strong>{self.number} {escape(self.title)}</strong>"
        return f"<div>{badge(self.verdict)} {heading}<br>{markup(self.text)}{remark}</div>"


@dataclass(frozen=True, repr=False)
class Note:
    """A question, a hint or a solution.

    Args:
        heading: one line.
        text: the text.
        code: the code that belongs to it; empty where there is none.

    >>> print(Note("Hint", "Think.", "x = 1"))
    Hint
    Think.
    <BLANKLINE>
    x = 1
    """

    heading: str
    text: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.heading}\n{self.text}" + (f"\n\n{self.code.rstrip()}" if self.code else "")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        pre = "<pre style='white-space:pre;overflow-x:auto;margin-top:8px'>"  # lines scroll, as in a cell
        code = f"{pre}<code>{escape(self.code.rstrip())}</code></pre>" if self.code else ""
        return f"<div><strong>{escape(self.heading)}</strong><br>{markup(self.text)}{code}</div>"


STATES = {"solved": ("right", "solved"), "tried": ("wrong", "tried"), "open": ("open", "open")}
"""Verdict and word of each state of an exercise."""


@dataclass(frozen=True, repr=False)
class Progress:
    """The states of all exercises.

    Args:
        notebooks: for each notebook, the states of its exercises by number: ``"solved"``, ``"tried"`` or
            ``"open"``.
        titles: of the exercises, by number.
        remark: whether something went wrong while progress was read.

    >>> print(Progress({"01": {"01.1": "solved", "01.2": "open"}}))
    Exercises: 1 of 2 solved.
    notebook 01: 1 of 2 solved (✓ 01.1 solved, ○ 01.2 open)
    """

    notebooks: Mapping[str, Mapping[str, str]]
    titles: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""

    @property
    def summary(self) -> str:
        """How many exercises are solved, in one sentence."""
        states = [state for notebook in self.notebooks.values() for state in notebook.values()]
        return f"Exercises: {states.count('solved')} of {len(states)} solved."

    def __str__(self) -> str:
        lines = [self.summary]
        for notebook, states in self.notebooks.items():
            exercises = ", ".join(
                f"{VERDICTS[STATES[state][0]][0]} {number} {state}" for number, state in states.items()
            )
            lines.append(f"notebook {notebook}: {_count(states)} solved ({exercises})")
        return "\n".join([*lines, self.remark] if self.remark else lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        width = max((len(states) for states in self.notebooks.values()), default=0)
        rows, style = "", "text-align:left;vertical-align:top"
        for notebook, states in self.notebooks.items():
            cells = "".join(
                f"<td style='{style}'>{number} {escape(self.titles.get(number, ''))}<br>"
                f"{badge(*STATES[state])}</td>"
                for number, state in states.items()
            )
            cells += "<td></td>" * (width - len(states))
            rows += f"<tr><th scope='row'>{notebook}</th><td>{_count(states)}</td>{cells}</tr>"
        head = f"<th scope='col'>notebook</th><th scope='col'>solved</th><th colspan='{width}'>exercises</th>"
        remark = f"<p><em>{markup(self.remark)}</em></p>" if self.remark else ""
        return f"<table><caption>{self.summary}</caption><tr>{head}</tr>{rows}</table>{remark}"


def _count(states: Mapping[str, str]) -> str:
    return f"{list(states.values()).count('solved')} of {len(states)}"
