"""One step of a game: every turn that is due, its gradient, its optimisers, the averages."""

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
from gantutor.training.ema import AveragedWeights, update
from gantutor.training.memory import Memory, measure
from gantutor.training.optim import MakeOptimizer, adam, make_capturable
from gantutor.training.run import Run

Pattern = tuple[tuple[int, tuple[str, ...]], ...]
"""What a step plays: the index of each turn that is due, and the names of its penalties that are."""


@dataclass
class Training:
    """Everything that moves while a game is played, and how it is played.

    ``mixed()`` is the context of the forward passes: of their precision. ``accumulate`` is the number of
    parts that each batch is worked through in. ``weight`` is the share by which the averages move, a tensor
    where steps are recorded in ``graphs``.
    """

    run: Run
    gan: GAN
    batches: Batches
    noise: torch.Generator
    optimizers: dict[str, Optimizer]
    parameters: dict[str, list[Parameter]]
    base_rates: dict[str, float]
    control: Control
    ema_half_life: float
    followers: AveragedWeights
    group: Group
    mixed: Callable[[], AbstractContextManager[Any]] = nullcontext
    accumulate: int = 1
    weight: float | Tensor = 0.0
    graphs: StepGraphs | None = None

    def batch(self, real: Any, condition: Any) -> list[Batch]:
        """What was drawn from the data with latents of its own, in ``accumulate`` parts."""
        first = real[0] if isinstance(real, tuple) else real
        count, device = len(first), first.device
        latents = self.gan.draw_latent(self.group.size * count, self.noise, device)
        mine = latents if self.group.size == 1 else latents[self.group.rank * count :][:count]
        if self.accumulate == 1:
            return [Batch(self.gan, real, condition, mine)]
        split = (in_parts(each, self.accumulate) for each in (real, condition, mine))
        return [Batch(self.gan, *each) for each in zip(*split, strict=True)]


def in_parts(item: Any, parts: int) -> list[Any]:
    """A tensor, or each tensor of a tuple, cut into equal parts along its first dimension; None stays None.

    >>> in_parts((torch.arange(4), None), 2)
    [(tensor([0, 1]), None), (tensor([2, 3]), None)]
    """
    if item is None:
        return [None] * parts
    if isinstance(item, tuple):
        return list(zip(*(in_parts(each, parts) for each in item), strict=True))
    return list(item.tensor_split(parts))


def set_up(
    gan: GAN,
    batches: Batches,
    optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None,
    ema_half_life: float,
    control: Control,
    seed: int,
    where: torch.device,
    group: Group | None = None,
) -> Training:
    """The networks that are trained, in training mode, each with its optimiser."""
    trained = {name for turn in gan.turns for name in turn.updates}
    for name in trained:
        gan.networks[name].train()
    make = adam() if optimizer is None else optimizer
    if isinstance(make, Mapping) and set(make) != trained:
        named = ", ".join(map(str, make)) or "none"
        raise InputError(f"optimizer must name the networks {', '.join(sorted(trained))}, and names {named}")
    makers = make if isinstance(make, Mapping) else dict.fromkeys(trained, make)
    optimizers = {name: _optimizer(name, makers[name], gan) for name in sorted(trained)}
    run = Run(gan)
    return Training(
        run=run,
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
        ema_half_life=ema_half_life,
        followers=AveragedWeights.of(run.averaged.values(), [gan.networks[name] for name in run.averaged]),
        group=group or Group(),
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


def record_steps(training: Training, wanted: bool, where: torch.device) -> None:
    """On a GPU, let whole steps be recorded as CUDA graphs; where that cannot be, say why."""
    if not wanted or where.type != "cuda":
        return
    reason = "several processes exchange gradients" if training.group.size > 1 else ""
    reason = reason or make_capturable(training.optimizers.values(), where)
    if reason:
        print(f"Without CUDA graphs: {reason}.")
    else:
        training.weight = torch.zeros((), device=where)
        training.graphs = StepGraphs(CUDARecorder(where, [training.noise]))


def memory_of(training: Training, step: int, where: torch.device) -> Memory:
    """What a training holds, and the bytes of one step beside it."""
    networks, averages = training.gan, nn.ModuleDict(training.run.averaged)
    return measure(
        where,
        [*networks.parameters(), *networks.buffers()],
        [*averages.parameters(), *averages.buffers()],
        training.optimizers.values(),
        getattr(training.batches, "tensors", ()),
        step,
    )


def take_step(training: Training, rate: float = 1.0, allowed: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """One step of the game: every turn that is due, in order; the scalars it gave, by name, still on the
    device."""
    run = training.run
    pattern = due(training, allowed)
    turns = [training.gan.turns[index] for index, _ in pattern]
    drawn = [training.batches.next() for turn in turns[:1] for _ in range(turn.times)]
    drawn += [training.batches.next() for turn in turns[1:] for _ in range(turn.times - 1)]
    count = 0
    if drawn:
        first = drawn[-1][0]
        count = training.group.size * len(first[0] if isinstance(first, tuple) else first)
        run.images += count
    _set_learning_rates(training, rate)
    _set_weight(training, count)
    work = partial(play_step, training, pattern)
    graphs = training.graphs
    values = work(drawn) if graphs is None else graphs.play(pattern, work, drawn)
    run.history.append(run.step, values)
    run.step += 1
    return values


def due(training: Training, allowed: tuple[str, ...] = ()) -> Pattern:
    """The turns that this step plays, or those of them that update one of the networks ``allowed``."""
    step = training.run.step
    return tuple(
        (index, tuple(name for name, penalty in turn.penalties.items() if step % penalty.every == 0))
        for index, turn in enumerate(training.gan.turns)
        if step % turn.every == 0 and (not allowed or set(turn.updates) & set(allowed))
    )


def play_step(training: Training, pattern: Pattern, drawn: list[tuple[Any, Any]]) -> dict[str, Tensor]:
    """The turns of a pattern with what was drawn from the data for them, then the averages."""
    values: dict[str, Tensor] = {}
    supply: Iterator[tuple[Any, Any]] = iter(drawn)
    batch: list[Batch] = []
    for index, penalties in pattern:
        turn = training.gan.turns[index]
        for repeat in range(turn.times):
            if not batch or repeat:
                batch = training.batch(*next(supply))
            values |= play(training, turn, penalties, batch)
        if "generator" in turn.updates:
            for part in batch:
                part.forget_fake()
    if pattern:
        update(training.followers, training.weight)
    return values


def play(training: Training, turn: Turn, penalties: tuple[str, ...], batch: list[Batch]) -> dict[str, Tensor]:
    """One turn: its loss, its penalties that are due, the gradient, the optimisers' steps."""
    parameters = training.parameters[turn.name]
    for parameter in parameters:
        parameter.grad = None
    values: dict[str, Tensor] = {}
    whole: Tensor | None = None
    for part in batch:
        total, found = losses_of(training, turn, penalties, part)
        if len(batch) > 1:
            total = total / len(batch)
            found = {name: value / len(batch) + values.get(name, 0) for name, value in found.items()}
            part.forget_fake()  # parts are for want of memory: the next turn makes it anew
        values, whole = found, total.detach() if whole is None else whole + total.detach()
        total.backward(inputs=parameters)  # type: ignore[no-untyped-call]
    assert whole is not None
    whole = _over_ranks(training.group, parameters, whole)
    if whole.device.type == "cpu" and not math.isfinite(whole):
        return values | {turn.name: whole}  # the loop is about to give up: the weights stay as they are
    for name in turn.updates:
        training.optimizers[name].step()
    return values


def _over_ranks(group: Group, parameters: list[Parameter], loss: Tensor) -> Tensor:
    """Average the gradients over all processes, and the loss with them: all see alike what is not finite."""
    if group.size == 1:
        return loss
    witness = Parameter(torch.zeros_like(loss))
    witness.grad = loss.clone()
    group.average_gradients([*parameters, witness])
    return witness.grad


def losses_of(
    training: Training, turn: Turn, penalties: tuple[str, ...], batch: Batch
) -> tuple[Tensor, dict[str, Tensor]]:
    """What a turn minimises, and all that it records: the loss in mixed precision, penalties in full."""
    with training.mixed():
        losses = dict(turn.loss(training.gan, batch))
    total = losses.pop("total")
    values = {turn.name: total.detach()} | {
        f"{turn.name}.{name}": value.detach() for name, value in losses.items()
    }
    for name in penalties:
        extra = turn.penalties[name].loss(training.gan, batch)
        values[f"{turn.name}.{name}"] = extra.detach()
        total = total + turn.penalties[name].every * extra
    return total, values


def _set_weight(training: Training, images: int) -> None:
    """ā ← ā + weight · (θ − ā), with a half-life in images that is at most a tenth of those seen."""
    ema_half_life = min(training.ema_half_life, 0.1 * training.run.images)
    weight = 1 - (0.5 ** (images / ema_half_life) if ema_half_life > 0 else 0.0)
    if isinstance(training.weight, Tensor):
        training.weight.fill_(weight)
    else:
        training.weight = weight


def _set_learning_rates(training: Training, factor: float) -> None:
    for name, optimizer in training.optimizers.items():
        rate = training.control.learning_rates.get(name, training.base_rates[name]) * factor
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
