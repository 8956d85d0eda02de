"""Write the table of scores in README.md from the committed notebooks, or check that it is fresh.

python scripts/readme_scores.py
python scripts/readme_scores.py --check
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import notebook_files

from gantutor.collect import as_markdown, collect
from gantutor.errors import InputError

BEGIN, END = "<!-- scores -->", "<!-- /scores -->"


def insert(text: str, table: str) -> str:
    """``text`` with ``table`` between the two marks; raises InputError where they are not there once each.

    >>> insert("before <!-- scores --> old <!-- /scores --> after", "new")
    'before <!-- scores -->\\nnew\\n<!-- /scores --> after'
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise InputError(f"the README must hold {BEGIN} and, after it, {END}, once each")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 where the table is not fresh, or 2 where the README or the notebooks cannot be used."""
    parser = argparse.ArgumentParser(description="Write the table of scores in the README, or check it.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail where the table is not fresh"
    )
    parser.add_argument("--readme", type=Path, default=notebook_files.ROOT / "README.md")
    parser.add_argument("--notebooks", type=Path, default=notebook_files.ROOT / "notebooks")
    options = parser.parse_args(arguments)
    try:
        old = options.readme.read_text(encoding="utf-8")
        new = insert(old, as_markdown(collect(options.notebooks)))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        print("the README's scores are " + ("those of the notebooks" if old == new else "not fresh"))
        return int(old != new)
    options.readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
