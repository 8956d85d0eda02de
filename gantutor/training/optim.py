"""Optimisers as functions of parameters, and learning-rate schedules as functions of the budget spent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from gantutor._checks import checked, number
from gantutor._errors import InputError

MakeOptimizer = Callable[[Iterable[Parameter]], Optimizer]
"""Makes the optimiser of a network's parameters: ``adam(1e-3)`` is one, and so is ``torch.optim.SGD``."""

Schedule = Callable[[float], float]
"""Maps the fraction of the budget that is spent, 0 to 1, to a factor of the learning rate."""


@checked(learning_rate=number(above=0, high=1))
def adam(learning_rate: float = 1.5e-3, betas: tuple[float, float] = (0.0, 0.99)) -> MakeOptimizer:
    """Return a function that makes Adam, in its fused form, for a network's parameters.

    Kingma & Ba 2015, arXiv:1412.6980. β₁ = 0, no momentum, is the usual choice for GANs whose discriminator
    has a gradient penalty.

    Args:
        learning_rate: above 0 and at most 1.
        betas: decay rates (β₁, β₂) of the two moments, each at least 0 and below 1.

    Raises:
        InputError: if a number is out of range.

    >>> optimizer = adam(1e-3)([Parameter(torch.zeros(3))])
    >>> optimizer.param_groups[0]["lr"]
    0.001
    """
    is_pair = isinstance(betas, tuple | list) and len(betas) == 2
    if not (is_pair and all(isinstance(beta, int | float) and 0 <= beta < 1 for beta in betas)):
        raise InputError(f"betas must be two numbers from 0 up to, not including, 1, not {betas!r}")
    as_floats = float(betas[0]), float(betas[1])  # torch refuses an int next to a float

    def make(parameters: Iterable[Parameter]) -> Optimizer:
        return torch.optim.Adam(parameters, lr=learning_rate, betas=as_floats, fused=True)

    return make


def make_capturable(optimizers: Iterable[Optimizer], device: torch.device) -> str:
    """Prepare optimisers for CUDA graphs: their learning rates become tensors on ``device``.

    Args:
        optimizers: changed in place.
        device: where the tensors go; on a GPU the option ``capturable`` is switched on as well.

    Returns:
        Why that is not possible, or an empty string.

    >>> make_capturable([torch.optim.LBFGS([Parameter(torch.zeros(3))])], torch.device("cpu"))
    'LBFGS has no form whose steps can be recorded'
    """
    groups = [
        (type(optimizer).__name__, group) for optimizer in optimizers for group in optimizer.param_groups
    ]
    for name, group in groups:
        if "capturable" not in group:
            return f"{name} has no form whose steps can be recorded"
    for _, group in groups:
        group["lr"] = torch.tensor(float(group["lr"]), device=device)
        group["capturable"] = device.type == "cuda"
    return ""


def constant(fraction: float) -> float:
    """Keep the learning rate constant: the factor is 1 from beginning to end.

    Args:
        fraction: fraction of the budget that is spent, from 0 to 1.

    >>> constant(0.7)
    1.0
    """
    return 1.0


def linear_decay(start: float = 0.5) -> Schedule:
    """Return a schedule that is constant at first and then falls linearly to 0 at the end of the budget.

    Args:
        start: fraction of the budget at which the decay begins, at least 0 and below 1.

    Raises:
        InputError: if start is out of range.

    >>> schedule = linear_decay(0.5)
    >>> schedule(0.2), schedule(0.75), schedule(1.0)
    (1.0, 0.5, 0.0)
    """
    if isinstance(start, bool) or not isinstance(start, int | float) or not 0 <= start < 1:
        raise InputError(f"start must lie from 0 up to, not including, 1, not {start!r}")

    def schedule(fraction: float) -> float:
        return min(1.0, max(0.0, (1.0 - fraction) / (1.0 - start)))

    return schedule


def warm_up(duration: float = 0.05, then: Schedule = constant) -> Schedule:
    """Return a schedule that rises linearly from 0 at first, multiplied by another schedule.

    Adam's first steps are as long as the learning rate allows, whatever the gradients are; a discriminator
    without normalisation may not recover from them.

    Args:
        duration: fraction of the budget over which it rises, above 0 and at most 1.
        then: the schedule that it is multiplied by.

    Raises:
        InputError: if duration is out of range, or ``then`` is not a function.

    >>> schedule = warm_up(0.1, linear_decay(0.5))
    >>> schedule(0.05), schedule(0.3), schedule(0.75)
    (0.5, 1.0, 0.5)
    """
    if isinstance(duration, bool) or not isinstance(duration, int | float) or not 0 < duration <= 1:
        raise InputError(f"duration must lie above 0 and be at most 1, not {duration!r}")
    if not callable(then):
        raise InputError(f"then must be a function of the budget spent, such as linear_decay(), not {then!r}")

    def warmed(fraction: float) -> float:
        return min(1.0, fraction / duration) * then(fraction)

    return warmed
