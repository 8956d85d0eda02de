"""``python -m gantutor``: is everything here? ``python -m gantutor scores FOLDER``: what was scored?"""

from __future__ import annotations

import argparse
import sys

from gantutor.collect import as_markdown, collect
from gantutor.environment import environment_report
from gantutor.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, 1 where something needed is missing, 2 where the input cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m gantutor",
        description="Without a command: say whether everything the course needs is here.",
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    scores = commands.add_parser(
        "scores", help="the scores that the notebooks of a folder recorded, as one table"
    )
    scores.add_argument("folder", metavar="FOLDER", help="a folder of executed notebooks")
    given = parser.parse_args(arguments)
    if given.command == "scores":
        try:
            found = collect(given.folder)
        except InputError as error:
            print(error, file=sys.stderr)
            return 2
        print(as_markdown(found) if found else f"the notebooks in {given.folder!r} have recorded no scores")
        return 0
    report = environment_report()
    print(report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
