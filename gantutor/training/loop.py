"""The loop itself: an order, a step, and everybody who looks on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress

from tqdm import tqdm

from gantutor.training import device as devices
from gantutor.training.callbacks import (
    Budget,
    Callback,
    CheckpointWriter,
    NaNGuard,
    ProgressBar,
    SnapshotRecorder,
    notify,
)
from gantutor.training.control import interrupts_at_the_end_of_steps, interrupts_held, interrupts_stop
from gantutor.training.distributed import StepPlan, broadcast_plan
from gantutor.training.optim import Schedule
from gantutor.training.step import Training, take_step


def play_game(
    training: Training,
    budget: Budget,
    schedule: Schedule,
    callbacks: Sequence[Callback],
    album: SnapshotRecorder,
    saver: CheckpointWriter,
    progress: bool,
) -> None:
    """Take steps until the budget is spent or somebody ends it; ``run.ended`` says how it ended.

    Of several processes only the first has callbacks, snapshots and a line of progress; what it decides
    before a step, the others are told.
    """
    run, group = training.run, training.group
    clock, leash, good = devices.Clock(run.seconds), devices.QueueLimit(run.gan.device), NaNGuard(training)
    bar, told = None, False

    def order() -> StepPlan:
        spent, save = budget.spent(run), saver.due()
        if spent >= 1:
            return StepPlan(spent)
        allowed = training.control.wait(lambda: notify(callbacks, "on_pause", run))
        return StepPlan(spent, allowed, save, dict(training.control.learning_rates))

    run.ended = "training"
    try:
        notify(callbacks, "on_start", run)
        album.look(run)
        bar = ProgressBar(budget, run, progress)
        with (
            interrupts_stop(training.control) if group.size > 1 else nullcontext(),
            interrupts_at_the_end_of_steps() as hold,
        ):
            while (given := broadcast_plan(group, sorted(run.gan.networks), order)).allowed is not None:
                training.control.learning_rates.update(given.rates)
                with hold, clock:
                    values = take_step(training, schedule(given.spent), given.allowed)
                    leash.pull()
                run.seconds = clock.seconds
                good.check(values)
                album.look(run)
                if given.save:
                    saver.write()
                notify(callbacks, "on_step", run)
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
            notify(callbacks, "on_end", run)


def _say_why_not_recorded(training: Training) -> bool:
    if training.graphs is None or not training.graphs.reason:
        return False
    tqdm.write(f"Without CUDA graphs from here on: {training.graphs.reason}.")
    return True
