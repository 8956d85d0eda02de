"""What the doctor tells at the end: in words, and as a table for a page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs


def unseen(history: Sequence[Signs]) -> list[str]:
    """What was not looked for, each with its reason."""
    if not history or all(signs.broken for signs in history):
        return []

    def never(*names: str) -> bool:
        return all(getattr(signs, name) in (None, {}) for signs in history for name in names)

    missing = []
    if never("size"):
        missing.append("anything but learning rates and divergence (it found no generator it could call)")
    else:
        if never("variety"):
            missing.append("collapse, range, oscillation and whether the samples are far off (give data=)")
        if never("separation"):
            missing.append(
                "the discriminator's strength (give data= with the conditions of the game, "
                "and call the network discriminator)"
            )
        elif never("remembered"):
            missing.append("discriminator overfitting (give held_out=)")
    return missing


def as_text(history: Sequence[Signs], diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> str:
    """The whole report as text.

    >>> print(as_text([], [], []))
    No examination yet.
    """
    if not history:
        return "No examination yet."
    told = headline(history, diagnoses, present)
    for diagnosis in _in_order(diagnoses, present):
        gone = "" if diagnosis in present else "\n  not seen any more at the last examination"
        told += f"\n\n{diagnosis}{gone}"
    missing = unseen(history)
    return told + (f"{_gap(diagnoses)}Not looked for: {'; '.join(missing)}." if missing else "")


def as_html(history: Sequence[Signs], diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> str:
    """The whole report as HTML: a table with a row for each illness."""
    if not history:
        return "<p>No examination yet.</p>"
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left'>{html.escape(each.illness)}"
        f"{'' if each in present else ' (past)'}</th><td style='text-align:right'>{each.step:,}</td>"
        + "".join(
            f"<td style='text-align:left'>{html.escape(text)}</td>"
            for text in (each.evidence, each.cause, each.advice)
        )
        + "</tr>"
        for each in _in_order(diagnoses, present)
    )
    titles = "".join(
        f"<th scope='col'>{t}</th>" for t in ("illness", "first step", "evidence", "likely cause", "try")
    )
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    missing = unseen(history)
    left = f"<p>Not looked for: {html.escape('; '.join(missing))}.</p>" if missing else ""
    return f"<p>{html.escape(headline(history, diagnoses, present))}</p>{table}{left}"


def headline(history: Sequence[Signs], diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> str:
    """The first sentence."""
    looked = f"{len(history)} examination{'' if len(history) == 1 else 's'}"
    if not diagnoses:
        return f"Nothing wrong found in {looked}."
    names = ", ".join(each.illness for each in present)
    return f"Found in {looked}: {names}." if names else f"Nothing wrong at the last of {looked}."


def _in_order(diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> list[Diagnosis]:
    """Those that are present, causes first, then the past ones."""
    return [*present, *(each for each in diagnoses if each not in present)]


def _gap(diagnoses: Sequence[Diagnosis]) -> str:
    return "\n\n" if diagnoses else " "
