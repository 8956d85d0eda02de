"""An exercise with its question, hints, solution, check and known wrong answers."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from gantutor.course.exercises.checking import Check, Unanswered, WrongAnswer, describe, fixed_seed
from gantutor.course.exercises.replies import Reply


def source(function: Callable[..., Any]) -> str:
    """Return the code of a function as a notebook shows it, without types and without comments for tools.

    Args:
        function: defined in a file.
    """
    code = re.sub(r"  # (type|fmt|noqa)\b.*", "", inspect.getsource(function)).rstrip()
    return re.sub(r"\(\n +(.*)\n\):", r"(\1):", without_types(code))  # without types one line is enough


def without_types(code: str) -> str:
    """Return code without the types of arguments and results; everything else stays as it is.

    Args:
        code: of a function.

    >>> print(without_types("def halve(x: float = 1.0) -> float: return x / 2"))
    def halve(x = 1.0): return x / 2
    """
    raw = code.encode()  # the syntax tree counts columns in bytes
    starts = list(accumulate(map(len, raw.splitlines(keepends=True)), initial=0))
    spans = []
    for node in ast.walk(ast.parse(code)):
        mark = b":" if isinstance(node, ast.arg) else b"->"
        annotation = node.annotation if isinstance(node, ast.arg) else getattr(node, "returns", None)
        if annotation is not None:
            begin = raw.rindex(mark, 0, starts[annotation.lineno - 1] + annotation.col_offset)
            end = starts[(annotation.end_lineno or 0) - 1] + (annotation.end_col_offset or 0)
            spans.append((len(raw[:begin].rstrip()), end))
    for begin, end in sorted(spans, reverse=True):
        raw = raw[:begin] + raw[end:]
    return raw.decode()


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Args:
        number: the notebook's number, a dot, and a count from 1, such as ``"01.2"``.
        title: a few words.
        question: what is asked.
        hints: from weak to strong.
        solution: an answer that passes.
        explanation: why the solution is right.
        check: returns where the answer is right, and raises ``WrongAnswer`` elsewhere.
        wrong: known wrong answers, each with a part of what the check must say of it.
        listings: functions printed with the question, such as the code in which to find the bug.
        derivation: the function that computes the solution, where this is a value.
    """

    number: str
    title: str
    question: str
    hints: tuple[str, ...]
    solution: Any
    explanation: str
    check: Check
    wrong: tuple[tuple[Any, str], ...]
    listings: tuple[Callable[..., Any], ...] = ()
    derivation: Callable[[], Any] | None = None

    @property
    def solution_source(self) -> str:
        """The code of the solution itself, or of the function that computes it."""
        function = self.derivation or self.solution
        return source(function) if inspect.isfunction(function) else f"answer = {function!r}"

    @property
    def listings_source(self) -> str:
        """The code of the listings; empty where there are none."""
        return "\n\n\n".join(source(function) for function in self.listings)

    def grade(self, answer: Any) -> Reply:
        """Check an answer and return the reply, without saving it.

        Args:
            answer: anything; no answer raises an error.
        """
        try:
            if answer is ...:
                raise Unanswered
            with fixed_seed():
                self.check(answer)
        except Unanswered:
            advice = f'`gt.exercises.hint("{self.number}")` helps to begin.'
            return Reply(self.number, self.title, "open", advice)
        except WrongAnswer as wrong:
            return Reply(self.number, self.title, "wrong", str(wrong))
        except Exception as error:
            problem = (
                f"could not be read: it is {describe(answer)}, and using it raised {type(error).__name__}."
            )
            return Reply(self.number, self.title, "wrong", f"This answer {problem}")
        return Reply(self.number, self.title, "right", self.explanation)
