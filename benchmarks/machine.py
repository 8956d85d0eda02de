"""What a benchmark says of where it ran, and where its results go."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

import gantutor as gt

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """The processors, the GPU or None, and the versions."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "gpu": gpu,
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "architecture": platform.machine(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gantutor": gt.__version__,
        "commit": commit(),
    }


def commit() -> str:
    """The commit that is measured, with ``-changed`` where files other than results differ from it.

    The environment variable GANTUTOR_COMMIT names it where there is no git; otherwise it is "unknown".
    """
    if named := os.environ.get("GANTUTOR_COMMIT"):
        return named
    here = ["git", "-C", str(RESULTS.parent)]
    others = [":(top)", ":(top,exclude)benchmarks/results"]
    try:
        found = _said([*here, "rev-parse", "--short=12", "HEAD"])
        changes = _said([*here, "status", "--porcelain", "-uno", "--", *others])
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{found}-changed" if changes else found


def _said(command: list[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout.strip()


def read(name: str) -> dict[str, Any]:
    """The results that are there; empty where there are none."""
    place = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    return found


def write(name: str, content: dict[str, Any]) -> None:
    """Write results as ``results/<name>.json``, with the command's machine and versions beside them."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(content | {"machine": machine()}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
