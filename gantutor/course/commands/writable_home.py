"""If the home folder has no room, the settings of Jupyter, IPython and Matplotlib go to another folder.

None of them starts where it cannot write its own files; the course needs none of these.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

NEEDS = 256 * 1024
"""Bytes that they write at most when they begin."""

FOLDERS = (
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "MPLCONFIGDIR",
)
"""The variables that set where they write."""


def why_no_room(find_home: Callable[[], Path] = Path.home) -> str:
    """Return why the home folder cannot be written to, or the empty text.

    >>> why_no_room(lambda: Path(tempfile.gettempdir()))
    ''
    """
    try:
        with tempfile.TemporaryFile(dir=find_home(), buffering=0) as probe:
            probe.write(bytes(NEEDS))
            probe.write(b".")  # a disk that is nearly full takes a part of the first, and then no more
    except OSError as error:
        return error.strerror or str(error)
    except RuntimeError as error:  # nobody's home
        return str(error)
    return ""


def settings_elsewhere(reason: str) -> dict[str, str]:
    """Return variables that send all settings to a fresh temporary folder, and say so.

    Args:
        reason: what ``why_no_room`` returned; without one no variable is returned.

    Returns:
        Values by the name of the variable; those that somebody has set already are left out.
    """
    if not reason:
        return {}
    place = Path(tempfile.mkdtemp(prefix="gantutor-settings-"))
    said = f"The home folder cannot be written to ({reason}): settings of Jupyter and others go to {place}."
    print(said, file=sys.stderr, flush=True)
    return {name: str(place / name.lower()) for name in FOLDERS if name not in os.environ}
