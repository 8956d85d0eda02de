"""``train()``: the one loop. It draws batches, zeroes, backpropagates, steps the optimisers and averages the
weights."""

from __future__ import annotations

import math
import reprlib
import time
from collections.abc import Mapping, Sequence
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
from gantutor.optimization import MakeOptimizer, Schedule, adam, constant
from gantutor.parameters import flag, number, optional, validate, whole
from gantutor.rehearsal import inspect_data, inspect_game, is_range
from gantutor.run import Run, Snapshot, follow
from gantutor.settings import described, described_function, described_optimizer

GOOD_EVERY = 100
"""Steps between the copies of the weights that a diverged training falls back to."""


class Callback:
    """What ``train`` tells while it runs: override what you need. A callback reads the run and must not
    change it."""

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

    ``data``: a tensor, a torch ``Dataset`` or ``DataLoader``, or any iterable of batches; batches are tensors
    or pairs (x, condition). ``optimizer``: a function of parameters for all networks, or one for each by
    name; Adam with β = (0, 0.99) and a learning rate of 0.0015 if left out. ``schedule`` maps the fraction of
    the budget spent to a factor of the learning rates. ``half_life``: of the averaged weights, in images, and
    never more than a tenth of the images seen. ``gallery``: how many fixed latents the ``snapshots`` show, or
    the latents and conditions themselves. ``checkpoint``: a folder to save to every ``every_seconds`` and to
    resume from. ``value_range``: what images (tensors of rank 4) must lie in; None lifts the check.

    With ``steps`` and ``seed`` a run repeats bit for bit on one machine at one thread count. ■, Ctrl-C and
    ``control.stop()`` end it early and return the Run so far. Raises InputError for anything that cannot be
    used, and TrainingDiverged, with the Run so far, when a loss stops being finite.

    >>> from gantutor import data, networks, objectives
    >>> pair = networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,))
    >>> game = GAN(*pair, objectives.non_saturating(), latent=2)
    >>> train(game, torch.randn(256, 2), steps=3, progress=False).step
    3
    """
    budget = _budget(steps, seconds)
    validate(
        {"batch_size": batch_size, "seed": seed, "snapshots": snapshots, "half_life": half_life}
        | {"every_seconds": every_seconds, "progress": progress},
        batch_size=whole(1),
        seed=whole(0, 2**31),
        snapshots=whole(0),
        half_life=number(0),
        every_seconds=number(0),
        progress=flag(),
    )
    _check_helpers(gan, schedule, callbacks, control, checkpoint)
    if value_range is not None and not is_range(value_range):
        raise InputError(
            f"value_range must be a pair (low, high) with low < high, or None, not {value_range!r}"
        )
    where = devices.resolve(device)
    batches = batches_of(data, batch_size, seed, where)
    with devices.reproducible(seed, where), devices.without_denormals():
        example, condition, conditions = inspect_data(data, batch_size, where, value_range)
        devices.place(gan, where, example)
        inspect_game(gan, example, condition, torch.Generator(where).manual_seed(seed))
        training = _set_up(gan, batches, optimizer, half_life, control or Control(), seed, where)
        run = training.run
        run.settings = {
            "game": described(gan),
            "optimizers": {name: described_optimizer(made) for name, made in training.optimizers.items()},
            "batch_size": batch_size,
            "samples": len(data) if hasattr(data, "__len__") else None,
            "seed": seed,
            "steps": steps,
            "seconds": seconds,
            "half_life": half_life,
            "schedule": described_function(schedule),
        }
        run.conditions = conditions
        latents, shown = _gallery(gallery, run, where)
        if checkpoint is not None:
            said = checkpoints.resume(
                Path(checkpoint), run, training.optimizers, batches, {"noise": training.noise}
            )
            if said:
                print(said)
        saver = _Saver(training, checkpoint, every_seconds)
        _loop(
            training,
            budget,
            schedule,
            callbacks,
            _Album(run, latents, shown, snapshots, budget),
            saver,
            progress,
        )
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
        _tell(callbacks, "on_start", run)
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
            _tell(callbacks, "on_step", run)
            bar.show(run)
        run.ended = "complete" if budget.spent(run) >= 1 else "stopped"
    except KeyboardInterrupt:
        run.ended = "interrupted"
    finally:
        bar.close(run)
        if run.ended != "training":
            _tell(callbacks, "on_end", run)


def _tell(callbacks: Sequence[Callback], what: str, run: Run) -> None:
    """Let the callbacks look; whatever they draw from torch's global random state leaves no trace in the
    training."""
    if callbacks:
        with devices.random_state_kept(run.gan.device):
            for callback in callbacks:
                getattr(callback, what)(run)


def take_step(training: Training, rate: float = 1.0, allowed: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """One step of the game: every turn that is due, in order; the scalars it gave, by name, still on the
    device."""
    run = training.run
    values: dict[str, Tensor] = {}
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
    values = {turn.name: total.detach()} | {
        f"{turn.name}.{name}": value.detach() for name, value in losses.items()
    }
    for name, lazy in turn.lazy.items():
        if training.run.step % lazy.every == 0:
            extra = lazy.loss(training.gan, batch)
            values[f"{turn.name}.{name}"] = extra.detach()
            total = total + lazy.every * extra
    if total.device.type == "cpu" and not math.isfinite(total.detach()):
        return values  # nothing to learn from: the loop is about to give up, and the weights stay as they are
    parameters = training.parameters[turn.name]
    for parameter in parameters:
        parameter.grad = None
    total.backward(inputs=parameters)  # type: ignore[no-untyped-call]
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


# --- what stands around the loop ----------------------------------------------------------------------------


class _Album:
    """Takes the snapshots: the same latents at even fractions of the budget, from the first moment to the
    last."""

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
            weights = self._copy()
            if all(bool(value.isfinite().all()) for value in weights.values()):
                self.step, self.weights = run.step, weights

    def _give_up(self, name: str) -> None:
        run, gan = self.training.run, self.training.gan
        broken = [
            name
            for name, net in gan.networks.items()
            if not all(bool(p.isfinite().all()) for p in net.parameters())
        ]
        cause = f"; the weights of the {' and the '.join(broken)} are not finite" if broken else ""
        run.load_weights(self.weights, "the last good step")
        run.ended = f"diverged at step {run.step}"
        raise TrainingDiverged(
            f"the loss of the {name.split('.')[0]} stopped being finite at step {run.step:,}{cause}: "
            f"the networks were put back to step {self.step:,}; "
            "try a lower learning rate or a penalty such as r1=1.0",
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
    make = adam() if optimizer is None else optimizer
    if isinstance(make, Mapping) and set(make) != trained:
        named = ", ".join(map(str, make)) or "none"
        raise InputError(f"optimizer must name the networks {', '.join(sorted(trained))}, and names {named}")
    makers = make if isinstance(make, Mapping) else dict.fromkeys(trained, make)
    optimizers = {name: _optimizer(name, makers[name], gan) for name in sorted(trained)}
    return Training(
        run=Run(gan),
        gan=gan,
        batches=batches,
        noise=torch.Generator(where).manual_seed(seed + 1),
        optimizers=optimizers,
        parameters={
            turn.name: [
                p for name in turn.updates for p in gan.networks[name].parameters() if p.requires_grad
            ]
            for turn in gan.turns
        },
        base_rates={name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()},
        control=control,
        half_life=half_life,
    )


def _optimizer(name: str, make: MakeOptimizer, gan: GAN) -> Optimizer:
    parameters = [parameter for parameter in gan.networks[name].parameters() if parameter.requires_grad]
    if not parameters:
        raise InputError(
            f"the {name} has no weights to train: take it out of the turns, or let a weight require gradients"
        )
    made = make(parameters) if callable(make) else make
    if not isinstance(made, Optimizer):
        raise InputError(
            f"optimizer must be a function of parameters that gives a torch optimizer, such as adam(1e-3), "
            f"or one for each network by name, not {make!r}"
        )
    return made


def _gallery(gallery: int | tuple[Tensor, Any], run: Run, where: torch.device) -> tuple[Tensor | None, Any]:
    if "generator" not in run.averaged:
        return None, None
    if isinstance(gallery, int) and not isinstance(gallery, bool) and gallery >= 1:
        latents = run.gan.draw_latent(gallery, torch.Generator(where).manual_seed(0))
        return latents, run._some_conditions(gallery)
    if isinstance(gallery, tuple) and len(gallery) == 2 and isinstance(gallery[0], Tensor):
        run.generate(*gallery)  # refuses what the generator cannot use
        return gallery
    raise InputError(
        f"gallery must be a whole number ≥ 1 or a pair (latents, conditions), not {reprlib.repr(gallery)}"
    )


def _budget(steps: int | None, seconds: float | None) -> Budget:
    if (steps is None) == (seconds is None):
        raise InputError("give a budget: either steps= or seconds=")
    validate(
        {"steps": steps, "seconds": seconds}, steps=optional(whole(1)), seconds=optional(number(above=0))
    )
    return Budget(steps, seconds)


def _check_helpers(
    gan: object, schedule: object, callbacks: object, control: object, checkpoint: object
) -> None:
    """Raise InputError where something that is no number was given in the wrong form."""
    if not isinstance(gan, GAN):
        raise InputError(f"the game must be a gantutor.GAN, not {type(gan).__name__}")
    if not callable(schedule):
        raise InputError(
            f"schedule must be a function of the budget spent, such as linear_decay(), not {schedule!r}"
        )
    if not (isinstance(callbacks, Sequence) and all(isinstance(each, Callback) for each in callbacks)):
        raise InputError(f"callbacks must be a list of gantutor.Callback objects, not {callbacks!r}")
    if control is not None and not isinstance(control, Control):
        raise InputError(f"control must be a gantutor.Control, not {control!r}")
    if checkpoint is not None and not isinstance(checkpoint, str | Path):
        raise InputError(f"checkpoint must be the path of a folder, not {checkpoint!r}")
