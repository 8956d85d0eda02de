"""Build the site of the course from the committed notebooks, pages and docstrings, without a network.

    python scripts/site/build.py runs/site      # then open runs/site/index.html

A warning of Sphinx ends it. It needs the packages of the extra ``site``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build(target: Path, root: Path = ROOT, repository: str | None = None, processes: int = 2) -> int:
    """Build the site.

    Args:
        target: the folder of the site; what it held is removed. Its sources are written beside it.
        root: the folder of the project.
        repository: the address of the project's repository, for the buttons that edit a page or open a
            notebook elsewhere; None means that of pyproject.toml.
        processes: the number of processes that read and write pages.

    Returns:
        The exit status of Sphinx.
    """
    import site_sources
    from sphinx.cmd.build import build_main

    if repository is None:
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        repository = settings["project"].get("urls", {}).get("Repository", "")
    os.environ["GANTUTOR_REPOSITORY"] = repository
    sources, doctrees = (target.with_name(f"{target.name}-{part}") for part in ("sources", "doctrees"))
    site_sources.write(root, sources, repository)
    for folder in (target, doctrees):
        shutil.rmtree(folder, ignore_errors=True)
    arguments = ["-q", "-W", "--keep-going", "-b", "html", "-j", str(processes), "-d", str(doctrees)]
    status = build_main([*arguments, "-c", str(ROOT / "docs"), str(sources), str(target)])
    shutil.rmtree(doctrees, ignore_errors=True)
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site; returns 0 if there was no warning."""
    parser = argparse.ArgumentParser(description="Build the site of the course.")
    parser.add_argument("target", type=Path, nargs="?", default=ROOT / "runs" / "site")
    parser.add_argument("--repository", help="address of the repository (default: that of pyproject.toml)")
    options = parser.parse_args(arguments)
    try:
        import myst_nb  # noqa: F401
        import sphinx_book_theme  # noqa: F401
    except ImportError:
        command = 'pip install -e ".[course,site]" -c constraints.txt'
        print(f"the site needs more packages: {command}", file=sys.stderr)
        return 2
    status = build(options.target.resolve(), repository=options.repository)
    if status == 0:
        print(f"The site: open {options.target / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
