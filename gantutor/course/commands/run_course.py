"""``gantutor course``: run the notebooks one after the other, and collect their scores.

    gantutor course                                # everything, as committed
    gantutor course 02 03 --seed 1                 # two notebooks with another seed
    gantutor course --preset smoke --out runs/smoke

Each executed copy, and what its notebook wrote, lies in a folder of its own under --out, which is held by one
run at a time.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gantutor._errors import InputError
from gantutor._files import new_file, write_json
from gantutor.course.commands import notebook_files, tolerance
from gantutor.course.commands.course_files import checkout, course_folder, find, install_command
from gantutor.course.commands.lock_folder import FolderInUse, lock_folder
from gantutor.course.commands.writable_home import settings_elsewhere, why_no_room
from gantutor.course.score_report import NotebookScores, as_json, as_markdown, read_notebook


@dataclass
class Result:
    """How one notebook ended: ``state`` is "done", "failed", "differs", "interrupted" or "not run"."""

    name: str
    state: str = "not run"
    seconds: float = 0.0
    reason: str = ""
    scores: NotebookScores | None = None
    differences: list[str] = field(default_factory=list)


def rotate(paths: Sequence[Path], commit: str) -> list[Path]:
    """The same notebooks beginning at one that the commit's hash picks, so that in time all come first.

    >>> [path.name for path in rotate([Path("a"), Path("b"), Path("c")], "0004")]
    ['b', 'c', 'a']
    """
    start = int(commit, 16) % len(paths)
    return [*paths[start:], *paths[:start]]


def current_commit() -> str:
    """The hash of the commit that is checked out."""
    command = ["git", "-C", str(checkout() or "."), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError):
        raise InputError("--start-from-commit needs a git checkout, and there is none") from None
    return answer.stdout.strip()


def run_one(path: Path, out: Path, given: dict[str, Any]) -> Result:
    """Run one notebook in a new folder; an error in it is reported in the result.

    Args:
        path: of the notebook.
        out: the folder in which its folder is made.
        given: its parameters.
    """
    return run_in(out.resolve() / path.stem, path, given)


def run_in(folder: Path, path: Path, given: dict[str, Any], **options: Any) -> Result:
    """Run one notebook in a folder, which is emptied first; an error in it is reported in the result.

    Args:
        folder: an absolute path.
        path: of the notebook.
        given: its parameters.
        **options: of papermill.
    """
    import papermill

    copy = folder / path.name
    result = Result(path.stem)
    start = time.monotonic()
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        options = {"kernel_name": "python3", "progress_bar": True} | options
        papermill.execute_notebook(path.resolve(), copy, parameters=given, cwd=folder, **options)
        result.scores = read_notebook(copy)
        result.state = "done"
    except KeyboardInterrupt:
        result.state = "interrupted"
    except papermill.PapermillExecutionError as error:
        result.state, result.reason = "failed", last_line(f"{error.ename}: {error.evalue}")
    except Exception as error:  # a kernel that died, a file that is no notebook, a full disk
        result.state, result.reason = "failed", last_line(f"{type(error).__name__}: {error}")
    result.seconds = time.monotonic() - start
    return result


def last_line(text: str) -> str:
    """The last line with something on it."""
    return [line for line in text.splitlines() if line.strip()][-1].strip()


def compare(path: Path, copy: Path) -> tuple[list[str], str]:
    """Return what differs between a run's scores and the committed ones.

    Args:
        path: of the committed notebook.
        copy: of the executed one.

    Returns:
        A sentence for each difference; and where the two cannot be compared, why not.
    """
    committed, executed = notebook_files.read(path), notebook_files.read(copy)
    about = committed["metadata"].get("gantutor", {})
    ran = notebook_files.parameters(executed)
    if "source_hash" not in about:
        return [], "no outputs are committed"
    if about["source_hash"] != notebook_files.source_hash(executed):
        return [], "the committed outputs belong to an older source"
    if (ran.get("preset"), ran.get("seed")) != (about.get("preset"), about.get("seed")):
        return [], f"committed are preset {about.get('preset')!r} and seed {about.get('seed')}"
    before, now = read_notebook(path), read_notebook(copy)
    return tolerance.differences(before.scores, now.scores, about.get("tolerance", {})), ""


def run_all(
    paths: Sequence[Path],
    out: Path,
    given: dict[str, Any],
    minutes: float | None = None,
    jobs: int = 1,
    clock: Callable[[], float] = time.monotonic,
) -> list[Result]:
    """Run notebooks in this order, some at a time.

    None begins once the minutes are spent, or after an interruption.

    Args:
        paths: of the notebooks.
        out: the folder for their executed copies.
        given: their parameters.
        minutes: or None for as long as it takes.
        jobs: the number of notebooks that run at a time.
        clock: gives seconds.

    Returns:
        A result for each notebook, in their order.
    """
    results = [Result(path.stem) for path in paths]
    start = clock()
    with _pool(jobs) as pool:
        running: dict[Future[Result], int] = {}
        waiting = deque(range(len(paths)))
        while waiting or running:
            while waiting and len(running) < jobs:
                if minutes is not None and clock() - start >= 60 * minutes:
                    print(f"{minutes:g} minutes have passed: no further notebook is started", flush=True)
                    waiting.clear()
                    break
                index = waiting.popleft()
                print(f"[{index + 1}/{len(paths)}] {paths[index].stem}", flush=True)
                running[pool.submit(run_one, paths[index], out, given)] = index
            for future in _next(running, waiting):
                index = running.pop(future)
                results[index] = judged(future.result(), paths[index], out, given)
                print(f"[{index + 1}/{len(paths)}] {said_of(results[index])}", flush=True)
                if results[index].state == "interrupted":
                    waiting.clear()
    return results


def _next(running: Collection[Future[Result]], waiting: deque[int]) -> set[Future[Result]]:
    """Those that end next. After Ctrl-C, which reaches the processes too, no other notebook begins."""
    try:
        return wait(running, return_when=FIRST_COMPLETED).done if running else set()
    except KeyboardInterrupt:
        waiting.clear()
        return set()


class _SameProcess(Executor):
    """Runs what is submitted at once and here, so that one notebook at a time needs no second process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **options))
        return future


def _pool(jobs: int) -> Executor:
    return _SameProcess() if jobs == 1 else ProcessPoolExecutor(jobs, get_context("spawn"))


def judged(result: Result, path: Path, out: Path, given: dict[str, Any]) -> Result:
    """The result with what differs from the committed scores, where they can be compared."""
    if result.state == "done" and given.get("preset") == "cpu":
        result.differences, why_not = compare(path, out / path.stem / path.name)
        if result.differences:
            result.state, result.reason = "differs", "; ".join(result.differences)
        elif why_not:
            result.reason = f"scores not compared with committed ones: {why_not}"
    return result


def said_of(result: Result) -> str:
    """How a notebook ended, in a line."""
    line = f"{result.name}: {result.state} after {result.seconds:.0f} s"
    return f"{line}: {result.reason}" if result.reason else line


def summary(results: Sequence[Result], what: str = "notebooks") -> str:
    """What failed and why, what was not run, and the counts as the last line."""
    states = [result.state for result in results]
    lines = [f"FAILED {result.name}: {result.reason}" for result in results if result.state == "failed"]
    lines += [
        f"DIFFERS {result.name}: {difference}" for result in results for difference in result.differences
    ]
    idle = [result.name for result in results if result.state in ("not run", "interrupted")]
    lines += [f"NOT RUN: {', '.join(idle)}"] if idle else []
    failed = states.count("failed") + states.count("differs")
    lines.append(f"{what}: {states.count('done')} passed, {failed} failed, {len(idle)} not run")
    return "\n".join(lines)


def table_of(results: Sequence[Result]) -> str:
    """The scores of all notebooks that recorded some, ordered by name."""
    return as_markdown([scores for scores in scored(results) if scores.scores])


def scored(results: Sequence[Result]) -> list[NotebookScores]:
    """What the notebooks recorded that ran to their end, ordered by name."""
    return [result.scores for result in sorted(results, key=lambda result: result.name) if result.scores]


def write_scores(results: Sequence[Result], stem: Path, given: dict[str, Any]) -> None:
    """Write scores and what became of each notebook, as a table and as JSON, each as a whole.

    Args:
        results: of all notebooks.
        stem: the files are called so, with .md and .json.
        given: the parameters of the run.

    Raises:
        InputError: if nothing can be written.
    """
    states = {
        result.name: {"state": result.state, "seconds": round(result.seconds, 1), "reason": result.reason}
        for result in results
    }
    with new_file(stem.with_name(stem.name + ".md")) as fresh:
        fresh.write_text(f"{table_of(results)}\n\n{summary(results)}\n", encoding="utf-8")
    content = {"parameters": given, "notebooks": states, "scores": as_json(scored(results))}
    with new_file(stem.with_name(stem.name + ".json")) as fresh:
        write_json(fresh, content)


def run(options: argparse.Namespace) -> int:
    """Run the notebooks, print their scores, and write them down.

    Args:
        options: of the command line.

    Returns:
        0, 1 where a notebook failed or scored differently, 2 where another run is at work or nothing can be
        written, 130 when interrupted.

    Raises:
        InputError: if there is no such notebook, or the options cannot be used.
    """
    check_papermill()
    folder = options.notebooks or course_folder() / "notebooks"
    if options.out.resolve() == folder.resolve():
        raise InputError("--out must not be the folder of the notebooks")
    os.environ["GANTUTOR_PROGRESS"] = str(options.out.resolve() / "progress.json")  # nobody's own
    given = {"preset": options.preset} | ({} if options.seed is None else {"seed": options.seed})
    paths = find(folder, options.names)
    os.environ.update(settings_elsewhere(why_no_room()))
    if options.start_from_commit:
        paths = rotate(paths, current_commit())
    try:
        with lock_folder(options.out):
            results = run_all(paths, options.out, given, options.minutes, options.jobs)
            print(f"\n{table_of(results)}\n\n{summary(results)}", flush=True)
            write_scores(results, options.scores, given)
    except FolderInUse as error:
        raise InputError(f"{error}; or name another folder with --out") from None
    states = {result.state for result in results}
    if "interrupted" in states:
        return 130
    return 1 if states & {"failed", "differs"} else 0


def check_papermill() -> None:
    """Check that notebooks can be run.

    Raises:
        InputError: if papermill is missing.
    """
    if importlib.util.find_spec("papermill") is None:
        raise InputError(f"the notebooks are run by papermill, which is missing: {install_command()}")
