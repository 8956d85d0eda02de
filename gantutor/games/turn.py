"""A turn of a game: which networks it updates, the loss that they minimise, its penalties, and its batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor._calling import apply
from gantutor._checks import integer, validate
from gantutor._errors import InputError

if TYPE_CHECKING:
    from gantutor.games.gan import GAN

Losses = dict[str, Tensor]

LatentSampler = Callable[[int, torch.Generator, torch.device], Tensor]


class Batch:
    """What one turn plays with: ``real`` samples, their ``condition`` or None, ``latent``, and ``fake``.

    ``fake`` is made by the generator when it is first read, with its gradient, and kept: the generator's turn
    reuses what the discriminator's turn has just seen. Read it detached where the generator must not be
    moved.
    """

    def __init__(self, gan: GAN, real: Any, condition: Any = None, latent: Tensor | None = None) -> None:
        self.real, self.condition = real, condition
        self.latent: Any = latent
        self._gan = gan
        self._fake: Any = None

    @property
    def fake(self) -> Any:
        if self._fake is None:
            self._fake = apply(self._gan.networks["generator"], self.latent, self.condition)
        return self._fake

    def forget_fake(self) -> None:
        """The generator has moved: what it made before is not its own any more."""
        self._fake = None


@dataclass(frozen=True)
class Penalty:
    """A further loss of a turn, added every ``every``-th step and ``every`` times as strong (Karras et al.
    2020)."""

    loss: Callable[[GAN, Batch], Tensor]
    every: int = 8

    def __post_init__(self) -> None:
        _check_loss(self.loss)
        validate({"every": self.every}, every=integer(1))


@dataclass(frozen=True)
class Turn:
    """One player's move: ``loss(gan, batch)`` gives a dict of scalars, and the networks named minimise its
    ``"total"``.

    ``times`` repeats the turn within a step, each time on a new batch; ``every`` makes it sit out all but
    every n-th step. Other scalars in the dict are recorded in the history beside the total.

    >>> Turn("critic", lambda gan, batch: {"total": batch.real.mean()}, times=5).updates
    ('critic',)
    """

    updates: str | Sequence[str]
    loss: Callable[[GAN, Batch], Losses]
    times: int = 1
    every: int = 1
    penalties: Mapping[str, Penalty] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = (self.updates,) if isinstance(self.updates, str) else self.updates
        if not _listed(names) or not isinstance(self.penalties, Mapping):
            raise InputError(
                "updates must be a network's name or a list of them, and penalties a dict of Penalty"
            )
        names = tuple(names)
        if not names:
            raise InputError("a turn must update at least one network")
        object.__setattr__(self, "updates", names)
        _check_loss(self.loss)
        validate({"times": self.times, "every": self.every}, times=integer(1), every=integer(1))

    @property
    def name(self) -> str:
        return "+".join(self.updates)


def _listed(value: object) -> bool:
    """Whether something is a list or another sequence, and no text."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _check_loss(loss: object) -> None:
    if not callable(loss):
        raise InputError(f"the loss of a turn must be a function of (gan, batch), not {loss!r}")
