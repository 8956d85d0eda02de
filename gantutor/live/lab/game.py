"""The game of the lab: networks built from settings, trained one step at a time by the package's own loop."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import evaluation_mode
from gantutor._errors import InputError, first_line, type_name
from gantutor.games.classical import classical_turns
from gantutor.games.gan import GAN
from gantutor.live.lab.settings import Plane, Settings
from gantutor.metrics.divergence import measure_divergence
from gantutor.metrics.modes import measure_modes
from gantutor.networks import MLPDiscriminator, MLPGenerator
from gantutor.training.ema import copy_network
from gantutor.training.optim import adam
from gantutor.training.run import Run
from gantutor.training.trainer import Trainer

BATCH_SIZE = 128
"""Points in a batch."""
DRAWN_LATENTS, SCORED_LATENTS = 500, 2000
"""The number of latents whose points are drawn, and the number whose points are scored; both are fixed."""

CPU = torch.device("cpu")


@dataclass
class Record:
    """What was measured, and at which steps.

    Attributes:
        steps: the steps at which the generator was measured.
        modes: modes covered at each of them; empty if the distribution has no modes.
        reverse_kl: the reverse KL divergence in nats; empty if the density is not known.
        js: the Jensen-Shannon divergence in nats; empty if the density is not known.
    """

    steps: list[int] = field(default_factory=list)
    modes: list[float] = field(default_factory=list)
    reverse_kl: list[float] = field(default_factory=list)
    js: list[float] = field(default_factory=list)


class Game:
    """A pair of small networks that learn points of a plane, built from settings.

    It runs on the CPU, which is the faster device for networks of this size.

    Args:
        settings: the positions of all controls.
        plane: the points to learn.
        user_networks: networks of the user by name (generator, discriminator). Copies of them are trained, so
            that a reset goes back to their first weights.

    Raises:
        InputError: if the networks do not fit the plane or each other.

    Attributes:
        record: what was measured so far.
        latents: the fixed latents whose points are drawn.
        scored: the fixed latents whose points are scored.
        trainer: plays the steps.

    >>> from gantutor.live.lab.settings import plane_of
    >>> game = Game(Settings(), plane_of("ring"))
    >>> game.advance(); game.run.step
    1
    """

    def __init__(
        self, settings: Settings, plane: Plane, user_networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        self.settings, self.plane, self.user_networks = settings, plane, dict(user_networks or {})
        self.record = Record()
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed the accelerators too, on which another cell may be training.
            torch.default_generator.manual_seed(settings.seed)
            networks = self._networks()
            gan = GAN(
                *networks,
                objective=settings.objective(),
                latent=settings.latent,
                discriminator_turns=settings.discriminator_turns,
            )
        size = min(BATCH_SIZE, len(plane.points))
        rates = {"generator": settings.generator_rate, "discriminator": settings.discriminator_rate}
        self.trainer = Trainer(
            gan,
            plane.points,
            batch_size=size,
            seed=settings.seed,
            device="cpu",
            optimizer={name: adam(rate or 1e-3) for name, rate in rates.items()},
            snapshots=0,
            value_range=None,
        )
        for name, rate in rates.items():
            self.trainer.control.set_learning_rate(name, rate)
        self.latents, self.scored = (
            gan.draw_latent(count, torch.Generator().manual_seed(10 + i))
            for i, count in enumerate((DRAWN_LATENTS, SCORED_LATENTS))
        )

    def _networks(self) -> tuple[nn.Module, nn.Module]:
        settings = self.settings
        copies = {name: _copy(name, network) for name, network in self.user_networks.items()}
        generator = copies.get("generator") or MLPGenerator(
            settings.latent, (2,), settings.generator_width, settings.generator_depth
        )
        discriminator = copies.get("discriminator") or MLPDiscriminator(
            (2,), settings.discriminator_width, settings.discriminator_depth
        )
        return generator, discriminator

    @property
    def run(self) -> Run:
        """The training so far."""
        return self.trainer.result

    @property
    def gan(self) -> GAN:
        """The networks and their turns."""
        return self.trainer.gan

    def changed(self, settings: Settings, plane: Plane | None = None) -> Game:
        """Return a game with other settings: this one where its networks can stay, or else a new one.

        Args:
            settings: the new positions of all controls.
            plane: other points to learn, or None.
        """
        if plane is not None or settings.needs_new_networks(self.settings):
            return Game(settings, plane or self.plane, self.user_networks)
        self.settings = settings
        self.trainer.replace_turns(classical_turns(settings.objective(), settings.discriminator_turns))
        self.trainer.control.set_learning_rate("generator", settings.generator_rate)
        self.trainer.control.set_learning_rate("discriminator", settings.discriminator_rate)
        return self

    def again(self) -> Game:
        """Return the same game at step 0."""
        return Game(self.settings, self.plane, self.user_networks)

    def advance(self, steps: int = 1, allowed: tuple[str, ...] = (), until: float = math.inf) -> None:
        """Train for up to ``steps`` steps, at least one.

        Args:
            steps: the number of steps.
            allowed: the networks whose turns are taken; empty means all.
            until: the time of ``time.monotonic()`` after which no further step begins.

        Raises:
            TrainingDiverged: if a loss is not finite; the networks get their last good weights back.
        """
        for _ in range(steps):
            self.trainer.step(*allowed)
            if time.monotonic() >= until:
                break

    def measure(self) -> None:
        """Record modes covered, reverse KL and JS of the present generator, at most once a step."""
        distribution, record = self.plane.distribution, self.record
        if distribution is None or (record.steps and record.steps[-1] == self.run.step):
            return
        samples = self.points(self.scored)
        if not bool(samples.isfinite().all()):
            return
        record.steps.append(self.run.step)
        divergence = measure_divergence(samples, distribution)
        record.reverse_kl.append(divergence["reverse_kl_cells"])
        record.js.append(divergence["js_cells"])
        if distribution.modes:
            record.modes.append(measure_modes(samples, distribution)["modes_strict"])

    @torch.no_grad()
    def points(self, latents: Tensor) -> Tensor:
        """Map latents (N, d) to points (N, 2) with the present generator."""
        with evaluation_mode(self.gan):
            generated: Tensor = self.gan.networks["generator"](latents)
        return generated.float()


def _copy(name: str, network: Any) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise InputError(f"the {name} must be a torch.nn.Module, not {type_name(network)}")
    try:
        return copy_network(network)
    except Exception as error:
        raise InputError(f"the {name} cannot be copied, which Reset needs: {first_line(error)}") from error
