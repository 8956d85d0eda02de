"""What goes along with the loop: budget, snapshots, last good weights, checkpoints, the line of progress."""

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
from gantutor.training.control import interrupts_held
from gantutor.training.device import random_state, set_random_state
from gantutor.training.history import Snapshot
from gantutor.training.run import Run
from gantutor.training.step import Training

GOOD_EVERY = 100
"""Steps between the copies of the weights that a diverged training falls back to."""


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps, or of seconds of training alone."""

    steps: int | None
    seconds: float | None

    def spent(self, run: Run) -> float:
        """The fraction of the budget that is spent, from 0 to 1."""
        if self.steps is not None:
            return min(1.0, run.step / self.steps)
        assert self.seconds is not None
        return min(1.0, run.seconds / self.seconds)


def progress_of(run: Run) -> float:
    """The share of the run's own budget that is spent, from 0 to 1; 1 where no budget is known."""
    steps, seconds = run.settings.get("steps"), run.settings.get("seconds")
    return Budget(steps, seconds).spent(run) if steps or seconds else 1.0


class SnapshotRecorder:
    """Takes the snapshots: the same latents at even fractions of the budget, from the first moment to the
    last."""

    def __init__(self, latents: Tensor | None, conditions: Any, count: int, budget: Budget) -> None:
        self.latents, self.conditions, self.count, self.budget = latents, conditions, count, budget

    def look(self, run: Run) -> None:
        due = math.floor(self.budget.spent(run) * (self.count - 1)) + 1 if self.count > 1 else self.count
        if self.latents is None or len(run.snapshots) >= due:
            return
        run.snapshots.append(Snapshot(run.step, run.seconds, run.generate(self.latents, self.conditions)))


class NaNGuard:
    """Keeps the last weights that were known to be good, and refuses to go on when a loss is not finite."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.on_cpu = training.gan.device.type == "cpu"
        self.step = training.run.step
        self.weights = self._copy()

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.training.run.weights().items()}

    def check(self, values: dict[str, Tensor]) -> None:
        run = self.training.run
        due = run.step % GOOD_EVERY == 0
        if not (due or self.on_cpu):
            return
        numbers = map(float, values.values()) if self.on_cpu else to_floats(values.values())
        bad = [name for name, number in zip(values, numbers, strict=True) if not math.isfinite(number)]
        if bad:
            self._give_up(bad[0])
        if due:
            weights = self._copy()
            if all_finite(weights.values()):
                self.step, self.weights = run.step, weights

    def _give_up(self, name: str) -> None:
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
    """Tensors of one number each as numbers, fetched from their device at once.

    >>> to_floats([torch.tensor(1.0), torch.tensor([2.0])]), to_floats([])
    ([1.0, 2.0], [])
    """
    flat = [scalar.detach().reshape(()).float() for scalar in scalars]
    numbers: list[float] = torch.stack(flat).tolist() if flat else []
    return numbers


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all values of all tensors are finite, asked of a device once.

    >>> all_finite([torch.zeros(2), torch.ones(1)]), all_finite([torch.tensor(math.nan)])
    (True, False)
    """
    answers = [tensor.isfinite().all() for tensor in tensors]
    return not answers or bool(torch.stack(answers).all())


class CheckpointWriter:
    """Writes a checkpoint whenever ``checkpoint_every`` have passed, and at the end.

    A write that fails ends no training: it is told, once for each reason, and tried again when the next one
    is due. Raises InputError, before anything is trained, for a folder or a state that cannot be written.
    """

    def __init__(self, training: Training, folder: str | Path | None, checkpoint_every: float) -> None:
        self.training, self.checkpoint_every = training, checkpoint_every
        self.folder = None if folder is None else Path(folder)
        self.state = checkpoints.State(
            training.run, training.optimizers, training.batches, {"noise": training.noise}
        )
        self.last, self._told = time.monotonic(), set[str]()
        if self.folder is not None:
            self._rehearse(self.folder)

    def _rehearse(self, folder: Path) -> None:
        group, refusal = self.training.group, None
        try:
            if group.leader:
                checkpoints.check_writable(folder, self.state)
        except InputError as error:
            refusal = error
        if group.decide([float(refusal is not None)])[0]:
            raise refusal or InputError("no checkpoint can be written, and rank 0 says why")

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one, and say so."""
        if self.folder is None:
            return
        group, run = self.training.group, self.training.run
        if resumed := checkpoints.resume(self.folder, self.state):
            if group.size > 1:
                set_random_state(resumed.extra["random"][group.rank], run.gan.device)
            if group.leader:
                print(resumed)
        group.same_settings({"the step to go on from": run.step})

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.folder is not None and time.monotonic() - self.last >= self.checkpoint_every

    def write(self) -> None:
        """Write a checkpoint; whoever presses ■ during the last one still gets the Run.

        Of several processes the first one writes, with the random states of all.
        """
        if self.folder is None:
            return
        step, last = f"{self.training.run.step:,}", self.training.run.ended != "training"
        reason: str | None = "interrupted"
        with suppress(KeyboardInterrupt) if last else nullcontext(), interrupts_held():
            reason = self._failure()
        if last and reason is not None:
            tqdm.write(f"The last state, of step {step}, was not saved in {self.folder}: {reason}.")
        elif reason is not None and reason not in self._told:
            self._told.add(reason)
            tqdm.write(
                f"The checkpoint of step {step} was not saved in {self.folder}: {reason}; the training goes "
                "on, and tries again when the next one is due."
            )

    def _failure(self) -> str | None:
        """Write a checkpoint, and return why that was not possible; None where it was."""
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
            self.last = time.monotonic()
        return None


class ProgressBar:
    """A line of text that says how far the training is."""

    def __init__(self, budget: Budget, run: Run, shown: bool) -> None:
        self.budget, self.last = budget, time.monotonic()
        layout = "{desc}: {percentage:3.0f}% |{bar:24}| {elapsed} gone, {remaining} left{postfix}"
        self.bar = tqdm(
            total=1.0,
            initial=budget.spent(run),
            desc="training",
            bar_format=layout,
            file=sys.stdout,
            disable=not shown,
        )

    def show(self, run: Run) -> None:
        now = time.monotonic()
        if now - self.last >= 0.5:
            self._update(run)
            self.last = now

    def _update(self, run: Run) -> None:
        self.bar.n = self.budget.spent(run)
        speed = run.images / run.seconds if run.seconds else 0.0
        self.bar.set_postfix_str(f"step {run.step:,}, {speed:,.0f} samples/s")

    def close(self, run: Run) -> None:
        self._update(run)
        self.bar.close()


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


def notify(callbacks: Sequence[Callback], what: str, run: Run) -> None:
    """Let those callbacks look that have something to do there; whatever they draw from torch's global random
    state leaves no trace in the training."""
    nothing = getattr(Callback, what)
    heeding = [each for each in callbacks if getattr(type(each), what) is not nothing]
    if heeding:
        with devices.preserve_random_state(run.gan.device):
            for callback in heeding:
                getattr(callback, what)(run)
