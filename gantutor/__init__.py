"""Learn generative adversarial networks by watching them learn, and train your own.

>>> import gantutor as gt
>>> gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
>>> [turn.name for turn in gan.turns]
['discriminator', 'generator']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gantutor import data, latent, metrics, networks, objectives, optimization, parameters
from gantutor.control import Control
from gantutor.errors import DataUnavailable, InputError, TrainingDiverged
from gantutor.gan import GAN, Batch, Lazy, Turn
from gantutor.run import Run
from gantutor.train import Callback, train

if TYPE_CHECKING:
    from gantutor import collect, doctor, environment, exercises, live, plots, results

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "Batch",
    "Callback",
    "Control",
    "DataUnavailable",
    "InputError",
    "Lazy",
    "Run",
    "TrainingDiverged",
    "Turn",
    "collect",
    "data",
    "doctor",
    "environment",
    "exercises",
    "latent",
    "live",
    "metrics",
    "networks",
    "objectives",
    "optimization",
    "parameters",
    "plots",
    "results",
    "train",
]


def __getattr__(name: str) -> Any:
    """Pictures load when they are first asked for, so that ``import gantutor`` costs little more than
    torch."""
    if name in ("collect", "doctor", "environment", "exercises", "live", "plots", "results"):
        return importlib.import_module(f"gantutor.{name}")
    raise AttributeError(f"module 'gantutor' has no attribute {name!r}")
