"""A turn of a game: the networks it updates, the loss that they minimise, its penalties, and its batch."""

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
"""Scalars by name; ``"total"`` is minimised, the others are only recorded."""

LatentSampler = Callable[[int, torch.Generator, torch.device], Tensor]
"""``sampler(count, generator, device)`` gives ``count`` latents on the device."""


class Batch:
    """The data of one turn: real samples, their condition, latents, and the samples generated from these.

    Args:
        gan: the game whose network ``generator`` makes the samples.
        real: real samples, usually a tensor (N, …).
        condition: labels or other conditions of the samples, or None.
        latent: latents, (N, …).

    Attributes:
        real: the real samples.
        condition: their condition, or None.
        latent: the latents.

    >>> from gantutor.games import GAN
    >>> gan = GAN(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1), latent=2)
    >>> Batch(gan, torch.zeros(4, 3), latent=torch.zeros(4, 2)).fake.shape
    torch.Size([4, 3])
    """

    def __init__(self, gan: GAN, real: Any, condition: Any = None, latent: Tensor | None = None) -> None:
        self.real, self.condition = real, condition
        self.latent: Any = latent
        self._gan = gan
        self._fake: Any = None

    @property
    def fake(self) -> Any:
        """The generated samples with their gradient, computed once: detach them to train a discriminator."""
        # The generator's turn reuses what the discriminator's turn has computed.
        if self._fake is None:
            self._fake = apply(self._gan.networks["generator"], self.latent, self.condition)
        return self._fake

    def forget_fake(self) -> None:
        """Drop the generated samples, which are out of date once the generator has been updated."""
        self._fake = None


@dataclass(frozen=True)
class Penalty:
    """A further loss of a turn, computed every n steps only (lazy regularisation, Karras et al. 2020).

    Args:
        loss: ``loss(gan, batch)`` gives a scalar.
        every: the penalty is added every ``every`` steps, multiplied by ``every``; at least 1.

    Raises:
        InputError: if the loss cannot be called, or ``every`` is not a whole number of at least 1.

    >>> Penalty(lambda gan, batch: batch.real.mean(), every=4).every
    4
    """

    loss: Callable[[GAN, Batch], Tensor]
    every: int = 8

    def __post_init__(self) -> None:
        _check_loss(self.loss)
        validate({"every": self.every}, every=integer(1))


@dataclass(frozen=True)
class Turn:
    """One update in a game: which networks minimise which loss, how often, and with which penalties.

    Args:
        updates: the name of the network that minimises the loss, or a list of names.
        loss: ``loss(gan, batch)`` gives a dict of scalars. ``"total"`` is minimised; the others are recorded
            in the history beside it.
        times: how often the turn is repeated within a step, each time on a new batch; at least 1.
        every: the turn is played every ``every`` steps only; at least 1.
        penalties: further losses by name.

    Raises:
        InputError: if no network is named, the loss cannot be called, the penalties are not a dict, or a
            number is less than 1.

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
        if not _is_sequence(names) or not isinstance(self.penalties, Mapping):
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
        """The names of the networks that the turn updates, joined by ``+``."""
        return "+".join(self.updates)


def _is_sequence(value: object) -> bool:
    """Whether a value is a list or another sequence, but not a string."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _check_loss(loss: object) -> None:
    if not callable(loss):
        raise InputError(f"the loss of a turn must be a function of (gan, batch), not {loss!r}")
