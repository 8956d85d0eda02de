"""``train()``: checks its arguments, runs the training loop and returns the Run."""

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
from gantutor.training.batches import make_batches
from gantutor.training.callbacks import Budget, Callback, CheckpointWriter, SnapshotRecorder
from gantutor.training.control import Control
from gantutor.training.loop import training_loop
from gantutor.training.optim import MakeOptimizer, Schedule, constant
from gantutor.training.preflight import check_data, check_game, check_labels, is_range
from gantutor.training.run import Run
from gantutor.training.settings import describe_function, describe_game, describe_optimizer
from gantutor.training.step import Training, enable_cuda_graphs, set_up_training, training_memory


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
    """Train a game on data for a budget of steps or seconds, and return the Run.

    With ``steps`` and ``seed`` a run repeats bit for bit on one machine at one thread count. On a GPU it
    repeats to rounding, since some cuDNN kernels add in an order that varies.

    Under ``torchrun`` all processes train one game together: a step takes ``batch_size`` samples for each of
    them, and gradients are averaged, as if one process had the larger batch. Batch norm and minibatch
    statistics see the samples of their own process only.

    Args:
        gan: the game: networks, turns and latents. Its networks are trained in place.
        data: real samples: a tensor (N, …), a torch ``Dataset`` of samples, or a ``DataLoader`` or another
            iterable of batches. Samples and batches are tensors x or pairs (x, condition).
        steps: the budget as a number of steps. Give either ``steps`` or ``seconds``.
        seconds: the budget as seconds spent in training steps alone, without views, callbacks and
            checkpoints.
        batch_size: samples of one process in a batch; loaders and other iterables use their own batch size.
        seed: seed of the order of the data, of the latents, and of dropout and the like. The initial weights
            are those that the networks already have.
        device: ``"auto"`` for the first GPU, if there is one, or a device such as ``"cpu"`` or ``"cuda:1"``.
        optimizer: makes the optimiser from a network's parameters, such as ``gt.optim.adam(1e-3)`` or
            ``torch.optim.SGD``; or a dict with one such function for each network. The default is Adam with a
            learning rate of 0.0015 and β = (0, 0.99).
        schedule: maps the fraction of the budget spent, from 0 to 1, to a factor of the learning rates.
        ema_half_life: half-life of the averaged weights, in images; never more than a tenth of the images
            seen so far. With 0, the averages equal the networks.
        snapshots: number of snapshots, at even fractions of the budget; 0 for none.
        gallery: number of fixed latents that the snapshots show, or a pair (latents, conditions) to use
            instead.
        callbacks: ``Callback`` objects, which are called before, after and between the steps.
        control: pauses, stops and steers the training from another thread; a new one by default,
            ``run.control``.
        checkpoint: folder to save checkpoints to, and to resume from if it holds one of the same settings;
            None for none.
        checkpoint_every: seconds between two checkpoints.
        precision: ``"float32"``, or ``"bfloat16"`` for mixed precision in the forward passes.
        accumulate: number of equal parts that each batch is split into, to save memory; it must divide
            ``batch_size``.
        cuda_graphs: on a GPU, record whole steps as CUDA graphs if the game allows it.
        value_range: (low, high) that images, tensors (N, C, H, W), must lie in; None accepts any values.
        progress: whether to show a progress bar.

    Returns:
        The Run with history, snapshots and averaged networks. ■, Ctrl-C and ``control.stop()`` end the
        training early and return the Run so far; ``run.ended`` says how it ended.

    Raises:
        InputError: if an argument, the data or a network cannot be used; the message says what to change.
        TrainingDiverged: if a loss is not finite; its ``run`` holds the training up to the last finite
            weights.
        OutOfMemory: if the device has too little memory; its ``run`` holds the training so far.
        ProcessLost: if another process of the same training has ended.

    >>> from gantutor import networks, objectives
    >>> pair = networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,))
    >>> game = GAN(*pair, objectives.non_saturating(), latent=2)
    >>> train(game, torch.randn(256, 2), steps=3, progress=False).step
    3
    """
    budget = _make_budget(steps, seconds)
    _check_numbers(
        batch_size=batch_size, seed=seed, snapshots=snapshots, ema_half_life=ema_half_life,
        checkpoint_every=checkpoint_every, progress=progress, accumulate=accumulate, cuda_graphs=cuda_graphs,
    )  # fmt: skip
    _check_arguments(gan, schedule, callbacks, control, checkpoint, value_range)
    torch_device = distributed.local_device(devices.resolve_device(device))
    autocast = devices.mixed_precision(precision, torch_device)
    group = distributed.join_group(torch_device)
    run: Run | None = None
    try:
        batches = make_batches(data, batch_size, seed, torch_device, group.rank, group.size)
        with devices.seeded(seed + group.rank, torch_device), devices.without_denormals():
            example, condition, conditions = check_data(
                data, batch_size // accumulate, torch_device, value_range
            )
            if torch_device.type == "cuda":
                check_labels(gan, example, condition, batches)
            devices.move_to_device(gan, torch_device, example)
            with memory.measure_peak(torch_device) as peak, autocast():
                check_game(gan, example, condition, torch.Generator(torch_device).manual_seed(seed))
            group.broadcast_weights(gan)
            training = set_up_training(
                gan, batches, optimizer, ema_half_life, control or Control(), seed, torch_device, group
            )
            training.autocast, training.accumulate = autocast, accumulate
            run = training.run
            run.settings = _settings(
                training, data, batch_size=batch_size, seed=seed, steps=steps, seconds=seconds,
                ema_half_life=ema_half_life, schedule=describe_function(schedule), precision=precision,
                accumulate=accumulate,
            )  # fmt: skip
            group.check_same_settings(run.settings)
            run.conditions, run.control = conditions, training.control
            latents, gallery_conditions = _make_gallery(gallery, run, torch_device)
            run.gallery = None if latents is None else (latents, gallery_conditions)
            checkpoints = CheckpointWriter(training, checkpoint, checkpoint_every)
            checkpoints.resume()
            enable_cuda_graphs(training, cuda_graphs, torch_device)
            run.memory = training_memory(training, peak.bytes, torch_device)
            if torch_device.type == "cuda" and progress and group.leader:
                print(run.memory)
            snapshot_recorder = SnapshotRecorder(
                latents if group.leader else None, gallery_conditions, snapshots, budget
            )
            active_callbacks = callbacks if group.leader else ()
            training_loop(
                training,
                budget,
                schedule,
                active_callbacks,
                snapshot_recorder,
                checkpoints,
                progress and group.leader,
            )
            checkpoints.write()
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        raise OutOfMemory(
            memory.out_of_memory_advice(torch_device, batch_size, accumulate, precision), run
        ) from error
    return run


def _settings(training: Training, data: Any, **options: Any) -> dict[str, Any]:
    """Return what distinguishes trainings: a checkpoint is resumed only if its settings are equal."""
    return {
        "game": describe_game(training.gan),
        "optimizers": {
            name: describe_optimizer(optimizer) for name, optimizer in training.optimizers.items()
        },
        "samples": len(data) if hasattr(data, "__len__") else None,
        **options,
        "ranks": training.group.size,
    }


def _make_gallery(
    gallery: int | tuple[Tensor, Any], run: Run, device: torch.device
) -> tuple[Tensor | None, Any]:
    """Return the latents and conditions of the snapshots, or (None, None) if no generator is averaged."""
    if "generator" not in run.averaged:
        return None, None
    if isinstance(gallery, int) and not isinstance(gallery, bool) and 1 <= gallery <= MAX_INT:
        latents = run.gan.draw_latent(gallery, torch.Generator(device).manual_seed(0))
        return latents, cycle_rows(run.conditions, gallery)
    if isinstance(gallery, tuple) and len(gallery) == 2 and isinstance(gallery[0], Tensor):
        run.generate(*gallery)  # raises InputError if the generator cannot use them
        return gallery
    raise InputError(
        f"gallery must be a whole number ≥ 1 or a pair (latents, conditions), not {reprlib.repr(gallery)}"
    )


def _make_budget(steps: int | None, seconds: float | None) -> Budget:
    if (steps is None) == (seconds is None):
        raise InputError("give a budget: either steps= or seconds=")
    validate(
        {"steps": steps, "seconds": seconds}, steps=optional(integer(1)), seconds=optional(number(above=0))
    )
    return Budget(steps, seconds)


def _check_numbers(**values: Any) -> None:
    """Raise InputError if a number or a switch has a wrong type or is out of range."""
    validate(
        values,
        batch_size=integer(1),
        seed=integer(0, 2**31),
        snapshots=integer(0),
        ema_half_life=number(0),
        checkpoint_every=number(0),
        progress=boolean(),
        accumulate=integer(1),
        cuda_graphs=boolean(),
    )
    size, parts = values["batch_size"], values["accumulate"]
    if size % parts:
        raise InputError(f"accumulate must divide the batch_size, {size}, and {parts} does not")


def _check_arguments(
    gan: object, schedule: object, callbacks: object, control: object, checkpoint: object, value_range: object
) -> None:
    """Raise InputError if an argument that is not a number has a wrong type."""
    if not isinstance(gan, GAN):
        raise InputError(f"the game must be a gantutor.GAN, not {type_name(gan)}")
    if not callable(schedule):
        raise InputError(
            f"schedule must be a function of the budget spent, such as linear_decay(), not {schedule!r}"
        )
    if not (
        isinstance(callbacks, Sequence) and all(isinstance(callback, Callback) for callback in callbacks)
    ):
        raise InputError(f"callbacks must be a list of gantutor.Callback objects, not {callbacks!r}")
    if control is not None and not isinstance(control, Control):
        raise InputError(f"control must be a gantutor.Control, not {control!r}")
    if checkpoint is not None and (not isinstance(checkpoint, str | Path) or "\0" in str(checkpoint)):
        raise InputError(f"checkpoint must be the path of a folder, not {checkpoint!r}")
    if value_range is not None and not is_range(value_range):
        raise InputError(
            f"value_range must be a pair (low, high) with low < high, or None, not {value_range!r}"
        )
