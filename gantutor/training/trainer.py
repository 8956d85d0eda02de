"""``train()``: from what it is given, all of it checked, to the Run."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import MAX_INT, boolean, integer, number, optional, validate
from gantutor._conditions import cycle_rows
from gantutor._errors import InputError, OutOfMemory, type_name
from gantutor.games.gan import GAN
from gantutor.training import device as devices
from gantutor.training import distributed, memory
from gantutor.training.batches import batches_of
from gantutor.training.callbacks import Budget, Callback, CheckpointWriter, SnapshotRecorder
from gantutor.training.control import Control
from gantutor.training.loop import play_game
from gantutor.training.optim import MakeOptimizer, Schedule, constant
from gantutor.training.preflight import check_data, check_game, check_labels, is_range
from gantutor.training.run import Run
from gantutor.training.settings import describe_function, describe_game, describe_optimizer
from gantutor.training.step import Training, memory_of, record_steps, set_up


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
    ema_half_life: float = 10_000,
    snapshots: int = 24,
    gallery: int | tuple[Tensor, Any] = 64,
    callbacks: Sequence[Callback] = (),
    control: Control | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 60.0,
    precision: str = "float32",
    accumulate: int = 1,
    cuda_graphs: bool = True,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    progress: bool = True,
) -> Run:
    """Play the game of ``gan`` on ``data`` for a budget of ``steps=`` or ``seconds=``, and return the Run.

    ``data``: a tensor, a torch ``Dataset`` or ``DataLoader``, or any iterable of batches; batches are tensors
    or pairs (x, condition). ``optimizer``: a function of parameters for all networks, or one for each by
    name; Adam with β = (0, 0.99) and a learning rate of 0.0015 if left out. ``schedule`` maps the fraction of
    the budget spent to a factor of the learning rates. ``ema_half_life``: of the averaged weights, in images, and
    never more than a tenth of the images seen. ``gallery``: how many fixed latents the ``snapshots`` show, or
    the latents and conditions themselves. ``checkpoint``: a folder to save to every ``checkpoint_every`` and to
    resume from. ``precision``: ``"float32"``, or ``"bfloat16"`` for mixed precision in the forward passes.
    ``accumulate``: work through each batch in so many equal parts, for want of memory. ``cuda_graphs``: on a GPU,
    record whole steps as CUDA graphs where that is possible. ``value_range``: what images (tensors of rank 4)
    must lie in; None lifts the check.

    With ``steps`` and ``seed`` a run repeats bit for bit on one machine at one thread count; on a GPU to
    rounding, as some of cuDNN's kernels add up in an order that changes. ■, Ctrl-C and
    ``control.stop()`` end it early and return the Run so far. Raises InputError for anything that cannot be
    used, TrainingDiverged, with the Run so far, when a loss stops being finite, and OutOfMemory.

    Under ``torchrun`` all processes train one game together: a step takes ``batch_size`` samples for each of
    them, and gradients are averaged, as if one process had the larger batch. Batch norm and minibatch
    statistics see the samples of their own process alone.

    >>> from gantutor import data, networks, objectives
    >>> pair = networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,))
    >>> game = GAN(*pair, objectives.non_saturating(), latent=2)
    >>> train(game, torch.randn(256, 2), steps=3, progress=False).step
    3
    """
    budget = _budget(steps, seconds)
    _check_numbers(
        batch_size=batch_size, seed=seed, snapshots=snapshots, ema_half_life=ema_half_life,
        checkpoint_every=checkpoint_every, progress=progress, accumulate=accumulate, cuda_graphs=cuda_graphs,
    )  # fmt: skip
    _check_helpers(gan, schedule, callbacks, control, checkpoint, value_range)
    where = distributed.local_device(devices.resolve_device(device))
    mixed = devices.mixed_precision(precision, where)
    group = distributed.join(where)
    run: Run | None = None
    try:
        batches = batches_of(data, batch_size, seed, where, group.rank, group.size)
        with devices.seeded(seed + group.rank, where), devices.without_denormals():
            example, condition, conditions = check_data(data, batch_size // accumulate, where, value_range)
            if where.type == "cuda":
                check_labels(gan, example, condition, batches)
            devices.move_to_device(gan, where, example)
            with memory.peak(where) as needed, mixed():
                check_game(gan, example, condition, torch.Generator(where).manual_seed(seed))
            group.same_weights(gan)
            training = set_up(
                gan, batches, optimizer, ema_half_life, control or Control(), seed, where, group
            )
            training.mixed, training.accumulate = mixed, accumulate
            run = training.run
            run.settings = _settings(
                training, data, batch_size=batch_size, seed=seed, steps=steps, seconds=seconds,
                ema_half_life=ema_half_life, schedule=describe_function(schedule), precision=precision,
                accumulate=accumulate,
            )  # fmt: skip
            group.same_settings(run.settings)
            run.conditions, run.control = conditions, training.control
            latents, shown = _gallery(gallery, run, where)
            run.gallery = None if latents is None else (latents, shown)
            saver = CheckpointWriter(training, checkpoint, checkpoint_every)
            saver.resume()
            record_steps(training, cuda_graphs, where)
            run.memory = memory_of(training, needed.bytes, where)
            if where.type == "cuda" and progress and group.leader:
                print(run.memory)
            album = SnapshotRecorder(latents if group.leader else None, shown, snapshots, budget)
            looking = callbacks if group.leader else ()
            play_game(training, budget, schedule, looking, album, saver, progress and group.leader)
            saver.write()
    except (RuntimeError, MemoryError) as error:
        if not memory.ran_out(error):
            raise
        raise OutOfMemory(memory.advice(where, batch_size, accumulate, precision), run) from error
    return run


def _settings(training: Training, data: Any, **given: Any) -> dict[str, Any]:
    """What tells a training from another: a checkpoint is resumed only by one of the same settings."""
    return {
        "game": describe_game(training.gan),
        "optimizers": {name: describe_optimizer(made) for name, made in training.optimizers.items()},
        "samples": len(data) if hasattr(data, "__len__") else None,
        **given,
        "ranks": training.group.size,
    }


def _gallery(gallery: int | tuple[Tensor, Any], run: Run, where: torch.device) -> tuple[Tensor | None, Any]:
    """The latents and conditions that the snapshots show; None, None where no generator is averaged."""
    if "generator" not in run.averaged:
        return None, None
    if isinstance(gallery, int) and not isinstance(gallery, bool) and 1 <= gallery <= MAX_INT:
        latents = run.gan.draw_latent(gallery, torch.Generator(where).manual_seed(0))
        return latents, cycle_rows(run.conditions, gallery)
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
        {"steps": steps, "seconds": seconds}, steps=optional(integer(1)), seconds=optional(number(above=0))
    )
    return Budget(steps, seconds)


def _check_numbers(**given: Any) -> None:
    """Raise InputError where a number or a switch is none, or out of its range."""
    validate(
        given,
        batch_size=integer(1),
        seed=integer(0, 2**31),
        snapshots=integer(0),
        ema_half_life=number(0),
        checkpoint_every=number(0),
        progress=boolean(),
        accumulate=integer(1),
        cuda_graphs=boolean(),
    )
    size, parts = given["batch_size"], given["accumulate"]
    if size % parts:
        raise InputError(f"accumulate must divide the batch_size, {size}, and {parts} does not")


def _check_helpers(
    gan: object, schedule: object, callbacks: object, control: object, checkpoint: object, value_range: object
) -> None:
    """Raise InputError where something that is no number was given in the wrong form."""
    if not isinstance(gan, GAN):
        raise InputError(f"the game must be a gantutor.GAN, not {type_name(gan)}")
    if not callable(schedule):
        raise InputError(
            f"schedule must be a function of the budget spent, such as linear_decay(), not {schedule!r}"
        )
    if not (isinstance(callbacks, Sequence) and all(isinstance(each, Callback) for each in callbacks)):
        raise InputError(f"callbacks must be a list of gantutor.Callback objects, not {callbacks!r}")
    if control is not None and not isinstance(control, Control):
        raise InputError(f"control must be a gantutor.Control, not {control!r}")
    if checkpoint is not None and (not isinstance(checkpoint, str | Path) or "\0" in str(checkpoint)):
        raise InputError(f"checkpoint must be the path of a folder, not {checkpoint!r}")
    if value_range is not None and not is_range(value_range):
        raise InputError(
            f"value_range must be a pair (low, high) with low < high, or None, not {value_range!r}"
        )
