"""The container of a game: its networks by name, its turns in order, and the latent distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply
from gantutor._checks import MAX_INT, integer, validate
from gantutor._conditions import map_tensors
from gantutor._errors import InputError, first_line, type_name
from gantutor.games.classical import classical_turns
from gantutor.games.turn import LatentSampler, Turn, _listed

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
        objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=1.0))
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
            raise InputError(f"networks must be a dict of networks by name, not {type_name(networks)}")
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
                raise InputError(f"the {name} must be a torch.nn.Module, not {type_name(network)}")
            self.add_module(name, network)
        if not turns:
            raise InputError("a game needs at least one turn")
        if strangers := [turn for turn in turns if not isinstance(turn, Turn)]:
            raise InputError(f"the turns must be gantutor.Turn objects, not {type_name(strangers[0])}")
        named = [name for turn in turns for name in turn.updates] + list(averaged)
        if unknown := [name for name in named if name not in list(networks)]:
            raise InputError(f"no network is called {unknown[0]!r}; there are {', '.join(networks)}")
        size = isinstance(latent, int) and not isinstance(latent, bool) and 1 <= latent <= MAX_INT
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
        validate({"count": count, "seed": seed}, count=integer(1), seed=integer(0))
        generator = torch.Generator(self.device).manual_seed(seed)
        latent = self.draw_latent(count, generator)
        try:
            given = map_tensors(
                condition, lambda part: part.to(latent.device) if isinstance(part, Tensor) else part
            )
            result: Tensor = apply(self.networks["generator"], latent, given)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"the generator cannot use this condition: {first_line(error)}") from error
        return result
