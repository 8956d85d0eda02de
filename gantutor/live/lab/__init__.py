"""The 2-D lab: two small networks learn a distribution in the plane while the user watches and steers."""

from __future__ import annotations

from typing import Any

from torch import nn

from gantutor._checks import checked, integer, optional
from gantutor._errors import InputError
from gantutor.data.toy import Distribution
from gantutor.live.lab.game import Game
from gantutor.live.lab.lab import Lab, interactive
from gantutor.live.lab.settings import DISTRIBUTIONS, DRAWING, OWN_DATA, Settings, plane_of

__all__ = ["Lab", "Settings", "lab"]

DEFAULT_STEPS, MEASUREMENTS = 300, 30
"""Steps of training before a still picture, and the number of measurements during them."""


@checked(steps=optional(integer(0, 100_000)))
def lab(
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    data: Any = "ring",
    *,
    steps: int | None = None,
    **settings: Any,
) -> Lab:
    """Show a lab in which two small networks learn a distribution in the plane, and return it.

    In JupyterLab the lab is interactive. Elsewhere, for instance under papermill, it leaves a still picture
    of the layers. With the same settings its steps equal those of ``gantutor.training.trainer`` to the bit.

    Args:
        generator: your own generator, (N, ``latent``) → (N, 2); None builds a small one. A copy is trained,
            which ``lab.run.gan`` holds.
        discriminator: your own discriminator, (N, 2) → logits; None builds a small one. A copy is trained.
        data: what to learn: the name of a distribution (ring, grid, two Gaussians, spiral, line, moons), a
            distribution of ``gantutor.data.toy``, or points (N, 2). The density of points is not known, so no
            distances are shown for them.
        steps: the steps to train before the lab is shown, 0 to 100,000; None is 0 in JupyterLab and 300
            elsewhere.
        **settings: the first positions of the controls: the fields of ``Settings``, among them ``seed``,
            ``latent`` and the learning rates.

    Raises:
        InputError: if an argument does not fit.
        TrainingDiverged: if a loss stops being finite within ``steps``.

    >>> lab(steps=20, loss="hinge").run.step
    20
    """
    is_name = isinstance(data, str) and data in DISTRIBUTIONS
    if "distribution" in settings:
        raise InputError("pass the distribution as data=")
    initial = Settings(data if is_name else _distribution_name(data)).changed(**settings)
    networks = {"generator": generator, "discriminator": discriminator}
    game = Game(
        initial,
        plane_of(data, initial.seed),
        {name: net for name, net in networks.items() if net is not None},
    )
    if steps is None:
        steps = 0 if interactive() else DEFAULT_STEPS
    interval = max(1, -(-steps // MEASUREMENTS))
    for start in range(0, steps, interval):
        game.measure()
        game.advance(min(interval, steps - start))
    shown_lab = Lab(game)
    shown_lab.display()
    return shown_lab


def _distribution_name(data: Any) -> str:
    return DRAWING if isinstance(data, Distribution) and data.name == "drawing" else OWN_DATA
