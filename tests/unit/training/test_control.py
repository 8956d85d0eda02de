"""What a person wants of a running training."""

from __future__ import annotations

import math
import signal
import threading
import time

import pytest

from gantutor import Control, InputError
from gantutor.training.control import defer_interrupts, defer_interrupts_to_step_end, stop_on_interrupt


def test_it_lets_everything_pass_at_first() -> None:
    control = Control()
    assert control.wait() == () and not control.paused and not control.stopped


def test_steps_are_granted_one_by_one_and_in_order() -> None:
    control = Control()
    control.pause()
    control.step()
    control.step("generator")
    control.step("generator", "discriminator")
    assert [control.wait() for _ in range(3)] == [(), ("generator",), ("generator", "discriminator")]


def test_a_pause_holds_until_another_thread_lets_go() -> None:
    control = Control()
    control.pause()
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(control.wait()))
    thread.start()
    time.sleep(0.1)
    assert got == []
    control.resume()
    thread.join(2)
    assert got == [()]


def test_stop_wins_over_pause_and_over_steps() -> None:
    control = Control()
    control.pause()
    control.step()
    control.stop()
    assert control.wait() is None


def test_going_on_drops_the_steps_that_were_not_taken() -> None:
    control = Control()
    control.pause()
    control.step("generator")
    control.resume()
    assert control.wait() == ()
    control.pause()
    thread = threading.Thread(target=control.wait, daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()  # nothing was left to take
    control.stop()


def test_a_step_asked_for_while_running_is_no_debt_for_the_next_pause() -> None:
    control = Control()
    control.step()
    control.pause()
    thread = threading.Thread(target=control.wait, daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    control.stop()


def test_slow_motion_waits_and_still_stops_at_once() -> None:
    control = Control()
    control.slow_down(0.05)
    started = time.perf_counter()
    control.wait()
    assert time.perf_counter() - started >= 0.05
    control.slow_down(10)
    threading.Timer(0.1, control.stop).start()
    started = time.perf_counter()
    assert control.wait() is None
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("seconds", [-1, 10.5, math.nan, "1", None, True])
def test_bad_slow_motion(seconds: object) -> None:
    with pytest.raises(InputError, match="seconds must be a number of at least 0 and at most 10"):
        Control().slow_down(seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [-1e-3, 1.5, math.nan, math.inf, "0.1", None, True])
def test_bad_learning_rates(rate: object) -> None:
    with pytest.raises(InputError, match="learning rate of generator must be"):
        Control().set_learning_rate("generator", rate)  # type: ignore[arg-type]


def test_learning_rates_are_kept_by_network() -> None:
    control = Control()
    control.set_learning_rate("generator", 0)
    control.set_learning_rate("discriminator", 0.5)
    assert control.learning_rates == {"generator": 0.0, "discriminator": 0.5}


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them(interruptible: None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with defer_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_an_interrupt_inside_a_step_waits_for_its_end_and_a_second_does_not(interruptible: None) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), defer_interrupts():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the step")
    assert done == ["the rest of the step"]
    with pytest.raises(KeyboardInterrupt), defer_interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("not reached")
    assert done == ["the rest of the step"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_wants_to_know_is_told_once_that_it_waits_for_a_person() -> None:
    control, told = Control(), []
    assert control.wait(lambda: told.append("running")) == () and not told
    control.slow_down(10)
    control.pause()  # also ends the wait of slow motion
    control.step()
    assert control.wait(lambda: told.append("granted")) == () and not told
    threading.Timer(0.2, control.stop).start()
    assert control.wait(lambda: told.append("paused")) is None and told == ["paused"]


def test_of_several_processes_an_interrupt_in_a_step_stops_at_its_end(interruptible: None) -> None:
    control = Control()
    with stop_on_interrupt(control), defer_interrupts_to_step_end() as hold:
        with hold:
            signal.raise_signal(signal.SIGINT)
            assert not control.stopped
        assert control.stopped
