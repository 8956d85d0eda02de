"""Scores at chosen steps of a training while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gantutor._checks import checked, function, integer, optional
from gantutor._errors import InputError, type_name
from gantutor._random import preserve_random_state
from gantutor.metrics import Scores, digit_scores
from gantutor.training.callbacks import Callback
from gantutor.training.run import Run

Measure = Callable[[Run], Scores]
"""A function that scores a run."""


class Scoring(Callback):
    """A callback that scores a run after chosen steps.

    The clock of the training stands still while a score is computed, and the random numbers drawn for it do
    not change the training.

    Args:
        reference: held-out data, against which ``run.scores(reference, samples, score)`` scores the averaged
            generator; or a function of the run that returns ``Scores``, for series, names, sounds and others.
        steps: the steps after which to score, whole numbers of at least 0.
        samples: the number of generated samples; None is the default of ``run.scores``.
        score: the score suite, such as ``gantutor.metrics.digit_scores``.

    Raises:
        InputError: if ``steps`` is not a list of whole numbers, or if ``samples`` or ``score`` is given along
            with a function.

    Attributes:
        moments: a list of (step, seconds of training, scores).

    >>> Scoring(None, steps=[100, 200]).moments
    []
    >>> scoring = Scoring(lambda run: Scores(), steps=[0])
    """

    keeps_random_state = True

    @checked(samples=optional(integer(1)), score=function())
    def __init__(
        self,
        reference: Any,
        steps: Sequence[int],
        samples: int | None = None,
        score: Callable[..., Scores] = digit_scores,
    ) -> None:
        if not isinstance(steps, list | tuple | range | set):
            raise InputError(f"steps must be a list of whole numbers, not {type_name(steps)}")
        if not all(isinstance(step, int) and not isinstance(step, bool) and step >= 0 for step in steps):
            raise InputError(f"steps must be whole numbers of at least 0, not {list(steps)!r}")
        self.measure: Measure | None = reference if callable(reference) else None
        if self.measure is not None and (samples is not None or score is not digit_scores):
            raise InputError(
                "samples and score are only for held-out data: a function of the run has no use for them"
            )
        self.reference, self.steps, self.samples, self.score = reference, set(steps), samples, score
        self.moments: list[tuple[int, float, Scores]] = []

    def on_start(self, run: Run) -> None:
        """Score the run at the step it starts from, if that is one of the steps."""
        self.on_step(run)

    def on_step(self, run: Run) -> None:
        """Score the run if the present step is one of the steps."""
        if run.step in self.steps:
            with preserve_random_state(run.device):
                self.moments.append((run.step, run.seconds, self._scores(run)))

    def _scores(self, run: Run) -> Scores:
        if self.measure is None:
            return run.scores(self.reference, self.samples, self.score)
        scores = self.measure(run)
        if not isinstance(scores, dict):
            raise InputError(
                f"a measure must return Scores, a dict of Score by name, not {type_name(scores)}"
            )
        return Scores(scores)
