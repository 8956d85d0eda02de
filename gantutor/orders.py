"""What one process decides before a step, and how the others of the same training come to know it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from gantutor.distributed import Group
from gantutor.gan import GAN


@dataclass(frozen=True)
class Order:
    """Whether and how to take the next step.

    ``spent`` is the share of the budget; ``allowed`` the networks that may move, () for all, None to end;
    ``save`` says whether a checkpoint follows the step, ``rates`` which learning rates a person has set.
    """

    spent: float
    allowed: tuple[str, ...] | None = None
    save: bool = False
    rates: dict[str, float] = field(default_factory=dict)

    def as_numbers(self, names: list[str]) -> list[float]:
        """The order as numbers, the same count every time.

        >>> Order(0.5, ("b",), True, {"a": 0.1}).as_numbers(["a", "b"])
        [0.5, 2.0, 1.0, 0.1, nan]
        """
        mask = -1 if self.allowed is None else sum(2 ** names.index(name) for name in self.allowed)
        return [
            self.spent,
            float(mask),
            float(self.save),
            *(self.rates.get(name, math.nan) for name in names),
        ]

    @classmethod
    def from_numbers(cls, numbers: list[float], names: list[str]) -> Order:
        """The order that these numbers stand for.

        >>> Order.from_numbers([0.5, 2.0, 1.0, 0.1, math.nan], ["a", "b"])
        Order(spent=0.5, allowed=('b',), save=True, rates={'a': 0.1})
        """
        spent, mask, save, *rates = numbers
        allowed = tuple(name for index, name in enumerate(names) if int(mask) >> index & 1)
        given = {name: rate for name, rate in zip(names, rates, strict=True) if not math.isnan(rate)}
        return cls(spent, None if mask < 0 else allowed, bool(save), given)


def agreed(group: Group, gan: GAN, order: Callable[[], Order]) -> Order:
    """The order of the first process, in every process; ``order`` is asked for there alone."""
    if group.size == 1:
        return order()
    names = sorted(gan.networks)
    mine = order() if group.leader else Order(0.0)
    return Order.from_numbers(group.decide(mine.as_numbers(names)), names)
