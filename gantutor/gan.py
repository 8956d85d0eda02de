"""The game: which networks play, in which order, and what each of them minimises.

A game is a list of turns. ``GAN(generator, discriminator, objective)`` builds the two classical ones;
``GAN.of(networks, turns)`` takes any other game: cycles, several discriminators, or a plain regression as a
single turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor.calling import apply, detached, mean_logit, over_heads
from gantutor.conditions import changed
from gantutor.errors import InputError, first_line, kind
from gantutor.parameters import MOST_WHOLE, validate, whole

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
class Lazy:
    """A further loss of a turn, added every ``every``-th step and ``every`` times as strong (Karras et al.
    2020)."""

    loss: Callable[[GAN, Batch], Tensor]
    every: int = 8

    def __post_init__(self) -> None:
        _check_loss(self.loss)
        validate({"every": self.every}, every=whole(1))


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
    lazy: Mapping[str, Lazy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = (self.updates,) if isinstance(self.updates, str) else self.updates
        if not _listed(names) or not isinstance(self.lazy, Mapping):
            raise InputError("updates must be a network's name or a list of them, and lazy a dict of Lazy")
        names = tuple(names)
        if not names:
            raise InputError("a turn must update at least one network")
        object.__setattr__(self, "updates", names)
        _check_loss(self.loss)
        validate({"times": self.times, "every": self.every}, times=whole(1), every=whole(1))

    @property
    def name(self) -> str:
        return "+".join(self.updates)


def _listed(value: object) -> bool:
    """Whether something is a list or another sequence, and no text."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _check_loss(loss: object) -> None:
    if not callable(loss):
        raise InputError(f"the loss of a turn must be a function of (gan, batch), not {loss!r}")


# --- the classical game -------------------------------------------------------------------------------------


def discriminator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """The discriminator learns to tell real samples from generated ones."""
    real_logits = apply(gan.networks["discriminator"], batch.real, batch.condition)
    fake_logits = apply(gan.networks["discriminator"], detached(batch.fake), batch.condition)
    total = over_heads(objective.discriminator, real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def generator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for real."""
    fake_logits = apply(gan.networks["discriminator"], batch.fake, batch.condition)
    return {"total": over_heads(objective.generator, fake_logits, fake_logits)}


def paired_generator_loss(objective: objectives.Objective, gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for more real than the real sample it is paired with."""
    with torch.no_grad():
        real_logits = apply(gan.networks["discriminator"], batch.real, batch.condition)
    fake_logits = apply(gan.networks["discriminator"], batch.fake, batch.condition)
    return {"total": over_heads(objective.generator, real_logits, fake_logits)}


def penalty_loss(penalty: objectives.Penalty, gan: GAN, batch: Batch) -> Tensor:
    """A penalty on the slope of the discriminator; of the sum of its heads where it has several."""

    def critic(samples: Tensor) -> Tensor:
        logits = apply(gan.networks["discriminator"], samples, batch.condition)
        return (
            torch.cat([head.reshape(len(head), -1) for head in logits], 1)
            if isinstance(logits, tuple)
            else logits
        )

    return penalty(critic, batch.real, detached(batch.fake))


def classical_turns(objective: objectives.Objective, discriminator_turns: int = 1) -> list[Turn]:
    """The discriminator's turn, ``discriminator_turns`` times, then the generator's."""
    lazy = {
        name: Lazy(partial(penalty_loss, penalty), objective.every)
        for name, penalty in objective.penalties.items()
    }
    generator = paired_generator_loss if objective.paired else generator_loss
    return [
        Turn("discriminator", partial(discriminator_loss, objective), times=discriminator_turns, lazy=lazy),
        Turn("generator", partial(generator, objective)),
    ]


# --- the container ------------------------------------------------------------------------------------------


class GAN(nn.Module):
    """A generator and a discriminator with their objective, or, by ``GAN.of``, any game of turns.

    The generator is called ``generator(z)``, or ``generator(z, condition)`` where the data give conditions;
    the discriminator ``discriminator(x)`` or ``discriminator(x, condition)``. Any ``nn.Module`` will do.
    ``latent`` is the dimension d of z ~ N(0, I), or a function ``(count, generator, device) -> Tensor`` of
    one's own. Raises InputError for anything that is not a network, an objective or a latent.

    >>> gan = GAN(nn.Linear(2, 2), nn.Linear(2, 1), objectives.non_saturating(r1=0.1), latent=2)
    >>> [turn.name for turn in gan.turns], gan.sample(3, seed=0).shape
    (['discriminator', 'generator'], torch.Size([3, 2]))
    """

    turns: list[Turn]
    averaged: tuple[str, ...]

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: objectives.Objective | None = None,
        latent: int | LatentSampler = 64,
        discriminator_turns: int = 1,
    ) -> None:
        super().__init__()
        objective = objectives.chosen(objective, objectives.non_saturating(r1=1.0))
        turns = classical_turns(objective, discriminator_turns)
        self._set_up({"generator": generator, "discriminator": discriminator}, turns, latent, ("generator",))

    @classmethod
    def of(
        cls,
        networks: Mapping[str, nn.Module],
        turns: Sequence[Turn],
        latent: int | LatentSampler = 64,
        averaged: Sequence[str] | None = None,
    ) -> GAN:
        """Any game: its networks by name, its turns in order, and the networks whose weights are averaged.

        By default the network called ``generator`` is averaged, or all of them where there is none of that
        name.

        >>> def miss(gan, batch): return {"total": (gan.line(batch.real) - batch.condition).square().mean()}
        >>> turn = Turn("line", miss)
        >>> GAN.of({"line": nn.Linear(1, 1)}, [turn]).averaged
        ('line',)
        """
        if not isinstance(networks, Mapping):
            raise InputError(f"networks must be a dict of networks by name, not {kind(networks)}")
        if not (averaged is None or _listed(averaged)) or not _listed(turns):
            raise InputError("turns must be a list of gantutor.Turn, and averaged a list of names or None")
        gan = cls.__new__(cls)
        nn.Module.__init__(gan)
        default = ("generator",) if "generator" in networks else tuple(networks)
        gan._set_up(networks, turns, latent, default if averaged is None else tuple(averaged))
        return gan

    def _set_up(
        self,
        networks: Mapping[str, nn.Module],
        turns: Sequence[Turn],
        latent: int | LatentSampler,
        averaged: tuple[str, ...],
    ) -> None:
        for name, network in networks.items():
            if not isinstance(name, str) or not name.isidentifier() or hasattr(self, name):
                raise InputError(f"{name!r} cannot be the name of a network: choose another plain word")
            if not isinstance(network, nn.Module):
                raise InputError(f"the {name} must be a torch.nn.Module, not {kind(network)}")
            self.add_module(name, network)
        if not turns:
            raise InputError("a game needs at least one turn")
        if strangers := [turn for turn in turns if not isinstance(turn, Turn)]:
            raise InputError(f"the turns must be gantutor.Turn objects, not {kind(strangers[0])}")
        named = [name for turn in turns for name in turn.updates] + list(averaged)
        if unknown := [name for name in named if name not in list(networks)]:
            raise InputError(f"no network is called {unknown[0]!r}; there are {', '.join(networks)}")
        size = isinstance(latent, int) and not isinstance(latent, bool) and 1 <= latent <= MOST_WHOLE
        if not size and not callable(latent):
            raise InputError(f"latent must be a whole number ≥ 1 or a function, not {latent!r}")
        self.turns, self.latent, self.averaged = list(turns), latent, averaged

    @property
    def networks(self) -> dict[str, nn.Module]:
        return {name: child for name, child in self._modules.items() if child is not None}

    @property
    def device(self) -> torch.device:
        """Where the first parameter lives."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    def draw_latent(
        self, count: int, generator: torch.Generator, device: torch.device | None = None
    ) -> Tensor:
        """``count`` latents drawn with ``generator``, which must live on ``device``."""
        device = device or self.device
        if callable(self.latent):
            return self.latent(count, generator, device)
        return torch.randn(count, self.latent, generator=generator, device=device)

    @torch.no_grad()
    def sample(self, count: int, condition: Any = None, seed: int = 0) -> Tensor:
        """What the generator makes of ``count`` latents, as it stands: the last weights, in its present
        mode."""
        validate({"count": count, "seed": seed}, count=whole(1), seed=whole(0))
        generator = torch.Generator(self.device).manual_seed(seed)
        latent = self.draw_latent(count, generator)
        try:
            given = changed(
                condition, lambda part: part.to(latent.device) if isinstance(part, Tensor) else part
            )
            result: Tensor = apply(self.networks["generator"], latent, given)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"the generator cannot use this condition: {first_line(error)}") from error
        return result
