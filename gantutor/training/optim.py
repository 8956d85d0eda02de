"""How networks are updated: optimisers as functions of parameters, and schedules as functions of the budget
spent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from gantutor._checks import number, validate
from gantutor._errors import InputError

MakeOptimizer = Callable[[Iterable[Parameter]], Optimizer]
"""Makes the optimizer of a network's parameters: ``adam(1e-3)`` is one, and so is ``torch.optim.SGD``."""

Schedule = Callable[[float], float]
"""Maps the fraction of the budget that is spent, 0 to 1, to a factor of the learning rate."""


def adam(learning_rate: float = 1.5e-3, betas: tuple[float, float] = (0.0, 0.99)) -> MakeOptimizer:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) in its fused form; β₁ = 0 is the usual choice where a penalty
    holds D.

    >>> optimizer = adam(1e-3)([Parameter(torch.zeros(3))])
    >>> optimizer.param_groups[0]["lr"]
    0.001
    """
    validate({"learning_rate": learning_rate}, learning_rate=number(above=0, high=1))
    pair = isinstance(betas, tuple | list) and len(betas) == 2
    if not (pair and all(isinstance(beta, int | float) and 0 <= beta < 1 for beta in betas)):
        raise InputError(f"betas must be two numbers from 0 up to, not including, 1, not {betas!r}")
    as_floats = float(betas[0]), float(betas[1])  # torch refuses a whole number beside a fraction

    def make(parameters: Iterable[Parameter]) -> Optimizer:
        return torch.optim.Adam(parameters, lr=learning_rate, betas=as_floats, fused=True)

    return make


def make_capturable(optimizers: Iterable[Optimizer], device: torch.device) -> str:
    """Let the steps of optimisers be recorded: their learning rates become tensors on ``device``.

    Returns why that cannot be, or nothing. On a GPU an optimiser must know the option ``capturable``.

    >>> make_capturable([torch.optim.LBFGS([Parameter(torch.zeros(3))])], torch.device("cpu"))
    'LBFGS has no form whose steps can be recorded'
    """
    groups = [(type(each).__name__, group) for each in optimizers for group in each.param_groups]
    for name, group in groups:
        if "capturable" not in group:
            return f"{name} has no form whose steps can be recorded"
    for _, group in groups:
        group["lr"] = torch.tensor(float(group["lr"]), device=device)
        group["capturable"] = device.type == "cuda"
    return ""


def constant(fraction: float) -> float:
    """The learning rate as it is, from beginning to end."""
    return 1.0


def linear_decay(start: float = 0.5) -> Schedule:
    """Constant until ``start`` of the budget is spent, then a straight line to 0 at its end.

    >>> schedule = linear_decay(0.5)
    >>> schedule(0.2), schedule(0.75), schedule(1.0)
    (1.0, 0.5, 0.0)
    """
    if isinstance(start, bool) or not isinstance(start, int | float) or not 0 <= start < 1:
        raise InputError(f"start must lie from 0 up to, not including, 1, not {start!r}")

    def schedule(fraction: float) -> float:
        return min(1.0, max(0.0, (1.0 - fraction) / (1.0 - start)))

    return schedule


def warm_up(part: float = 0.05, then: Schedule = constant) -> Schedule:
    """A straight line from 0 over the first ``part`` of the budget, times what ``then`` says.

    Adam's first steps are as long as the learning rate allows, whatever the gradients are; a discriminator
    without normalisation may not come back from them.

    >>> schedule = warm_up(0.1, linear_decay(0.5))
    >>> schedule(0.05), schedule(0.3), schedule(0.75)
    (0.5, 1.0, 0.5)
    """
    if isinstance(part, bool) or not isinstance(part, int | float) or not 0 < part <= 1:
        raise InputError(f"part must lie above 0 and be at most 1, not {part!r}")
    if not callable(then):
        raise InputError(f"then must be a function of the budget spent, such as linear_decay(), not {then!r}")

    def warmed(fraction: float) -> float:
        return min(1.0, fraction / part) * then(fraction)

    return warmed
