"""Control of a running training: pause, step, stop, and interrupts that wait for the end of a step."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from gantutor._checks import checked, number, string, validate


class Control:
    """Pauses, steps, stops, slows down and steers a running training; safe to use from another thread.

    Pass one as ``train(control=...)``, or use ``run.control`` inside a callback.

    Attributes:
        paused: whether the training waits before its next step.
        stopped: whether the training ends after the present step.
        delay: seconds to wait after every step.
        learning_rates: learning rates set by hand, by network name.
        while_waiting: a function that is called again and again while the training waits, for instance to
            look for a press of a button; None for none.

    >>> control = Control()
    >>> control.pause(); control.step("discriminator"); control.wait()
    ('discriminator',)
    >>> control.stop(); control.wait() is None, control.stopped
    (True, True)
    """

    def __init__(self) -> None:
        self.paused = False
        self.stopped = False
        self.delay = 0.0
        self.learning_rates: dict[str, float] = {}
        self.while_waiting: Callable[[], object] | None = None
        self._requested_steps: deque[tuple[str, ...]] = deque()

    def pause(self) -> None:
        """Pause the training before its next step."""
        self.paused = True

    def resume(self) -> None:
        """Continue after a pause, and drop requested steps that were not taken."""
        self._requested_steps.clear()
        self.paused = False

    def stop(self) -> None:
        """End the training after the present step: ``train`` returns the Run so far."""
        self.stopped = True

    def step(self, *networks: str) -> None:
        """Take one step while paused.

        Args:
            *networks: names of networks; only turns that update one of them are played. None given: all
                turns.
        """
        if self.paused:
            self._requested_steps.append(networks)

    @checked(seconds=number(0, 10))
    def slow_down(self, seconds: float) -> None:
        """Wait after every step.

        Args:
            seconds: from 0 to 10.

        Raises:
            InputError: if seconds is out of range.
        """
        self.delay = float(seconds)

    @checked(network=string())
    def set_learning_rate(self, network: str, value: float) -> None:
        """Set the learning rate of one network from its next turn on.

        Args:
            network: name of the network.
            value: from 0, which freezes the network, to 1; the schedule's factor is still applied.

        Raises:
            InputError: if the name is not a non-empty string, or the value is out of range.
        """
        validate(
            {f"the learning rate of {network}": value}, **{f"the learning rate of {network}": number(0, 1)}
        )
        self.learning_rates[network] = float(value)

    def wait(self, on_wait: Callable[[], None] | None = None) -> tuple[str, ...] | None:
        """Wait until a step may be taken.

        Args:
            on_wait: called once if the training is paused and has to wait for a person.

        Returns:
            The networks that the step is limited to, () for all, or None if the training was stopped.
        """
        started, notified = time.monotonic(), on_wait is None
        while (
            not (self.stopped or self.paused) and (remaining := started + self.delay - time.monotonic()) > 0
        ):
            self._rest(min(remaining, 0.01))
        while not self.stopped and self.paused:
            with suppress(IndexError):  # no step is requested, or another thread has dropped it
                return self._requested_steps.popleft()
            if on_wait is not None and not notified:
                notified = True
                on_wait()
            self._rest(0.01)
        return None if self.stopped else ()

    def _rest(self, seconds: float) -> None:
        time.sleep(seconds)
        if self.while_waiting is not None:
            self.while_waiting()


class DeferredInterrupt:
    """Context in which an interrupt (■, Ctrl-C) waits for the end of the block; a second one acts at once.

    Args:
        handler: the handler of SIGINT that is called in the end.

    Attributes:
        active: whether a block is being executed.
        pending: whether an interrupt is waiting.
    """

    def __init__(self, handler: Callable[[int, FrameType | None], object]) -> None:
        self.handler = handler
        self.active = self.pending = False

    def __enter__(self) -> None:
        self.active = True

    def __exit__(self, *error: object) -> None:
        self.active = False
        if self.pending:
            self.pending = False
            self.handler(signal.SIGINT, None)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT: wait inside a block, unless an interrupt is already waiting."""
        if self.active and not self.pending:
            self.pending = True
        else:
            self.handler(number, frame)


@contextmanager
def defer_interrupts_to_step_end() -> Iterator[DeferredInterrupt]:
    """Yield a context for the steps of a training, inside which an interrupt waits for the end of the step.

    The signal handler is installed once, so that a step costs nothing more. Outside the main thread, and in a
    process that ignores SIGINT, no handler is installed.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield DeferredInterrupt(signal.default_int_handler)
        return
    interrupt = DeferredInterrupt(handler)
    signal.signal(signal.SIGINT, interrupt.handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Let an interrupt (■, Ctrl-C) wait for the end of the block; a second one acts at once."""
    with defer_interrupts_to_step_end() as interrupt, interrupt:
        yield


@contextmanager
def stop_on_interrupt(control: Control) -> Iterator[None]:
    """Let an interrupt (■, Ctrl-C) stop the training after the present step.

    With several processes, none may leave the others in the middle of a step.

    Args:
        control: the control whose ``stop`` is called.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, lambda number, frame: control.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
