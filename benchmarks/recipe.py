"""What stands in a notebook's recipe, and the results committed beside it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import gantutor as gt
from gantutor.course import results

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
Recipe = dict[str, Any]


def dict_in(notebook: str, name: str) -> dict[str, Any]:
    """The dict of this name that a cell of a notebook writes out."""
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and f"{name} = {{" in source:
            for statement in ast.parse(source).body:
                if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == name:
                    return dict(ast.literal_eval(statement.value))
    raise SystemExit(f"{notebook} has no {name}")


def values(scores: gt.metrics.Scores) -> dict[str, float]:
    """The scores alone, to five digits."""
    return {name: round(score.value, 5) for name, score in scores.items()}


def made_on() -> dict[str, Any]:
    """What results depend on beside the recipe."""
    return {"torch": torch.__version__.split("+")[0], "threads": torch.get_num_threads()}


def complete(name: str, recipe: Recipe, play: Callable[[int], Mapping[str, Any]], seeds: int) -> None:
    """Play the seeds that the results do not hold yet, and write them after each: one may stop at any time.

    Results of another recipe, torch or number of threads are begun anew. To play all anew, remove the file.
    """
    path = results.RESULTS_FOLDER / f"{name}.json"
    content: dict[str, Any] = {"recipe": recipe, "made_on": made_on(), "seeds": []}
    if path.exists():
        before = gt._files.read_json(path)
        content = before if content | {"seeds": before["seeds"]} == before else content
    for seed in range(len(content["seeds"]), seeds):
        content["seeds"].append({"seed": seed, **play(seed)})
        print(name, json.dumps(content["seeds"][-1]), flush=True)
        write(name, content)


def write(name: str, content: dict[str, Any]) -> None:
    """Results as ``gantutor/results/<name>.json``: the old ones or the new ones, never half of them."""
    with gt._files.new_file(results.RESULTS_FOLDER / f"{name}.json") as fresh:
        fresh.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
