"""Callbacks, and the parts of the training loop: budget, snapshots, NaN guard, checkpoints, progress bar."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from gantutor._errors import InputError, TrainingDiverged
from gantutor._files import WriteFailed
from gantutor.training import checkpoint as checkpoints
from gantutor.training import device as devices
from gantutor.training.control import defer_interrupts
from gantutor.training.device import random_state, set_random_state
from gantutor.training.history import Snapshot
from gantutor.training.run import Run
from gantutor.training.step import Training

NAN_GUARD_INTERVAL = 100
"""Steps between the copies of the weights that a diverged training is put back to."""


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps, or of seconds.

    Attributes:
        steps: number of steps, or None.
        seconds: seconds spent in training steps alone, or None; used if ``steps`` is None.
    """

    steps: int | None
    seconds: float | None

    def spent(self, run: Run) -> float:
        """Return the fraction of the budget that ``run`` has spent, from 0 to 1."""
        if self.steps is not None:
            return min(1.0, run.step / self.steps)
        assert self.seconds is not None
        return min(1.0, run.seconds / self.seconds)


def progress_of(run: Run) -> float:
    """Return the fraction of the run's own budget that is spent, from 0 to 1; 1 if no budget is known."""
    steps, seconds = run.settings.get("steps"), run.settings.get("seconds")
    return Budget(steps, seconds).spent(run) if steps or seconds else 1.0


class SnapshotRecorder:
    """Records samples of the same latents at even fractions of the budget, from the start to the end.

    Args:
        latents: latents (n, …) of the snapshots, or None to record nothing.
        conditions: their conditions, or None.
        count: number of snapshots; one alone is taken at the start.
        budget: the budget of the training.
    """

    def __init__(self, latents: Tensor | None, conditions: Any, count: int, budget: Budget) -> None:
        self.latents, self.conditions, self.count, self.budget = latents, conditions, count, budget

    def record(self, run: Run) -> None:
        """Append a snapshot to ``run.snapshots`` if one is due."""
        due = math.floor(self.budget.spent(run) * (self.count - 1)) + 1 if self.count > 1 else self.count
        if self.latents is None or len(run.snapshots) >= due:
            return
        run.snapshots.append(Snapshot(run.step, run.seconds, run.generate(self.latents, self.conditions)))


class NaNGuard:
    """Keeps a copy of the last finite weights, and ends the training when a loss is not finite.

    On a CPU every step is checked. On a GPU, where a check has to wait for the device, only every
    ``NAN_GUARD_INTERVAL`` steps are.

    Args:
        training: the training to watch; its current weights are the first copy.
    """

    def __init__(self, training: Training) -> None:
        self.training = training
        self.on_cpu = training.gan.device.type == "cpu"
        self.step = training.run.step
        self.weights = self._copy()

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.training.run.weights().items()}

    def check(self, values: dict[str, Tensor]) -> None:
        """Check the scalars of a step, and copy the weights when a copy is due and they are finite.

        Args:
            values: the scalars of the step by name, such as ``{"generator": loss}``.

        Raises:
            TrainingDiverged: if a scalar is not finite; the networks are put back to the last copy first.
        """
        run = self.training.run
        due = run.step % NAN_GUARD_INTERVAL == 0
        if not (due or self.on_cpu):
            return
        scalars = map(float, values.values()) if self.on_cpu else to_floats(values.values())
        not_finite = [name for name, number in zip(values, scalars, strict=True) if not math.isfinite(number)]
        if not_finite:
            self._restore_and_raise(not_finite[0])
        if due:
            weights = self._copy()
            if all_finite(weights.values()):
                self.step, self.weights = run.step, weights

    def _restore_and_raise(self, name: str) -> None:
        run, gan = self.training.run, self.training.gan
        broken = [name for name, network in gan.networks.items() if not all_finite(network.parameters())]
        cause = f"; the weights of the {' and the '.join(broken)} are not finite" if broken else ""
        run.load_weights(self.weights, "the last good step")
        run.ended = f"diverged at step {run.step}"
        raise TrainingDiverged(
            f"the loss of the {name.split('.')[0]} stopped being finite at step {run.step:,}{cause}: "
            f"the networks were put back to step {self.step:,}; "
            "try a lower learning rate or a penalty such as r1=1.0",
            run,
        )


def to_floats(scalars: Iterable[Tensor]) -> list[float]:
    """Return tensors of one number each as floats, read from their device at once.

    >>> to_floats([torch.tensor(1.0), torch.tensor([2.0])]), to_floats([])
    ([1.0, 2.0], [])
    """
    flat_scalars = [scalar.detach().reshape(()).float() for scalar in scalars]
    values: list[float] = torch.stack(flat_scalars).tolist() if flat_scalars else []
    return values


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Return whether all values of all tensors are finite; the device is read once.

    >>> all_finite([torch.zeros(2), torch.ones(1)]), all_finite([torch.tensor(math.nan)])
    (True, False)
    """
    finite = [tensor.isfinite().all() for tensor in tensors]
    return not finite or bool(torch.stack(finite).all())


class CheckpointWriter:
    """Writes a checkpoint whenever ``checkpoint_every`` seconds have passed, and at the end.

    A write that fails does not end the training: each reason is reported once, and the next write is tried
    when it is due.

    Args:
        training: the training to save.
        folder: where the checkpoints go, or None for no checkpoints.
        checkpoint_every: seconds between two checkpoints.

    Raises:
        InputError: if nothing can be written to the folder, or the state cannot be saved.
    """

    def __init__(self, training: Training, folder: str | Path | None, checkpoint_every: float) -> None:
        self.training, self.checkpoint_every = training, checkpoint_every
        self.folder = None if folder is None else Path(folder)
        self.state = checkpoints.TrainingState(
            training.run, training.optimizers, training.batches, {"noise": training.latent_generator}
        )
        self.last_write, self._reported = time.monotonic(), set[str]()
        if self.folder is not None:
            self._check_writable(self.folder)

    def _check_writable(self, folder: Path) -> None:
        """Try to write a checkpoint before training; all processes fail if the first one does."""
        group, refusal = self.training.group, None
        try:
            if group.leader:
                checkpoints.check_writable(folder, self.state)
        except InputError as error:
            refusal = error
        if group.broadcast([float(refusal is not None)])[0]:
            raise refusal or InputError("no checkpoint can be written, and rank 0 says why")

    def resume(self) -> None:
        """Continue from the newest checkpoint, if there is one, and print its step.

        Raises:
            InputError: if the checkpoint belongs to another training, or the processes found different steps.
        """
        if self.folder is None:
            return
        group, run = self.training.group, self.training.run
        if resumed := checkpoints.resume(self.folder, self.state):
            if group.size > 1:
                set_random_state(resumed.extra["random"][group.rank], run.gan.device)
            if group.leader:
                print(resumed)
        group.check_same_settings({"the step to go on from": run.step})

    def due(self) -> bool:
        """Return whether it is time for a checkpoint."""
        return self.folder is not None and time.monotonic() - self.last_write >= self.checkpoint_every

    def write(self) -> None:
        """Write a checkpoint; an interrupt (■, Ctrl-C) during the last one does not lose the Run.

        With several processes, the first one writes the random states of all of them.
        """
        if self.folder is None:
            return
        step, at_end = f"{self.training.run.step:,}", self.training.run.ended != "training"
        reason: str | None = "interrupted"
        with suppress(KeyboardInterrupt) if at_end else nullcontext(), defer_interrupts():
            reason = self._try_write()
        if at_end and reason is not None:
            tqdm.write(f"The last state, of step {step}, was not saved in {self.folder}: {reason}.")
        elif reason is not None and reason not in self._reported:
            self._reported.add(reason)
            tqdm.write(
                f"The checkpoint of step {step} was not saved in {self.folder}: {reason}; the training goes "
                "on, and tries again when the next one is due."
            )

    def _try_write(self) -> str | None:
        """Write a checkpoint, and return why that failed, or None."""
        assert self.folder is not None
        group = self.training.group
        states = torch.stack(group.gather(random_state(self.training.gan.device)))
        try:
            if group.leader:
                extra = {"random": states} if group.size > 1 else {}
                checkpoints.save(self.folder, self.state, extra)
        except InputError as error:
            return error.reason if isinstance(error, WriteFailed) else str(error)
        finally:
            self.last_write = time.monotonic()
        return None


class ProgressBar:
    """A line of text that shows how much of the budget is spent, and the speed.

    Args:
        budget: the budget of the training.
        run: the run, which may already have been resumed.
        visible: whether to show the line.
    """

    def __init__(self, budget: Budget, run: Run, visible: bool) -> None:
        self.budget, self.last_update = budget, time.monotonic()
        bar_format = "{desc}: {percentage:3.0f}% |{bar:24}| {elapsed} gone, {remaining} left{postfix}"
        self.bar = tqdm(
            total=1.0,
            initial=budget.spent(run),
            desc="training",
            bar_format=bar_format,
            file=sys.stdout,
            disable=not visible,
        )

    def update(self, run: Run) -> None:
        """Redraw the line, at most every half second."""
        now = time.monotonic()
        if now - self.last_update >= 0.5:
            self._refresh(run)
            self.last_update = now

    def _refresh(self, run: Run) -> None:
        self.bar.n = self.budget.spent(run)
        speed = run.images / run.seconds if run.seconds else 0.0
        self.bar.set_postfix_str(f"step {run.step:,}, {speed:,.0f} samples/s")

    def close(self, run: Run) -> None:
        """Redraw the line a last time and release it."""
        self._refresh(run)
        self.bar.close()


class Callback:
    """Base class for code that runs during a training: override the methods you need.

    ``train(callbacks=[...])`` calls these methods. A callback may read the run but must not change it.
    Whatever it draws from torch's global random state has no effect on the training.

    >>> class Report(Callback):
    ...     def on_end(self, run: Run) -> None: print(f"{run.step} steps, {run.ended}")
    """

    def on_start(self, run: Run) -> None:
        """Called before the first step, also when a training is resumed."""

    def on_step(self, run: Run) -> None:
        """Called after each step, which ``run.step`` already counts."""

    def on_pause(self, run: Run) -> None:
        """Called once each time the training waits because a person has paused it."""

    def on_end(self, run: Run) -> None:
        """Called at the end, whatever the reason, which ``run.ended`` gives."""


def notify(callbacks: Sequence[Callback], hook: str, run: Run) -> None:
    """Call one hook of all callbacks that override it, without a trace in torch's global random state.

    Args:
        callbacks: the callbacks, called in order.
        hook: the method's name, such as ``"on_step"``.
        run: the run that they are given.
    """
    default = getattr(Callback, hook)
    listeners = [callback for callback in callbacks if getattr(type(callback), hook) is not default]
    if listeners:
        with devices.preserve_random_state(run.gan.device):
            for callback in listeners:
                getattr(callback, hook)(run)
