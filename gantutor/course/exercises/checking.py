"""What the checks share: an answer is taken apart, with a sentence for everything that it should not be."""

from __future__ import annotations

import math
import reprlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from types import CodeType, FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gantutor._errors import first_line

LIMIT = 5.0
"""Seconds that a learner's function may take; the right ones take far less than one."""


class WrongAnswer(Exception):  # noqa: N818
    """What is wrong with an answer, in one or two sentences to the learner."""


class Unanswered(Exception):  # noqa: N818
    """The answer is still the ``...`` that the notebook came with."""


class _TimeUp(BaseException):
    """Passes through a learner's ``except Exception``."""


@contextmanager
def fair_start() -> Iterator[None]:
    """The same random numbers for every check, and gradients on; all put back afterwards.

    >>> before = torch.get_rng_state()
    >>> with fair_start():
    ...     numbers = torch.rand(3)
    >>> torch.equal(before, torch.get_rng_state())
    True
    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        yield


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises Wrong after so many seconds; without effect where there is no timer (Windows, other threads)."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    except _TimeUp:
        raise WrongAnswer(
            f"Your function had not finished after {seconds:g} seconds: look for a loop that never ends."
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


def describe(value: object) -> str:
    """A value in a few words.

    >>> describe(3), describe(torch.zeros(2, 3)), describe([])
    ('3', 'a tensor of shape (2, 3)', 'a list')
    """
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return reprlib.repr(value)
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


# --- values -------------------------------------------------------------------------------------------------


def as_number(answer: Any, name: str = "The answer") -> float:
    """A finite number: an int, a float, or a tensor of one element.

    >>> as_number(torch.tensor([2.5]))
    2.5
    """
    if answer is ...:
        raise Unanswered
    if isinstance(answer, (Tensor, np.ndarray)) and math.prod(answer.shape) == 1:
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, Real):
        raise WrongAnswer(f"{name} should be a number, not {describe(answer)}.")
    try:
        value = float(answer)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise WrongAnswer(f"{name} should be a finite number, not {value}.")
    return value


def as_numbers(answer: Any, names: Sequence[str]) -> list[float]:
    """As many numbers as there are names, in a tuple, a list or a tensor.

    >>> as_numbers((1, 2.5), ("the first", "the second"))
    [1.0, 2.5]
    """
    if answer is ...:
        raise Unanswered
    if isinstance(answer, (Tensor, np.ndarray)) and answer.ndim:
        answer = answer.flatten().tolist()
    if not isinstance(answer, (tuple, list)) or len(answer) != len(names):
        given = f"{len(answer)} of them" if isinstance(answer, (tuple, list)) else describe(answer)
        raise WrongAnswer(
            f"The answer should be {len(names)} numbers in brackets ({', '.join(names)}), not {given}."
        )
    return [as_number(part, name[0].upper() + name[1:]) for part, name in zip(answer, names, strict=True)]


def is_close(value: float, right: float, tolerance: float = 5e-3) -> bool:
    """Whether two numbers agree to ``tolerance``, absolute for small ones and relative for large ones.

    >>> is_close(0.216, 0.21576), is_close(0.23, 0.21576)
    (True, False)
    """
    return abs(value - right) <= tolerance * max(1.0, abs(right))


def check_letters(answer: Any, right: str, why: Mapping[str, str]) -> None:
    """Raise Wrong where other options were chosen than the right ones.

    ``why`` says of each option, by its letter, why it is wrong, or, of a right one, what points to it.

    >>> check_letters({"a"}, "a", {"a": "Think of …", "b": "That is …"})
    """
    if isinstance(answer, (set, frozenset, list, tuple)) and all(isinstance(part, str) for part in answer):
        answer = "".join(sorted(answer))
    if not isinstance(answer, str) or not answer.strip():
        raise WrongAnswer(
            f"Answer with letters in quotes, one or several of {', '.join(why)}, not {describe(answer)}."
        )
    chosen = {letter for letter in answer.lower() if letter not in " ,;"}
    if unknown := sorted(chosen - set(why)):
        raise WrongAnswer(f"There is no option {reprlib.repr(unknown[0])}: the options are {', '.join(why)}.")
    if extra := sorted(chosen - set(right)):
        raise WrongAnswer(f"Not {extra[0]}: {why[extra[0]]}")
    if missing := sorted(set(right) - chosen):
        raise WrongAnswer(f"What you chose is right, but it is not all. {why[missing[0]]}")


# --- functions ----------------------------------------------------------------------------------------------


def call(function: Any, *inputs: Any, usage: str) -> Any:
    """What a learner's function returns; Wrong where it raises or hangs, Unanswered where it is a stub.

    >>> call(lambda x: x + 1, 2, usage="plus_one(x)")
    3
    """
    if not callable(function):
        raise WrongAnswer(f"The answer should be a function, `{usage}`, not {describe(function)}.")
    try:
        with _time_limit(LIMIT):
            result = function(*inputs)
    except WrongAnswer:
        raise
    except (Exception, SystemExit) as error:
        raise WrongAnswer(
            f"Called as `{usage}`, your function raised {type(error).__name__}: {first_line(error)}."
        ) from None
    if result is ... or (result is None and _empty(function)):
        raise Unanswered
    return result


def _empty(function: Any) -> bool:
    """Whether a function's body is nothing but ``...``, ``pass`` or a docstring."""
    code = getattr(function, "__code__", None)
    return isinstance(code, CodeType) and code.co_code == (lambda: None).__code__.co_code


def as_tensor(value: Any, shape: tuple[int, ...], name: str = "What your function returns") -> Tensor:
    """The finite tensor of real numbers that is expected, detached, in double precision, on the CPU.

    >>> as_tensor(torch.ones(2), (2,))
    tensor([1., 1.], dtype=torch.float64)
    """
    if value is ...:
        raise Unanswered
    if value is None:
        raise WrongAnswer(f"{name} is None: does the function end with `return` and the result?")
    if not isinstance(value, Tensor):
        raise WrongAnswer(f"{name} should be a tensor, not {describe(value)}.")
    if tuple(value.shape) != shape:
        wanted = "a single number (shape ())" if shape == () else f"of shape {shape}"
        raise WrongAnswer(f"{name} should be {wanted}, not of shape {tuple(value.shape)}.")
    if value.is_complex():
        raise WrongAnswer(f"{name} should be real numbers, not complex ones.")
    result: Tensor = value.detach().double().cpu()
    if not bool(result.isfinite().all()):
        raise WrongAnswer(f"{name} is not finite (NaN or infinity).")
    return result


def loss_gradient(loss: Tensor, inputs: Tensor) -> Tensor:
    """The gradient of a learner's loss, zero where it does not depend on the inputs.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> loss_gradient(x * x, x)
    tensor(6.)
    """
    if not loss.requires_grad:
        raise WrongAnswer(
            "No gradient flows through what your function returns: keep it a tensor, and detach nothing."
        )
    (gradient,) = torch.autograd.grad(loss, inputs, allow_unused=True)
    return torch.zeros_like(inputs) if gradient is None else gradient


def is_same(one: Tensor, other: Tensor, tolerance: float = 1e-4) -> bool:
    """Whether two tensors of one shape agree to ``tolerance`` everywhere.

    >>> is_same(torch.ones(2), torch.ones(2).double() + 1e-6)
    True
    """
    return bool(torch.allclose(one.double(), other.double(), rtol=tolerance, atol=tolerance))


Check = Callable[[Any], None]
