"""The doctor's report, as text and as an HTML table."""

from __future__ import annotations

import html
from collections.abc import Sequence

from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.signs import Signs


def missing_checks(history: Sequence[Signs]) -> list[str]:
    """Return what was not checked, each with the reason, in words for the report.

    Args:
        history: all signs of the run.

    >>> missing_checks([])
    []
    """
    if not history or all(signs.not_finite for signs in history):
        return []

    def never(*names: str) -> bool:
        return all(getattr(signs, name) in (None, {}) for signs in history for name in names)

    missing = []
    if never("max_abs"):
        missing.append(
            "everything except learning rates and divergence (no generator was found that can be called)"
        )
    else:
        if never("variety"):
            missing.append("mode collapse, range, oscillation, and the distance from the data (pass data=)")
        if never("separation"):
            missing.append(
                "the discriminator's strength (pass data= with the conditions of the game, "
                "and name the network discriminator)"
            )
        elif never("memorised"):
            missing.append("discriminator overfitting (pass held_out=)")
    return missing


def as_text(history: Sequence[Signs], diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> str:
    """Return the report as text.

    Args:
        history: all signs of the run.
        diagnoses: everything that was diagnosed, in the order in which it was first seen.
        present: the diagnoses that the last examination still made, causes first.

    >>> print(as_text([], [], []))
    No examination yet.
    """
    if not history:
        return "No examination yet."
    report = headline(history, diagnoses, present)
    for diagnosis in _in_order(diagnoses, present):
        ending = "" if diagnosis in present else "\n  no longer found at the last examination"
        report += f"\n\n{diagnosis}{ending}"
    missing = missing_checks(history)
    return report + (f"{_separator(diagnoses)}Not checked: {'; '.join(missing)}." if missing else "")


def as_html(history: Sequence[Signs], diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> str:
    """Return the report as HTML, a table with a row for each illness.

    Args:
        history: all signs of the run.
        diagnoses: everything that was diagnosed, in the order in which it was first seen.
        present: the diagnoses that the last examination still made, causes first.

    >>> as_html([], [], [])
    '<p>No examination yet.</p>'
    """
    if not history:
        return "<p>No examination yet.</p>"
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left'>{html.escape(diagnosis.illness)}"
        f"{'' if diagnosis in present else ' (past)'}</th>"
        f"<td style='text-align:right'>{diagnosis.step:,}</td>"
        + "".join(
            f"<td style='text-align:left'>{html.escape(text)}</td>"
            for text in (diagnosis.evidence, diagnosis.cause, diagnosis.advice)
        )
        + "</tr>"
        for diagnosis in _in_order(diagnoses, present)
    )
    titles = "".join(
        f"<th scope='col'>{title}</th>"
        for title in ("illness", "first step", "evidence", "likely cause", "try")
    )
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    missing = missing_checks(history)
    footer = f"<p>Not checked: {html.escape('; '.join(missing))}.</p>" if missing else ""
    return f"<p>{html.escape(headline(history, diagnoses, present))}</p>{table}{footer}"


def headline(history: Sequence[Signs], diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> str:
    """Return the first sentence of the report.

    Args:
        history: all signs of the run, at least one.
        diagnoses: everything that was diagnosed.
        present: the diagnoses that the last examination still made, causes first.

    >>> headline([Signs(1, 1.0)], [], [])
    'Nothing wrong found in 1 examination.'
    """
    examinations = f"{len(history)} examination{'' if len(history) == 1 else 's'}"
    if not diagnoses:
        return f"Nothing wrong found in {examinations}."
    names = ", ".join(diagnosis.illness for diagnosis in present)
    return f"Found in {examinations}: {names}." if names else f"Nothing wrong at the last of {examinations}."


def _in_order(diagnoses: Sequence[Diagnosis], present: Sequence[Diagnosis]) -> list[Diagnosis]:
    """The present diagnoses, causes first, then the past ones."""
    return [*present, *(diagnosis for diagnosis in diagnoses if diagnosis not in present)]


def _separator(diagnoses: Sequence[Diagnosis]) -> str:
    return "\n\n" if diagnoses else " "
