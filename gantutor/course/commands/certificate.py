"""A certificate of progress: which exercises a learner has solved, as a page for the printer and as text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from math import cos, pi, sin
from pathlib import Path
from textwrap import wrap

from gantutor import plots
from gantutor._files import new_file
from gantutor.course.commands import notebook_files
from gantutor.course.commands.notebook_files import text_of

STATEMENT = (
    "The program gantutor ran the notebooks that were handed in again. An exercise counts as solved if its "
    "check accepted the answer in that run. Hints and solutions are open to all learners, so this page says "
    "what was solved, not how. It is not the result of an examination."
)
"""What a certificate claims, and what it does not."""


@dataclass(frozen=True)
class Certificate:
    """The exercises that one learner has solved.

    Args:
        name: of the learner.
        solved: the numbers of the exercises.
        exercises: the numbers of all exercises of the course, in order.
        titles: of the notebooks, by their two digits; those without one are called by their number.
        version: of the course.
        on: the day on which the notebooks were run again.

    >>> exercises, today = ["01.1", "01.2", "02.1"], date(2026, 12, 1)
    >>> ada = Certificate("Ada", {"01.1"}, exercises, {"01": "Concepts"}, "1.0.0", today)
    >>> ada.summary
    '1 of 3 exercises solved; 0 of 2 notebooks complete'
    """

    name: str
    solved: Collection[str]
    exercises: Sequence[str]
    titles: Mapping[str, str]
    version: str
    on: date

    @property
    def notebooks(self) -> dict[str, list[str]]:
        """The numbers of the exercises of each notebook, by its two digits."""
        grouped: dict[str, list[str]] = {}
        for number in self.exercises:
            grouped.setdefault(number[:2], []).append(number)
        return grouped

    @property
    def summary(self) -> str:
        """The totals, in a line."""
        solved = [number for number in self.exercises if number in self.solved]
        groups = self.notebooks.values()
        complete = sum(all(number in self.solved for number in group) for group in groups)
        return (
            f"{len(solved)} of {len(self.exercises)} exercises solved; "
            f"{complete} of {len(groups)} notebooks complete"
        )

    def title(self, digits: str) -> str:
        """Return the title of a notebook, which begins with its number.

        Args:
            digits: the number of the notebook.
        """
        title = self.titles.get(digits, "")
        return title if title.startswith(digits) else f"{digits} {title or 'Notebook'}"

    def as_text(self) -> str:
        """Return the certificate as plain text, with ✓ for each solved exercise."""
        rows = []
        for digits, group in self.notebooks.items():
            signs = "".join("✓" if number in self.solved else "·" for number in group)
            count = sum(number in self.solved for number in group)
            rows.append(f"  {_cut(self.title(digits), 60):<60}  {signs:<6} {count} of {len(group)}")
        return "\n".join(
            [
                "GANTutor: certificate of progress",
                "",
                f"Name:     {self.name}",
                f"Solved:   {self.summary}",
                f"Course:   GANTutor {self.version}",
                f"Date:     {self.on.isoformat()}",
                "",
                *rows,
                "",
                *wrap(STATEMENT, 96),
                "",
            ]
        )

    def as_html(self) -> str:
        """Return the certificate as a page that needs no other file and is printed on one sheet of paper."""
        rows = "\n".join(self._row(digits, group) for digits, group in self.notebooks.items())
        exercises, notebooks = self.summary.split("; ")
        return PAGE.format(
            style=STYLE,
            ring=_ring(),
            name=escape(self.name),
            exercises=exercises,
            notebooks=notebooks,
            rows=rows,
            statement=escape(STATEMENT),
            version=escape(self.version),
            day=self.on.isoformat(),
        )

    def _row(self, digits: str, group: Sequence[str]) -> str:
        marks = "".join(
            f'<span class="{"solved" if number in self.solved else "open"}">'
            f"{'✓' if number in self.solved else '·'}&#8201;{number[3:]}</span>"
            for number in group
        )
        count = sum(number in self.solved for number in group)
        words = f"{count}&nbsp;of&nbsp;{len(group)}"
        return (
            f'<tr><th scope="row">{escape(self.title(digits))}</th><td class="marks">{marks}</td>'
            f"<td>{words}</td></tr>"
        )

    def write(self, folder: Path) -> list[Path]:
        """Write both forms into a folder, each as a whole.

        Args:
            folder: is made if it is missing.

        Returns:
            The paths of ``certificate.html`` and ``certificate.txt``.

        Raises:
            InputError: if nothing can be written there; what stood there before is untouched.
        """
        content = {"certificate.html": self.as_html(), "certificate.txt": self.as_text()}
        for name, text in content.items():
            with new_file(folder / name) as fresh:
                fresh.write_text(text, encoding="utf-8")
        return [folder / name for name in content]


def titles_of(folder: Path) -> dict[str, str]:
    """Return the titles of the notebooks of a folder, by the two digits that their names begin with.

    Args:
        folder: of the notebooks.

    >>> titles_of(Path("nowhere"))
    {}
    """
    found = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        heading = text_of(notebook_files.read(path)["cells"][0]["source"]).split("\n")[0]
        found[path.name[:2]] = heading.removeprefix("# ").strip()
    return found


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _ring() -> str:
    """The ring of eight Gaussians that notebook 01 begins with, as circles of an SVG."""
    return "".join(
        f'<circle cx="{32 + 22 * cos(pi * k / 4):.1f}" cy="{32 + 22 * sin(pi * k / 4):.1f}" r="5"/>'
        for k in range(8)
    )


STYLE = """
@page { margin: 12mm; }
* { box-sizing: border-box; }
html { background: #eceff2; }
body { margin: 0; color: #1b2530; font: 14px/1.4 system-ui, "Segoe UI", Arial, sans-serif; }
main { max-width: 720px; margin: 24px auto; padding: 40px 48px; background: #fff; border: 1px solid #c9d1d9; }
header { display: flex; align-items: center; gap: 16px; }
header svg { width: 52px; height: 52px; fill: REAL; flex: none; }
header p { margin: 0; color: #4a5662; }
h1 { margin: 0; font-size: 24px; font-weight: 600; line-height: 1.2; }
.name { margin: 24px 0 4px; font-size: 30px; font-weight: 600; line-height: 1.2; overflow-wrap: anywhere; }
.total { margin: 0 0 20px; font-size: 17px; }
table { width: 100%; border-collapse: collapse; }
caption, thead th { text-align: left; font-size: 12px; font-weight: 600; color: #4a5662; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: 5px 8px 5px 0; border-bottom: 1px solid #dde3e8; text-align: left; vertical-align: top; }
tbody th { font-weight: 400; }
td:last-child, thead th:last-child { text-align: right; padding-right: 0; white-space: nowrap; }
.marks { white-space: nowrap; }
.marks span { display: inline-block; min-width: 31px; font-variant-numeric: tabular-nums; }
.solved { color: REAL; font-weight: 600; }
.open { color: #6a7580; }
.statement { margin: 20px 0; font-size: 12.5px; color: #38444f; }
dl { display: flex; gap: 40px; margin: 0; font-size: 13px; }
dt { color: #4a5662; font-size: 12px; }
dd { margin: 0; }
@media screen and (max-width: 600px) {
  main { margin: 0; padding: 24px 16px; border: 0; }
  .marks { white-space: normal; }
}
@media print {
  html { background: none; }
  main { margin: 0; padding: 0; max-width: none; border: 0; }
  .solved, header svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, .statement, dl { break-inside: avoid; }
}
""".replace("REAL", plots.REAL)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Certificate of progress: {name}</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<svg viewBox="0 0 64 64" aria-hidden="true">{ring}</svg>
<div><h1>Certificate of progress</h1><p>GANTutor, a course on generative adversarial networks</p></div>
</header>
<p class="name">{name}</p>
<p class="total">{exercises}<br>{notebooks}</p>
<table>
<caption>Exercises solved, notebook by notebook</caption>
<thead><tr>
<th scope="col">Notebook</th><th scope="col">Exercises (✓ solved)</th><th scope="col">Solved</th>
</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p class="statement">{statement}</p>
<dl>
<div><dt>Course</dt><dd>GANTutor {version}</dd></div>
<div><dt>Date</dt><dd><time datetime="{day}">{day}</time></dd></div>
</dl>
</main>
</body>
</html>
"""
