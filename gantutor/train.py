"""``train()``: the one loop. It draws batches, zeroes, backpropagates, steps the optimisers and averages the weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from gantutor import checkpoint as checkpoints
from gantutor import device as devices
from gantutor.control import Control
from gantutor.data.batches import Batches, batches_of
from gantutor.errors import InputError, TrainingDiverged
from gantutor.gan import GAN, Batch, Turn
from gantutor.rehearsal import inspect_data, inspect_game
from gantutor.optimization import MakeOptimizer, Schedule, adam, constant
from gantutor.run import Run, Snapshot, follow

GOOD_EVERY = 100
"""Steps between the copies of the weights that a diverged training falls back to."""


class Callback:
    """What ``train`` tells while it runs: override what you need. A callback reads the run and must not change it."""

    def on_start(self, run: Run) -> None: ...

    def on_step(self, run: Run) -> None: ...

    def on_end(self, run: Run) -> None: ...


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


@dataclass
class Training:
    """Everything that moves while a game is played."""

    run: Run
    gan: GAN
    batches: Batches
    noise: torch.Generator
    optimizers: dict[str, Optimizer]
    parameters: dict[str, list[Parameter]]
    base_rates: dict[str, float]
    control: Control
    half_life: float

    def next_batch(self) -> Batch:
        real, condition = self.batches.next()
        first = real[0] if isinstance(real, tuple) else real
        return Batch(self.gan, real, condition, self.gan.draw_latent(len(first), self.noise, first.device))


def train(
    gan: GAN,
    data: Any,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "auto",
    optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None = None,
    schedule: Schedule = constant,
    half_life: float = 10_000,
    snapshots: int = 24,
    gallery: int | tuple[Tensor, Any] = 64,
    callbacks: Sequence[Callback] = (),
    control: Control | None = None,
    checkpoint: str | Path | None = None,
    every_seconds: float = 60.0,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    progress: bool = True,
) -> Run:
    """Play the game of ``gan`` on ``data`` for a budget of ``steps=`` or ``seconds=``, and return the Run.

    ``data``: a tensor, a torch ``Dataset`` or ``DataLoader``, or any iterable of batches; batches are tensors or pairs
    (x, condition). ``optimizer``: a function of parameters for all networks, or one for each by name; Adam with
    β = (0, 0.99) and a learning rate of 0.0015 if left out. ``schedule`` maps the fraction of the budget spent to a factor
    of the learning rates. ``half_life``: of the averaged weights, in images, and never more than a tenth of the images
    seen. ``gallery``: how many fixed latents the ``snapshots`` show, or the latents and conditions themselves.
    ``checkpoint``: a folder to save to every ``every_seconds`` and to resume from. ``value_range``: what images
    (tensors of rank 4) must lie in; None lifts the check.

    With ``steps`` and ``seed`` a run repeats bit for bit on one machine at one thread count. ■, Ctrl-C and
    ``control.stop()`` end it early and return the Run so far. Raises InputError for anything that cannot be used, and
    TrainingDiverged, with the Run so far, when a loss stops being finite.

    >>> from gantutor import data, networks, objectives
    >>> game = GAN(networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,)), objectives.non_saturating(), latent=2)
    >>> train(game, torch.randn(256, 2), steps=3, progress=False).step
    3
    """
    budget = _budget(steps, seconds)
    _check_numbers(batch_size, seed, half_life, snapshots, every_seconds)
    where = devices.resolve(device)
    batches = batches_of(data, batch_size, seed, where)
    with devices.reproducible(seed, where), devices.without_denormals():
        example, condition, conditions = inspect_data(data, batch_size, where, value_range)
        devices.place(gan, where, example)
        inspect_game(gan, example, condition, torch.Generator(where).manual_seed(seed))
        training = _set_up(gan, batches, optimizer, half_life, control or Control(), seed, where)
        run = training.run
        run.settings = _settings(gan, training, batch_size, seed, budget, schedule)
        run.conditions = conditions
        latents, shown = _gallery(gallery, run, where)
        if checkpoint is not None:
            said = checkpoints.resume(
                Path(checkpoint), run, training.optimizers, batches, {"noise": training.noise}
            )
            if said:
                print(said)
        saver = _Saver(training, checkpoint, every_seconds)
        _loop(training, budget, schedule, callbacks, _Album(run, latents, shown, snapshots, budget), saver, progress)
        saver.write()
    return run


def _loop(
    training: Training,
    budget: Budget,
    schedule: Schedule,
    callbacks: Sequence[Callback],
    album: _Album,
    saver: _Saver,
    progress: bool,
) -> None:
    run, clock = training.run, devices.Clock(training.run.seconds)
    bar = _Bar(budget, run, progress)
    good = _Good(training)
    run.ended = "training"
    try:
        for callback in callbacks:
            callback.on_start(run)
        album.look(run)
        while budget.spent(run) < 1:
            allowed = training.control.wait()
            if allowed is None:
                break
            with clock:
                values = take_step(training, schedule(budget.spent(run)), allowed)
            run.seconds = clock.seconds
            good.check(values)
            album.look(run)
            saver.look()
            for callback in callbacks:
                callback.on_step(run)
            bar.show(run)
        run.ended = "complete" if budget.spent(run) >= 1 else "stopped"
    except KeyboardInterrupt:
        run.ended = "interrupted"
    finally:
        bar.close(run)
        if run.ended != "training":
            for callback in callbacks:
                callback.on_end(run)


def take_step(training: Training, rate: float = 1.0, allowed: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """One step of the game: every turn that is due, in order; the scalars it gave, by name, still on the device."""
    run, values = training.run, {}
    _set_learning_rates(training, rate)
    batch = None
    for turn in training.gan.turns:
        if run.step % turn.every or (allowed and not set(turn.updates) & set(allowed)):
            continue
        for repeat in range(turn.times):
            if batch is None or repeat:
                batch = training.next_batch()
            values |= play(training, turn, batch)
        if batch is not None and "generator" in turn.updates:
            batch.forget_fake()
    if batch is not None:
        first = batch.real[0] if isinstance(batch.real, tuple) else batch.real
        run.images += len(first)
        _average(training, len(first))
    run.history.append(run.step, values)
    run.step += 1
    return values


def play(training: Training, turn: Turn, batch: Batch) -> dict[str, Tensor]:
    """One turn: its loss, its lazy losses when they are due, the gradient, the optimisers' steps."""
    losses = dict(turn.loss(training.gan, batch))
    total = losses.pop("total")
    values = {turn.name: total.detach()} | {f"{turn.name}.{name}": value.detach() for name, value in losses.items()}
    for name, lazy in turn.lazy.items():
        if training.run.step % lazy.every == 0:
            extra = lazy.loss(training.gan, batch)
            values[f"{turn.name}.{name}"] = extra.detach()
            total = total + lazy.every * extra
    parameters = training.parameters[turn.name]
    for parameter in parameters:
        parameter.grad = None
    total.backward(inputs=parameters)
    for name in turn.updates:
        training.optimizers[name].step()
    return values


def _average(training: Training, images: int) -> None:
    """ā ← decay · ā + (1 − decay) · θ, with a half-life in images that is at most a tenth of those seen."""
    run = training.run
    half_life = min(training.half_life, 0.1 * run.images)
    decay = 0.5 ** (images / half_life) if half_life > 0 else 0.0
    follow(run.averaged.values(), [training.gan.networks[name] for name in run.averaged], decay)


def _set_learning_rates(training: Training, factor: float) -> None:
    for name, optimizer in training.optimizers.items():
        rate = training.control.learning_rates.get(name, training.base_rates[name]) * factor
        for group in optimizer.param_groups:
            group["lr"] = rate


# --- what stands around the loop --------------------------------------------------------------------------------------


class _Album:
    """Takes the snapshots: the same latents at even fractions of the budget, from the first moment to the last."""

    def __init__(self, run: Run, latents: Tensor | None, conditions: Any, count: int, budget: Budget) -> None:
        self.latents, self.conditions, self.count, self.budget = latents, conditions, count, budget

    def look(self, run: Run) -> None:
        due = math.floor(self.budget.spent(run) * (self.count - 1)) + 1 if self.count > 1 else self.count
        if self.latents is None or len(run.snapshots) >= due:
            return
        run.snapshots.append(Snapshot(run.step, run.seconds, run.generate(self.latents, self.conditions)))


class _Good:
    """Keeps the last weights that were known to be good, and refuses to go on when a loss is not finite."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.step = training.run.step
        self.weights = self._copy()

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.training.run.weights().items()}

    def check(self, values: dict[str, Tensor]) -> None:
        run = self.training.run
        due = run.step % GOOD_EVERY == 0
        if not (due or self.training.gan.device.type == "cpu"):
            return
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            self._give_up(bad[0])
        if due:
            self.step, self.weights = run.step, self._copy()

    def _give_up(self, name: str) -> None:
        run, gan = self.training.run, self.training.gan
        broken = [
            name for name, net in gan.networks.items() if not all(bool(p.isfinite().all()) for p in net.parameters())
        ]
        cause = f"; the weights of the {' and the '.join(broken)} are not finite" if broken else ""
        run.load_weights(self.weights, "the last good step")
        run.ended = f"diverged at step {run.step}"
        raise TrainingDiverged(
            f"the loss of the {name.split('.')[0]} stopped being finite at step {run.step:,}{cause}: the networks were put "
            f"back to step {self.step:,}; try a lower learning rate or a penalty such as r1=1.0",
            run,
        )


class _Saver:
    """Writes a checkpoint whenever ``every_seconds`` have passed, and at the end."""

    def __init__(self, training: Training, folder: str | Path | None, every_seconds: float) -> None:
        self.training, self.every_seconds = training, every_seconds
        self.folder = None if folder is None else Path(folder)
        self.last = time.monotonic()
        if self.folder is not None:
            training.batches.state_dict()  # refuses data that cannot be resumed before anything is spent

    def look(self) -> None:
        if self.folder is not None and time.monotonic() - self.last >= self.every_seconds:
            self.write()

    def write(self) -> None:
        if self.folder is not None:
            training = self.training
            checkpoints.save(
                self.folder, training.run, training.optimizers, training.batches, {"noise": training.noise}
            )
            self.last = time.monotonic()


class _Bar:
    """A line of text that says how far the training is."""

    def __init__(self, budget: Budget, run: Run, shown: bool) -> None:
        import sys

        from tqdm import tqdm

        self.budget, self.last = budget, time.monotonic()
        layout = "{desc}: {percentage:3.0f}% |{bar:24}| {elapsed} gone, {remaining} left{postfix}"
        self.bar = tqdm(
            total=1.0, initial=budget.spent(run), desc="training", bar_format=layout, file=sys.stdout, disable=not shown
        )

    def show(self, run: Run) -> None:
        now = time.monotonic()
        if now - self.last >= 0.5:
            self._update(run)
            self.last = now

    def _update(self, run: Run) -> None:
        self.bar.n = self.budget.spent(run)
        speed = run.images / run.seconds if run.seconds else 0.0
        self.bar.set_postfix_str(f"step {run.step:,}, {speed:,.0f} images/s")

    def close(self, run: Run) -> None:
        self._update(run)
        self.bar.close()


def _set_up(
    gan: GAN,
    batches: Batches,
    optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None,
    half_life: float,
    control: Control,
    seed: int,
    where: torch.device,
) -> Training:
    trained = {name for turn in gan.turns for name in turn.updates}
    make = optimizer or adam()
    if isinstance(make, Mapping) and set(make) != trained:
        raise InputError(f"optimizer must name {', '.join(sorted(trained))}, and names {', '.join(sorted(make))}")
    optimizers = {
        name: (make[name] if isinstance(make, Mapping) else make)(gan.networks[name].parameters())
        for name in sorted(trained)
    }
    return Training(
        run=Run(gan),
        gan=gan,
        batches=batches,
        noise=torch.Generator(where).manual_seed(seed + 1),
        optimizers=optimizers,
        parameters={
            turn.name: [p for name in turn.updates for p in gan.networks[name].parameters() if p.requires_grad]
            for turn in gan.turns
        },
        base_rates={name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()},
        control=control,
        half_life=half_life,
    )


def _gallery(gallery: int | tuple[Tensor, Any], run: Run, where: torch.device) -> tuple[Tensor | None, Any]:
    if "generator" not in run.averaged:
        return None, None
    if isinstance(gallery, tuple):
        return gallery
    if isinstance(gallery, bool) or not isinstance(gallery, int) or gallery < 1:
        raise InputError(f"gallery must be a whole number ≥ 1 or a pair (latents, conditions), not {gallery!r}")
    latents = run.gan.draw_latent(gallery, torch.Generator(where).manual_seed(0))
    return latents, run._some_conditions(gallery)


def _budget(steps: int | None, seconds: float | None) -> Budget:
    if (steps is None) == (seconds is None):
        raise InputError("give a budget: either steps= or seconds=")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise InputError(f"steps must be a whole number ≥ 1, not {steps!r}")
    if seconds is not None and not (isinstance(seconds, int | float) and 0 < seconds < math.inf):
        raise InputError(f"seconds must be a number > 0, not {seconds!r}")
    return Budget(steps, seconds)


def _check_numbers(batch_size: int, seed: int, half_life: float, snapshots: int, every_seconds: float) -> None:
    for name, value, least in (("batch_size", batch_size, 1), ("seed", seed, 0), ("snapshots", snapshots, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
            raise InputError(f"{name} must be a whole number ≥ {least}, not {value!r}")
    for name, number in (("half_life", half_life), ("every_seconds", every_seconds)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise InputError(f"{name} must be a number ≥ 0, not {number!r}")


def _settings(
    gan: GAN, training: Training, batch_size: int, seed: int, budget: Budget, schedule: Callable[..., Any]
) -> dict[str, Any]:
    """What must be the same for a checkpoint to be resumed."""
    return {
        "turns": [[turn.name, turn.times, turn.every, {n: lazy.every for n, lazy in turn.lazy.items()}] for turn in gan.turns],
        "optimizers": {
            name: [type(o).__name__, training.base_rates[name], list(o.param_groups[0].get("betas", ()))]
            for name, o in training.optimizers.items()
        },
        "latent": gan.latent if isinstance(gan.latent, int) else "a function",
        "batch_size": batch_size,
        "seed": seed,
        "steps": budget.steps,
        "seconds_budget": budget.seconds,
        "half_life": training.half_life,
        "schedule": getattr(schedule, "__qualname__", type(schedule).__name__),
    }
