"""The README: its example runs offline, its commands and links lead somewhere."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import run_examples

from gantutor import cli
from gantutor.course.commands import notebook_files

ROOT = Path(__file__).resolve().parents[2]

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the example ran in a fresh interpreter, and what it printed."""
    folder = tmp_path_factory.mktemp("example")
    command = [sys.executable, str(ROOT / "scripts/course/run_examples.py"), str(README)]
    one = os.environ | {"OMP_NUM_THREADS": "1"}  # two threads crawl where another test has a core
    done = subprocess.run(
        command, cwd=folder, env=one, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_there_is_one_example_and_it_is_short() -> None:
    (example,) = run_examples.examples(TEXT)
    assert len(example.strip().splitlines()) <= 25


def test_the_example_runs_offline_and_scores_its_digits(ran: tuple[Path, str]) -> None:
    folder, said = ran
    found = re.search(r"^digit_fid: ([\d.e+]+) .*real data ([\d.]+);", said, re.MULTILINE)
    assert found, said
    # Ten class means score about 1,100, noise more: what the example makes is better than both.
    assert float(found[2]) < float(found[1]) < 900
    with zipfile.ZipFile(folder / "my_run.zip") as saved:
        assert saved.namelist() == ["content.json", "tensors.safetensors"] and saved.testzip() is None


OPEN = "import urllib.request; urllib.request.urlopen('http://localhost:9')"
CONNECT = "import socket; socket.create_connection(('localhost', 9))"


@pytest.mark.parametrize("code", [OPEN, CONNECT])
def test_the_network_is_out_of_reach(tmp_path: Path, code: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"```python\n{code}\n```\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "scripts/course/run_examples.py"), str(readme)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "the example must run without a network" in done.stderr


def test_a_text_without_examples_is_no_success() -> None:
    with pytest.raises(ValueError, match="the text holds no example in Python"):
        run_examples.examples("```\nnone\n```\n")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT))))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).is_file()


def test_every_notebook_is_in_the_map() -> None:
    rows = [line for line in TEXT.splitlines() if re.match(r"\| \[?\d\d ", line)]
    assert len(rows) == 11
    there = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert set(re.findall(r"notebooks/(\S+?\.ipynb)\) ", "\n".join(rows))) == there


def test_the_commands_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"\bmake (\w+)", TEXT))
    assert {"lab", "test", "course"} <= commands
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)


def test_the_programs_commands_are_all_in_the_table() -> None:
    known = [name for group in cli.COMMANDS.values() for name in group]
    assert re.findall(r"^\| `gantutor (\w+)` \|", TEXT, re.MULTILINE) == known
    for line in re.findall(r"^    gantutor (.+?)(?: {2,}#.*)?$", TEXT, re.MULTILINE):
        assert cli._parser().parse_args(shlex.split(line)).command in known
    assert set(re.findall(r"`gantutor (\w+)", TEXT)) <= {*known, "COMMAND"}


def test_papermills_parameters_are_those_of_the_notebook() -> None:
    (command,) = re.findall(r"papermill (notebooks/\S+) out\.ipynb(.*)", TEXT)
    path, options = command
    names = set(re.findall(r"-p (\w+) ", options))
    assigned = set(notebook_files.parameters(notebook_files.read(ROOT / path)))
    assert names and names <= assigned


def test_the_marks_of_the_scores_are_there_once() -> None:
    assert TEXT.count("<!-- scores -->") == TEXT.count("<!-- /scores -->") == 1
