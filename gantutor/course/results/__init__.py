"""Committed results of trainings that take too long for a notebook, each with the recipe that made them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gantutor._errors import InputError, type_name
from gantutor._files import read_json

RESULTS_FOLDER = Path(__file__).parent
"""The folder of the committed results, one JSON file each."""


def committed_results(name: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the committed results of this name, if they were made with exactly this recipe.

    ``python benchmarks/failures.py`` and ``tables.py`` make them. A notebook asks with the recipe that it
    uses itself, so that it never shows results of another one.

    Args:
        name: such as ``"ring_collapse"``.
        recipe: the names and values of the recipe's settings.

    Returns:
        The content of the file: ``"recipe"``, ``"made_on"`` and ``"seeds"``, one entry for each seed.

    Raises:
        InputError: if there are none of this name, if they are damaged, or if the recipe differs; the message
            names the settings that do.

    >>> committed_results("ring_collapse", {"steps": 1})
    Traceback (most recent call last):
    ...
    gantutor.InputError: the committed results 'ring_collapse' were made with another recipe: ...
    """
    names = sorted(path.stem for path in RESULTS_FOLDER.glob("*.json"))
    if not isinstance(recipe, dict):
        raise InputError(f"the recipe must be a dict of names and values, not {type_name(recipe)}")
    if not isinstance(name, str) or name not in names:
        raise InputError(f"there are no committed results called {name!r}, only {', '.join(names)}")
    content: dict[str, Any] = read_json(RESULTS_FOLDER / f"{name}.json")
    if not (isinstance(content, dict) and isinstance(content.get("recipe"), dict) and content.get("seeds")):
        raise InputError(f"the committed results {name!r} are damaged: they hold no recipe or no seeds")
    committed = content["recipe"]
    keys = [key for key in sorted(set(committed) | set(recipe)) if committed.get(key) != recipe.get(key)]
    if keys:
        changes = ", ".join(f"{key} was {committed.get(key)!r} and is {recipe.get(key)!r}" for key in keys)
        raise InputError(f"the committed results {name!r} were made with another recipe: {changes}")
    return content
