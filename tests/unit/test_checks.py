"""Parameters of a notebook: what passes, and the one sentence where something does not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gantutor._checks import (
    Rule,
    available_devices,
    boolean,
    check_device,
    device_name,
    integer,
    number,
    one_of,
    optional,
    string,
    validate,
)
from gantutor._errors import InputError

RULES: dict[str, Rule] = {
    "preset": one_of("smoke", "cpu", "gpu"),
    "seed": integer(0),
    "rate": number(above=0),
}
GOOD: dict[str, Any] = {"preset": "cpu", "seed": 3, "rate": 0.1}
CELL = "# Parameters\npreset = 'cpu'\nseed = 0\nrate = 0.1"


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (one_of("a", 2), "a"),
        (one_of("a", 2), 2),
        (integer(0), 0),
        (integer(1, 3), 3),
        (number(), -1.5),
        (number(0, 1), 0),
        (number(0, 1), 1),
        (number(above=0), 1e-9),
        (number(), 10**400),
        (boolean(), False),
        (string(), "digits"),
        (optional(integer(1)), None),
        (optional(integer(1)), 1),
        (device_name(), "auto"),
        (device_name(), "cpu"),
    ],
)
def test_a_right_value_comes_back(rule: Rule, value: Any) -> None:
    assert rule(value) is value


@pytest.mark.parametrize(
    ("rule", "value", "allowed"),
    [
        (one_of("a", 1), "b", "one of 'a', 1"),
        (one_of("a", 1), True, "one of 'a', 1"),
        (one_of("a", 1), 1.0, "one of 'a', 1"),
        (one_of("a", 1), ["a"], "one of 'a', 1"),
        (integer(0), -1, "a whole number of at least 0"),
        (integer(0), 2.0, "a whole number of at least 0"),
        (integer(0), "3", "a whole number of at least 0"),
        (integer(0), True, "a whole number of at least 0"),
        (integer(1, 3), 4, "a whole number from 1 to 3"),
        (number(), math.nan, "a finite number"),
        (number(), math.inf, "a finite number"),
        (number(), "1", "a finite number"),
        (number(), False, "a finite number"),
        (number(low=0), -0.1, "a number of at least 0"),
        (number(high=1), 1.1, "a number of at most 1"),
        (number(0, 1), 1.1, "a number of at least 0 and at most 1"),
        (number(above=0), 0, "a number greater than 0"),
        (boolean(), 1, "True or False"),
        (boolean(), "yes", "True or False"),
        (string(), "  ", "a text in quotes"),
        (string(), 3, "a text in quotes"),
        (optional(boolean()), 0, "None or True or False"),
        (device_name(), "abacus", "'auto' or one of the devices"),
        (device_name(), 0, "'auto' or one of the devices"),
        (device_name(), "cuda:99", "'auto' or one of the devices"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(rule: Rule, value: Any, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        validate({"name": value}, name=rule)
    assert str(caught.value).startswith(f"name must be {allowed}")
    assert str(caught.value).endswith(f", not {value!r}")
    assert "\n" not in str(caught.value)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(InputError, match="'rate' is missing: the parameters are: preset, seed, rate"):
        validate({"preset": "cpu", "seed": 3}, **RULES)


def test_check_device_names_what_is_there() -> None:
    for name in ("auto", *available_devices()):
        check_device(name)
    with pytest.raises(InputError, match=rf"device must be 'auto' or .*{available_devices()[-1]}.*not 'tpu'"):
        check_device("tpu")


def test_the_devices_are_those_torch_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert available_devices() == ["cpu", "cuda", "cuda:0", "cuda:1"]
    check_device("cuda:1")
