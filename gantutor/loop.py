"""The loop itself: an order, a step, and everybody who looks on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress

from tqdm import tqdm

from gantutor import device as devices
from gantutor.companions import Album, Bar, Budget, LastGood, Saver
from gantutor.control import interrupts_at_the_end_of_steps, interrupts_held, interrupts_stop
from gantutor.optimization import Schedule
from gantutor.orders import Order, agreed
from gantutor.run import Run
from gantutor.step import Training, take_step


class Callback:
    """What ``train`` tells while it runs: override what you need. A callback reads the run and must not
    change it."""

    def on_start(self, run: Run) -> None:
        """Before the first step, of a training that goes on too."""

    def on_step(self, run: Run) -> None:
        """After each step; ``run.step`` counts it already."""

    def on_pause(self, run: Run) -> None:
        """When a person has paused the training: once each time it has to wait."""

    def on_end(self, run: Run) -> None:
        """At the end, however it came: ``run.ended`` says how."""


def play_game(
    training: Training,
    budget: Budget,
    schedule: Schedule,
    callbacks: Sequence[Callback],
    album: Album,
    saver: Saver,
    progress: bool,
) -> None:
    """Take steps until the budget is spent or somebody ends it; ``run.ended`` says how it ended.

    Of several processes only the first has callbacks, snapshots and a line of progress; what it decides
    before a step, the others are told.
    """
    run, group = training.run, training.group
    clock, leash, good = devices.Clock(run.seconds), devices.Leash(run.gan.device), LastGood(training)
    bar, told = None, False

    def order() -> Order:
        spent, save = budget.spent(run), saver.due()
        if spent >= 1:
            return Order(spent)
        allowed = training.control.wait(lambda: tell(callbacks, "on_pause", run))
        return Order(spent, allowed, save, dict(training.control.learning_rates))

    run.ended = "training"
    try:
        tell(callbacks, "on_start", run)
        album.look(run)
        bar = Bar(budget, run, progress)
        with (
            interrupts_stop(training.control) if group.size > 1 else nullcontext(),
            interrupts_at_the_end_of_steps() as hold,
        ):
            while (given := agreed(group, run.gan, order)).allowed is not None:
                training.control.learning_rates.update(given.rates)
                with hold, clock:
                    values = take_step(training, schedule(given.spent), given.allowed)
                    leash.pull()
                run.seconds = clock.seconds
                good.check(values)
                album.look(run)
                if given.save:
                    saver.write()
                tell(callbacks, "on_step", run)
                bar.show(run)
                told = told or _say_why_not_recorded(training)
            with clock:
                leash.settle()
            run.seconds = clock.seconds
        run.ended = "complete" if given.spent >= 1 else "stopped"
    except KeyboardInterrupt:
        run.ended = "interrupted"
    except Exception:
        if run.ended == "training":  # an error in a network, a loss or a callback
            run.ended = f"failed at step {run.step:,}"
        raise
    finally:
        if bar is not None:
            bar.close(run)
        with suppress(KeyboardInterrupt), interrupts_held():  # whoever presses ■ twice still gets the Run
            tell(callbacks, "on_end", run)


def tell(callbacks: Sequence[Callback], what: str, run: Run) -> None:
    """Let those callbacks look that have something to do there; whatever they draw from torch's global random
    state leaves no trace in the training."""
    nothing = getattr(Callback, what)
    heeding = [each for each in callbacks if getattr(type(each), what) is not nothing]
    if heeding:
        with devices.random_state_kept(run.gan.device):
            for callback in heeding:
                getattr(callback, what)(run)


def _say_why_not_recorded(training: Training) -> bool:
    if training.graphs is None or not training.graphs.reason:
        return False
    tqdm.write(f"Without CUDA graphs from here on: {training.graphs.reason}.")
    return True
