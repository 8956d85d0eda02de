"""Does the package work where nothing of this folder is? Build the source archive, and the wheel from it.

Compare their contents with the files that git knows, install each into an empty environment, and run the
README's example there.

    python scripts/release/check_release.py               # minutes, and about 6 GB, given back at the end
    python scripts/release/check_release.py --out dist    # keep both archives
    python scripts/release/check_release.py --contents    # build and look into them only: seconds
    python scripts/release/check_release.py --python python3.12 --packages .venv/lib/python3.12/site-packages

The last one lends the environment what the package needs instead of installing it: a minute. ``build`` and
``hatchling`` are needed.
"""

from __future__ import annotations

import argparse
import email
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]

MOVED = {
    "data/": "gantutor/data/files/",
    "notebooks/": "gantutor/course/files/notebooks/",
    "docs/": "gantutor/course/files/docs/",
    "images/": "gantutor/course/files/images/",
}
"""Where the wheel has the folders of a checkout."""

LARGEST = 35_000_000
"""Bytes that an archive may have."""


class Failed(Exception):  # noqa: N818
    """The message is a sentence that says what is wrong with an archive."""


# --- contents -----------------------------------------------------------------------------------------------


def tracked(root: Path) -> list[str]:
    """Return the files that git knows, as paths with slashes.

    Args:
        root: the folder of the checkout.

    Raises:
        Failed: if it is no checkout.
    """
    command = ["git", "-C", str(root), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise Failed(f"{root} is not a git checkout: what belongs into the archives is not known") from None
    return sorted(name for name in listed.split("\0") if name and (root / name).is_file())


def expected_in_wheel(files: Iterable[str]) -> set[str]:
    """Return what a wheel must contain, without what pip reads about it.

    Args:
        files: of the checkout.

    >>> sorted(expected_in_wheel(["gantutor/cli.py", "data/a.flac", "tests/test_a.py", "docs/guide.md"]))
    ['gantutor/cli.py', 'gantutor/course/files/docs/guide.md', 'gantutor/data/files/a.flac']
    """
    names = {name for name in files if name.startswith("gantutor/")}
    for folder, place in MOVED.items():
        names |= {place + name.removeprefix(folder) for name in files if name.startswith(folder)}
    return names


def expected_in_source(files: Iterable[str], included: Iterable[str]) -> set[str]:
    """Return what the source archive must contain, without what pip reads about it.

    Args:
        files: of the checkout.
        included: the files and folders that pyproject.toml names.

    >>> sorted(expected_in_source(["LICENSE", "tests/a.py", ".ci/run"], ["LICENSE", "tests"]))
    ['LICENSE', 'tests/a.py']
    """
    tops = {*included, "pyproject.toml"}
    return {name for name in files if PurePosixPath(name).parts[0] in tops}


def compare(name: str, expected: set[str], found: set[str]) -> None:
    """Check that an archive contains what it must, and nothing else.

    Args:
        name: of the archive.
        expected: its files.
        found: the files that it has.

    Raises:
        Failed: naming what is missing, or else what does not belong there.

    >>> compare("a.whl", {"gantutor/cli.py"}, {"gantutor/cli.py"})
    """
    for what, names in (("lacks", expected - found), ("must not contain", found - expected)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise Failed(f"{name} {what} {', '.join(sorted(names)[:3])}{more}")


def check_wheel(path: Path, files: Iterable[str], version: str) -> str:
    """Check what a wheel contains: files, licence, version, the command and no Python above 3.14.

    Args:
        path: of the wheel.
        files: of the checkout.
        version: that it must have.

    Returns:
        A line that counts its contents.

    Raises:
        Failed: if something is missing, wrong or too large.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        about = f"gantutor-{version}.dist-info/"
        compare(path.name, expected_in_wheel(files), {name for name in names if not name.startswith(about)})
        for name in ("METADATA", "entry_points.txt", "licenses/LICENSE", "RECORD"):
            if about + name not in names:
                raise Failed(f"{path.name} lacks {about}{name}")
        metadata = email.message_from_bytes(archive.read(f"{about}METADATA"))
        entries = archive.read(f"{about}entry_points.txt").decode()
    stated = {key: metadata[key] for key in ("Name", "Version", "License-Expression", "Requires-Python")}
    right = {
        "Name": "gantutor",
        "Version": version,
        "License-Expression": "MIT AND CC-BY-SA-4.0",
        "Requires-Python": "<3.15,>=3.11",
    }
    for key, value in right.items():
        if stated[key] != value:
            raise Failed(f"{path.name} states {key} {stated[key]}, and must state {value}")
    if "gantutor = gantutor.cli:main" not in entries:
        raise Failed(f"{path.name} does not install the command gantutor")
    return _counted(path, len(names))


def check_source(path: Path, files: Iterable[str], included: Iterable[str]) -> str:
    """Check what a source archive contains.

    Args:
        path: of the archive.
        files: of the checkout.
        included: what pyproject.toml names.

    Returns:
        A line that counts its contents.

    Raises:
        Failed: if something is missing, does not belong there, or is too large.
    """
    with tarfile.open(path) as archive:
        names = [member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()]
    # hatchling adds .gitignore, which it read
    compare(path.name, expected_in_source(files, included), set(names) - {"PKG-INFO", ".gitignore"})
    return _counted(path, len(names))


def _counted(path: Path, count: int) -> str:
    size = path.stat().st_size
    if size > LARGEST:
        raise Failed(f"{path.name} has {size / 1e6:.1f} MB, and may have {LARGEST / 1e6:.0f}")
    return f"{path.name}: {count} files, {size / 1e6:.1f} MB; nothing is missing, and nothing else is in it"


# --- empty environments -------------------------------------------------------------------------------------


def run(command: Sequence[str], folder: Path) -> str:
    """Run a command in a folder, without the paths of this process.

    Args:
        command: a program and its arguments.
        folder: an existing one.

    Returns:
        What it printed.

    Raises:
        Failed: with the end of what it said, if it failed.
    """
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    home = {"GANTUTOR_PROGRESS": str(folder / "progress.json"), "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=folder, env=kept | home, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-15:])
        raise Failed(f"{' '.join(command)} failed:\n{said}")
    return done.stdout


def without_network() -> list[str]:
    """The words before a command that give it a network namespace without a network, where there are any.

    Where there are none, ``run_examples.py`` refuses every connection.
    """
    words = ["unshare", "--map-root-user", "--net"]
    try:
        alone = subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        alone = False
    return words if alone else []


def check_installed(archives: Sequence[Path], python: str, folder: Path, packages: Path | None) -> None:
    """Install the archives one after another into one empty environment, and use the package there.

    Args:
        archives: the wheel and the source archive.
        python: the interpreter.
        folder: an empty one for the environment.
        packages: a folder of installed packages to lend it, or None to install what the package needs.

    Raises:
        Failed: if something does not work.
    """
    run([python, "-m", "venv", str(folder / "venv")], folder)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    inside = str(programs / "python")
    work = folder / "work"
    work.mkdir()
    if packages is not None:
        site = run([inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], work).strip()
        # After what is installed here. The .pth files there, such as that of pip install -e, are not read.
        Path(site, "lent.pth").write_text(f"{packages.resolve()}\n", encoding="utf-8")
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    alone = without_network()
    for index, archive in enumerate(archives):
        needs = ["-c", str(ROOT / "constraints.txt")]
        if packages is not None or index:  # what the package needs is there
            needs = ["--no-deps", "--force-reinstall"]
            needs += ["--no-build-isolation"] if packages is not None else []
        run([*install, *needs, str(archive)], work)
        found = run([inside, "-c", "import gantutor; print(gantutor.__version__, gantutor.__file__)"], work)
        version, place = found.strip().split(" ", 1)
        if not Path(place).is_relative_to(folder / "venv") or version not in archive.name:
            raise Failed(f"{archive.name}: the package was imported from {place}, version {version}")
        examples = [inside, str(ROOT / "scripts" / "course" / "run_examples.py"), str(ROOT / "README.md")]
        print(run([*alone, *examples], work).strip())
        program = str(programs / "gantutor")
        run([program, "--help"], work)
        run([program, "exercises", "00", "--out", f"from_{index}"], work)  # of the notebooks in the archive
        if not list((work / f"from_{index}").glob("00_*.ipynb")):
            raise Failed(f"{archive.name}: gantutor exercises wrote nothing")
        where = " in a network namespace without a network" if alone else ""
        print(f"{archive.name} works by itself{where}.", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and check both archives.

    Args:
        arguments: of the command line.

    Returns:
        0, or 1 where something is wrong.
    """
    parser = argparse.ArgumentParser(description="Build the wheel and the source archive, and check both.")
    parser.add_argument("--out", type=Path, help="keep the archives in this folder")
    parser.add_argument("--contents", action="store_true", help="install nothing")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to install with")
    parser.add_argument("--packages", type=Path, help="site-packages to lend instead of installing")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gantutor-release-") as name:
        try:
            check(Path(name), options)
        except Failed as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def check(folder: Path, options: argparse.Namespace) -> None:
    """Build both archives in a folder and check them; raises Failed if something is wrong."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        about = tomllib.load(file)
    version = about["project"]["version"]
    included = about["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    files = tracked(ROOT)
    run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)], folder
    )
    wheel = folder / "dist" / f"gantutor-{version}-py3-none-any.whl"
    source = folder / "dist" / f"gantutor-{version}.tar.gz"
    print(check_wheel(wheel, files, version))
    print(check_source(source, files, included), flush=True)
    if not options.contents:
        check_installed([wheel, source], options.python, folder, options.packages)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        for archive in (wheel, source):
            shutil.copy(archive, options.out)


if __name__ == "__main__":
    sys.exit(main())
