"""One step of a game: every turn that is due, its gradient, its optimisers, the averages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from gantutor.control import Control
from gantutor.data.batches import Batches
from gantutor.errors import InputError
from gantutor.gan import GAN, Batch, Turn
from gantutor.optimization import MakeOptimizer, adam
from gantutor.run import Run, follow


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


def set_up(
    gan: GAN,
    batches: Batches,
    optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None,
    half_life: float,
    control: Control,
    seed: int,
    where: torch.device,
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
