"""A certificate of progress counts what was solved, claims nothing else, and is written as a whole."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gantutor._errors import InputError
from gantutor.course.commands import certificate as module
from gantutor.course.commands.certificate import Certificate, titles_of
from gantutor.course.exercises import numbers

ROOT = Path(__file__).resolve().parents[4]
EXERCISES = ["01.1", "01.2", "02.1", "02.2", "02.3"]


def certificate(*solved: str, name: str = "Ada Lovelace", **change: object) -> Certificate:
    titles = {"01": "01 Concepts", "02": "02 A GAN & its loop"}
    given = {"exercises": EXERCISES, "titles": titles, "version": "1.0.0", "on": date(2026, 12, 1)}
    return Certificate(name=name, solved=set(solved), **(given | change))  # type: ignore[arg-type]


class Text(HTMLParser):
    """The text of each element that is open when it comes, and every attribute of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_it_counts_exercises_and_complete_notebooks() -> None:
    assert certificate().summary == "0 of 5 exercises solved; 0 of 2 notebooks complete"
    assert certificate("01.1", "02.3").summary == "2 of 5 exercises solved; 0 of 2 notebooks complete"
    assert certificate(*EXERCISES).summary == "5 of 5 exercises solved; 2 of 2 notebooks complete"


def test_what_is_no_exercise_of_the_course_does_not_count() -> None:
    assert certificate("01.1", "77.1").summary.startswith("1 of 5 ")
    assert "77" not in certificate("77.1").as_html() + certificate("77.1").as_text()


def test_the_text_has_a_line_for_each_notebook() -> None:
    lines = certificate("01.1", "01.2", "02.2").as_text().splitlines()
    assert re.fullmatch(r"  01 Concepts +✓✓ +2 of 2", lines[7])
    assert re.fullmatch(r"  02 A GAN & its loop +·✓· +1 of 3", lines[8])
    assert {"Name:     Ada Lovelace", "Course:   GANTutor 1.0.0", "Date:     2026-12-01"} <= set(lines)
    assert max(map(len, lines)) <= 100


def test_the_page_says_the_same_and_needs_no_other_file() -> None:
    page = certificate("01.1", "01.2", "02.2").as_html()
    text = Text(page)
    said = " ".join(" ".join(text.words).split())
    for words in ("Ada Lovelace", "3 of 5 exercises solved", "1 of 2 notebooks complete", "GANTutor 1.0.0"):
        assert words in said
    assert module.STATEMENT in said and "2026-12-01" in said
    assert page.count('class="solved"') == 3 and page.count('class="open"') == 2
    assert not {"src", "href"} & {name for name, _ in text.attributes} and "<script" not in page
    assert "url(" not in page and "@import" not in page


@pytest.mark.parametrize("name", ["<b>Ada</b>", "Ada & Bo", '"Ada"', "{name} {0}", "阿达", "Ada" * 26])
def test_any_name_is_shown_as_it_is_written(name: str) -> None:
    text = Text(certificate("01.1", name=name).as_html())
    assert text.words.count(name) == 1 and f"Name:     {name}" in certificate("01.1", name=name).as_text()


def test_both_forms_are_written_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = certificate("01.1")
    paths = first.write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["certificate.html", "certificate.txt"]
    assert paths[0].read_text(encoding="utf-8") == first.as_html()
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["certificate.html", "certificate.txt"]

    def no_room(self: Path, *text: str, **options: str) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_room)
    with pytest.raises(InputError, match="No space left"):
        certificate(*EXERCISES).write(tmp_path / "new" / "folder")
    assert paths[0].read_text(encoding="utf-8") == first.as_html()
    assert len(list(paths[0].parent.iterdir())) == 2


def test_the_notebooks_of_the_course_have_titles() -> None:
    titles = titles_of(ROOT / "notebooks")
    assert set(titles) == {number[:2] for number in numbers()}
    whole = certificate(*numbers(), exercises=numbers(), titles=titles)
    count = len(numbers())
    assert whole.summary.startswith(f"{count} of {count} exercises solved; {len(titles)} of {len(titles)} ")


def test_a_notebook_without_a_title_is_called_by_its_number() -> None:
    assert certificate("01.1", titles={}).title("01") == "01 Notebook"
