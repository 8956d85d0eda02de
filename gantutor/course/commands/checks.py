"""``gantutor test``: the checks before a change is committed; it needs a checkout."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gantutor._errors import InputError
from gantutor.course.commands.course_files import checkout
from gantutor.course.commands.lock_folder import FolderInUse, lock_folder

PARTS = {
    "lint": "layout, style and types of the code",
    "unit": "the tests of the package, two at once",
    "smoke": "every notebook at the smoke preset",
    "repeat": "its executed copy once more, cell by cell: a seed must repeat",
    "browser": "clicks in a real JupyterLab, where chromium is installed",
    "platforms": "the same beside other work, with older and newer kernels, and in Notebook 7",
    "site": "the site is built without a warning, and looked at in a browser",
    "check": "committed outputs, scores in the README and the page for teachers are fresh",
}
"""What each part checks, in the order in which they run."""

USUAL = [part for part in PARTS if part not in ("platforms", "site")]
"""The parts that run where none is named: the others take minutes more or need more packages."""


def run(options: argparse.Namespace) -> int:
    """Run the named parts, or the usual ones; if one fails, the next ones still run.

    Args:
        options: ``parts`` of the command line.

    Returns:
        0, or 1 where a part failed.

    Raises:
        InputError: if the package is installed without its tests, or another run is at work in runs/smoke.
    """
    root = checkout()
    if root is None or not (root / "tests").is_dir():
        raise InputError(
            "gantutor test needs a checkout of the project: gantutor report checks an installed one"
        )
    failed = []
    for part in options.parts or USUAL:
        print(f"--- {part}: {PARTS[part]}", flush=True)
        if not check(part, root):
            failed.append(part)
    if len(options.parts) != 1:
        print(f"FAILED: {', '.join(failed)}" if failed else "all parts passed", flush=True)
    return int(bool(failed))


def check(part: str, root: Path) -> bool:
    """Run one part in the folder of the checkout; says whether it passed.

    Args:
        part: one of ``PARTS``.
        root: the folder of the checkout.

    Raises:
        InputError: if another run is at work in runs/smoke.
    """
    one_thread = {"OMP_NUM_THREADS": "1"} if part in ("smoke", "repeat") else {}
    environment = os.environ | {"PYTHONUTF8": "1"} | one_thread
    if part != "repeat":
        return _all_pass(commands_of(part, root), root, environment)
    try:
        with lock_folder(root / "runs" / "smoke"):
            return _all_pass(commands_of(part, root), root, environment)
    except FolderInUse as error:
        raise InputError(str(error)) from None


def commands_of(part: str, root: Path) -> list[list[str]]:
    """Return the arguments of Python for each command of a part; all of them run, and all must pass.

    Args:
        part: one of ``PARTS``.
        root: the folder of the checkout.

    >>> commands_of("lint", Path("."))[0]
    ['-m', 'ruff', 'format', '--check', '.']
    """
    pytest = ["-m", "pytest", "-q"]
    parallel = ["-n", "2", "--dist"]
    names = [path.stem for path in sorted((root / "notebooks").glob("*.ipynb"))]
    nbval = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300"]
    plain = ["-p", "no:cacheprovider", "-o", "addopts=", "-o", "testpaths="]
    platforms, site = "tests/browser/platforms", "tests/browser/site"
    others = [f"--ignore={platforms}", f"--ignore={site}"]
    copies = [str(Path("runs", "smoke", name, f"{name}.ipynb")) for name in names]
    smoke = ["-m", "gantutor", "course", "--preset", "smoke", "--jobs", "2"]
    return {
        "lint": [["-m", "ruff", "format", "--check", "."], ["-m", "ruff", "check", "."], ["-m", "mypy"]],
        "unit": [
            [*pytest, *parallel, "worksteal", "--ignore=tests/browser", "--junitxml=runs/unit.xml"],
        ],
        "smoke": [[*smoke, "--out", "runs/smoke", "--scores", "runs/smoke/scores"]],
        "repeat": [[*pytest, *parallel, "loadfile", *nbval, *plain, "--junitxml=runs/repeat.xml", *copies]],
        "browser": [[*pytest, "tests/browser", *others, "--junitxml=runs/browser.xml"]],
        "platforms": [[*pytest, platforms, "--junitxml=runs/platforms.xml"]],
        "site": [[*pytest, site, "--junitxml=runs/site.xml"]],
        "check": [
            [f"scripts/course/{script}.py", "--check"]
            for script in ("adopt_outputs", "readme_scores", "teaching_page")
        ],
    }[part]


def _all_pass(commands: Sequence[Sequence[str]], root: Path, environment: Mapping[str, str]) -> bool:
    """Run all of the commands, also after one that failed."""
    statuses = [
        subprocess.run([sys.executable, *arguments], cwd=root, env=environment, check=False).returncode
        for arguments in commands
    ]
    return not any(statuses)
