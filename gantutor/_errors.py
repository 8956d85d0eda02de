"""The package's own errors: each message is one sentence that says what was wrong and what is allowed."""

from __future__ import annotations

from typing import Any


class _OneSentence:
    """Shows only its sentence in a notebook, where a traceback through the package would help nobody."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class InputError(_OneSentence, ValueError):
    """Something given to the package cannot be used: a parameter, a file, a tensor, a network.

    >>> raise InputError("steps must be a positive whole number, not -3")
    Traceback (most recent call last):
    ...
    gantutor.InputError: steps must be a positive whole number, not -3
    """

    def __init__(self, message: str) -> None:
        lines = (line.strip() for line in message.split("\n"))  # an array is shown on several
        super().__init__(" ".join(lines) if "\n" in message else message)


class DataUnavailable(_OneSentence, RuntimeError):  # noqa: N818
    """A data set cannot be had here: a package or a network connection is missing."""


class TrainingDiverged(_OneSentence, RuntimeError):  # noqa: N818
    """A loss or a network stopped being finite; ``run`` holds everything up to the last good moment."""

    def __init__(self, message: str, run: Any) -> None:
        super().__init__(message)
        self.run = run


class ProcessLost(_OneSentence, RuntimeError):  # noqa: N818
    """A process of a training over several ended before the training was done."""


class OutOfMemory(_OneSentence, RuntimeError):  # noqa: N818
    """A device has too little memory; ``run`` holds the training so far, or None where it had not begun."""

    def __init__(self, message: str, run: Any = None) -> None:
        super().__init__(message)
        self.run = run


def type_name(value: object) -> str:
    """What a value is, in a word: the name of its type, and None for None.

    >>> type_name([1, 2]), type_name(None)
    ('list', 'None')
    """
    return "None" if value is None else type(value).__name__


def first_line(error: BaseException) -> str:
    """The first line of what an error of torch says, to be made part of a sentence.

    >>> first_line(ValueError("no such label\\nException raised from somewhere"))
    'no such label'
    """
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


for _error in (InputError, DataUnavailable, TrainingDiverged, ProcessLost, OutOfMemory):
    _error.__module__ = "gantutor"  # as a traceback names them, and as one imports them
