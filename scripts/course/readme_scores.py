"""Write the table of scores in README.md from the committed notebooks, or check that it is fresh.

python scripts/course/readme_scores.py
python scripts/course/readme_scores.py --check
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gantutor._errors import InputError
from gantutor._files import new_file
from gantutor.course.score_report import as_markdown, collect

ROOT = Path(__file__).resolve().parents[2]


def insert(text: str, content: str, name: str, what: str = "the page") -> str:
    """``text`` with ``content`` between two marks; raises InputError where they are not there once each.

    >>> insert("before <!-- scores --> old <!-- /scores --> after", "new", "scores")
    'before <!-- scores -->\\nnew\\n<!-- /scores --> after'
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise InputError(f"{what} must hold {begin} and, after it, {end}, once each")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def refresh(place: Path, content: str, name: str, what: str, check: bool) -> bool:
    """Write the content between the marks of a page, or, to check, nothing; says whether it stood there."""
    old = place.read_text(encoding="utf-8")
    new = insert(old, content, name, what)
    if not check:
        with new_file(place) as fresh:
            fresh.write_text(new, encoding="utf-8")
    return old == new


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 where the table is not fresh, or 2 where the README or the notebooks cannot be used."""
    parser = argparse.ArgumentParser(description="Write the table of scores in the README, or check it.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail where the table is not fresh"
    )
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    options = parser.parse_args(arguments)
    try:
        table = as_markdown(collect(options.notebooks))
        fresh = refresh(options.readme, table, "scores", "the README", options.check)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        print("the README's scores are " + ("those of the notebooks" if fresh else "not fresh"))
    return int(options.check and not fresh)


if __name__ == "__main__":
    sys.exit(main())
