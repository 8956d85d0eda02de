"""Learn generative adversarial networks by watching them learn, and train your own.

>>> import gantutor as gt
>>> gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
>>> [turn.name for turn in gan.turns]
['discriminator', 'generator']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gantutor import (
    augment,
    data,
    inversion,
    latent,
    metrics,
    networks,
    objectives,
    optimization,
    parameters,
    rejection,
    translation,
    unpaired,
)
from gantutor.control import Control
from gantutor.errors import DataUnavailable, InputError, OutOfMemory, ProcessLost, TrainingDiverged
from gantutor.gan import GAN, Batch, Lazy, Turn
from gantutor.loop import Callback
from gantutor.run import Run
from gantutor.train import train

if TYPE_CHECKING:
    from gantutor import collect, distributed, doctor, environment, exercises, live, plots, recipes, results
    from gantutor.launching import launch

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "Batch",
    "Callback",
    "Control",
    "DataUnavailable",
    "InputError",
    "Lazy",
    "OutOfMemory",
    "ProcessLost",
    "Run",
    "TrainingDiverged",
    "Turn",
    "augment",
    "collect",
    "data",
    "distributed",
    "doctor",
    "environment",
    "exercises",
    "inversion",
    "latent",
    "launch",
    "live",
    "metrics",
    "networks",
    "objectives",
    "optimization",
    "parameters",
    "plots",
    "recipes",
    "rejection",
    "results",
    "train",
    "translation",
    "unpaired",
]

_LATER = "collect distributed doctor environment exercises live plots recipes results".split()  # noqa: SIM905


def __getattr__(name: str) -> Any:
    """Pictures load when they are first asked for, so that ``import gantutor`` costs little more than
    torch."""
    if name in _LATER:
        return importlib.import_module(f"gantutor.{name}")
    if name == "launch":
        return importlib.import_module("gantutor.launching").launch
    raise AttributeError(f"module 'gantutor' has no attribute {name!r}")
