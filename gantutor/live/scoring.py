"""Scores at chosen moments of a training that is running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gantutor.errors import InputError
from gantutor.loop import Callback
from gantutor.metrics import Scores, digit_scores
from gantutor.run import Run


class Scoring(Callback):
    """Scores the averaged generator after each of the ``steps``; ``moments`` holds (step, seconds of
    training, scores).

    The clock of the training stands still while a score is computed.

    >>> Scoring(None, steps=[100, 200]).moments
    []
    """

    def __init__(
        self,
        reference: Any,
        steps: Sequence[int],
        samples: int | None = None,
        score: Callable[..., Scores] = digit_scores,
    ) -> None:
        if not all(isinstance(step, int) and not isinstance(step, bool) and step >= 0 for step in steps):
            raise InputError(f"steps must be whole numbers of at least 0, not {list(steps)!r}")
        self.reference, self.steps, self.samples, self.score = reference, set(steps), samples, score
        self.moments: list[tuple[int, float, Scores]] = []

    def on_start(self, run: Run) -> None:
        self.on_step(run)

    def on_step(self, run: Run) -> None:
        if run.step in self.steps:
            scores = run.scores(self.reference, self.samples, self.score)
            self.moments.append((run.step, run.seconds, scores))
