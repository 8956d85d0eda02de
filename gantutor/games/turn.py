"""A turn of a game: the networks it updates, the loss that they minimise, its penalties, and its batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from gantutor._calling import apply, detach
from gantutor._checks import function, integer, number, optional, string, validate
from gantutor._errors import InputError

if TYPE_CHECKING:
    from gantutor.games.gan import GAN

Losses = dict[str, Tensor]
"""Scalars by name; ``"total"`` is minimised, the others are only recorded."""

LatentSampler = Callable[[int, torch.Generator, torch.device], Tensor]
"""``sampler(count, generator, device)`` gives ``count`` latents on the device."""

Latent = int | tuple[int, ...] | LatentSampler
"""The dimension of the latent, its shape, or the function that draws it."""


class Batch:
    """The data of one turn: real samples, their condition, latents, and the samples generated from these.

    Args:
        gan: the game whose output networks make the samples.
        real: real samples, usually a tensor (N, …).
        condition: labels or other conditions of the samples, or None.
        latent: latents, (N, …).
        rng: random generator of the training, on the device of the latents.

    Attributes:
        real: the real samples.
        condition: their condition, or None.
        latent: the latents.
        rng: the training's seeded random generator, from which the latents were drawn, or None; losses that
            draw noise from it repeat with the seed, as those do that draw from torch's global generator.
        keeps_graph: whether a later turn may use the gradient of the generated samples.
        logits_of: inputs and logits of the present turn by the discriminator's name, for its penalties.

    >>> from gantutor.games import GAN
    >>> gan = GAN(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1), latent=2)
    >>> Batch(gan, torch.zeros(4, 3), latent=torch.zeros(4, 2)).fake.shape
    torch.Size([4, 3])
    """

    def __init__(
        self,
        gan: GAN,
        real: Any,
        condition: Any = None,
        latent: Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> None:
        self.real, self.condition = real, condition
        self.latent: Any = latent
        self.rng: Any = rng
        self._gan = gan
        self._outputs: dict[str, Any] = {}
        self._detached: dict[str, Any] = {}
        self.logits_of: dict[str, list[tuple[Any, Any]]] = {}
        self.keeps_graph = True

    def output(self, name: str) -> Any:
        """Return the samples of an output network for the latents and the condition, with their gradient.

        It is computed once: the generator's turn reuses what the discriminator's turn has computed.

        Args:
            name: the name of the network.
        """
        if name not in self._outputs:
            self._outputs[name] = apply(self._gan.networks[name], self.latent, self.condition)
        return self._outputs[name]

    @property
    def fake(self) -> Any:
        """The samples of the game's first output, with their gradient; ``detached`` gives them without.

        Raises:
            InputError: if the game has no output.
        """
        return self.output(self._gan.first_output)

    def detached(self, name: str | None = None) -> Any:
        """Return generated samples without their gradient, to train a discriminator with.

        Existing samples are reused, also those that were computed before a turn updated their network.

        Args:
            name: the name of the output network; None means the first one.

        Raises:
            InputError: if the game has no output.
        """
        name = self._gan.first_output if name is None else name
        if name not in self._outputs and name not in self._detached and not self.keeps_graph:
            with torch.no_grad():
                self._detached[name] = apply(self._gan.networks[name], self.latent, self.condition)
        return self._detached[name] if name in self._detached else detach(self.output(name))

    def replace(self, *, real: Any, fake: Any, condition: Any = None) -> Batch:
        """Return a batch with other samples and condition, for a discriminator that sees a part of them.

        Args:
            real: real samples.
            fake: generated samples, with their gradient.
            condition: their condition, or None.
        """
        batch = Batch(self._gan, real, condition, self.latent, self.rng)
        batch.keeps_graph = self.keeps_graph
        batch._outputs[self._gan.first_output] = fake
        return batch

    def forget(self, networks: Iterable[str] | None = None) -> None:
        """Drop the gradient of generated samples whose networks have been updated; the samples stay.

        Args:
            networks: names of the networks; None drops all samples.
        """
        self.logits_of.clear()
        if networks is None:
            self._outputs.clear()
            self._detached.clear()
            return
        for name in networks:
            if name in self._outputs:
                self._detached[name] = detach(self._outputs.pop(name))


@dataclass(frozen=True)
class Penalty:
    """A further loss of a turn, computed every n steps only (lazy regularisation, Karras et al. 2020).

    Args:
        loss: ``loss(gan, batch)`` gives a scalar.
        every: the penalty is added every ``every`` steps, multiplied by the number of times that its turn is
            played from one time to the next, which is ``every`` for a turn of every step; at least 1.

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
        name: the name of the turn, unique in its game; the history records its loss under it.
        loss: ``loss(gan, batch)`` gives a dict of scalars. ``"total"`` is minimised; the others are only
            recorded in the history, as ``name.other``.
        updates: the name of the network that minimises the loss, or a list of names; left out, it is the
            network that has the name of the turn.
        times: how often the turn is repeated within a step, each time on a new batch; at least 1.
        every: the turn is played every ``every`` steps only; at least 1.
        penalties: further losses by name.
        optimizer: makes an optimiser for this turn alone, such as ``gt.optim.adam(1e-4)``; None means the
            optimisers of the training, one for each network.
        schedule: maps the fraction of the budget spent to a factor of this turn's learning rates, such as
            ``gt.optim.linear_decay()``; the turn then has an optimiser to itself. None means the schedule of
            the training.
        max_grad_norm: the norm to which the gradient of the turn's networks is clipped (Pascanu et al. 2013,
            arXiv:1211.5063); None means that of the training.

    Raises:
        InputError: if the name is empty, ``updates`` holds no names, the loss cannot be called, the
            penalties are not a dict of ``Penalty``, an optimiser or a schedule is not a function, or a number
            is out of range.

    >>> Turn("critic", lambda gan, batch: {"total": batch.real.mean()}, times=5).updates
    ('critic',)
    """

    name: str
    loss: Callable[[GAN, Batch], Losses]
    updates: str | Sequence[str] = ()
    times: int = 1
    every: int = 1
    penalties: Mapping[str, Penalty] = field(default_factory=dict)
    optimizer: Callable[[Iterable[Parameter]], Optimizer] | None = None
    schedule: Callable[[float], float] | None = None
    max_grad_norm: float | None = None

    @property
    def has_own_optimizer(self) -> bool:
        """Whether the turn does not use the optimisers of the training."""
        return self.optimizer is not None or self.schedule is not None

    def penalty_weight(self, name: str) -> int:
        """Return the factor of a penalty: the number of plays of the turn from one penalty to the next.

        Args:
            name: the name of the penalty.

        >>> turn = Turn("critic", lambda gan, batch: {}, every=4, penalties={"r1": Penalty(len, every=8)})
        >>> turn.penalty_weight("r1")
        2
        """
        return math.lcm(self.every, self.penalties[name].every) // self.every

    def __post_init__(self) -> None:
        validate({"name": self.name}, name=string())
        networks = (self.updates,) if isinstance(self.updates, str) else self.updates
        if not _is_sequence(networks) or not all(isinstance(name, str) for name in networks):
            raise InputError("updates must be a network's name or a list of them")
        object.__setattr__(self, "updates", tuple(networks) or (self.name,))
        if not isinstance(self.penalties, Mapping) or not all(
            isinstance(penalty, Penalty) for penalty in self.penalties.values()
        ):
            raise InputError("penalties must be a dict of gantutor.Penalty by name")
        _check_loss(self.loss)
        validate(vars(self), times=integer(1), every=integer(1), max_grad_norm=optional(number(above=0)))
        validate(vars(self), optimizer=optional(function()), schedule=optional(function()))


def _is_sequence(value: object) -> bool:
    """Whether a value is a list or another sequence, but not a string."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _check_loss(loss: object) -> None:
    if not callable(loss):
        raise InputError(f"the loss of a turn must be a function of (gan, batch), not {loss!r}")
