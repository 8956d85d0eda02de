"""The training loop: plan a step, take it, and notify the callbacks."""

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
from gantutor.training.control import defer_interrupts, defer_interrupts_to_step_end, stop_on_interrupt
from gantutor.training.distributed import StepPlan, broadcast_plan
from gantutor.training.optim import Schedule
from gantutor.training.step import Training, take_step


def training_loop(
    training: Training,
    budget: Budget,
    schedule: Schedule,
    callbacks: Sequence[Callback],
    snapshots: SnapshotRecorder,
    checkpoints: CheckpointWriter,
    progress: bool,
) -> None:
    """Take steps until the budget is spent or somebody ends the training; ``run.ended`` says which.

    With several processes, only the first one has callbacks, snapshots and a progress bar. It plans each
    step, and the others receive the plan.

    Args:
        training: the networks, optimisers and data.
        budget: how long to train.
        schedule: maps the fraction of the budget spent to a factor of the learning rates.
        callbacks: notified before, after and between the steps.
        snapshots: records samples along the way.
        checkpoints: writes checkpoints when they are due.
        progress: whether to show the progress bar.

    Raises:
        TrainingDiverged: if a loss is not finite.
        ProcessLost: if another process has ended.
    """
    run, group = training.run, training.group
    clock, queue, nan_guard = (
        devices.Clock(run.seconds),
        devices.QueueLimit(run.gan.device),
        NaNGuard(training),
    )
    bar, reported = None, False

    def make_plan() -> StepPlan:
        spent, save = budget.spent(run), checkpoints.due()
        if spent >= 1:
            return StepPlan(spent)
        allowed = training.control.wait(lambda: notify(callbacks, "on_pause", run))
        return StepPlan(spent, allowed, save, dict(training.control.learning_rates))

    run.ended = "training"
    try:
        notify(callbacks, "on_start", run)
        snapshots.record(run)
        bar = ProgressBar(budget, run, progress)
        with (
            stop_on_interrupt(training.control) if group.size > 1 else nullcontext(),
            defer_interrupts_to_step_end() as deferred,
        ):
            while (plan := broadcast_plan(group, sorted(run.gan.networks), make_plan)).allowed is not None:
                training.control.learning_rates.update(plan.rates)
                with deferred, clock:
                    values = take_step(training, schedule(plan.spent), plan.allowed)
                    queue.wait()
                run.seconds = clock.seconds
                nan_guard.check(values)
                snapshots.record(run)
                if plan.save:
                    checkpoints.write()
                notify(callbacks, "on_step", run)
                bar.update(run)
                reported = reported or _report_missing_graphs(training)
            with clock:
                queue.synchronize()
            run.seconds = clock.seconds
        run.ended = "complete" if plan.spent >= 1 else "stopped"
    except KeyboardInterrupt:
        run.ended = "interrupted"
    except Exception:
        if run.ended == "training":  # an error in a network, a loss or a callback
            run.ended = f"failed at step {run.step:,}"
        raise
    finally:
        if bar is not None:
            bar.close(run)
        with suppress(KeyboardInterrupt), defer_interrupts():  # a second ■ does not lose the Run
            notify(callbacks, "on_end", run)


def _report_missing_graphs(training: Training) -> bool:
    """Print why CUDA graphs are no longer used, and return whether there was something to print."""
    if training.graphs is None or not training.graphs.reason:
        return False
    tqdm.write(f"Without CUDA graphs from here on: {training.graphs.reason}.")
    return True
