"""The game that the lab plays: settings → networks → the package's own step, one at a time."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._errors import InputError, first_line, type_name
from gantutor.games.classical import classical_turns
from gantutor.games.gan import GAN
from gantutor.live.lab.settings import Plane, Settings
from gantutor.metrics.divergence import measure_divergence
from gantutor.metrics.modes import measure_modes
from gantutor.networks import MLPDiscriminator, MLPGenerator
from gantutor.training import device as devices
from gantutor.training.batches import batches_of
from gantutor.training.callbacks import NaNGuard
from gantutor.training.control import Control
from gantutor.training.optim import adam
from gantutor.training.preflight import check_data, check_game
from gantutor.training.run import Run
from gantutor.training.settings import describe_game, describe_optimizer
from gantutor.training.step import set_up, take_step

BATCH = 128
SEEN, SCORED = 500, 2000
"""Latents whose points are drawn, and those whose points are scored: the same all the time."""

CPU = torch.device("cpu")


@dataclass
class Record:
    """What was measured, and at which steps; a measure that has no meaning here stays empty."""

    steps: list[int] = field(default_factory=list)
    modes: list[float] = field(default_factory=list)
    reverse_kl: list[float] = field(default_factory=list)
    js: list[float] = field(default_factory=list)


class Game:
    """A pair of small networks on a plane, built anew from settings, a plane and a seed.

    ``own`` holds networks of one's own by name (generator, discriminator): copies of them are trained, so
    that building again goes back to where they stood. It plays on the CPU, which is the faster device for
    networks of this size. Raises InputError for networks that do not fit the plane or one another.

    >>> from gantutor.live.lab.settings import plane_of
    >>> game = Game(Settings(), plane_of("ring"))
    >>> game.advance(); game.run.step
    1
    """

    def __init__(self, settings: Settings, plane: Plane, own: Mapping[str, nn.Module] | None = None) -> None:
        self.settings, self.plane, self.own = settings, plane, dict(own or {})
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
        size = min(BATCH, len(plane.points))
        self._random = torch.Generator().manual_seed(settings.seed).get_state()
        with self._stepping():  # the order of train(), so that both draw alike
            batches = batches_of(plane.points, size, settings.seed, CPU)
            example, _, _ = check_data(plane.points, size, CPU, None)
            devices.move_to_device(gan, CPU, example)
            check_game(gan, example, None, torch.Generator().manual_seed(settings.seed))
            rates = {"generator": settings.generator_rate, "discriminator": settings.discriminator_rate}
            makers = {name: adam(rate or 1e-3) for name, rate in rates.items()}
            self.training = set_up(gan, batches, makers, 10_000, Control(), settings.seed, CPU)
        for name, rate in rates.items():
            self.training.control.set_learning_rate(name, rate)
        run = self.run
        run.ended, run.control = "training", self.training.control
        optimizers = {name: describe_optimizer(made) for name, made in self.training.optimizers.items()}
        run.settings = {"game": describe_game(gan), "optimizers": optimizers, "batch_size": size} | {
            "samples": len(plane.points),
            "seed": settings.seed,
        }
        self.latents, self.scored = (
            gan.draw_latent(count, torch.Generator().manual_seed(10 + i))
            for i, count in enumerate((SEEN, SCORED))
        )
        self._good = NaNGuard(self.training)

    def _networks(self) -> tuple[nn.Module, nn.Module]:
        s = self.settings
        own = {name: _copy(name, network) for name, network in self.own.items()}
        generator = own.get("generator") or MLPGenerator(s.latent, (2,), s.generator_width, s.generator_depth)
        discriminator = own.get("discriminator") or MLPDiscriminator(
            (2,), s.discriminator_width, s.discriminator_depth
        )
        return generator, discriminator

    @property
    def run(self) -> Run:
        return self.training.run

    @property
    def gan(self) -> GAN:
        return self.training.gan

    def changed(self, settings: Settings, plane: Plane | None = None) -> Game:
        """The game with other settings: this one, steered, where its networks can stay, or a new one."""
        if plane is not None or settings.needs_new_networks(self.settings):
            return Game(settings, plane or self.plane, self.own)
        self.settings = settings
        self.gan.turns = classical_turns(settings.objective(), settings.discriminator_turns)
        self.training.control.set_learning_rate("generator", settings.generator_rate)
        self.training.control.set_learning_rate("discriminator", settings.discriminator_rate)
        return self

    def again(self) -> Game:
        """The same game from its first step."""
        return Game(self.settings, self.plane, self.own)

    def advance(self, steps: int = 1, allowed: tuple[str, ...] = (), until: float = math.inf) -> None:
        """Up to ``steps`` steps, one at least, fewer once the clock passes ``until``; only the turns of the
        networks ``allowed``, or all.

        Raises TrainingDiverged, with the networks put back to their last good weights, when a loss is not
        finite.
        """
        clock = devices.Clock(self.run.seconds)
        with self._stepping():
            for _ in range(steps):
                with clock:
                    values = take_step(self.training, allowed=allowed)
                self.run.seconds = clock.seconds
                self._good.check(values)
                if time.monotonic() >= until:
                    break

    @contextmanager
    def _stepping(self) -> Iterator[None]:
        """Torch's global random state is the game's own inside the block.

        It is left alone where nothing draws from it: other cells may be training on another thread.
        """
        with devices.without_denormals():
            if not self.own and self.settings.loss != "Wasserstein":
                yield
                return
            with devices.preserve_random_state(CPU):
                torch.set_rng_state(self._random)
                try:
                    yield
                finally:
                    self._random = torch.get_rng_state()

    def measure(self) -> None:
        """Put modes covered, reverse KL and JS of the present generator on the record, once a step."""
        distribution, record = self.plane.distribution, self.record
        if distribution is None or (record.steps and record.steps[-1] == self.run.step):
            return
        samples = self.points(self.scored)
        if not bool(samples.isfinite().all()):
            return
        record.steps.append(self.run.step)
        found = measure_divergence(samples, distribution)
        record.reverse_kl.append(found["reverse_kl_cells"])
        record.js.append(found["js_cells"])
        if distribution.modes:
            record.modes.append(measure_modes(samples, distribution)["modes_strict"])

    @torch.no_grad()
    def points(self, latents: Tensor) -> Tensor:
        """Where the generator, as it stands, puts latents: shape (N, 2)."""
        with at_rest(self.gan):
            made: Tensor = self.gan.networks["generator"](latents)
        return made.float()


@contextmanager
def at_rest(gan: GAN) -> Iterator[None]:
    """The networks in evaluation mode inside the block, so that a look at them moves no statistics."""
    modules = [(module, module.training) for module in gan.modules()]
    try:
        gan.eval()
        yield
    finally:
        for module, training in modules:
            module.training = training


def _copy(name: str, network: Any) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise InputError(f"the {name} must be a torch.nn.Module, not {type_name(network)}")
    try:
        return copy.deepcopy(network)
    except Exception as error:
        raise InputError(f"the {name} cannot be copied, which Reset needs: {first_line(error)}") from error
