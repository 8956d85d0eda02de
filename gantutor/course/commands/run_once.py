"""Run one notebook with given parameters in a folder, and record how it ended: a run of a sweep.

    python -m gantutor.course.commands.run_once notebooks/01_concepts.ipynb runs/once '{"seed": 1}'

The executed copy, what it wrote, and run.json lie in the folder; what was there before is gone. The
run ends when its standard input does (``child_processes``).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gantutor._errors import InputError
from gantutor._files import new_file, read_json, write_json
from gantutor.course.child_processes import end_with_parent
from gantutor.course.commands import notebook_files
from gantutor.course.commands.run_course import Result, run_in
from gantutor.course.score_report import read_notebook

RECORD = "run.json"


def run_once(path: Path, folder: Path, given: dict[str, Any]) -> Result:
    """Run a notebook, and write last, as a whole, how it ended and which source was run.

    Args:
        path: of the notebook.
        folder: emptied first.
        given: its parameters.
    """
    source = notebook_files.source_hash(notebook_files.read(path))
    result = run_in(folder.resolve(), path, given)
    how = {"state": result.state, "seconds": round(result.seconds, 1), "reason": result.reason}
    with new_file(folder / RECORD) as fresh:
        write_json(fresh, {**how, "parameters": given, "source_hash": source})
    return result


def ended(path: Path, folder: Path, given: dict[str, Any], name: str = "") -> Result | None:
    """Return how the run in a folder ended; None where none has, of this source and with these parameters.

    Args:
        path: of the notebook.
        folder: of the run.
        given: the parameters.
        name: what the result is called; the notebook's name if left out.
    """
    try:
        record = read_json(folder / RECORD)
        source = notebook_files.source_hash(notebook_files.read(path))
        if (record["parameters"], record["source_hash"]) != (given, source):
            return None
        result = Result(name or path.stem, record["state"], record["seconds"], record["reason"])
        if result.state == "done":
            result.scores = read_notebook(folder / path.name)
    except (InputError, KeyError, TypeError):
        return None
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, 1 where the notebook failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(description="Run one notebook with given parameters in a folder.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("parameters", type=json.loads, help='as JSON: {"seed": 1}', nargs="?", default={})
    options = parser.parse_args(arguments)
    end_with_parent()
    result = run_once(options.notebook, options.folder, options.parameters)
    print(f"{result.state} after {result.seconds:.0f} s{result.reason and ': '}{result.reason}")
    return {"done": 0, "interrupted": 130}.get(result.state, 1)


if __name__ == "__main__":
    sys.exit(main())
