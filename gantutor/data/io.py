"""Opening the user's own files, given as a path or as bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from gantutor._errors import InputError, type_name
from gantutor._files import expand


def open_file(source: Any, kind: str, expected: str, suggestion: str) -> tuple[Any, str]:
    """Check a file that is given as a path or as bytes, and return it in a form that a decoder can open.

    Args:
        source: the path of a file, in which ``~`` stands for the home folder, or its content.
        kind: what the file holds, such as "recording", for error messages.
        expected: the kind of file to name in the message about a wrong type.
        suggestion: the file to name in the message about a path where there is no file.

    Returns:
        The path or an open binary stream, and the name of the file for error messages.

    Raises:
        InputError: if ``source`` is neither a path nor bytes, or there is no file at that path.

    >>> open_file(b"RIFF", "recording", "a sound file", "a sound file")[1]
    'the recording'
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(bytes(source)), f"the {kind}"
    if not isinstance(source, str | Path):
        raise InputError(f"a {kind} must be the path of {expected} or its bytes, not {type_name(source)}")
    path = expand(source, kind)
    if not path.is_file():
        raise InputError(f"there is no file {str(source)!r}: give the path of {suggestion}")
    return path, path.name
