"""The diagnosis: the doctor's report on one illness."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill


@dataclass(frozen=True)
class Diagnosis:
    """One illness of a run, with evidence, likely cause and advice; ``print`` shows all of them.

    Args:
        illness: its name, one of ``ILLNESSES``.
        step: the training step at which it was first seen.
        evidence: the numbers that were measured, beside those of a healthy run.
        cause: the likely cause.
        advice: what to try.

    >>> print(Diagnosis("oscillation", 1200, "The mean moves 4 spreads.", "No penalty.", "r1=0.1."))
    Oscillation, first seen at step 1,200
      evidence      The mean moves 4 spreads.
      likely cause  No penalty.
      try           r1=0.1.
    """

    illness: str
    step: int
    evidence: str
    cause: str
    advice: str

    def __str__(self) -> str:
        name = self.illness[0].upper() + self.illness[1:]
        entries = {"evidence": self.evidence, "likely cause": self.cause, "try": self.advice}
        lines = "\n".join(
            fill(text, 88, initial_indent=f"  {title:12}  ", subsequent_indent=" " * 16)
            for title, text in entries.items()
        )
        return f"{name}, first seen at step {self.step:,}\n{lines}"
