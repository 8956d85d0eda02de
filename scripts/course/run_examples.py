"""Run the examples of a text: its blocks of Python, one after another, offline and in the present folder.

    python scripts/course/run_examples.py docs/guide.md

A block that begins with the name of a file, as in ``# mine.py``, is written to that file and not run. This
needs nothing but the package, so that the README's example runs where only the package is installed too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")


def examples(text: str) -> list[str]:
    """The blocks of Python in a text, each after empty lines for all that stands before it, so that an error
    names its place; raises ValueError where there is none.

    >>> examples("before\\n```python\\n1 + 1\\n```\\nafter")
    ['\\n\\n1 + 1\\n']
    """
    blocks = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found = ["\n" * text.count("\n", 0, block.start(1)) + block[1] for block in blocks]
    if not found:
        raise ValueError("the text holds no example in Python")
    return found


def file_of(code: str) -> str:
    """The name of the file that a block is to be written to; empty where it is to be run.

    >>> file_of("\\n# mine.py\\nx = 1\\n")
    'mine.py'
    """
    named = re.match(r"\n*# (\w+\.py)\n", code)
    return named[1] if named else ""


def refuse_network() -> None:
    """From here on, whatever tries to reach a network ends in an OSError."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event in NETWORK:
            raise OSError(f"the example must run without a network, and tried {event}")

    sys.addaudithook(refuse)


def main(path: str) -> None:
    """Run the examples as one script of its own, which finds the modules it writes."""
    found = examples(Path(path).read_text(encoding="utf-8"))
    sys.path.insert(0, "")
    refuse_network()
    names: dict[str, Any] = {"__name__": "__main__"}
    for code in found:
        if file := file_of(code):
            Path(file).write_text(code.lstrip("\n"), encoding="utf-8")
        else:
            exec(compile(code, path, "exec"), names)


if __name__ == "__main__":
    main(sys.argv[1])
