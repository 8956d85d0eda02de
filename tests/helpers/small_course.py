"""Notebooks small enough to run here, and what papermill makes of them."""

from __future__ import annotations

import copy
from typing import Any

from gantutor.metrics import MIME

PARAMETERS = "# Parameters\npreset = 'cpu'\nseed = 0"
RECORD = f"""from pathlib import Path
from IPython.display import display
Path("outputs").mkdir()
Path("outputs/seed.txt").write_text(str(seed))
scores = {{"modes": {{"value": 8 + seed, "floor": 8, "unit": "modes", "better": "higher"}}}}
display({{"{MIME}": scores, "text/plain": "8 modes"}}, raw=True)
import sys
print("trained in", Path.cwd())
print("a warning", file=sys.stderr)
1 + 1"""


def cell(source: str, *tags: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    head = {"cell_type": kind, "id": f"c{abs(hash((source, tags)))}"[:12], "metadata": {"tags": list(tags)}}
    return {**head, "source": source, **code, **more}


def notebook(*cells: dict[str, Any], **about: Any) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, **({"gantutor": about} if about else {})}
    return {"cells": [*cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def executed(*outputs: dict[str, Any], preset: str = "cpu") -> tuple[dict[str, Any], dict[str, Any]]:
    """A notebook, and what papermill makes of it where its one cell has these outputs."""
    source = notebook(cell("# Title", kind="markdown"), cell(PARAMETERS, "parameters"), cell("run()"))
    done = copy.deepcopy(source)
    injected = cell(f"# Parameters\npreset = {preset!r}\nseed = 3", "injected-parameters")
    done["cells"].insert(2, injected)
    done["cells"][3].update(outputs=list(outputs), execution_count=3)
    done["cells"][3]["metadata"]["papermill"] = {"duration": 1.5}
    done["metadata"]["papermill"] = {"output_path": "/home/ada/out.ipynb", "duration": 2.0}
    return source, done


def shown(text: str = "done", **data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text, **data}}
