"""``train()``: the one loop, from what it is given to the Run."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantutor import checkpoint as checkpoints
from gantutor import device as devices
from gantutor.companions import Album, Bar, Budget, LastGood, Saver
from gantutor.control import Control, interrupts_held
from gantutor.data.batches import batches_of
from gantutor.errors import InputError
from gantutor.gan import GAN
from gantutor.optimization import MakeOptimizer, Schedule, constant
from gantutor.parameters import flag, number, optional, validate, whole
from gantutor.rehearsal import inspect_data, inspect_game, is_range
from gantutor.run import Run
from gantutor.settings import described, described_function, described_optimizer
from gantutor.step import Training, set_up, take_step


class Callback:
    """What ``train`` tells while it runs: override what you need. A callback reads the run and must not
    change it."""

    def on_start(self, run: Run) -> None: ...

    def on_step(self, run: Run) -> None: ...

    def on_pause(self, run: Run) -> None: ...

    def on_end(self, run: Run) -> None: ...


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
        training = set_up(gan, batches, optimizer, half_life, control or Control(), seed, where)
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
        run.control = training.control
        latents, shown = _gallery(gallery, run, where)
        run.gallery = None if latents is None else (latents, shown)
        if checkpoint is not None:
            said = checkpoints.resume(
                Path(checkpoint), run, training.optimizers, batches, {"noise": training.noise}
            )
            if said:
                print(said)
        saver = Saver(training, checkpoint, every_seconds)
        _loop(
            training,
            budget,
            schedule,
            callbacks,
            Album(latents, shown, snapshots, budget),
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
    album: Album,
    saver: Saver,
    progress: bool,
) -> None:
    run, clock = training.run, devices.Clock(training.run.seconds)
    good = LastGood(training)
    run.ended = "training"
    bar = None
    try:
        _tell(callbacks, "on_start", run)
        album.look(run)
        bar = Bar(budget, run, progress)
        while budget.spent(run) < 1:
            allowed = training.control.wait(lambda: _tell(callbacks, "on_pause", run))
            if allowed is None:
                break
            with interrupts_held():
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
    except Exception:
        if run.ended == "training":  # an error in a network, a loss or a callback
            run.ended = f"failed at step {run.step:,}"
        raise
    finally:
        if bar is not None:
            bar.close(run)
        with suppress(KeyboardInterrupt), interrupts_held():  # whoever presses ■ twice still gets the Run
            _tell(callbacks, "on_end", run)


def _tell(callbacks: Sequence[Callback], what: str, run: Run) -> None:
    """Let the callbacks look; whatever they draw from torch's global random state leaves no trace in the
    training."""
    if callbacks:
        with devices.random_state_kept(run.gan.device):
            for callback in callbacks:
                getattr(callback, what)(run)


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
