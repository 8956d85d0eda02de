"""Scores at chosen moments of a training that is running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gantutor._checks import function, integer, optional, validate
from gantutor._errors import InputError, type_name
from gantutor.metrics import Scores, digit_scores
from gantutor.training.callbacks import Callback
from gantutor.training.run import Run

Measure = Callable[[Run], Scores]
"""Scores a run in a way of its own."""


class Scoring(Callback):
    """Scores a run after each of the ``steps``; ``moments`` holds (step, seconds of training, scores).

    ``reference`` is held-out data: the averaged generator is scored against it by ``score``, as
    ``run.scores(reference, samples, score)`` does. Or it is a function of the run that returns ``Scores``,
    for series, names, sounds and whatever else. The clock of the training stands still while a score is
    computed, and random numbers drawn for it change nothing. Raises InputError for steps that are no whole
    numbers, or a function beside which ``samples`` or ``score`` are given.

    >>> Scoring(None, steps=[100, 200]).moments
    []
    >>> scoring = Scoring(lambda run: Scores(), steps=[0])
    """

    def __init__(
        self,
        reference: Any,
        steps: Sequence[int],
        samples: int | None = None,
        score: Callable[..., Scores] = digit_scores,
    ) -> None:
        if not isinstance(steps, list | tuple | range | set):
            raise InputError(f"steps must be a list of whole numbers, not {type_name(steps)}")
        validate({"samples": samples, "score": score}, samples=optional(integer(1)), score=function())
        if not all(isinstance(step, int) and not isinstance(step, bool) and step >= 0 for step in steps):
            raise InputError(f"steps must be whole numbers of at least 0, not {list(steps)!r}")
        self.measure: Measure | None = reference if callable(reference) else None
        if self.measure is not None and (samples is not None or score is not digit_scores):
            raise InputError(
                "samples and score must go with held-out data: a function of the run decides alone"
            )
        self.reference, self.steps, self.samples, self.score = reference, set(steps), samples, score
        self.moments: list[tuple[int, float, Scores]] = []

    def on_start(self, run: Run) -> None:
        self.on_step(run)

    def on_step(self, run: Run) -> None:
        if run.step in self.steps:
            self.moments.append((run.step, run.seconds, self._scores(run)))

    def _scores(self, run: Run) -> Scores:
        if self.measure is None:
            return run.scores(self.reference, self.samples, self.score)
        scores = self.measure(run)
        if not isinstance(scores, dict):
            raise InputError(f"a measure must return Scores, Score by name, not {type_name(scores)}")
        return Scores(scores)
