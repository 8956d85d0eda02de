"""Whatever is given for an answer, a check says one sentence, changes nothing, and ends."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from exercise_cases import every, right
from torch import nn

import gantutor as gt
from gantutor.course.exercises import EXERCISES, Exercise, Reply

pytestmark = pytest.mark.usefixtures("kept")


def raises(*_: Any) -> None:
    raise RuntimeError("no\nsecond line")


def leaves(*_: Any) -> None:
    raise SystemExit(3)


class Strange:
    """Everything about it raises."""

    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise ValueError("no equality")

    __hash__ = None  # type: ignore[assignment]


JUNK: dict[str, Any] = {
    "none": None,
    "text": "x",
    "empty text": "",
    "html": "<script>alert(1)</script>",
    "complex": 3j,
    "flag": True,
    "nan": math.nan,
    "infinity": math.inf,
    "huge": 10**400,
    "object": object(),
    "strange": Strange(),
    "list": [],
    "nested": [[1, [2]], {}],
    "three of nothing": (None, None, None),
    "two strange": (Strange(), Strange()),
    "three nan": (math.nan,) * 3,
    "two complex": (1j, 2j),
    "set of numbers": {1, 2},
    "dict": {"networks": 3},
    "bytes": b"ab",
    "tensor": torch.zeros(0),
    "many": torch.zeros(2, 3),
    "complex tensor": torch.zeros(2, dtype=torch.complex64),
    "type": int,
    "module": nn.Linear(3, 3),
    "no arguments": lambda: 1,
    "raises": raises,
    "leaves": leaves,
    "raises strangely": lambda *_: {}[Strange()],
    "gives none": lambda *_: print(end=""),
    "gives nan": lambda *_: torch.tensor(math.nan),
    "gives two nan": lambda *_: (torch.tensor(math.nan), torch.tensor(math.nan)),
    "gives a number": lambda *_: 0.5,
    "gives text": lambda *_: "x",
    "gives html": lambda *_: "<b>x</b>",
    "gives strange": lambda *_: Strange(),
    "gives two strange": lambda *_: (Strange(), Strange()),
    "gives a shape": lambda *_: torch.zeros(7, 7),
    "gives whole numbers": lambda *_: torch.zeros((), dtype=torch.int64),
    "gives complex": lambda *_: torch.zeros((), dtype=torch.complex64),
    "gives a dict": lambda *_: {"total": 1},
    "gives bad networks": lambda *_: {"networks": 1, "optimizers": 2, "draw": 3},
    "gives itself": lambda *parts: parts,
    "spoils": lambda *parts: [part.zero_() for part in parts if isinstance(part, torch.Tensor)],
    "recurses": lambda *parts: JUNK["recurses"](*parts),
}


@every
@pytest.mark.parametrize("name", JUNK)
def test_junk_gets_a_sentence(exercise: Exercise, name: str) -> None:
    reply = gt.exercises.check(exercise.number, JUNK[name])
    assert reply.verdict == "wrong", reply.text
    assert str(reply) and "<script>" not in reply._repr_html_() and "<b>x" not in reply._repr_html_()
    assert "could not be read" not in reply.text, reply.text
    assert "second line" not in reply.text and len(reply.text) < 400


@pytest.mark.parametrize("answer", [..., (..., ...), lambda *_: ...], ids=["ellipsis", "pair", "stub"])
@every
def test_an_open_answer_is_no_wrong_one(exercise: Exercise, answer: Any, kept: Path) -> None:
    value = isinstance(exercise.solution, str | float | tuple | dict | nn.Module)
    if value and answer is not ... and callable(answer):
        return
    if isinstance(answer, tuple) and not isinstance(exercise.solution, tuple):
        return
    if isinstance(answer, tuple):
        answer = (...,) * len(exercise.solution)
    reply = gt.exercises.check(exercise.number, answer)
    assert reply.verdict == "open" and "Not answered yet" in str(reply)
    assert not kept.parent.exists()


def test_an_empty_stub_is_open() -> None:
    def generator_loss(fake_logits: torch.Tensor) -> Any: ...

    assert gt.exercises.check("01.4", generator_loss).verdict == "open"


@pytest.mark.parametrize("number", ["1.2", "01.9", "", 1.2, None, ["01.1"]])
def test_unknown_numbers(number: Any) -> None:
    for ask in (
        lambda n: gt.exercises.check(n, 1),
        gt.exercises.hint,
        gt.exercises.solution,
        gt.exercises.question,
    ):
        with pytest.raises(gt.InputError, match=r"there is no exercise .*01\.1, 01\.2"):
            ask(number)


def test_a_near_number_is_suggested() -> None:
    with pytest.raises(gt.InputError, match=r"did you mean '01\.2'\?"):
        gt.exercises.hint("1.2")


def test_numbers_come_in_many_types() -> None:
    pair = EXERCISES["01.3"].solution
    tensor = torch.tensor(pair, dtype=torch.float64)
    for answer in (list(pair), tensor, (tensor[0], tensor[1:]), tensor.numpy(), tuple(tensor.numpy())):
        assert gt.exercises.check("01.3", answer).verdict == "right"


def test_letters_come_in_many_types() -> None:
    for answer in ("ac", "ca", "A, C", {"a", "c"}, ["c", "a"], ("a", "c")):
        assert gt.exercises.check("00.1", answer).verdict == "right"


def test_an_endless_loop_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantutor.course.exercises.checking.TIME_LIMIT", 0.3)

    def endless(*_: Any) -> None:
        while True:
            with suppress(Exception):
                torch.zeros(1)

    reply = gt.exercises.check("01.4", endless)
    assert reply.verdict == "wrong" and "never ends" in reply.text
    time.sleep(0.4)  # the timer is off again


def test_checks_run_in_other_threads() -> None:
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(right("01.4")))
    thread.start()
    thread.join()
    assert replies[0].verdict == "right"


@every
def test_the_random_state_stays(exercise: Exercise) -> None:
    before = torch.get_rng_state()
    with torch.no_grad():
        assert exercise.grade(exercise.solution).verdict == "right"
    assert torch.equal(before, torch.get_rng_state())


def test_loading_them_draws_nothing_and_is_left_until_needed() -> None:
    code = (
        "import sys, torch, gantutor as gt\n"
        "assert not any(name.startswith('gantutor.course.exercises') for name in sys.modules)\n"
        "before = torch.get_rng_state()\ngt.exercises.numbers()\n"
        "assert torch.equal(before, torch.get_rng_state())\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
