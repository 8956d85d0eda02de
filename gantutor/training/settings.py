"""Descriptions of games and optimisers, by which a checkpoint identifies its training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from torch.optim import Optimizer

from gantutor.games.gan import GAN
from gantutor.objectives import Objective


def describe_game(gan: GAN) -> dict[str, Any]:
    """Return the turns and the latent of a game as content for JSON.

    Args:
        gan: the game.

    Returns:
        Loss, times, every and penalties of each turn by name, and the latent.

    >>> from torch import nn
    >>> describe_game(GAN(nn.Linear(2, 2), nn.Linear(2, 1), latent=2))["generator"]
    {'loss': 'generator_loss(non_saturating)', 'times': 1, 'every': 1, 'penalties': {}}
    """
    turns = {
        turn.name: {
            "loss": describe_function(turn.loss),
            "times": turn.times,
            "every": turn.every,
            "penalties": {
                name: [describe_function(penalty.loss), penalty.every]
                for name, penalty in turn.penalties.items()
            },
            **({"schedule": describe_function(turn.schedule)} if turn.schedule else {}),
            **({"max_grad_norm": turn.max_grad_norm} if turn.max_grad_norm else {}),
        }
        for turn in gan.turns
    }
    latent = describe_function(gan.latent) if callable(gan.latent) else gan.latent
    return turns | {"latent": list(latent) if isinstance(latent, tuple) else latent}


def describe_optimizer(optimizer: Optimizer) -> list[Any]:
    """Return the type of an optimiser and its numbers, as content for JSON.

    Args:
        optimizer: the first parameter group is described completely, the others by what differs from it.

    >>> from gantutor.training.optim import adam
    >>> from torch import nn
    >>> describe_optimizer(adam(1e-3)(nn.Linear(1, 1).parameters()))[:3]
    ['Adam', ['lr', 0.001], ['betas', [0.0, 0.99]]]
    """
    first, *others = [_numbers(group) for group in optimizer.param_groups]
    described: list[Any] = [type(optimizer).__name__, *([name, value] for name, value in first.items())]
    for number, group in enumerate(others, 2):
        differing = {name: value for name, value in group.items() if first.get(name) != value}
        described.append([f"group {number}", differing])
    return described


def _numbers(group: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a parameter group by name."""
    numbers = {name: list(value) if isinstance(value, tuple) else value for name, value in group.items()}
    return {
        name: value
        for name, value in numbers.items()
        if isinstance(value, int | float | list) and name != "params"
    }


def describe_function(function: Any) -> str:
    """Return the name of a function, with the objectives, numbers and strings that are bound to it.

    Args:
        function: a function, a ``functools.partial``, an Objective or another callable.

    >>> from gantutor.training.optim import linear_decay
    >>> describe_function(linear_decay(0.5))
    'schedule(0.5)'
    """
    if isinstance(function, Objective):
        return function.name
    if isinstance(function, partial):
        name, bound = (
            describe_function(function.func),
            [
                *map(_describe_bound, function.args),
                *(f"{key}={_describe_bound(value)}" for key, value in function.keywords.items()),
            ],
        )
    else:
        name = getattr(function, "__name__", type(function).__name__)
        bound = [repr(value) for value in _closure_values(function)]
    return f"{name}({', '.join(bound)})" if bound else name


def _describe_bound(value: Any) -> str:
    """A value that is bound to a function: itself, if it is a number or a text."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_describe_bound, value))}]"
    return describe_function(value)


def _closure_values(function: Any) -> Iterator[Any]:
    """Yield the numbers and strings in the closure of a function."""
    for cell in getattr(function, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # the variable has no value yet
            continue
        if isinstance(value, bool | int | float | str):
            yield value
