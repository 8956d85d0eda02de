"""Files of one's own: a path or the bytes of a file, checked before anything reads it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from gantutor._errors import InputError, type_name


def open_file(source: Any, what: str, file: str, wanted: str) -> tuple[Any, str]:
    """What a reader can open, the path or the bytes as a file, and what to call it in a message.

    ``what`` it is to be, such as "recording", comes as ``file`` or its bytes; ``wanted`` is the file to name
    where there is none. Raises InputError for anything else, or a path at which there is no file.

    >>> open_file(b"RIFF", "recording", "a sound file", "a sound file")[1]
    'the recording'
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(bytes(source)), f"the {what}"
    if not isinstance(source, str | Path):
        raise InputError(f"a {what} must be the path of {file} or its bytes, not {type_name(source)}")
    path = Path(source)
    if not path.is_file():
        raise InputError(f"there is no file {str(source)!r}: give the path of {wanted}")
    return path, path.name
