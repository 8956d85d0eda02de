"""The parts of the course: exercises, recipes, parameters, the environment report and recorded scores."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gantutor.course import parameters, recipes, score_report
from gantutor.course.environment import EnvironmentReport, environment_report
from gantutor.course.processes import launch
from gantutor.course.recipes import Recipe
from gantutor.course.results import committed_results

if TYPE_CHECKING:
    from gantutor.course import exercises

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


def __getattr__(name: str) -> Any:
    """Import the exercises when they are first asked for: they need matplotlib."""
    if name == "exercises":
        return importlib.import_module("gantutor.course.exercises")
    raise AttributeError(f"module 'gantutor.course' has no attribute {name!r}")
