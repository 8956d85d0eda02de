"""Run the example of a README in the present folder, with the network out of reach.

    python scripts/readme_example.py README.md

It needs nothing but the package, so that it also runs where only the package is installed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")


def example(text: str) -> str:
    """The one block of Python in a README; raises ValueError where there is none, or more than one.

    >>> example("before\\n```python\\n1 + 1\\n```\\nafter")
    '1 + 1\\n'
    """
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        raise ValueError(f"a README must hold one example in Python, and this one holds {len(blocks)}")
    return blocks[0]


def refuse_network() -> None:
    """From here on, whatever tries to reach a network ends in an OSError."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event in NETWORK:
            raise OSError(f"the example must run without a network, and tried {event}")

    sys.addaudithook(refuse)


def main(readme: str) -> None:
    """Run the example as a script of its own."""
    code = compile(example(Path(readme).read_text(encoding="utf-8")), readme, "exec")
    refuse_network()
    exec(code, {"__name__": "__main__"})


if __name__ == "__main__":
    main(sys.argv[1])
