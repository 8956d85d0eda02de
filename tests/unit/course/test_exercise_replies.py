"""Hints, questions and replies on the page, and the progress that is kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from exercise_cases import every, right

import gantutor as gt
from gantutor.course.exercises import EXERCISES, Exercise, Note, replies, saved_progress

pytestmark = pytest.mark.usefixtures("kept")


def test_each_further_hint_is_the_next_one() -> None:
    hints = EXERCISES["02.4"].hints
    given = [gt.exercises.hint("02.4") for _ in range(3)]
    assert [note.text for note in given[:2]] == list(hints)
    assert (
        given[2].text
        == f'{hints[1]} There is no further hint: `gt.exercises.solution("02.4")` shows an answer.'
    )
    assert given[1].heading == "Hint 2 of 2 for 02.4"


def test_replies_carry_a_word_and_a_symbol() -> None:
    replies = [right("01.1"), gt.exercises.check("01.1", "a"), gt.exercises.check("01.1", ...)]
    for reply, words in zip(replies, ("✓ Right", "✗ Not yet", "○ Not answered yet"), strict=True):
        assert str(reply).startswith(words) and repr(reply) == str(reply) and words in reply._repr_html_()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_badges_can_be_read() -> None:
    for _, _, background, colour in replies.VERDICTS.values():
        light, dark = sorted((luminance(background), luminance(colour)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_a_learner_wrote_is_escaped() -> None:
    def loss(*_: Any) -> None:
        raise ValueError("<img src=x onerror=alert(1)> & `<b>`")

    shown = gt.exercises.check("01.4", loss)._repr_html_()
    assert "<img" not in shown and "&lt;img" in shown and "<code>&lt;b&gt;</code>" in shown
    assert "&lt;" in Note("<", "<", "<")._repr_html_() and "<<" not in Note("<", "<", "<")._repr_html_()


@every
def test_html_is_well_formed(exercise: Exercise) -> None:
    number = exercise.number
    replies = [gt.exercises.question(number), gt.exercises.hint(number), gt.exercises.solution(number)]
    for thing in (*replies, right(number), gt.exercises.progress()):
        tags = re.findall(r"<(/?)(\w+)[^>]*?>", thing._repr_html_().replace("<br>", ""))
        stack: list[str] = []
        for closing, tag in tags:
            if closing:
                assert stack.pop() == tag
            else:
                stack.append(tag)
        assert not stack


# --- progress -----------------------------------------------------------------------------------------------


def test_progress_counts_what_was_solved_and_tried(kept: Path) -> None:
    assert gt.exercises.progress().summary.startswith("Exercises: 0 of")
    right("01.1"), gt.exercises.check("01.2", 3), gt.exercises.check("01.3", ...)
    gt.exercises.check("01.1", "c")  # what was solved stays solved
    progress = gt.exercises.progress()
    assert dict(progress.notebooks["01"]) == {
        "01.1": "solved", "01.2": "tried", "01.3": "open", "01.4": "open", "01.5": "open"
    }  # fmt: skip
    assert "notebook 01: 1 of 5 solved (✓ 01.1 solved, ✗ 01.2 tried, ○ 01.3 open" in str(progress)
    for words in ("✓ solved", "✗ tried", "○ open", "Exercises: 1 of"):
        assert words in progress._repr_html_()
    assert {path.name for path in kept.parent.iterdir()} <= {"progress.json", ".progress.json.lock"}


def test_progress_survives_the_process(kept: Path) -> None:
    code = "import gantutor as gt; gt.exercises.check('00.1', 'ac'); print(gt.exercises.progress())"
    assert (
        "✓ 00.1 solved" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    )
    assert gt.exercises.progress().notebooks["00"]["00.1"] == "solved"


def test_two_processes_lose_nothing(kept: Path) -> None:
    code = (
        "import sys\nfrom gantutor.course.exercises import saved_progress\n"
        "for i in range(40): saved_progress.save_state(f'{sys.argv[1]}.{i}', 'solved')"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    assert len(saved_progress.read_states(kept)) == 80


def test_states_of_exercises_that_are_not_there_are_kept(kept: Path) -> None:
    saved_progress.save_state("09.1", "solved")
    right("01.1")
    assert saved_progress.read_states(kept) == {"01.1": "solved", "09.1": "solved"}


@pytest.mark.parametrize(
    "content", ["{", "[]", "3", '{"exercises": []}', '{"exercises": {"01.1": [3]}}', "\x00"]
)
def test_a_damaged_file_is_left_as_it_is(kept: Path, content: str) -> None:
    kept.parent.mkdir()
    kept.write_text(content)
    reply = right("01.1")
    assert reply.verdict == "right" and "not saved" in reply.remark and "damaged" in reply._repr_html_()
    assert kept.read_text() == content and "could not be read" in gt.exercises.progress()._repr_html_()


def test_a_place_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "progress.json", tmp_path):
        monkeypatch.setenv("GANTUTOR_PROGRESS", str(place))
        reply = right("01.1")
        assert reply.verdict == "right" and reply.remark.startswith("Your progress was not saved: ")
        assert "\n" not in reply.remark and str(gt.exercises.progress())


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GANTUTOR_PROGRESS")
    monkeypatch.setattr(Path, "home", homeless)
    assert "no home folder" in right("01.1").remark


def test_the_lock_of_a_killed_process_blocks_nobody(kept: Path) -> None:
    """Nor does a file that a lock left behind; one that is held is waited for, and then told of."""
    lock = kept.parent / ".progress.json.lock"
    kept.parent.mkdir()
    lock.touch()
    assert right("01.1").remark == ""
    code = "import filelock, sys\nwith filelock.FileLock(sys.argv[1]): print(1, flush=True), input()"
    command = [sys.executable, "-c", code, str(lock)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"1\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_progress, "LOCK_TIMEOUT", 0.05)
        reply = right("01.2")
    assert reply.verdict == "right" and "not saved" in reply.remark and "lock" in reply.remark
    assert "\n" not in reply.remark
    other.kill()
    other.communicate()
    assert right("01.3").remark == ""
    assert json.loads(kept.read_text())["exercises"] == {"01.1": "solved", "01.3": "solved"}


def test_the_usual_place_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", "")
    assert saved_progress.progress_file() == Path.home() / ".cache" / "gantutor" / "progress.json"
    monkeypatch.setenv("GANTUTOR_PROGRESS", "~/mine.json")
    assert saved_progress.progress_file() == Path.home() / "mine.json"
