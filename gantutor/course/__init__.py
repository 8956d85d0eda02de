"""The parts of the course: exercises, recipes, parameters, the environment report and recorded scores."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gantutor.course import exercises, parameters, recipes, score_report
    from gantutor.course.environment import EnvironmentReport, environment_report
    from gantutor.course.processes import launch
    from gantutor.course.recipes import Recipe
    from gantutor.course.results import committed_results

__all__ = [
    "EnvironmentReport",
    "Recipe",
    "committed_results",
    "environment_report",
    "exercises",
    "launch",
    "parameters",
    "recipes",
    "score_report",
]

_HOMES = {
    "EnvironmentReport": "environment",
    "Recipe": "recipes",
    "committed_results": "results",
    "environment_report": "environment",
    "launch": "processes",
}
"""The module of each name that is not a module of this folder."""


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for: the commands that need no torch do not load it."""
    if name not in __all__:
        raise AttributeError(f"module 'gantutor.course' has no attribute {name!r}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"gantutor.course.{_HOMES[name]}"), name)
    return importlib.import_module(f"gantutor.course.{name}")


def __dir__() -> list[str]:
    """The public names, imported or not yet."""
    return sorted({*globals(), *__all__})
