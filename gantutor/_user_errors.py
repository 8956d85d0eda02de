"""Errors in the code of users: which become a sentence of ours, where they happened, how they are shown."""

from __future__ import annotations

import dis
import functools
import linecache
import os
import re
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import ParamSpec, TypeVar

import torch

from gantutor._errors import InputError, first_line

_PACKAGE = str(Path(__file__).parent) + os.sep
_LIBRARIES = (str(Path(torch.__file__).parent) + os.sep, sysconfig.get_paths()["stdlib"] + os.sep)
_INSTALLED = (sysconfig.get_paths()["purelib"] + os.sep, sysconfig.get_paths()["platlib"] + os.sep)

_MISMATCH = re.compile(
    r"\b(shapes?|sizes?|dims?|dimensions?|dtypes?|scalar types?|types?|devices?|channels?|elements|\dD|"
    r"out of (range|bounds)|broadcast\w*|not implemented for|class values|expected|view)\b",
    re.IGNORECASE,
)
"""Words in the messages of torch about tensors that do not fit."""

_CALL = re.compile(r"takes .*argument|missing \d+ required|unexpected keyword argument|multiple values for")
"""Words in Python's own messages about a call that does not fit a signature."""

P = ParamSpec("P")
T = TypeVar("T")


def is_ours(path: str) -> bool:
    """Return whether a file belongs to this package."""
    return path.startswith(_PACKAGE)


def is_library(path: str) -> bool:
    """Return whether a file belongs to torch or to Python itself."""
    in_library = path.startswith(_LIBRARIES) and not path.startswith(_INSTALLED)
    return path.startswith(_LIBRARIES[0]) or in_library or path.startswith("<frozen")


def is_mismatch(error: BaseException) -> bool:
    """Return whether an error says that tensors do not fit in shape, dtype, device or range, or a call its
    signature; errors that the user's code raises itself do not count.

    Args:
        error: with its traceback.

    >>> def forward(x): return x @ torch.ones(3, 1)
    >>> try: forward(torch.ones(1, 2))
    ... except RuntimeError as error: is_mismatch(error)
    True
    """
    frames = _frames(error.__traceback__)
    innermost = frames[-1] if frames else None
    path = innermost[0].f_code.co_filename if innermost else ""
    in_user_code = innermost is not None and not is_ours(path) and not is_library(path)
    if isinstance(error, TypeError):
        return bool(_CALL.search(str(error))) and not in_user_code
    if not isinstance(error, RuntimeError | ValueError | IndexError):
        return False
    if innermost is not None and in_user_code and _is_raise(*innermost):
        return False
    return bool(_MISMATCH.search(str(error)))


def _frames(part: TracebackType | None) -> list[tuple[FrameType, TracebackType]]:
    """The frames of a traceback with the part of it that belongs to each, the outermost first."""
    frames = []
    while part is not None:
        frames.append((part.tb_frame, part))
        part = part.tb_next
    return frames


def _is_raise(frame: FrameType, part: TracebackType) -> bool:
    """Whether the instruction that failed is ``raise`` itself."""
    code = frame.f_code.co_code
    return dis.opname[code[part.tb_lasti]] in ("RAISE_VARARGS", "RERAISE")


def user_location(error: BaseException) -> str:
    """Return where in the user's code an error happened, to end a sentence with, or an empty string.

    Args:
        error: with its traceback.
    """
    for frame, part in reversed(_frames(error.__traceback__)):
        path, line = frame.f_code.co_filename, part.tb_lineno
        if is_ours(path) or is_library(path) or path.startswith(_INSTALLED):
            continue
        code = linecache.getline(path, line, frame.f_globals).strip()
        is_cell = path.startswith("<") or "ipykernel_" in path
        place = "of the cell" if is_cell else f"of {_short_path(path)}"
        return f" (line {line} {place}, in {frame.f_code.co_name}" + (f": {code})" if code else ")")
    return ""


def _short_path(path: str) -> str:
    with_working_folder = str(Path.cwd()) + os.sep
    return path.removeprefix(with_working_folder)


@contextmanager
def explain_mismatch(what: str) -> Iterator[None]:
    """Turn errors about tensors or calls that do not fit into one sentence; all others pass as they are.

    Args:
        what: what fails then, such as "the loss of the generator's turn".

    Raises:
        InputError: if shapes, dtypes, devices or calls do not fit; it names the user's line.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if is_out_of_memory(error) or not is_mismatch(error):
            raise
        raise InputError(f"{what}: {first_line(error)}{user_location(error)}") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device has no memory left.

    >>> is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    True
    >>> is_out_of_memory(RuntimeError("another"))
    False
    """
    message = str(error)
    cpu_allocation_failed = "DefaultCPUAllocator" in message and (
        "allocate memory" in message or "not enough memory" in message
    )
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or cpu_allocation_failed


def user_traceback(error: BaseException) -> str:
    """Return the traceback of an error as text, without the frames of this package.

    Args:
        error: with its traceback.
    """
    shown = None
    for frame, part in reversed(_frames(error.__traceback__)):
        if not _is_hidden(frame):
            shown = TracebackType(shown, frame, part.tb_lasti, part.tb_lineno)
    return "".join(traceback.format_exception(type(error), error, shown)).strip()


def own_traceback(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function whose tracebacks show the user's code without the frames of this package between.

    Errors of the package itself keep their whole traceback.

    Args:
        function: a public function that calls networks, losses and data of the user.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if error.__cause__ is not None:
                error.__cause__.__traceback__ = _shortened(error.__cause__.__traceback__)
            error.__traceback__ = _shortened(error.__traceback__)
            raise

    return call


def _shortened(whole: TracebackType | None) -> TracebackType | None:
    """A traceback without our frames, if the user's code is inside them."""
    frames = _frames(whole)
    outer = [index for index, (frame, _) in enumerate(frames) if is_ours(frame.f_code.co_filename)]
    if not outer:
        return whole
    inside = [part for frame, part in frames[outer[-1] + 1 :] if not is_library(frame.f_code.co_filename)]
    if not inside:
        return whole
    shown = [part for frame, part in frames[outer[0] :] if not _is_hidden(frame)]
    shortened = None
    for part in reversed(shown):
        shortened = TracebackType(shortened, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return shortened


def _is_hidden(frame: FrameType) -> bool:
    """Whether a frame is ours, or one of those with which torch calls a module."""
    path, name = frame.f_code.co_filename, frame.f_code.co_name
    call_of_module = name in ("_call_impl", "_wrapped_call_impl", "_conv_forward", "decorate_context")
    return is_ours(path) or path.endswith("contextlib.py") or (call_of_module and is_library(path))


def warn(message: str) -> None:
    """Warn of what may be a mistake, at the line of the user's code that called the package.

    Args:
        message: one sentence.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and (is_ours(path := frame.f_code.co_filename) or is_library(path)):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level + 1)
