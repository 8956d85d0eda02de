"""An exercise: its question, hints, solution, check, and the wrong answers that the check must tell apart."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from gantutor.course.exercises.checking import Check, Unanswered, WrongAnswer, describe, fair_start
from gantutor.course.exercises.replies import Reply


def source(function: Callable[..., Any]) -> str:
    """The code of a function as a notebook would have it: without types, and without remarks to tools."""
    code = re.sub(r"  # (type|fmt|noqa)\b.*", "", inspect.getsource(function)).rstrip()
    return re.sub(r"\(\n +(.*)\n\):", r"(\1):", without_types(code))  # without types one line is enough


def without_types(code: str) -> str:
    """Code without the types of arguments and results; all else is left as it stands.

    >>> print(without_types("def halve(x: float = 1.0) -> float: return x / 2"))
    def halve(x = 1.0): return x / 2
    """
    raw = code.encode()  # the syntax tree counts columns in bytes
    starts = list(accumulate(map(len, raw.splitlines(keepends=True)), initial=0))
    spans = []
    for node in ast.walk(ast.parse(code)):
        sign = b":" if isinstance(node, ast.arg) else b"->"
        note = node.annotation if isinstance(node, ast.arg) else getattr(node, "returns", None)
        if note is not None:
            begin = raw.rindex(sign, 0, starts[note.lineno - 1] + note.col_offset)
            end = starts[(note.end_lineno or 0) - 1] + (note.end_col_offset or 0)
            spans.append((len(raw[:begin].rstrip()), end))
    for begin, end in sorted(spans, reverse=True):
        raw = raw[:begin] + raw[end:]
    return raw.decode()


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
            help_here = f'`gt.exercises.hint("{self.number}")` helps to begin.'
            return Reply(self.number, self.title, "open", help_here)
        except WrongAnswer as wrong:
            return Reply(self.number, self.title, "wrong", str(wrong))
        except Exception as error:
            problem = (
                f"could not be read: it is {describe(answer)}, and using it raised {type(error).__name__}."
            )
            return Reply(self.number, self.title, "wrong", f"This answer {problem}")
        return Reply(self.number, self.title, "right", self.why)
