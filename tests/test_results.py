"""Committed results belong to the recipe that their notebook shows."""

from __future__ import annotations

import pytest
from benchmark_scripts import load

import gantutor as gt

NAMES = sorted(path.stem for path in gt.results.FOLDER.glob("*.json"))


def test_every_failure_has_its_results() -> None:
    assert sorted(load("failures").FAILURES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_recipe_is_that_of_the_notebook(name: str) -> None:
    script = load("failures")
    recipe = script.recipe_in(script.FAILURES[name][0])
    content = gt.results.committed(name, recipe)
    assert [row["seed"] for row in content["seeds"]] == list(range(script.SEEDS))


def test_another_recipe_is_refused_naming_what_differs() -> None:
    script = load("failures")
    recipe = script.recipe_in("01_concepts") | {"steps": 1}
    with pytest.raises(gt.InputError, match="steps was 5000 and is 1"):
        gt.results.committed("ring_collapse", recipe)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(gt.InputError, match=r"no committed results called 'nothing', only .*ring_collapse"):
        gt.results.committed("nothing", {})
