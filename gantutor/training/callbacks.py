"""Callbacks of a training, and the built-in ones: NaN guard, checkpoints, snapshots, progress bar."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from tqdm import tqdm

from gantutor._errors import InputError, TrainingDiverged
from gantutor._files import WriteFailed, expand
from gantutor._random import random_state, set_random_state
from gantutor.training import checkpoint as checkpoints
from gantutor.training.control import defer_interrupts
from gantutor.training.history import Snapshot
from gantutor.training.run import Run

if TYPE_CHECKING:
    from gantutor.training.trainer import Trainer

NAN_GUARD_INTERVAL = 100
"""Steps between the copies of the weights that a diverged training is restored to."""


class Callback:
    """Base class for code that runs during a training: override the methods you need.

    ``train(callbacks=[...])`` calls these methods. A callback may read the run but must not change it.
    Whatever it draws from torch's global random state has no effect on the training.

    >>> class Report(Callback):
    ...     def on_end(self, run: Run) -> None: print(f"{run.step} steps, {run.ended}")
    """

    built_in: ClassVar[bool] = False
    """Whether it belongs to the trainer, and may change the training."""

    keeps_random_state: ClassVar[bool] = False
    """Whether it restores the global random states itself; the trainer then does not do it at every step."""

    def on_start(self, run: Run) -> None:
        """Called before the first step, also when a training is resumed."""

    def on_step(self, run: Run) -> None:
        """Called after each step, which ``run.step`` already counts."""

    def on_pause(self, run: Run) -> None:
        """Called once each time the training waits because a person has paused it."""

    def on_end(self, run: Run) -> None:
        """Called at the end, whatever the reason, which ``run.ended`` gives."""


class NaNGuard(Callback):
    """Keeps a copy of the last finite weights, and ends the training when a loss or a weight is not finite.

    On a CPU the losses of every step are checked. On a GPU, where a check has to wait for the device, only
    those of every ``NAN_GUARD_INTERVAL`` steps are. The weights are checked before they are saved, and at the
    end.

    Args:
        trainer: the training to watch.
    """

    built_in = True

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.on_cpu = trainer, trainer.device.type == "cpu"
        self.step, self.weights = trainer.result.step, self._copy(trainer.result)

    def _copy(self, run: Run) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in run.weights().items()}

    def on_step(self, run: Run) -> None:
        scalars, copy_due = run.history.last, run.step % NAN_GUARD_INTERVAL == 0
        at_end = run.budget.is_set and run.progress >= 1
        saved_next = self.trainer.checkpoint_follows
        if copy_due or self.on_cpu or at_end or saved_next:
            numbers = map(float, scalars.values()) if self.on_cpu else to_floats(scalars.values())
            not_finite = [
                name for name, number in zip(scalars, numbers, strict=True) if not math.isfinite(number)
            ]
            if not_finite:
                self._restore_and_raise(run, not_finite[0])
        if copy_due or at_end or saved_next:
            self.check_weights(run)
        if copy_due:
            self.step, self.weights = run.step, self._copy(run)

    def check_weights(self, run: Run) -> None:
        """Check that the weights are finite.

        Args:
            run: the training.

        Raises:
            TrainingDiverged: if one is not; the networks get the last finite weights back.
        """
        networks = [*run.gan.networks.values(), *run.averaged.values()]
        if not all_finite(parameter for network in networks for parameter in network.parameters()):
            self._restore_and_raise(run, None)

    def _restore_and_raise(self, run: Run, name: str | None) -> None:
        gan = run.gan
        broken = [name for name, network in gan.networks.items() if not all_finite(network.parameters())]
        weights = f"the weights of the {' and the '.join(broken or run.averaged)} are not finite"
        run.load_weights(self.weights, "the last good step")
        run.ended = f"diverged at step {run.step}"
        what = weights.replace(" are not", " stopped being") + f" at step {run.step:,}"
        if name is not None:
            what = f"the loss of the {name.split('.')[0]} stopped being finite at step {run.step:,}"
            what += f"; {weights}" if broken else ""
        raise TrainingDiverged(
            f"{what}: the networks are restored to step {self.step:,}; "
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


class Snapshots(Callback):
    """Records samples of the same latents at even fractions of the budget, from the start to the end.

    Args:
        count: number of snapshots; one alone is taken at the start.
    """

    built_in = True

    def __init__(self, count: int) -> None:
        self.count = count

    def on_start(self, run: Run) -> None:
        self.on_step(run)

    def on_step(self, run: Run) -> None:
        spent = run.progress if run.budget.is_set else 0.0  # without a budget: one at the start
        due = math.floor(spent * (self.count - 1)) + 1 if self.count > 1 else self.count
        if run.gallery is None or len(run.snapshots) >= due:
            return
        outputs = {name: run.generate(*run.gallery, output=name) for name in run.outputs}
        run.snapshots.append(Snapshot(run.step, run.seconds, outputs))


class Checkpoints(Callback):
    """Writes a checkpoint whenever ``checkpoint_every`` seconds have passed, and at the end.

    A write that fails does not end the training: each reason is reported once, and the next write is tried
    when it is due.

    Args:
        trainer: the training to save.
        folder: where the checkpoints go, or None for no checkpoints.
        checkpoint_every: seconds between two checkpoints.

    Raises:
        InputError: if nothing can be written to the folder, or the state cannot be saved.
    """

    built_in = True

    def __init__(self, trainer: Trainer, folder: str | Path | None, checkpoint_every: float) -> None:
        self.trainer, self.checkpoint_every = trainer, checkpoint_every
        self.folder = None if folder is None else expand(folder)
        self.state = checkpoints.TrainingState(
            trainer.result, trainer.optimizers, trainer.batches, {"noise": trainer._latents}
        )
        self.last_write, self._reported = time.monotonic(), set[str]()
        if self.folder is not None:
            self._check_writable(self.folder)

    def _check_writable(self, folder: Path) -> None:
        """Try to write a checkpoint before training; all processes fail if the first one does."""
        group, refusal = self.trainer.group, None
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
        group, run = self.trainer.group, self.trainer.result
        if resumed := checkpoints.resume(self.folder, self.state):
            if group.size > 1:
                set_random_state(resumed.extra["random"][group.rank], self.trainer.device)
            if group.leader:
                print(resumed)
        group.check_same_settings({"the step to go on from": run.step})

    def is_due(self) -> bool:
        """Return whether it is time for a checkpoint."""
        return self.folder is not None and time.monotonic() - self.last_write >= self.checkpoint_every

    def on_step(self, run: Run) -> None:
        if self.trainer.checkpoint_follows:  # of several processes the first one decides
            self.write()

    def on_end(self, run: Run) -> None:
        if run.ended in ("complete", "stopped", "interrupted"):
            self.write()

    def write(self) -> None:
        """Write a checkpoint; an interrupt (■, Ctrl-C) during the last one does not lose the Run.

        With several processes, the first one writes the random states of all of them.
        """
        if self.folder is None:
            return
        run = self.trainer.result
        step, at_end = f"{run.step:,}", run.ended != "training"
        reason: str | None = "interrupted"
        with suppress(KeyboardInterrupt) if at_end else defer_interrupts():  # on_end defers the first one
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
        group = self.trainer.group
        states = torch.stack(group.gather(random_state(self.trainer.device)))
        try:
            if group.leader:
                extra = {"random": states} if group.size > 1 else {}
                checkpoints.save(self.folder, self.state, extra)
        except InputError as error:
            return error.reason if isinstance(error, WriteFailed) else str(error)
        finally:
            self.last_write = time.monotonic()
        return None


class ProgressBar(Callback):
    """A progress bar with the share of the budget that is spent, and the speed, during ``Trainer.run``.

    Args:
        trainer: the training.
        visible: whether to show the line.
    """

    built_in = True

    def __init__(self, trainer: Trainer, visible: bool) -> None:
        self.trainer, self.visible, self.last_update = trainer, visible, 0.0
        self.bar: tqdm | None = None

    def on_step(self, run: Run) -> None:
        now = time.monotonic()
        if self.visible and self.trainer.plan is not None and now - self.last_update >= 0.5:
            self._show(run)
            self.last_update = now

    def on_end(self, run: Run) -> None:
        if self.visible:
            self._show(run).close()
            self.bar = None

    def _show(self, run: Run) -> tqdm:
        if self.bar is None:
            layout = "{desc}: {percentage:3.0f}% |{bar:14}| {elapsed} gone, {remaining} left{postfix}"
            self.bar = tqdm(
                total=1.0, initial=run.progress, desc="training", bar_format=layout, file=sys.stdout
            )
        self.bar.n = run.progress
        speed = run.images / run.seconds if run.seconds else 0.0
        self.bar.set_postfix_str(f"step {run.step:,}, {speed:,.0f} samples/s")
        return self.bar
