"""The 2-D lab: two small networks learn a distribution of the plane while one looks and steers."""

from __future__ import annotations

from typing import Any

from torch import nn

from gantutor._checks import integer, optional, validate
from gantutor._errors import InputError
from gantutor.data.toy import Distribution
from gantutor.live import display
from gantutor.live.lab.game import Game
from gantutor.live.lab.lab import Lab
from gantutor.live.lab.settings import DISTRIBUTIONS, DRAW, OWN, Settings, plane_of

__all__ = ["Lab", "Settings", "lab"]

STEPS, MEASURED = 300, 30
"""Steps that are trained before the still picture where nobody watches, and how often it is measured
meanwhile."""


def lab(
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    data: Any = "ring",
    *,
    steps: int | None = None,
    **settings: Any,
) -> Lab:
    """Show a lab in which two networks learn a distribution of the plane, and return it.

    ``data`` is the name of a distribution (ring, grid, two Gaussians, spiral, line, moons), one of
    ``gantutor.data.toy``, or points (N, 2), for which no density is known and none of the distances is shown.
    ``settings`` are the first positions of the controls: the fields of ``Settings``, among them ``seed``,
    ``latent`` and the learning rates. ``steps`` are trained before it is shown: none in JupyterLab, and 300
    where nobody watches, under papermill for instance; there a still picture of all layers is left.

    The networks may be one's own, a generator (N, ``latent``) → (N, 2) and a discriminator (N, 2) → logits;
    copies of them are trained, ``lab.run.gan`` holds these. With the same settings the steps are those of
    ``gantutor.training.trainer`` to the bit. Raises InputError for what cannot be used, and TrainingDiverged where
    ``steps`` end in a loss that is not finite.

    >>> lab(steps=20, loss="hinge").run.step
    20
    """
    validate({"steps": steps}, steps=optional(integer(0, 100_000)))
    known = isinstance(data, str) and data in DISTRIBUTIONS
    if "distribution" in settings:
        raise InputError("the distribution is given as data=")
    chosen = Settings(data if known else _place(data)).changed(**settings)
    own = {"generator": generator, "discriminator": discriminator}
    game = Game(
        chosen, plane_of(data, chosen.seed), {name: net for name, net in own.items() if net is not None}
    )
    if steps is None:
        steps = 0 if display.watched() else STEPS
    stretch = max(1, -(-steps // MEASURED))
    for begin in range(0, steps, stretch):
        game.measure()
        game.advance(min(stretch, steps - begin))
    made = Lab(game)
    made.display()
    return made


def _place(data: Any) -> str:
    return DRAW if isinstance(data, Distribution) and data.name == "drawing" else OWN
