"""Take the outputs of a run of the course over into the committed notebooks, or check those that are there.

    python scripts/course/adopt_outputs.py            # from runs/course into notebooks/
    python scripts/course/adopt_outputs.py 03         # one notebook
    python scripts/course/adopt_outputs.py --check    # do the committed outputs belong to their source?

Only outputs are taken: the source stays as it is, and a run of another source is refused.
"""

from __future__ import annotations

import argparse
import copy
import getpass
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gantutor.course.commands import notebook_files
from gantutor.course.commands.notebook_files import Notebook, own_cells, own_code, text_of

ROOT = Path(__file__).resolve().parents[2]

LARGEST = 3_000_000
"""Bytes of a committed notebook."""

ABSOLUTE = re.compile(
    r"(?<![\w.:/<\\])/(?:home|root|work|tmp|Users|usr|opt|var|mnt|srv|content)/\w|\b[A-Z]:\\\w"
)
"""Paths of somebody's machine. URLs and closing HTML tags are none."""

WIDGET = "application/vnd.jupyter.widget-view+json"


class RefusedError(ValueError):
    """The outputs cannot be committed; the message says why."""


def adopt(source: Notebook, executed: Notebook, seconds: float | None = None) -> Notebook:
    """``source`` with the cleaned outputs of ``executed``; raises RefusedError where they are not fit."""
    wanted = notebook_files.source_hash(source)
    if wanted != notebook_files.source_hash(executed):
        raise RefusedError("the notebook's code has changed since it was run: run it again")
    ran = notebook_files.parameters(executed)
    if ran.get("preset") != "cpu":
        raise RefusedError(f"committed outputs come from preset 'cpu', this run was {ran.get('preset')!r}")
    result = copy.deepcopy(source)
    result["cells"] = own_cells(result)
    for cell in result["cells"]:
        cell["metadata"] = {
            key: value for key, value in cell["metadata"].items() if key in ("tags", "jupyter")
        }
    for count, (cell, done) in enumerate(zip(own_code(result), own_code(executed), strict=True), 1):
        cell["execution_count"] = count
        cell["outputs"] = joined(clean(output, count) for output in done["outputs"] if is_kept(output))
    about = {"source_hash": wanted, "preset": ran["preset"], "seed": ran.get("seed")}
    if seconds is not None:
        about["seconds"] = round(seconds)
    result["metadata"] = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "gantutor": source["metadata"].get("gantutor", {}) | about,
    }
    problems = list(faults(result))
    if problems:
        raise RefusedError("; ".join(problems))
    return result


def is_kept(output: dict[str, Any]) -> bool:
    """Whether an output is for the reader: not what went to stderr, nor a widget that has no still form."""
    if output["output_type"] == "stream":
        return bool(output["name"] == "stdout")
    return not (WIDGET in output.get("data", {}) and set(output["data"]) <= {WIDGET, "text/plain"})


def joined(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs, with neighbouring texts in one, and each of its lines as it stood last."""
    result: list[dict[str, Any]] = []
    for output in outputs:
        if output["output_type"] == "stream" and result and result[-1]["output_type"] == "stream":
            result[-1]["text"] = text_of(result[-1]["text"]) + text_of(output["text"])
        else:
            result.append(output)
    for output in result:
        if output["output_type"] == "stream":
            output["text"] = settled(text_of(output["text"]))
    return [output for output in result if output["output_type"] != "stream" or output["text"].strip()]


def settled(text: str) -> str:
    """What a terminal would still show of a text with carriage returns.

    >>> settled("10 %\\r20 %\\r\\ndone")
    '20 %\\ndone'
    """
    lines = ([part for part in line.split("\r") if part.strip()] for line in text.split("\n"))
    return "\n".join(parts[-1] if parts else "" for parts in lines)


def clean(output: dict[str, Any], count: int) -> dict[str, Any]:
    """One output without live widgets and without this machine's paths."""
    output = copy.deepcopy(output)
    output.get("data", {}).pop(WIDGET, None)
    if "execution_count" in output:
        output["execution_count"] = count
    cleaned: dict[str, Any] = _relative(output)
    return cleaned


def _relative(content: Any) -> Any:
    """Paths inside the project relative to it, and those in the home folder beginning with ~."""
    if isinstance(content, str):
        content = content.replace(f"{ROOT}/", "")
        return content.replace(f"{Path.home()}/", "~/")
    if isinstance(content, list):
        return [_relative(part) for part in content]
    if isinstance(content, dict):
        return {key: _relative(value) for key, value in content.items()}
    return content


def faults(notebook: Notebook) -> Iterator[str]:
    """Why a notebook with outputs cannot be committed: one phrase for each reason."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    if not outputs:
        yield "it has no outputs"
    for output in outputs:
        if output["output_type"] == "error":
            yield f"a cell ended in {output['ename']}"
    if len(own_cells(notebook)) != len(notebook["cells"]):
        yield "it holds a cell of parameters that belongs to one run"
    size = len(json.dumps(notebook, indent=1, ensure_ascii=False).encode())
    if size > LARGEST:
        yield f"it has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:g} MB"
    sources = "\n".join(text_of(cell["source"]) for cell in notebook["cells"])
    texts = [sources, *(text for output in outputs for text in _texts(output))]
    for text in texts:
        found = ABSOLUTE.search(text)
        if found:
            yield f"it holds an absolute path: {text[max(0, found.start() - 20) : found.end() + 40]!r}"
    user = getpass.getuser()
    if user != "root" and user not in sources:
        name = re.compile(rf"\b{re.escape(user)}\b")
        if any(name.search(text) for text in texts):
            yield "it holds the name of the user who ran it"


def _texts(output: dict[str, Any]) -> Iterator[str]:
    """The texts of an output that a person can read: no pictures, sound or video in base64."""
    yield text_of(output.get("text", ""))
    for mime, content in output.get("data", {}).items():
        if mime.startswith("text/") or mime == "image/svg+xml":
            plain = text_of(content)
            yield re.sub(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]+", "", plain)
        elif mime.endswith("json"):
            yield json.dumps(content, ensure_ascii=False)


def check(notebook: Notebook) -> list[str]:
    """What is wrong with a committed notebook."""
    about = notebook["metadata"].get("gantutor", {})
    problems = list(faults(notebook))
    if about.get("source_hash") != notebook_files.source_hash(notebook):
        problems.insert(0, "its outputs belong to another source: run it again and adopt the outputs")
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 where a notebook was refused or is not in order, or 2 where there is none."""
    parser = argparse.ArgumentParser(
        description="Take outputs over into the committed notebooks, or check them."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NOTEBOOK", help="for instance 03; all where none is given"
    )
    parser.add_argument("--check", action="store_true", help="only check the committed notebooks")
    parser.add_argument(
        "--keep-times", action="store_true", help="leave the committed times: the machine was busy"
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "course")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    options = parser.parse_args(arguments)
    paths = [
        path
        for path in sorted(options.notebooks.glob("*.ipynb"))
        if not options.names or any(path.stem.startswith(name) for name in options.names)
    ]
    if not paths:
        print(f"there is no such notebook in {str(options.notebooks)!r}", file=sys.stderr)
        return 2
    wrong = 0
    for path in paths:
        problems = (
            check(notebook_files.read(path))
            if options.check
            else _adopt_file(path, options.runs, options.keep_times)
        )
        for problem in problems:
            print(f"{path.stem}: {problem}")
        wrong += bool(problems)
    verb = "in order" if options.check else "adopted"
    print(f"{len(paths) - wrong} of {len(paths)} notebooks {verb}")
    return 1 if wrong else 0


def _adopt_file(path: Path, runs: Path, keep_times: bool) -> list[str]:
    run = runs / path.stem / path.name
    if not run.exists():
        return ["there is no run of it"]
    executed = notebook_files.read(run)
    seconds = None if keep_times else executed["metadata"].get("papermill", {}).get("duration")
    try:
        notebook_files.write(path, adopt(notebook_files.read(path), executed, seconds))
    except RefusedError as error:
        return [str(error)]
    return []


if __name__ == "__main__":
    sys.exit(main())
