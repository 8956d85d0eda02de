"""``gantutor sweep``: run a notebook with several seeds and values, and put the scores in one table.

    gantutor sweep 02 --seeds 0 1 2 --set compare=False steps=300,600 --jobs 2

Each run has a folder of its own under --out, with a log beside it. A run that fails is reported, and the
others go on. Started again, the sweep repeats only what is not finished, or whose notebook has changed since.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gantutor._errors import InputError
from gantutor._files import new_file, write_json
from gantutor.course.child_processes import available_cores, end_children, start_child
from gantutor.course.commands import notebook_files, sweep_table
from gantutor.course.commands.course_files import course_folder, find
from gantutor.course.commands.lock_folder import FolderInUse, lock_folder
from gantutor.course.commands.run_course import Result, check_papermill, last_line, summary
from gantutor.course.commands.run_once import RECORD, ended
from gantutor.course.commands.writable_home import settings_elsewhere, why_no_room

Given = dict[str, Any]
PATIENCE = 30.0
"""Seconds that an interrupted run has to end its kernel."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


# --- what is to be run --------------------------------------------------------------------------------------


def read_values(text: str) -> tuple[str, list[Any]]:
    """Read a parameter and its values; a word that is not a Python value is a text.

    >>> read_values("learning_rate=1e-3,None,digits")
    ('learning_rate', [0.001, None, 'digits'])
    """
    name, equals, values = text.partition("=")
    if not (equals and name.isidentifier() and all(values.split(","))):
        raise InputError(f"--set: give a name and values, as in steps=300,600, not {text!r}")
    if name in ("seed", "preset"):
        raise InputError(f"--set: {name} has an option of its own, --{name}{'s' * (name == 'seed')}")
    return name, [_value(value) for value in values.split(",")]


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if value is None or isinstance(value, (bool, int, float, str)) else text


def plan(preset: str, values: Mapping[str, Sequence[Any]], seeds: Sequence[int]) -> dict[str, Given]:
    """The parameters of every run, by the name of its folder.

    >>> list(plan("cpu", {"steps": [300, 600]}, [0, 1]))[:3]
    ['preset=cpu,steps=300,seed=0', 'preset=cpu,steps=300,seed=1', 'preset=cpu,steps=600,seed=0']
    """
    runs = {}
    for chosen in itertools.product(*(values[name] for name in sorted(values)), seeds):
        *swept, seed = chosen
        given = {"preset": preset, **dict(zip(sorted(values), swept, strict=True)), "seed": seed}
        runs[",".join(f"{name}={quote(str(value), safe='')}" for name, value in given.items())] = given
    return runs


def check_names(path: Path, names: Sequence[str]) -> None:
    """Check that a notebook has these parameters.

    Args:
        path: of the notebook.
        names: of parameters.

    Raises:
        InputError: if it lacks one; the message says which it has.
    """
    known = notebook_files.parameters(notebook_files.read(path))
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? They" if near else "they"
            raise InputError(f"{path.stem} has no parameter {name!r}: {hint} are {', '.join(known)}")


# --- running ------------------------------------------------------------------------------------------------


def start(path: Path, folder: Path, given: Given, threads: int) -> subprocess.Popen[bytes]:
    """Start a run in a separate process, which Ctrl-C does not reach: ``end_children`` ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    own = dict.fromkeys(THREADS, str(threads)) | {"GANTUTOR_PROGRESS": str(folder / "progress.json")}
    arguments = [str(path.resolve()), str(folder), json.dumps(given)]
    with log_of(folder).open("wb") as log:
        return start_child("gantutor.course.commands.run_once", arguments, log, own)


def log_of(folder: Path) -> Path:
    """Beside the folder, which a run begins by emptying."""
    return folder.parent / f"{folder.name}.log"


def outcome(path: Path, folder: Path, given: Given, status: int) -> Result:
    """How a run ended whose process has ended; one that left no record was killed, or never began."""
    result = ended(path, folder, given, folder.name)
    if result is None:
        said = log_of(folder).read_text(encoding="utf-8", errors="replace")
        reason = f"its process ended with {status}" + (f": {last_line(said)}" if said.strip() else "")
        result = Result(folder.name, "failed", reason=reason)
    return result


def run_all(path: Path, out: Path, runs: Mapping[str, Given], jobs: int, threads: int) -> list[Result]:
    """Run what is not finished yet, some at a time; after a Ctrl-C the runs that go on are ended.

    Args:
        path: of the notebook.
        out: the folder for the folders of the runs.
        runs: their parameters by the names of their folders.
        jobs: the number of notebooks that run at a time.
        threads: of each.

    Returns:
        A result for each run, in their order.
    """
    before = {name: ended(path, out / name, given, name) for name, given in runs.items()}
    results = {name: r if r and r.state == "done" else Result(name) for name, r in before.items()}
    waiting = [name for name, result in results.items() if result.state != "done"]
    print(f"{len(runs)} runs of {path.stem}, {len(runs) - len(waiting)} finished before", flush=True)
    print(f"{jobs} at a time, threads for each: {threads}", flush=True)
    going: dict[str, subprocess.Popen[bytes]] = {}
    total = len(waiting)
    try:
        while waiting or going:
            while waiting and len(going) < jobs:
                name = waiting.pop(0)
                going[name] = start(path, out / name, runs[name], threads)
                print(f"[{total - len(waiting)}/{total}] {name}: begins", flush=True)
            for name in [name for name, process in going.items() if process.poll() is not None]:
                result = outcome(path, out / name, runs[name], going.pop(name).returncode)
                results[name] = result
                said = f"{name}: {result.state} after {result.seconds:.0f} s"
                print(f"{said}: {result.reason}" if result.reason else said, flush=True)
            time.sleep(0.1)
    except KeyboardInterrupt:
        print("interrupted: ending what is running", flush=True)
        for name in going:
            results[name].state = "interrupted"
    finally:
        end_children(going.values(), PATIENCE)
    return list(results.values())


# --- the table ----------------------------------------------------------------------------------------------


def write_table(out: Path, runs: Mapping[str, Given], results: Sequence[Result]) -> str:
    """Write the table to scores.md and, with every run's scores, to scores.json.

    Args:
        out: the folder of the sweep.
        runs: the parameters of each run by its name.
        results: of the runs, in their order.

    Returns:
        The table.

    Raises:
        InputError: if nothing can be written.
    """
    settings = [
        {name: value for name, value in given.items() if name not in ("preset", "seed")}
        for given in runs.values()
    ]
    rows = sweep_table.rows_of([(s, r.scores) for s, r in zip(settings, results, strict=True)])
    table = sweep_table.markdown(rows)
    each = {
        result.name: {
            "parameters": runs[result.name],
            "state": result.state,
            "seconds": round(result.seconds, 1),
            "reason": result.reason,
            "scores": result.scores.scores if result.scores else {},
        }
        for result in results
    }
    with new_file(out / "scores.json") as fresh:
        write_json(fresh, {"runs": each, "table": rows})
    with new_file(out / "scores.md") as fresh:
        fresh.write_text(f"{table}\n\n{summary(results, 'runs')}\n", encoding="utf-8")
    return table


def run(options: argparse.Namespace) -> int:
    """Run the sweep, and print and write its table.

    Args:
        options: of the command line.

    Returns:
        0, 1 where a run failed, 130 when interrupted.

    Raises:
        InputError: if there is no such notebook or parameter, or another sweep is at work in the folder.
    """
    check_papermill()
    swept = [read_values(text) for text in options.set]
    values = dict(swept)
    if len(swept) != len(values):
        raise InputError("--set names a parameter twice: give all of its values at once, as in steps=300,600")
    found = find(options.notebooks or course_folder() / "notebooks", [options.name])
    if len(found) > 1:
        raise InputError(f"{options.name!r} means {', '.join(path.stem for path in found)}: name one")
    check_names(found[0], list(values))
    runs = plan(options.preset, values, options.seeds)
    jobs = min(options.jobs, len(runs))
    out = options.out.resolve() / found[0].stem
    threads = options.threads or max(1, available_cores() // jobs)
    os.environ.update(settings_elsewhere(why_no_room()))
    try:
        with lock_folder(out):
            results = run_all(found[0], out, runs, jobs, threads)
            table = write_table(out, runs, results)
    except FolderInUse as error:
        raise InputError(f"{error}; or name another folder with --out") from None
    print(f"\n{table}\n\n{summary(results, 'runs')}", flush=True)
    states = {result.state for result in results}
    if "interrupted" in states:
        return 130
    return int("failed" in states)
