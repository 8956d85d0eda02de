"""``gantutor lab``: what is served, and what keeps it from being served; and once a real server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from gantutor.cli import main
from gantutor.course.commands import course_files, lab

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of each JupyterLab that would have been started."""
    started: list[list[str]] = []
    monkeypatch.setattr(lab, "serve", started.append)
    return started


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which somebody works who has installed the package."""
    monkeypatch.setattr(lab, "checkout", lambda: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_checkout_is_served_as_it_is(served: list[list[str]]) -> None:
    assert main(["lab"]) == 0
    assert served[0][:2] == [
        f"--ServerApp.root_dir={ROOT}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
    ]


def test_an_installed_course_is_copied_once_and_found_again(
    served: list[list[str]], installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = installed.resolve() / "gantutor-course"
    assert main(["lab"]) == 0
    assert f"files of the course to {place}\n" in capsys.readouterr().out
    for inside in (place, place / "notebooks"):
        os.chdir(inside)
        assert main(["lab", "03", "--no-browser"]) == 0
        assert "Copied" not in capsys.readouterr().out
    assert [arguments[0] for arguments in served] == [f"--ServerApp.root_dir={place}"] * 3
    assert "03_cnn_image_gan.ipynb" in served[1][1] and "--no-browser" in served[1]


def test_what_was_kept_is_said(
    served: list[list[str]],
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lab, "copy_course", lambda folder: (0, ["notebooks/a.ipynb", "docs/b.md"]))
    monkeypatch.setattr(lab, "find", lambda folder, names: [Path("a.ipynb")])
    assert main(["lab"]) == 0
    said = capsys.readouterr().out
    assert "Kept what you have changed" in said and "notebooks/a.ipynb, docs/b.md\n" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lab", "faecs"], "there is no notebook 'faecs': did you mean '06_faces'?"),
        (["lab", "--port", "70000"], "port 70000 cannot be used (it must be from 1 to 65535)"),
        (["lab", "--folder", f"{__file__}/course"], "the course cannot be copied to"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    arguments: list[str], said: str, served: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2 and not served
    errors = capsys.readouterr().err
    assert errors.startswith(said) and errors.count("\n") == 1


def test_a_port_in_use_is_said(served: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["lab", "--port", str(port)]) == 2
    assert f"port {port} cannot be used (" in capsys.readouterr().err
    assert main(["lab", "--port", str(port)]) == 0
    assert f"--ServerApp.port={port}" in served[0] and "--ServerApp.port_retries=0" in served[0]


def test_where_there_is_no_root_user_none_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert "--allow-root" not in lab.server_arguments(Path("a"), "b.ipynb", None, False)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in lab.server_arguments(Path("a"), "b.ipynb", None, False)


def test_without_jupyterlab_the_command_that_installs_it_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["lab"]) == 2
    assert capsys.readouterr().err == f"JupyterLab is not installed: {course_files.install_command()}\n"


def test_a_real_server_serves_the_copy_and_ends_when_told(tmp_path: Path) -> None:
    place = tmp_path / "Müllers Kurs"
    command = [sys.executable, "-m", "gantutor", "lab", "--no-browser", "--folder", str(place)]
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        address = token = None
        deadline = time.monotonic() + 120
        while address is None:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.2)
            said = log.read_text(encoding="utf-8", errors="replace")
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)", said):
                address, token = found.groups()
        names = None
        while names is None:
            assert time.monotonic() < deadline
            try:
                with urllib.request.urlopen(f"{address}/api/contents/notebooks?token={token}") as answer:
                    names = {entry["name"] for entry in json.load(answer)["content"]}
            except OSError:  # it says its address before it listens
                time.sleep(0.2)
        assert names == {path.name for path in (place / "notebooks").iterdir()} and len(names) >= 11
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
