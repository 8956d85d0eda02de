"""Where the course lies, how its notebooks are found, and copies that keep what a learner has changed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from gantutor._errors import InputError
from gantutor.course.commands import course_files
from gantutor.course.commands.course_files import RECORD, copy_course, find, is_copy

ROOT = Path(__file__).resolve().parents[4]
FIRST = "notebooks/00_start_here.ipynb"


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A course of two files, which a test may change."""
    files = {FIRST: b"first", "docs/guide.md": b"guide"}
    monkeypatch.setattr(course_files, "_course_content", lambda: files)
    return files


def test_a_copy_holds_the_course_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    written, kept = copy_course(tmp_path / "my course")
    copied = {
        path.relative_to(tmp_path / "my course").as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert written == len(copied - {RECORD}) and not kept
    notebooks = {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert notebooks | {"README.md", "LICENSE", "docs/glossary.md", "images/lab.png", RECORD} <= copied
    for name in sorted(copied - {RECORD}):
        page = tmp_path / "my course" / name
        if page.suffix == ".md":
            prose = page.read_text(encoding="utf-8")
        elif page.suffix == ".ipynb":
            cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
            prose = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        else:
            continue
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", prose, flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\[[^]]*\]\((?!https?:|#|attachment:)([^)#\s]+)", prose):
            assert (page.parent / link).exists(), f"{name} links to {link}"


def test_a_second_copy_writes_nothing(tmp_path: Path, content: dict[str, bytes]) -> None:
    assert not is_copy(tmp_path)
    assert copy_course(tmp_path) == (2, []) and is_copy(tmp_path)
    assert copy_course(tmp_path) == (0, [])


def test_what_a_learner_has_changed_stays(tmp_path: Path, content: dict[str, bytes]) -> None:
    copy_course(tmp_path)
    (tmp_path / FIRST).write_bytes(b"mine")
    assert copy_course(tmp_path) == (0, [])
    content |= {FIRST: b"newer", "docs/guide.md": b"newer guide"}
    assert copy_course(tmp_path) == (1, [FIRST])
    assert (tmp_path / FIRST).read_bytes() == b"mine"
    assert (tmp_path / "docs/guide.md").read_bytes() == b"newer guide"
    (tmp_path / FIRST).rename(tmp_path / "mine.ipynb")
    assert copy_course(tmp_path) == (1, []) and (tmp_path / FIRST).read_bytes() == b"newer"


def test_files_that_lay_there_before_stay(tmp_path: Path, content: dict[str, bytes]) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/guide.md").write_bytes(b"another guide")
    assert copy_course(tmp_path) == (1, ["docs/guide.md"])
    assert (tmp_path / "docs/guide.md").read_bytes() == b"another guide"


@pytest.mark.parametrize("record", ["", "[]", '{"files": 3}', "{}"])
def test_a_damaged_record_loses_no_work(tmp_path: Path, content: dict[str, bytes], record: str) -> None:
    copy_course(tmp_path)
    (tmp_path / FIRST).write_bytes(b"mine")
    (tmp_path / RECORD).write_text(record)
    assert copy_course(tmp_path) == (0, [FIRST])
    assert (tmp_path / FIRST).read_bytes() == b"mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, content: dict[str, bytes]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be copied to .*file.*name another folder with --folder"):
        copy_course(tmp_path / "file" / "course")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the root user may write all")
def test_a_folder_without_permission_is_named(tmp_path: Path, content: dict[str, bytes]) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        copy_course(tmp_path)


def test_an_installed_package_without_notebooks_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_files, "PACKAGE", tmp_path / "gantutor")
    assert course_files.checkout() is None
    assert course_files.install_command() == 'pip install "gantutor[course]"'
    with pytest.raises(InputError, match="the notebooks are missing from"):
        course_files.course_folder()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("3", "03_cnn_image_gan"),
        ("Faces", "06_faces"),
        ("concpets", "01_concepts"),
        ("05-audio-gan.ipynb", "05_audio_gan"),
        ("start", "00_start_here"),
    ],
)
def test_a_name_that_is_nearly_right_is_guessed(name: str, near: str) -> None:
    with pytest.raises(InputError) as caught:
        find(ROOT / "notebooks", [name])
    assert f"there is no notebook {name!r}: did you mean {near!r}? The notebooks are 00_start_here, " in str(
        caught.value
    )
