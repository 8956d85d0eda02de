"""The parts of the course: exercises, recipes, parameters, the environment report and recorded scores."""

from __future__ import annotations

from gantutor.course import exercises, parameters, recipes, score_report
from gantutor.course.environment import EnvironmentReport, environment_report
from gantutor.course.launch import launch
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
