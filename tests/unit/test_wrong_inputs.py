"""Every public function, given one wrong value in place of a right one, refuses it in a sentence or works.

Values are drawn by hypothesis, the same ones every time. ``wrong_values`` says what is drawn and what counts
as a refusal; the ``right_calls`` say how each function is called rightly.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import right_calls
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from right_calls import Call
from wrong_values import OWN_ERRORS, Wrong, message_at_fault, result_at_fault, wrong

CALLS = right_calls.all_calls()
PER_PARAMETER = 16
"""Values drawn for each parameter of each function, about."""

MEANT = {
    "Sequence": "list",
    "Iterable": "list",
    "tuple": "list",
    "Mapping": "dict",
    "Callable": "Module other",
    "Latent": "Module other",
    "View": "Module other",
    "Sounds": "Module other",
}
"""Words of annotations, and the kinds of strangers that they let in."""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(tmp_path / "progress.json"))


def cases(call: Call) -> st.SearchStrategy[tuple[str, Wrong]]:
    """A parameter of the function and a wrong value for it."""
    hints = inspect.signature(call.function).parameters
    return st.one_of(
        [
            wrong(value, call.allowed.get(name, _annotation(hints, name))).map(lambda w, name=name: (name, w))
            for name, value in call.arguments().items()
        ]
    )


def _annotation(hints: Any, name: str) -> str:
    text = str(hints[name].annotation) if name in hints else "Any"
    for written, meant in MEANT.items():
        text = text.replace(written, meant)
    return text


def fault(call: Call, parameter: str, value: Wrong) -> str:
    """What is at fault where ``value`` is given for ``parameter``, or nothing."""
    try:
        with quietly():
            result = call.play(call.arguments() | {parameter: value.value})
    except OWN_ERRORS as error:
        what = message_at_fault(str(error))
        return f"the message {what}: {error}" if what else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if value.hopeless:
        return f"was taken, and gave {result!r:.80}"
    what = result_at_fault(result, call.usual())
    return f"the result {what}" if what else ""


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_wrong_value_is_refused_in_a_sentence_or_works(call: Call) -> None:
    tried = set()

    @settings(
        max_examples=call.examples or PER_PARAMETER * len(call.right),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(call))
    def refused_or_works(case: tuple[str, Wrong]) -> None:
        parameter, value = case
        tried.add((parameter, value.words))
        found = fault(call, parameter, value)
        assert not found, f"{call.name}({parameter}={value.words}): {found}"

    with quietly():
        call.usual()
    refused_or_works()
    assert len(tried) >= len(call.right)


def test_at_least_200_cases_are_tried() -> None:
    assert sum(len(call.right) for call in CALLS) >= 200
