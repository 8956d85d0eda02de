"""Functions that the checks share: they read an answer and raise ``WrongAnswer`` with what is wrong."""

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

TIME_LIMIT = 5.0
"""Seconds that a learner's function may take; the right ones take far less than one."""

Check = Callable[[Any], None]
"""Checks an answer: returns None where it is right, and raises WrongAnswer or Unanswered elsewhere."""


class WrongAnswer(Exception):  # noqa: N818
    """Raised where an answer is wrong; its text tells the learner what is wrong, in a sentence or two."""


class Unanswered(Exception):  # noqa: N818
    """Raised where the answer is still the ``...`` that the notebook came with."""


class _TimeUp(BaseException):
    """Ends a learner's function; a BaseException, as the function may catch every Exception."""


@contextmanager
def fixed_seed() -> Iterator[None]:
    """Give every check the same random numbers, with gradients on; restore both at the end of the block.

    >>> before = torch.get_rng_state()
    >>> with fixed_seed():
    ...     numbers = torch.rand(3)
    >>> torch.equal(before, torch.get_rng_state())
    True
    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        yield


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise WrongAnswer after some seconds; no effect where there is no timer (Windows, other threads)."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TimeUp

    handler = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    except _TimeUp:
        raise WrongAnswer(
            f"Your function had not finished after {seconds:g} seconds: look for a loop that never ends."
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def describe(value: object) -> str:
    """Return a value in a few words, for a reply.

    Args:
        value: anything.

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
    """Return an answer as a finite number.

    Args:
        answer: an int, a float, or a tensor or array of one element.
        name: how a reply calls the answer.

    Raises:
        Unanswered: if it is ``...``.
        WrongAnswer: if it is not a number or not finite.

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
    """Return an answer as a list of finite numbers, as many as there are names.

    Args:
        answer: a tuple, a list, or a tensor or array.
        names: how a reply calls each number.

    Raises:
        Unanswered: if it is ``...``.
        WrongAnswer: if it is not so many finite numbers.

    >>> as_numbers((1, 2.5), ("the first", "the second"))
    [1.0, 2.5]
    """
    if answer is ...:
        raise Unanswered
    if isinstance(answer, (Tensor, np.ndarray)) and answer.ndim:
        answer = answer.flatten().tolist()
    if not isinstance(answer, (tuple, list)) or len(answer) != len(names):
        actual = f"{len(answer)} of them" if isinstance(answer, (tuple, list)) else describe(answer)
        raise WrongAnswer(
            f"The answer should be {len(names)} numbers in brackets ({', '.join(names)}), not {actual}."
        )
    return [as_number(part, name[0].upper() + name[1:]) for part, name in zip(answer, names, strict=True)]


def is_close(value: float, expected: float, tolerance: float = 5e-3) -> bool:
    """Return whether two numbers agree.

    Args:
        value: of the answer.
        expected: the right value.
        tolerance: absolute up to 1 and relative above.

    >>> is_close(0.216, 0.21576), is_close(0.23, 0.21576)
    (True, False)
    """
    return abs(value - expected) <= tolerance * max(1.0, abs(expected))


def check_letters(answer: Any, right: str, reasons: Mapping[str, str]) -> None:
    """Check that exactly the right options were chosen.

    Args:
        answer: letters in one text, or a set, list or tuple of them; spaces, commas and case do not matter.
        right: the letters of the right options.
        reasons: for each option, by its letter, why it is wrong or, for a right one, what points to it.

    Raises:
        WrongAnswer: if the answer is not letters of options, or if they are not exactly the right ones.

    >>> check_letters({"a"}, "a", {"a": "Think of …", "b": "That is …"})
    """
    if isinstance(answer, (set, frozenset, list, tuple)) and all(isinstance(part, str) for part in answer):
        answer = "".join(sorted(answer))
    if not isinstance(answer, str) or not answer.strip():
        raise WrongAnswer(
            f"Answer with letters in quotes, one or several of {', '.join(reasons)}, not {describe(answer)}."
        )
    chosen = {letter for letter in answer.lower() if letter not in " ,;"}
    if unknown := sorted(chosen - set(reasons)):
        raise WrongAnswer(
            f"There is no option {reprlib.repr(unknown[0])}: the options are {', '.join(reasons)}."
        )
    if extra := sorted(chosen - set(right)):
        raise WrongAnswer(f"Not {extra[0]}: {reasons[extra[0]]}")
    if missing := sorted(set(right) - chosen):
        raise WrongAnswer(f"What you chose is right, but it is not all. {reasons[missing[0]]}")


# --- functions ----------------------------------------------------------------------------------------------


def call(function: Any, *inputs: Any, usage: str) -> Any:
    """Call a learner's function and return its result.

    Args:
        function: the answer.
        *inputs: its arguments.
        usage: the call in words, such as ``"plus_one(x)"``, for the reply.

    Raises:
        WrongAnswer: if it is not a function, raises an error or takes longer than TIME_LIMIT.
        Unanswered: if its body is empty or it returns ``...``.

    >>> call(lambda x: x + 1, 2, usage="plus_one(x)")
    3
    """
    if not callable(function):
        raise WrongAnswer(f"The answer should be a function, `{usage}`, not {describe(function)}.")
    try:
        with _time_limit(TIME_LIMIT):
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
    """Whether a function's body is only ``...``, ``pass`` or a docstring."""
    code = getattr(function, "__code__", None)
    return isinstance(code, CodeType) and code.co_code == (lambda: None).__code__.co_code


def as_tensor(value: Any, shape: tuple[int, ...], name: str = "What your function returns") -> Tensor:
    """Return a value as a finite tensor of this shape, detached, in double precision, on the CPU.

    Args:
        value: of any type.
        shape: the expected shape, ``()`` for a single number.
        name: how a reply calls the value.

    Raises:
        Unanswered: if it is ``...``.
        WrongAnswer: if it is not a tensor of real, finite numbers of this shape.

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
        expected = "a single number (shape ())" if shape == () else f"of shape {shape}"
        raise WrongAnswer(f"{name} should be {expected}, not of shape {tuple(value.shape)}.")
    if value.is_complex():
        raise WrongAnswer(f"{name} should be real numbers, not complex ones.")
    result: Tensor = value.detach().double().cpu()
    if not bool(result.isfinite().all()):
        raise WrongAnswer(f"{name} is not finite (NaN or infinity).")
    return result


def loss_gradient(loss: Tensor, inputs: Tensor) -> Tensor:
    """Return the gradient of a learner's loss, zero where it does not depend on the inputs.

    Args:
        loss: a scalar.
        inputs: a tensor that requires a gradient.

    Returns:
        The shape of the inputs.

    Raises:
        WrongAnswer: if the loss has no gradient at all.

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


def is_same(values: Tensor, expected: Tensor, tolerance: float = 1e-4) -> bool:
    """Return whether two tensors agree everywhere.

    Args:
        values: of the answer.
        expected: the right values, of the same shape.
        tolerance: absolute and relative.

    >>> is_same(torch.ones(2), torch.ones(2).double() + 1e-6)
    True
    """
    return bool(torch.allclose(values.double(), expected.double(), rtol=tolerance, atol=tolerance))
