"""All figures that only a GPU can give, in under ten minutes; a second call continues.

    python benchmarks/gpu.py                  # on the first GPU; writes runs/gpu/gpu.json
    python benchmarks/gpu.py --plan           # says what would run, and for how long at most
    python benchmarks/gpu.py --minutes 4      # a shorter time; the same command continues where it ended

First the tests that need a GPU and the benchmark of the loop run by themselves, one after another. Then
notebooks at the preset ``gpu`` and the trainings of ``gpu_questions.py`` run at once, since their scores do
not depend on time. Each part has a limit, after which it is ended; what it had measured is kept. The results
name the commit, the GPU and the versions of each part. A part is repeated unless it was done at this commit.
Without a GPU nothing is run. To commit results, copy gpu.json into benchmarks/results.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]

MINUTES = 9.5
"""Of a call, where no other number is given."""

NOTEBOOKS = ("00", "03", "05", "06", "07")
"""Those whose preset ``gpu`` has not been run from beginning to end."""


@dataclass(frozen=True)
class Part:
    """Something that is measured by a process of its own.

    Args:
        name: of its results.
        command: the arguments of Python; ``{folder}`` stands for the folder of results.
        limit: seconds after which it is ended.
        read: what it measured, from the folder of results; None where there is nothing.
        alone: whether nothing else may run meanwhile, because it measures time.
    """

    name: str
    command: tuple[str, ...]
    limit: float
    read: Callable[[Path], Any]
    alone: bool = False


class Process(Protocol):
    """A part that runs."""

    def status(self) -> int | None:
        """Its exit status, or None while it runs."""

    def end(self) -> None:
        """End it and all that it started."""


# --- what is measured ---------------------------------------------------------------------------------------


def of_tests(folder: Path) -> Any:
    """The number of tests that passed, failed and were skipped."""
    path = folder / "gpu_tests.xml"
    if not path.exists():
        return None
    suites = list(ElementTree.parse(path).iter("testsuite"))
    counts = {key: sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors")}
    skipped = sum(int(suite.get("skipped", 0)) for suite in suites)
    failed = counts["failures"] + counts["errors"]
    return {"passed": counts["tests"] - failed - skipped, "failed": failed, "skipped": skipped}


def of_loop(recipe: str) -> Callable[[Path], Any]:
    """The rows of a recipe that the benchmark of the loop wrote at this commit."""

    def read(folder: Path) -> Any:
        from machine import commit

        rows = _json(ROOT / "benchmarks" / "results" / "loop_gpu.json").get("rows", [])
        return [row for row in rows if row["recipe"] == recipe and row.get("commit") == commit()] or None

    return read


def of_notebook(number: str) -> Callable[[Path], Any]:
    """The scores of a notebook, and how it ended."""

    def read(folder: Path) -> Any:
        return _json(folder / f"notebook_{number}" / "scores.json") or None

    return read


def of_question(name: str) -> Callable[[Path], Any]:
    """The rows of ``gpu_questions.py``."""

    def read(folder: Path) -> Any:
        return _json(folder / f"{name}.json").get("rows") or None

    return read


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _loop(recipe: str, limit: float) -> Part:
    command = ("benchmarks/loop.py", "--device", "cuda", "--recipe", recipe, "--pairs", "3")
    return Part(f"loop {recipe}", command, limit, of_loop(recipe), alone=True)


def _notebook(number: str, limit: float) -> Part:
    folder = f"{{folder}}/notebook_{number}"
    command = (
        "-m",
        "gantutor",
        "course",
        number,
        "--preset",
        "gpu",
        "--out",
        folder,
        "--scores",
        f"{folder}/scores",
    )
    return Part(f"notebook {number}", command, limit, of_notebook(number))


def _question(name: str, kind: str, limit: float, *options: str) -> Part:
    command = ("benchmarks/gpu_questions.py", kind, "--out", f"{{folder}}/{name}.json", *options)
    return Part(name.replace("_", " "), command, limit, of_question(name))


PLAN = [
    Part(
        "tests",
        ("-m", "pytest", "-q", "tests/training/test_gpu.py", "--junitxml", "{folder}/gpu_tests.xml"),
        60,
        of_tests,
        alone=True,
    ),
    _loop("digits", 100),
    _loop("digits_unlabelled", 35),
    _loop("fully_connected", 25),
    _loop("ring", 25),
    *(_notebook(number, 310) for number in NOTEBOOKS),
    _question("ring_graphs", "ring", 310, "--graphs", "on"),
    _question("ring_no_graphs", "ring", 310, "--graphs", "off"),
    *(_question(f"video_{seed}", "video", 310, "--seeds", str(seed)) for seed in range(3)),
]
"""Everything, in the order in which it begins."""


# --- the plan of time ---------------------------------------------------------------------------------------


def seconds_at_most(parts: Iterable[Part], jobs: int) -> float:
    """Return how long the parts take if each reaches its limit.

    Args:
        parts: in the order in which they begin.
        jobs: the number that run at once.

    >>> seconds_at_most([Part("a", (), 10, len, alone=True), Part("b", (), 5, len), Part("c", (), 7, len)], 2)
    17.0
    """
    parts = list(parts)
    alone = sum(part.limit for part in parts if part.alone)
    ends = [0.0] * jobs
    for part in parts:
        if not part.alone:
            ends[ends.index(min(ends))] += part.limit
    return float(alone + max(ends))


def run_plan(
    parts: Sequence[Part],
    budget: float,
    jobs: int,
    start: Callable[[Part], Process],
    ended: Callable[[Part, str, float], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Run parts within a time: first each that must be alone, then the others at once.

    A part begins only if at least half of its limit is left, and is ended at its limit or with the budget.

    Args:
        parts: in the order in which they begin.
        budget: seconds for all.
        jobs: the number that run at once.
        start: starts a part.
        ended: is told each part that ended, whether it is "done", "failed" or "out of time", and its seconds.
        clock: gives seconds.
        sleep: waits for so many seconds.

    Returns:
        The names of the parts that did not begin.
    """
    begun = clock()
    waiting = [part for part in parts if part.alone] + [part for part in parts if not part.alone]
    running: dict[str, tuple[Part, Process, float]] = {}
    left: list[str] = []
    try:
        while waiting or running:
            for name, (part, process, since) in list(running.items()):
                now = clock()
                status = process.status()
                if status is None and now - since < part.limit and now - begun < budget:
                    continue
                if status is None:
                    process.end()
                del running[name]
                state = {None: "out of time", 0: "done"}.get(status, "failed")
                ended(part, state, now - since)
            while waiting and _may_begin(waiting[0], running, jobs):
                part = waiting.pop(0)
                if budget - (clock() - begun) < part.limit / 2:
                    left.append(part.name)
                    continue
                running[part.name] = (part, start(part), clock())
            if running:
                sleep(0.5)
    finally:
        for _, process, _ in running.values():  # after an interruption
            process.end()
    return left


def _may_begin(part: Part, running: Mapping[str, tuple[Part, Process, float]], jobs: int) -> bool:
    if part.alone or any(other.alone for other, _, _ in running.values()):
        return not running
    return len(running) < jobs


def to_do(parts: Iterable[Part], results: Mapping[str, Any], commit: str) -> list[Part]:
    """Return the parts that were not done at this commit.

    Args:
        parts: of the plan.
        results: the parts of an earlier file, by name.
        commit: that is measured.
    """

    def done(part: Part) -> bool:
        before = results.get(part.name, {})
        return bool(before.get("state") == "done" and before.get("commit") == commit)

    return [part for part in parts if not done(part)]


# --- processes ----------------------------------------------------------------------------------------------


class Child:
    """A process of Python, of one thread, with its outputs in a log.

    Args:
        part: whose command it runs.
        folder: of results, with its log.
    """

    def __init__(self, part: Part, folder: Path) -> None:
        from gantutor.course.child_processes import own_group

        print(f"{part.name}: begins, at most {part.limit:.0f} s", flush=True)
        command = [sys.executable, *(word.replace("{folder}", str(folder)) for word in part.command)]
        variables = {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        with (folder / f"{part.name.replace(' ', '_')}.log").open("wb") as log:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | variables, stdout=log, stderr=log, **own_group()
            )

    def status(self) -> int | None:
        return self.process.poll()

    def end(self) -> None:
        from gantutor.course.child_processes import interrupt

        interrupt(self.process)  # papermill then ends its kernel
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def measure(out: Path, parts: Sequence[Part], minutes: float, jobs: int, commit: str) -> dict[str, Any]:
    """Measure what is missing, and write ``gpu.json`` after each part.

    Args:
        out: the folder of results.
        parts: of the plan.
        minutes: for all.
        jobs: the number of parts that run at once.
        commit: that is measured.

    Returns:
        The results of all parts by name.
    """
    from machine import machine

    from gantutor._files import new_file, write_json

    path, folder = out / "gpu.json", out / commit
    results: dict[str, Any] = _json(path).get("parts", {})
    where = machine() | {"commit": commit}

    def ended(part: Part, state: str, seconds: float) -> None:
        try:
            result = part.read(folder)
        except (OSError, ValueError, KeyError) as error:  # ended in the middle of writing
            result, state = None, f"{state}, {type(error).__name__}"
        results[part.name] = {
            "state": state,
            "commit": commit,
            "seconds": round(seconds, 1),
            "limit": part.limit,
        }
        results[part.name] |= {"machine": where, "result": result}
        with new_file(path) as fresh:
            write_json(fresh, {"parts": results})
        print(f"{part.name}: {state} after {seconds:.0f} s", flush=True)

    folder.mkdir(parents=True, exist_ok=True)
    missing = to_do(parts, results, commit)
    left = run_plan(missing, 60 * minutes, jobs, lambda part: Child(part, folder), ended)
    if left:
        print(f"No time was left for {', '.join(left)}: the same command continues.")
    return results


def plan_in_words(parts: Sequence[Part], jobs: int) -> str:
    """The parts with their limits, and the sum."""
    lines = [f"{part.limit:5.0f} s  {part.name}{'  (alone)' if part.alone else ''}" for part in parts]
    return "\n".join([*lines, f"{seconds_at_most(parts, jobs):5.0f} s  at most, {jobs} parts at once"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; without a GPU say so.

    Args:
        arguments: of the command line.

    Returns:
        0; 1 where a part failed; 2 where the commit is not known.
    """
    parser = argparse.ArgumentParser(
        description="All figures that only a GPU can give, in under ten minutes."
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"for all; {MINUTES}")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "gpu", help="folder of gpu.json; runs/gpu"
    )
    parser.add_argument("--jobs", type=int, default=min(10, os.cpu_count() or 1), help="parts at once")
    parser.add_argument("--commit", help="that is measured, where there is no git")
    parser.add_argument("--only", nargs="+", metavar="PART", help="parts whose names begin so")
    parser.add_argument("--plan", action="store_true", help="say what would run")
    options = parser.parse_args(arguments)
    parts = [part for part in PLAN if not options.only or part.name.startswith(tuple(options.only))]
    if options.plan:
        print(plan_in_words(parts, options.jobs))
        return 0
    import torch

    if not torch.cuda.is_available():
        print("There is no GPU here, so nothing was measured.")
        return 0
    from machine import commit as commit_here

    commit = options.commit or commit_here()
    if commit == "unknown":
        print("figures must name the commit that they were measured at: pass --commit", file=sys.stderr)
        return 2
    os.environ["GANTUTOR_COMMIT"] = commit
    results = measure(options.out.resolve(), parts, options.minutes, options.jobs, commit)
    states = [results[part.name]["state"] for part in parts if part.name in results]
    return int(any(state.startswith("failed") for state in states))


if __name__ == "__main__":
    sys.exit(main())
