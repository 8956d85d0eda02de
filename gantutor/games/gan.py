"""The class ``GAN``, which holds the networks of a game, its turns, and its latent distribution."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply
from gantutor._checks import MAX_INT, checked, integer, optional, string
from gantutor._errors import InputError, type_name
from gantutor._random import seeded
from gantutor._tree import tree_map
from gantutor._user_errors import explain_mismatch, own_traceback
from gantutor.games.classical import classical_turns
from gantutor.games.turn import Latent, Turn, _is_sequence


class GAN(nn.Module):
    """A generator and a discriminator with their objective, or any other game, built by ``GAN.of``.

    Any ``nn.Module`` that can be called in this way works unchanged.

    Args:
        generator: called ``generator(z)``, or ``generator(z, condition)`` where the data have conditions.
        discriminator: called ``discriminator(x)`` or ``discriminator(x, condition)``.
        objective: the losses and penalties; None means ``non_saturating(r1=1.0)``.
        latent: the dimension d of z ~ N(0, I), its shape, such as (100, 1, 1), or a function
            ``sampler(count, generator, device)`` that gives ``count`` latents.
        discriminator_turns: updates of the discriminator for each update of the generator, at least 1.

    Attributes:
        turns: the turns of a step, in order.
        latent: the dimension or the shape of the latent, or the function that draws it.
        averaged: names of the networks of which an exponential moving average is kept.
        outputs: names of the networks that make samples of latents, called as the generator is.
        pair: names of the generator and the discriminator of a classical game, which are also tried by
            themselves before a training; None in other games.

    Raises:
        InputError: if a network is not an ``nn.Module``, the objective is not an ``Objective``, or ``latent``
            is neither a whole number of at least 1, nor a tuple of such numbers, nor a function.

    >>> gan = GAN(nn.Linear(2, 2), nn.Linear(2, 1), objectives.non_saturating(r1=0.1), latent=2)
    >>> [turn.name for turn in gan.turns], gan.sample(3, seed=0).shape
    (['discriminator', 'generator'], torch.Size([3, 2]))
    """

    turns: list[Turn]
    averaged: tuple[str, ...]
    outputs: tuple[str, ...]
    pair: tuple[str, str] | None = None

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: objectives.Objective | None = None,
        latent: Latent = 64,
        discriminator_turns: int = 1,
    ) -> None:
        super().__init__()
        objective = objectives.objective_or_default(objective, objectives.non_saturating(r1=1.0))
        turns = classical_turns(objective, discriminator_turns)
        networks = {"generator": generator, "discriminator": discriminator}
        self._set_up(networks, turns, latent, ("generator",), ("generator",))
        self.pair = ("generator", "discriminator")

    @classmethod
    def of(
        cls,
        networks: Mapping[str, nn.Module],
        turns: Sequence[Turn],
        latent: Latent = 64,
        averaged: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
    ) -> GAN:
        """Return a game with any networks and turns.

        Args:
            networks: the networks by name; each becomes an attribute of the game.
            turns: the turns of a step, in order; at least one.
            latent: the dimension d of z ~ N(0, I), its shape, or a function ``sampler(count, generator,
                device)``.
            averaged: names of the networks of which an exponential moving average is kept. None means the
                outputs, or all networks where there is no output.
            outputs: names of the networks that make samples: each is called ``network(z)`` or
                ``network(z, condition)``. Snapshots, ``Run.sample``, figures and the doctor show what they
                make. None means the network called ``generator``, if there is one.

        Raises:
            InputError: if a network is not an ``nn.Module`` or its name cannot be an attribute, if there is
                no turn, one is not a ``Turn`` or two have one name, if a turn, ``averaged`` or ``outputs``
                names an unknown network, or if ``latent`` is neither a whole number of at least 1, nor a
                tuple of such numbers, nor a function.

        >>> def loss(gan, batch): return {"total": (gan.line(batch.real) - batch.condition).square().mean()}
        >>> turn = Turn("line", loss)
        >>> GAN.of({"line": nn.Linear(1, 1)}, [turn]).averaged
        ('line',)
        """
        if not isinstance(networks, Mapping):
            raise InputError(f"networks must be a dict of networks by name, not {type_name(networks)}")
        lists = [names for names in (averaged, outputs) if names is not None]
        if not all(_is_sequence(names) for names in (turns, *lists)):
            raise InputError(
                "turns must be a list of gantutor.Turn, and averaged and outputs lists of names or None"
            )
        gan = cls.__new__(cls)
        nn.Module.__init__(gan)
        if outputs is None:
            outputs = [name for name in networks if name == "generator"]
        if averaged is None:
            averaged = outputs or list(networks)
        gan._set_up(networks, turns, latent, tuple(averaged), tuple(outputs))
        return gan

    def _set_up(
        self,
        networks: Mapping[str, nn.Module],
        turns: Sequence[Turn],
        latent: Latent,
        averaged: tuple[str, ...],
        outputs: tuple[str, ...],
    ) -> None:
        for name, network in networks.items():
            if not isinstance(name, str) or not name.isidentifier() or hasattr(self, name):
                raise InputError(f"{name!r} cannot be the name of a network: choose another plain word")
            if not isinstance(network, nn.Module):
                raise InputError(f"the {name} must be a torch.nn.Module, not {type_name(network)}")
            self.add_module(name, network)
        if not turns:
            raise InputError("a game needs at least one turn")
        if invalid := [turn for turn in turns if not isinstance(turn, Turn)]:
            raise InputError(f"the turns must be gantutor.Turn objects, not {type_name(invalid[0])}")
        turn_names = [turn.name for turn in turns]
        if repeated := [name for name in turn_names if turn_names.count(name) > 1]:
            raise InputError(f"two turns are called {repeated[0]!r}: give each turn a name of its own")
        used_names = [name for turn in turns for name in turn.updates] + [*averaged, *outputs]
        if unknown := [name for name in used_names if name not in list(networks)]:
            raise InputError(f"no network is called {unknown[0]!r}: there are {', '.join(networks)}")
        shape = latent if isinstance(latent, tuple | list) else (latent,)
        is_shape = len(shape) > 0 and all(
            isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= MAX_INT for side in shape
        )
        if not is_shape and not callable(latent):
            raise InputError(
                "latent must be a whole number ≥ 1, a shape such as (100, 1, 1), or a function, not "
                f"{reprlib.repr(latent)}"
            )
        latent = tuple(latent) if isinstance(latent, list) else latent
        self.turns, self.latent, self.averaged, self.outputs = list(turns), latent, averaged, outputs

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks of the game by name."""
        return {name: child for name, child in self._modules.items() if child is not None}

    @property
    def first_output(self) -> str:
        """The name of the first network that makes samples.

        Raises:
            InputError: if the game has none.
        """
        if not self.outputs:
            raise InputError(
                "this game makes no samples: name the networks that do with outputs= of gantutor.GAN.of"
            )
        return self.outputs[0]

    def depending_on(self, updated: Sequence[str]) -> tuple[str, ...]:
        """Return the names of networks, and of those that share a parameter with one of them.

        Args:
            updated: names of networks.

        >>> body = nn.Linear(2, 2)
        >>> gan = GAN(nn.Sequential(body), nn.Sequential(body, nn.Linear(2, 1)), latent=2)
        >>> gan.depending_on(["generator"])
        ('generator', 'discriminator')
        """
        parameters = {id(p) for name in updated for p in self.networks[name].parameters()}
        return tuple(
            name
            for name, network in self.networks.items()
            if name in updated or any(id(p) in parameters for p in network.parameters())
        )

    @property
    def device(self) -> torch.device:
        """The device of the first parameter."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    def draw_latent(
        self, count: int, generator: torch.Generator, device: torch.device | None = None
    ) -> Tensor:
        """Draw latents from the latent distribution.

        Args:
            count: how many, N.
            generator: the random generator, on the same device.
            device: None means the device of the networks.

        Returns:
            Latents (N, d), or (N, …) in the shape that the game was given, or what its own sampler gives.

        >>> GAN(nn.Linear(2, 2), nn.Linear(2, 1), latent=2).draw_latent(3, torch.Generator()).shape
        torch.Size([3, 2])
        """
        device = device or self.device
        if callable(self.latent):
            return self.latent(count, generator, device)
        shape = self.latent if isinstance(self.latent, tuple) else (self.latent,)
        return torch.randn(count, *shape, generator=generator, device=device)

    @checked(name=optional(string()))
    def check_output(self, name: str | None) -> str:
        """Return the name of an output.

        Args:
            name: a name, or None for the first output.

        Raises:
            InputError: if the game has no such output.
        """
        if name is None:
            return self.first_output
        if name not in self.outputs:
            raise InputError(f"no output is called {name!r}: there are {', '.join(self.outputs) or 'none'}")
        return name

    @own_traceback
    @torch.no_grad()
    @checked(count=integer(1), seed=integer(0))
    def sample(self, count: int, condition: Any = None, seed: int = 0, output: str | None = None) -> Tensor:
        """Generate samples with the current weights of an output, in its current mode (train or eval).

        Args:
            count: how many samples, N, at least 1.
            condition: labels or other conditions for the generator, one for each sample; None for none.
            seed: seed of the latents, and of the noise that the output itself draws, at least 0.
            output: name of the network that makes the samples; None means the game's first output.

        Returns:
            Samples, (N, …).

        Raises:
            InputError: if a number is out of range, the game has no such output, or the network cannot use
                the condition.
        """
        network = self.networks[self.check_output(output)]
        latent = self.draw_latent(count, torch.Generator(self.device).manual_seed(seed))
        with explain_mismatch("the generator cannot use this condition"), seeded(self.device, seed):
            condition = tree_map(
                lambda part: part.to(latent.device) if isinstance(part, Tensor) else part, condition
            )
            samples: Tensor = apply(network, latent, condition)
        return samples
