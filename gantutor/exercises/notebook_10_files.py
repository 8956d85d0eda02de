"""Exercise of notebook 10 on checkpoints: a file that is whole or not there, whatever happens."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, call, describe

# --- 10.5 ---------------------------------------------------------------------------------------------------

Write = Callable[[Path, str], None]


def save(path: Path, text: str, write: Write) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        write(fresh, text)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def other_save(
    begin: Callable[[Path], object] = lambda path: None,
    place: Callable[[Path, Path], object] = lambda fresh, path: fresh.replace(path),
    caught: type[BaseException] = BaseException,
    end: Callable[[Path], object] = lambda fresh: fresh.unlink(missing_ok=True),
    passes_on: bool = True,
) -> Callable[[Path, str, Write], None]:
    """The right function with another part."""

    def save_otherwise(path: Path, text: str, write: Write) -> None:
        begin(path)
        fresh = path.with_name(path.name + ".new")
        try:
            write(fresh, text)
            place(fresh, path)
        except caught:
            end(fresh)
            if passes_on:
                raise

    return save_otherwise


def copies(fresh: Path, path: Path) -> None:
    path.write_text(fresh.read_text())
    fresh.unlink()


def removes_first(fresh: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    fresh.rename(path)


# --- the trial ----------------------------------------------------------------------------------------------

OLD, NEW, NOTES = "step 100, and its weights", "step 200, and weights that took longer", "somebody's notes"
USAGE = "save(path, text, write)"
ELSEWHERE = (
    "You let `write` work in another folder, perhaps on another disk, from where no rename leads here in one "
    "step: put the temporary file beside `path`."
)


class DiskFull(OSError):  # noqa: N818
    """What ends a writing in a trial."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C in a trial."""


class Trial:
    """A folder with somebody's notes, perhaps an old file, and a ``write`` that meets a certain end."""

    def __init__(self, folder: Path, old: str | None, end: str) -> None:
        self.folder, self.path, self.old, self.end = folder, folder / "run.json", old, end
        self.targets: list[Path] = []
        self.number, self.gone, self.elsewhere = 0, False, False
        self.error: BaseException | None = None
        (folder / "notes.txt").write_text(NOTES, encoding="utf-8")
        if old is not None:
            self.path.write_text(old, encoding="utf-8")

    def write(self, path: Path, text: str) -> None:
        target = Path(path).resolve()
        self.targets.append(target)
        if self.folder not in target.parents:
            self.elsewhere = True
            raise Wrong(ELSEWHERE)
        self.gone |= self.old is not None and target != self.path and self.content() != self.old
        if self.end != "at once":
            target.write_text(text[: len(text) // 2], encoding="utf-8")
        if self.end in ("at once", "half"):
            raise DiskFull(errno.ENOSPC, "No space left on device")
        if self.end == "Ctrl-C":
            raise Stopped
        target.write_text(text, encoding="utf-8")
        self.number = target.stat().st_ino
        if self.end == "taken away":
            target.unlink()

    def content(self) -> str | None:
        """What stands at the path; None where nothing does."""
        with suppress(FileNotFoundError):
            return self.path.read_text(encoding="utf-8")
        return None

    def leftovers(self) -> list[str]:
        return sorted({path.name for path in self.folder.iterdir()} - {self.path.name, "notes.txt"})

    def attempt(self, answer: Any) -> None:
        """Let the learner's function save, and keep the error that reaches its caller."""

        def save_and_look(path: Path, text: str, write: Write) -> None:
            try:
                answer(path, text, write)
            except (Stopped, Exception) as error:
                self.error = error

        call(save_and_look, self.path, NEW, self.write, usage=USAGE)

    def check_always(self) -> None:
        """Raise Wrong for what is wrong in whatever way the writing ended."""
        if self.elsewhere:
            raise Wrong(ELSEWHERE)
        if not self.targets:
            raise Wrong("Your function never called `write`, which is to do the writing.")
        if self.path in self.targets:
            raise Wrong("You let `write` work on `path` itself: when it dies in the middle, half a file is "
                        "there and the old one is lost.")  # fmt: skip
        if self.gone:
            raise Wrong("While `write` is at work the old file is no longer at `path`: should the power fail "
                        "just then, there is neither an old nor a new one.")  # fmt: skip
        notes = self.folder / "notes.txt"
        if not notes.is_file() or notes.read_text(encoding="utf-8") != NOTES:
            raise Wrong("Another file that stood in the folder, somebody's notes, is gone or changed.")


@contextmanager
def trial(old: str | None, end: str) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory() as folder:
        yield Trial(Path(folder).resolve(), old, end)


def check_save(answer: Any) -> None:
    for old in (None, OLD):
        with trial(old, "well") as well:
            call(answer, well.path, NEW, well.write, usage=USAGE)
            check_well(well)
    for end in ("half", "at once", "Ctrl-C"):
        for old in (OLD, None):
            with trial(old, end) as died:
                died.attempt(answer)
                check_died(died)
    with trial(OLD, "taken away") as taken:
        taken.attempt(answer)
        if taken.content() != OLD:
            raise Wrong("The old file goes before the new one takes its place, and in between something may "
                        "fail: in one trial the temporary file had vanished by then, and both were "
                        "lost.")  # fmt: skip


def check_well(well: Trial) -> None:
    """Raise Wrong where a writing that went well left anything but the new file, or took more than a step."""
    well.check_always()
    content = well.content()
    if content is None or content == OLD:
        raise Wrong(f"After a writing that went well, {'nothing' if content is None else 'the old text'} "
                    "stands at `path`: how does the temporary file take its place?")  # fmt: skip
    if content != NEW:
        raise Wrong("After a writing that went well, `path` holds another text than the one given.")
    if left := well.leftovers():
        raise Wrong(f"After a writing that went well, another file stays beside `path`: {describe(left[0])}.")
    if well.path.stat().st_ino != well.number:
        raise Wrong("The temporary file is whole, and then it is copied to `path`: a copy may die in the "
                    "middle as well. A rename is one step.")  # fmt: skip


def check_died(died: Trial) -> None:
    """Raise Wrong where a writing that died left something, took something, or nobody hears of it."""
    died.check_always()
    when = {
        "half": "`write` died in the middle",
        "at once": "`write` died before there was any file",
        "Ctrl-C": "Ctrl-C ended `write` (a KeyboardInterrupt, which is no Exception)",
    }[died.end]
    if died.content() != died.old:
        stands = "no file" if died.content() is None else "a file"
        was = "had been none" if died.old is None else "had been the old one"
        raise Wrong(f"When {when}, {stands} stands at `path` afterwards, where there {was}.")
    if left := died.leftovers():
        raise Wrong(f"When {when}, it left a half-written file beside `path`: {describe(left[0])}.")
    if died.error is None:
        raise Wrong(f"When {when}, no error reached the caller, who now believes that the file was saved.")
    if not any(isinstance(error, (DiskFull, Stopped)) for error in (died.error, died.error.__cause__)):
        raised = f"your function raised {type(died.error).__name__} in place of the error of `write`"
        why = ": what does its clearing up expect to find?" if died.end == "at once" else "."
        raise Wrong(f"When {when}, {raised}{why}")


SAVE = Exercise(
    number="10.5",
    title="A file that is whole or not there",
    question="`write(path, text)` writes a file and may die in the middle, of any error or of Ctrl-C; half a "
    "file then stays. Write `save(path, text, write)`, `path` a `pathlib.Path`: afterwards `path` holds the "
    "new text or, if `write` died, what it held before; nothing half-written stays beside it, and the error "
    "reaches the caller. `write` may write anywhere in the folder of `path`.",
    hints=(
        "Let `write` work on a file of another name in the same folder; a rename then takes one step.",
        "`Path.replace` renames over what is there; `finally` runs however a `try` ends, and "
        "`unlink(missing_ok=True)` does not mind where there is nothing to remove.",
    ),
    solution=save,
    why="Until the rename the old file stands, after it the new one, and there is no moment between. What a "
    "power failure leaves behind, as no `finally` runs, the next start has to clear up.",
    check=check_save,
    wrong=(
        (lambda path, text, write: write(path, text), "on `path` itself"),
        (other_save(begin=lambda path: path.unlink(missing_ok=True)), "no longer at `path`"),
        (other_save(place=removes_first), "had vanished"),
        (other_save(end=lambda fresh: None), "left a half-written file"),
        (other_save(place=lambda fresh, path: shutil.copy(fresh, path)), "another file stays"),
        (other_save(place=copies), "A rename is one step"),
        (other_save(passes_on=False), "no error reached"),
        (other_save(caught=Exception), "which is no Exception"),
        (other_save(end=lambda fresh: fresh.unlink()), "raised FileNotFoundError in place"),
        (other_save(begin=lambda path: path.touch()), "where there had been none"),
        (other_save(place=lambda fresh, path: fresh.unlink()), "nothing stands"),
        (other_save(place=lambda fresh, path: fresh.unlink() if path.exists() else fresh.replace(path)),
         "the old text stands"),
        (lambda path, text, write: save(path, text.upper(), write), "another text"),
        (lambda path, text, write: write(path.parent.parent / "run.json.new", text), "another folder"),
        (lambda path, text, write: path.write_text(text), "never called"),
        (other_save(begin=lambda path: (path.parent / "notes.txt").unlink(missing_ok=True)), "notes"),
    ),
)  # fmt: skip

EXERCISES = (SAVE,)
