"""Parameters of a notebook: a name without a rule is found where its cell assigns it."""

from __future__ import annotations

from typing import Any

import pytest

from gantutor._errors import InputError
from gantutor.course.parameters import integer, number, one_of, validate

RULES = {"preset": one_of("smoke", "cpu", "gpu"), "seed": integer(0), "rate": number(above=0)}
GOOD: dict[str, Any] = {"preset": "cpu", "seed": 3, "rate": 0.1}
CELL = "# Parameters\npreset = 'cpu'\nseed = 0\nrate = 0.1"


def test_a_misspelt_parameter_of_papermill_is_caught() -> None:
    inputs = ["", CELL, "# Parameters\nsed = 3\n", "validate(...)"]
    with pytest.raises(InputError, match=r"unknown parameter 'sed': did you mean 'seed'\? The parameters"):
        validate({**GOOD, "In": inputs}, **RULES)


def test_a_misspelt_name_in_the_cell_itself_is_caught_before_the_missing_one() -> None:
    inputs = ["", CELL.replace("seed", "seeed")]
    with pytest.raises(InputError, match="unknown parameter 'seeed'"):
        validate({"preset": "cpu", "rate": 1, "In": inputs}, **RULES)


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(InputError, match="unknown parameter 'zzz': the parameters are: preset, seed, rate"):
        validate({**GOOD, "In": [CELL, "# Parameters\nzzz: int = 1"]}, **RULES)


def test_other_cells_and_right_names_pass() -> None:
    inputs = ["", "other = 1", CELL, "# Parameters\nseed = 3", "more = 2", "%magic that is no python"]
    validate({**GOOD, "In": inputs}, **RULES)


def test_a_mistake_that_was_corrected_is_forgotten() -> None:
    wrong = CELL + "\nsed = 3"
    validate({**GOOD, "sed": 3, "In": ["", wrong, "validate(...)", CELL, "validate(...)"]}, **RULES)
    with pytest.raises(InputError, match="'sed'"):
        validate({**GOOD, "In": ["", CELL, "validate(...)", wrong, "validate(...)"]}, **RULES)
