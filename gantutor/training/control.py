"""What a person may want of a running training: the loop reads it between turns."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from gantutor._checks import number, string, validate


class Control:
    """Pause, step, stop, slow motion and learning rates of a training that is running, safe to use from
    another thread.

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
        self._granted: deque[tuple[str, ...]] = deque()

    def pause(self) -> None:
        """Hold the training before its next step."""
        self.paused = True

    def resume(self) -> None:
        """Go on from a pause; steps that were asked for and not taken are dropped."""
        self._granted.clear()
        self.paused = False

    def stop(self) -> None:
        """End the training after the present step: ``train`` returns the Run so far."""
        self.stopped = True

    def step(self, *networks: str) -> None:
        """While paused, take one step: of every turn, or only of the turns that update the networks named."""
        if self.paused:
            self._granted.append(networks)

    def slow_down(self, seconds: float) -> None:
        """Wait this long after every step, from 0 to 10 seconds."""
        validate({"seconds": seconds}, seconds=number(0, 10))
        self.delay = float(seconds)

    def set_learning_rate(self, network: str, value: float) -> None:
        """The learning rate of one network from its next turn on, before the schedule's factor; 0 freezes
        it."""
        validate({"network": network}, network=string())
        validate(
            {f"the learning rate of {network}": value}, **{f"the learning rate of {network}": number(0, 1)}
        )
        self.learning_rates[network] = float(value)

    def wait(self, tell: Callable[[], None] | None = None) -> tuple[str, ...] | None:
        """Return when a step may be taken: the networks it is limited to, or () for all; None once stopped.

        ``tell`` is called once where it has to wait for a person.
        """
        started, told = time.monotonic(), tell is None
        while not (self.stopped or self.paused) and (left := started + self.delay - time.monotonic()) > 0:
            time.sleep(min(left, 0.01))
        while not self.stopped and self.paused:
            with suppress(IndexError):  # none granted, or dropped by another thread just now
                return self._granted.popleft()
            if tell is not None and not told:
                told = True
                tell()
            time.sleep(0.01)
        return None if self.stopped else ()


class Hold:
    """A ■ or Ctrl-C inside ``with hold:`` takes effect at its end, as it usually does; a second at once."""

    def __init__(self, usual: Callable[[int, FrameType | None], object]) -> None:
        self.usual = usual
        self.inside = self.pressed = False

    def __enter__(self) -> None:
        self.inside = True

    def __exit__(self, *error: object) -> None:
        self.inside = False
        if self.pressed:
            self.pressed = False
            self.usual(signal.SIGINT, None)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """What the signal calls."""
        if self.inside and not self.pressed:
            self.pressed = True
        else:
            self.usual(number, frame)


@contextmanager
def interrupts_at_the_end_of_steps() -> Iterator[Hold]:
    """Gives the ``Hold`` of a training, which costs a step nothing: the signal is redirected once for all.

    Outside the main thread, and in a process that ignores the signal, nothing is redirected.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield Hold(signal.default_int_handler)
        return
    hold = Hold(usual)
    signal.signal(signal.SIGINT, hold.handle)
    try:
        yield hold
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """A ■ or Ctrl-C inside the block takes effect at its end, so that what it does is whole; a second one at
    once."""
    with interrupts_at_the_end_of_steps() as hold, hold:
        yield


@contextmanager
def interrupts_stop(control: Control) -> Iterator[None]:
    """A ■ or Ctrl-C inside the block stops the training after the present step: one of several processes
    must not leave the others in the middle of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, lambda number, frame: control.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
