"""An exercise: its question, hints, solution, check, and the wrong answers that the check must tell apart."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gantutor.exercises.judging import Check, Unanswered, Wrong, describe, fair_start
from gantutor.exercises.showing import Reply


def source(function: Callable[..., Any]) -> str:
    """The code of a function, without the remarks in it that are meant for tools."""
    return re.sub(r"  # (type|fmt|noqa)\b.*", "", inspect.getsource(function)).rstrip()


@dataclass(frozen=True)
class Exercise:
    """``check(answer)`` returns where the answer is right and raises Wrong, with what is wrong, elsewhere.

    ``solution`` is an answer that passes; where it is a value, ``working`` may be the function that computes
    it. ``wrong`` holds known wrong answers, each with a part of what the check must say of it. ``shown`` are
    functions printed with the question: the code in which to find the bug.
    """

    number: str
    title: str
    question: str
    hints: tuple[str, ...]
    solution: Any
    why: str
    check: Check
    wrong: tuple[tuple[Any, str], ...]
    shown: tuple[Callable[..., Any], ...] = ()
    working: Callable[[], Any] | None = None

    @property
    def solution_source(self) -> str:
        """The code of the solution itself, or of the function that computes it."""
        function = self.working or self.solution
        return source(function) if inspect.isfunction(function) else f"answer = {function!r}"

    @property
    def shown_source(self) -> str:
        """The code that belongs to the question; empty where there is none."""
        return "\n\n\n".join(source(function) for function in self.shown)

    def judge(self, answer: Any) -> Reply:
        """What there is to say of an answer; nothing is raised, whatever the answer, and nothing is kept."""
        try:
            if answer is ...:
                raise Unanswered
            with fair_start():
                self.check(answer)
        except Unanswered:
            return Reply(self.number, self.title, "open", f'hint("{self.number}") helps to begin.')
        except Wrong as wrong:
            return Reply(self.number, self.title, "wrong", str(wrong))
        except Exception as error:
            problem = (
                f"could not be read: it is {describe(answer)}, and using it raised {type(error).__name__}."
            )
            return Reply(self.number, self.title, "wrong", f"This answer {problem}")
        return Reply(self.number, self.title, "right", self.why)
