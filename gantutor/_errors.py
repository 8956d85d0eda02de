"""The errors of the package: each message is one sentence that says what was wrong and what is allowed."""

from __future__ import annotations

from typing import Any


class _OneSentence:
    """Shows only its message in a notebook, where a traceback through the package would not help."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class InputError(_OneSentence, ValueError):
    """An argument cannot be used: a parameter, a file, a tensor or a network.

    Args:
        message: one sentence; line breaks are removed.

    >>> raise InputError("steps must be a positive whole number, not -3")
    Traceback (most recent call last):
    ...
    gantutor.InputError: steps must be a positive whole number, not -3
    """

    def __init__(self, message: str) -> None:
        lines = (line.strip() for line in message.split("\n"))  # arrays are printed on several lines
        super().__init__(" ".join(lines) if "\n" in message else message)


class DataUnavailable(_OneSentence, RuntimeError):  # noqa: N818
    """A data set is not available: a package or a network connection is missing."""


class TrainingDiverged(_OneSentence, RuntimeError):  # noqa: N818
    """A loss or a network is no longer finite.

    Args:
        message: one sentence.
        run: the run, with its networks at the last step known to be finite.
    """

    def __init__(self, message: str, run: Any) -> None:
        super().__init__(message)
        self.run = run


class ProcessLost(_OneSentence, RuntimeError):  # noqa: N818
    """Another process of a distributed training ended before the training was complete."""


class OutOfMemory(_OneSentence, RuntimeError):  # noqa: N818
    """A device has too little memory.

    Args:
        message: one sentence.
        run: the training so far, or None if it had not begun.
    """

    def __init__(self, message: str, run: Any = None) -> None:
        super().__init__(message)
        self.run = run


def type_name(value: object) -> str:
    """Return the name of a value's type, and "None" for None.

    >>> type_name([1, 2]), type_name(None)
    ('list', 'None')
    """
    return "None" if value is None else type(value).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, without a full stop, to be part of a sentence.

    >>> first_line(ValueError("no such label\\nException raised from somewhere"))
    'no such label'
    """
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


for _error in (InputError, DataUnavailable, TrainingDiverged, ProcessLost, OutOfMemory):
    _error.__module__ = "gantutor"  # the name in tracebacks is the one that users import
