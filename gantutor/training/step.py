"""One step of a game: every turn that is due, its gradient, its optimisers, and the averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer

from gantutor._errors import InputError
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Turn
from gantutor.training.batches import Batches
from gantutor.training.control import Control
from gantutor.training.cuda_graphs import CUDARecorder, StepGraphs
from gantutor.training.distributed import Group
from gantutor.training.ema import AveragedWeights
from gantutor.training.memory import Memory, measure_memory
from gantutor.training.optim import MakeOptimizer, adam, make_capturable
from gantutor.training.run import Run

Pattern = tuple[tuple[int, tuple[str, ...]], ...]
"""What a step plays: the index of each turn that is due, with the names of its penalties that are due."""


@dataclass
class Training:
    """Everything that changes while a game is trained, and how it is trained.

    Attributes:
        run: the Run that the training fills.
        gan: the game.
        batches: the source of the real samples.
        latent_generator: random generator of the latents.
        optimizers: by network name.
        parameters: the trained parameters of each turn, by name.
        base_learning_rates: learning rates before the schedule, by network name.
        control: pauses, stops and learning rates of a person.
        ema_half_life: half-life of the averages, in images.
        averages: the averaged weights and those that they average.
        group: the processes that train together.
        autocast: makes the context, and so the precision, of the forward passes.
        accumulate: number of parts that each batch is split into.
        ema_weight: weight of the networks in the next update of the averages; a tensor where CUDA graphs are
            used.
        graphs: records whole steps, or None.
    """

    run: Run
    gan: GAN
    batches: Batches
    latent_generator: torch.Generator
    optimizers: dict[str, Optimizer]
    parameters: dict[str, list[Parameter]]
    base_learning_rates: dict[str, float]
    control: Control
    ema_half_life: float
    averages: AveragedWeights
    group: Group
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    accumulate: int = 1
    ema_weight: float | Tensor = 0.0
    graphs: StepGraphs | None = None

    def batch(self, real: Any, condition: Any) -> list[Batch]:
        """Return a batch of real samples together with new latents, in ``accumulate`` parts.

        Args:
            real: samples (N, …), or a tuple of them.
            condition: their conditions, or None.
        """
        first = real[0] if isinstance(real, tuple) else real
        count, device = len(first), first.device
        latents = self.gan.draw_latent(self.group.size * count, self.latent_generator, device)
        own_latents = latents if self.group.size == 1 else latents[self.group.rank * count :][:count]
        if self.accumulate == 1:
            return [Batch(self.gan, real, condition, own_latents)]
        parts = (split_batch(tensor, self.accumulate) for tensor in (real, condition, own_latents))
        return [Batch(self.gan, *tensor) for tensor in zip(*parts, strict=True)]


def split_batch(item: Any, parts: int) -> list[Any]:
    """Split a tensor, or each tensor of a tuple, into equal parts along its first dimension; None stays None.

    Args:
        item: a tensor, a tuple, or None.
        parts: number of parts.

    >>> split_batch((torch.arange(4), None), 2)
    [(tensor([0, 1]), None), (tensor([2, 3]), None)]
    """
    if item is None:
        return [None] * parts
    if isinstance(item, tuple):
        return list(zip(*(split_batch(part, parts) for part in item), strict=True))
    return list(item.tensor_split(parts))


def set_up_training(
    gan: GAN,
    batches: Batches,
    optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None,
    ema_half_life: float,
    control: Control,
    seed: int,
    device: torch.device,
    group: Group | None = None,
) -> Training:
    """Put the trained networks into training mode, and make an optimiser for each.

    Args:
        gan: the game.
        batches: the source of the real samples.
        optimizer: makes the optimisers: one function for all networks, one by network name, or None for
            ``adam()``.
        ema_half_life: half-life of the averages, in images.
        control: the control of the training.
        seed: seed of the latents.
        device: where the training runs.
        group: the processes that train together; this one alone by default.

    Raises:
        InputError: if the optimisers name other networks, a network has no weights to train, or a function
            makes no optimiser.
    """
    trained = {name for turn in gan.turns for name in turn.updates}
    for name in trained:
        gan.networks[name].train()
    maker = adam() if optimizer is None else optimizer
    if isinstance(maker, Mapping) and set(maker) != trained:
        names = ", ".join(map(str, maker)) or "none"
        raise InputError(f"optimizer must name the networks {', '.join(sorted(trained))}, and names {names}")
    makers = maker if isinstance(maker, Mapping) else dict.fromkeys(trained, maker)
    optimizers = {name: _make_optimizer(name, makers[name], gan) for name in sorted(trained)}
    run = Run(gan)
    return Training(
        run=run,
        gan=gan,
        batches=batches,
        latent_generator=torch.Generator(device).manual_seed(seed + 1),
        optimizers=optimizers,
        parameters={
            turn.name: [
                parameter
                for name in turn.updates
                for parameter in gan.networks[name].parameters()
                if parameter.requires_grad
            ]
            for turn in gan.turns
        },
        base_learning_rates={name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()},
        control=control,
        ema_half_life=ema_half_life,
        averages=AveragedWeights.of(run.averaged.values(), [gan.networks[name] for name in run.averaged]),
        group=group or Group(),
    )


def _make_optimizer(name: str, make: MakeOptimizer, gan: GAN) -> Optimizer:
    parameters = [parameter for parameter in gan.networks[name].parameters() if parameter.requires_grad]
    if not parameters:
        raise InputError(
            f"the {name} has no weights to train: take it out of the turns, or let a weight require gradients"
        )
    optimizer = make(parameters) if callable(make) else make
    if not isinstance(optimizer, Optimizer):
        raise InputError(
            f"optimizer must be a function of parameters that gives a torch optimizer, such as adam(1e-3), "
            f"or one for each network by name, not {make!r}"
        )
    return optimizer


def enable_cuda_graphs(training: Training, enabled: bool, device: torch.device) -> None:
    """Record whole steps as CUDA graphs on a GPU; print the reason if that is not possible.

    Args:
        training: changed in place.
        enabled: whether graphs are wanted.
        device: where the training runs; on other devices than a GPU nothing is done.
    """
    if not enabled or device.type != "cuda":
        return
    reason = "several processes exchange gradients" if training.group.size > 1 else ""
    reason = reason or make_capturable(training.optimizers.values(), device)
    if reason:
        print(f"Without CUDA graphs: {reason}.")
    else:
        training.ema_weight = torch.zeros((), device=device)
        training.graphs = StepGraphs(CUDARecorder(device, [training.latent_generator]))


def training_memory(training: Training, step: int, device: torch.device) -> Memory:
    """Return the memory that a training needs.

    Args:
        training: its networks, averages, optimisers and data.
        step: bytes that one step needs in addition.
        device: where it runs.
    """
    networks, averages = training.gan, nn.ModuleDict(training.run.averaged)
    return measure_memory(
        device,
        [*networks.parameters(), *networks.buffers()],
        [*averages.parameters(), *averages.buffers()],
        training.optimizers.values(),
        getattr(training.batches, "tensors", ()),
        step,
    )


def take_step(training: Training, factor: float = 1.0, allowed: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Take one step of the game: play every turn that is due, in order, and update the averages.

    Args:
        training: changed in place.
        factor: factor of the learning rates, from the schedule.
        allowed: names of networks; only turns that update one of them are played. (): all turns.

    Returns:
        The scalars of the step by name, still on their device.
    """
    run = training.run
    pattern = due_turns(training, allowed)
    turns = [training.gan.turns[index] for index, _ in pattern]
    batches = [training.batches.next() for turn in turns[:1] for _ in range(turn.times)]
    batches += [training.batches.next() for turn in turns[1:] for _ in range(turn.times - 1)]
    count = 0
    if batches:
        first = batches[-1][0]
        count = training.group.size * len(first[0] if isinstance(first, tuple) else first)
        run.images += count
    _set_learning_rates(training, factor)
    _set_ema_weight(training, count)
    work = partial(run_turns, training, pattern)
    graphs = training.graphs
    values = work(batches) if graphs is None else graphs.run(pattern, work, batches)
    run.history.append(run.step, values)
    run.step += 1
    return values


def due_turns(training: Training, allowed: tuple[str, ...] = ()) -> Pattern:
    """Return the turns and penalties that are due in this step.

    Args:
        training: the training, whose ``run.step`` counts.
        allowed: names of networks; only turns that update one of them are returned. (): all turns.
    """
    step = training.run.step
    return tuple(
        (index, tuple(name for name, penalty in turn.penalties.items() if step % penalty.every == 0))
        for index, turn in enumerate(training.gan.turns)
        if step % turn.every == 0 and (not allowed or set(turn.updates) & set(allowed))
    )


def run_turns(training: Training, pattern: Pattern, batches: list[tuple[Any, Any]]) -> dict[str, Tensor]:
    """Play the turns of a pattern, then update the averages.

    Args:
        training: changed in place.
        pattern: what ``due_turns`` returned.
        batches: pairs (real, condition): one for the first turn, and one for each repetition of a turn.

    Returns:
        The scalars of all turns by name.
    """
    values: dict[str, Tensor] = {}
    next_batches: Iterator[tuple[Any, Any]] = iter(batches)
    batch: list[Batch] = []
    for index, penalties in pattern:
        turn = training.gan.turns[index]
        for repeat in range(turn.times):
            if not batch or repeat:
                batch = training.batch(*next(next_batches))
            values |= take_turn(training, turn, penalties, batch)
        if "generator" in turn.updates:
            for part in batch:
                part.forget_fake()
    if pattern:
        training.averages.update(training.ema_weight)
    return values


def take_turn(
    training: Training, turn: Turn, penalties: tuple[str, ...], batch: list[Batch]
) -> dict[str, Tensor]:
    """Play one turn: its loss and the penalties that are due, their gradient, and the optimisers' steps.

    Args:
        training: changed in place.
        turn: the turn.
        penalties: names of the penalties that are due.
        batch: the parts of the batch; their gradients are averaged.

    Returns:
        The scalars of the turn by name. On a CPU no weight changes if the loss is not finite.
    """
    parameters = training.parameters[turn.name]
    for parameter in parameters:
        parameter.grad = None
    values: dict[str, Tensor] = {}
    loss: Tensor | None = None
    for part in batch:
        total, scalars = compute_losses(training, turn, penalties, part)
        if len(batch) > 1:
            total = total / len(batch)
            scalars = {name: value / len(batch) + values.get(name, 0) for name, value in scalars.items()}
            part.forget_fake()  # frees memory: the next turn generates them again
        values, loss = scalars, total.detach() if loss is None else loss + total.detach()
        total.backward(inputs=parameters)  # type: ignore[no-untyped-call]
    assert loss is not None
    loss = _average_over_processes(training.group, parameters, loss)
    if loss.device.type == "cpu" and not math.isfinite(loss):
        return values | {turn.name: loss}  # the NaN guard will end the training: leave the weights alone
    for name in turn.updates:
        training.optimizers[name].step()
    return values


def _average_over_processes(group: Group, parameters: list[Parameter], loss: Tensor) -> Tensor:
    """Average the gradients and the loss over all processes, so that all notice a loss that is not finite."""
    if group.size == 1:
        return loss
    carrier = Parameter(torch.zeros_like(loss))
    carrier.grad = loss.clone()
    group.average_gradients([*parameters, carrier])
    return carrier.grad


def compute_losses(
    training: Training, turn: Turn, penalties: tuple[str, ...], batch: Batch
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return what a turn minimises, and all scalars that it records.

    A penalty that is due every n steps is multiplied by n. Losses are computed in mixed precision, penalties
    in float32.

    Args:
        training: the game and its precision.
        turn: the turn.
        penalties: names of the penalties that are due.
        batch: real samples, conditions and latents.
    """
    with training.autocast():
        losses = dict(turn.loss(training.gan, batch))
    total = losses.pop("total")
    values = {turn.name: total.detach()} | {
        f"{turn.name}.{name}": value.detach() for name, value in losses.items()
    }
    for name in penalties:
        penalty = turn.penalties[name].loss(training.gan, batch)
        values[f"{turn.name}.{name}"] = penalty.detach()
        total = total + turn.penalties[name].every * penalty
    return total, values


def _set_ema_weight(training: Training, images: int) -> None:
    """Set w of ā ← ā + w · (θ − ā), for a half-life in images that is at most a tenth of those seen."""
    ema_half_life = min(training.ema_half_life, 0.1 * training.run.images)
    ema_weight = 1 - (0.5 ** (images / ema_half_life) if ema_half_life > 0 else 0.0)
    if isinstance(training.ema_weight, Tensor):
        training.ema_weight.fill_(ema_weight)
    else:
        training.ema_weight = ema_weight


def _set_learning_rates(training: Training, factor: float) -> None:
    for name, optimizer in training.optimizers.items():
        rate = training.control.learning_rates.get(name, training.base_learning_rates[name]) * factor
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
