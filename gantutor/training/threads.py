"""The number of CPU threads of a training: a rule on the size of its operations, never on timing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from gantutor._checks import MAX_INT
from gantutor._errors import InputError
from gantutor._user_errors import is_out_of_memory

Result = TypeVar("Result")

MULTIPLY_ADDS_PER_THREAD = 100_000_000
"""A training takes one thread for every hundred million multiply-adds of an average operation.

Sharing an operation costs tens of microseconds, and more where other programs are running, since it takes
as long as its slowest thread. In bfloat16 a hundred million multiply-adds take about a millisecond on one
core. An average operation of the course's fully connected and recurrent recipes has 0.7 to 4 million, one of
the convolutional digits 34 million, and one of the spoken digits 320 million. On two cores a second thread
shortens a step of the digits by less than a tenth and one of the spoken digits by two fifths. While another
program keeps one of the cores busy, it makes a step two to four times as long."""


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the multiply-adds of matrix products and convolutions, in forward and backward passes.

    Attributes:
        operations: number of matrix products and convolutions.
        multiply_adds: their multiply-adds.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        from torch.utils.flop_counter import flop_registry  # takes a while to import

        self._formulas: Mapping[Any, Callable[..., int]] = flop_registry
        self.operations, self.multiply_adds = 0, 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if formula := self._formulas.get(func._overloadpacket):
            with suppress(Exception):  # of shapes that the formula does not know
                self.multiply_adds += formula(*args, **(kwargs or {}), out_val=result) / 2
                self.operations += 1
        return result


def count_multiply_adds(network: nn.Module, function: Callable[[], Result]) -> tuple[Result, float | None]:
    """Call a function, and count the multiply-adds of an average operation in it.

    Counted are matrix products and convolutions, in forward and backward passes.

    Args:
        network: the networks that the function uses.
        function: may be called twice, if it fails.

    Returns:
        What the function returned, and the number of multiply-adds divided by that of operations. It is 0
        without any such operation, and None where they cannot be counted, as in networks that are compiled.

    >>> layer = nn.Linear(100, 10)
    >>> count_multiply_adds(layer, lambda: layer(torch.zeros(64, 100)).shape)
    (torch.Size([64, 10]), 64000.0)
    """
    if any(_is_compiled(module) for module in network.modules()):
        return function(), None
    counter = _Counter()
    try:
        with counter:
            result = function()
    except Exception as error:  # whatever is wrong says so again; or it cannot be counted
        if is_out_of_memory(error):
            raise
        return function(), None
    return result, counter.multiply_adds / max(1, counter.operations)


def _is_compiled(module: nn.Module) -> bool:
    """Whether ``torch.compile`` made or changed the module; torch does not compile what is being counted."""
    return (
        getattr(module, "_compiled_call_impl", None) is not None or type(module).__name__ == "OptimizedModule"
    )


def choose_threads(multiply_adds: float | None, allowed: int) -> int:
    """Return the number of threads for a training: one for each hundred million multiply-adds an operation.

    Args:
        multiply_adds: of an average operation, or None where they could not be counted.
        allowed: the most that may be taken.

    Returns:
        From 1 to ``allowed``; ``allowed`` where the multiply-adds are not known.

    >>> choose_threads(700_000, allowed=4), choose_threads(650e6, allowed=4), choose_threads(None, allowed=4)
    (1, 4, 4)
    """
    if multiply_adds is None:
        return allowed
    return max(1, min(allowed, math.ceil(multiply_adds / MULTIPLY_ADDS_PER_THREAD)))


def check_threads(threads: object) -> None:
    """Raise InputError if the argument ``threads`` of a training cannot be used.

    >>> check_threads(0)
    Traceback (most recent call last):
    ...
    gantutor.InputError: threads must be 'auto', a whole number from 1 to 1,024 or None, not 0
    """
    is_count = isinstance(threads, int) and not isinstance(threads, bool) and 1 <= threads <= 1024
    if not (is_count or threads is None or (isinstance(threads, str) and threads == "auto")):
        raise InputError(f"threads must be 'auto', a whole number from 1 to 1,024 or None, not {threads!r}")


def stored_threads(settings: Mapping[str, Any]) -> int | None:
    """Return the number of threads that a run was trained with, or None if its settings name none.

    Args:
        settings: of a run, perhaps read from a file.

    >>> stored_threads({"threads": 2}), stored_threads({"threads": "many"}), stored_threads({})
    (2, None, None)
    """
    threads = settings.get("threads")
    is_count = isinstance(threads, int) and not isinstance(threads, bool) and 1 <= threads <= MAX_INT
    return threads if is_count else None


@contextmanager
def use_threads(count: int | None) -> Iterator[None]:
    """Let torch use this number of CPU threads inside the block, and as many as before after it.

    Args:
        count: at least 1; None changes nothing.

    >>> before = torch.get_num_threads()
    >>> with use_threads(1): torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def use_stored_threads(settings: Mapping[str, Any]) -> Iterator[None]:
    """Let torch use as many threads inside the block as a run was trained with, but never more than before.

    Args:
        settings: of the run.

    >>> with use_stored_threads({"threads": 1}): torch.get_num_threads()
    1
    """
    stored = stored_threads(settings)
    with use_threads(None if stored is None else min(stored, torch.get_num_threads())):
        yield
