"""Results that take too long for a notebook, committed with the recipe that made them.

``python benchmarks/failures.py`` and ``tables.py`` beside it make them. A notebook asks for them with
the recipe it uses itself, and gets them only if it is the same one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gantutor._errors import InputError, type_name
from gantutor._files import read_json

FOLDER = Path(__file__).parent
"""Where the committed results lie, one file of JSON each."""


def committed_results(name: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """The committed results called ``name``, made with exactly this ``recipe``.

    Raises InputError where there are none, where they are damaged, or where the recipe differs, naming what
    does.
    """
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    if not isinstance(recipe, dict):
        raise InputError(f"the recipe must be a dict of names and values, not {type_name(recipe)}")
    if not isinstance(name, str) or name not in names:
        raise InputError(f"there are no committed results called {name!r}, only {', '.join(names)}")
    content: dict[str, Any] = read_json(FOLDER / f"{name}.json")
    if not (isinstance(content, dict) and isinstance(content.get("recipe"), dict) and content.get("seeds")):
        raise InputError(f"the committed results {name!r} are damaged: they hold no recipe or no seeds")
    made = content["recipe"]
    differing = [key for key in sorted(set(made) | set(recipe)) if made.get(key) != recipe.get(key)]
    if differing:
        what = ", ".join(f"{key} was {made.get(key)!r} and is {recipe.get(key)!r}" for key in differing)
        raise InputError(f"the committed results {name!r} were made with another recipe: {what}")
    return content
