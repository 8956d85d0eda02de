"""``gantutor lab``: the course in JupyterLab; an installed package first makes a copy for the learner."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
from pathlib import Path
from urllib.parse import quote

from gantutor._errors import InputError
from gantutor.course.commands.course_files import (
    FIRST,
    checkout,
    copy_course,
    find,
    install_command,
    is_copy,
)
from gantutor.course.commands.writable_home import settings_elsewhere, why_no_room

COPY = "gantutor-course"
"""The folder that the course is copied to, below the one that the command is given in."""


def run(options: argparse.Namespace) -> int:
    """Open the course in JupyterLab and serve it until Ctrl-C.

    Args:
        options: ``notebook``, ``folder``, ``port`` and ``no_browser`` of the command line.

    Returns:
        0.

    Raises:
        InputError: if JupyterLab is missing, the port is taken, the folder cannot be written, or there is no
            such notebook.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise InputError(f"JupyterLab is not installed: {install_command()}")
    check_port(options.port)
    root = place(options.folder)
    os.environ.update(settings_elsewhere(why_no_room()))
    chosen = find(root / "notebooks", [options.notebook or FIRST])[0]
    print(f"Starting JupyterLab in {root}; Ctrl + C ends it", flush=True)
    serve(server_arguments(root, chosen.name, options.port, options.no_browser))
    return 0


def place(folder: Path | None) -> Path:
    """Return the folder to serve, after copying the course there if need be.

    Args:
        folder: where a copy is to lie, or None: a checkout is served as it is, and where the package is
            installed the copy is this folder or the one above, or else lies in ``gantutor-course`` below.

    Raises:
        InputError: if the folder cannot be written.
    """
    if folder is None:
        if found := checkout():
            return found
        copies = [place for place in (Path.cwd(), Path.cwd().parent) if is_copy(place)]
        folder = copies[0] if copies else Path.cwd() / COPY
    folder = folder.expanduser().resolve()
    written, kept = copy_course(folder)
    if written:
        print(f"Copied {written} file{'s' * (written > 1)} of the course to {folder}", flush=True)
    if kept:
        print(f"Kept what you have changed, though the course has newer versions: {', '.join(kept)}")
        print("Rename or delete such a file, and the next gantutor lab brings the newer one", flush=True)
    return folder


def check_port(port: int | None) -> None:
    """Check that a port is free on this machine.

    Args:
        port: 1 to 65535, or None: JupyterLab then looks for a free one.

    Raises:
        InputError: if another program uses it, or this user may not.
    """
    if port is None:
        return
    try:
        with socket.socket() as probe:
            if os.name == "posix":  # a server that has just ended does not hinder the next
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "it must be from 1 to 65535"
        raise InputError(
            f"port {port} cannot be used ({reason}): name another with --port, or leave it out"
        ) from None


def server_arguments(root: Path, notebook: str, port: int | None, no_browser: bool) -> list[str]:
    """Return the arguments of JupyterLab.

    Args:
        root: the folder to serve; it may hold spaces.
        notebook: the name of the file to open.
        port: or None for a free one.
        no_browser: whether to print the address only.

    >>> server_arguments(Path("my course"), "00_start_here.ipynb", None, True)[:2]
    ['--ServerApp.root_dir=my course', '--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb']
    """
    arguments = [
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/notebooks/{quote(notebook)}",
    ]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if no_browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; Windows has no such user
        arguments.append("--allow-root")
    return arguments


def serve(arguments: list[str]) -> None:
    """Run JupyterLab in this process, so that Ctrl-C and an order to end reach it on every platform."""
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(arguments)
