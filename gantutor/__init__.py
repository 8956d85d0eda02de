"""Learn generative adversarial networks by watching them learn, and train your own.

>>> import gantutor as gt
>>> gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
>>> [turn.name for turn in gan.turns]
['discriminator', 'generator']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gantutor import data, games, metrics, networks, objectives, sampling, training
from gantutor._errors import DataUnavailable, InputError, OutOfMemory, ProcessLost, TrainingDiverged
from gantutor.games import GAN, Batch, Penalty, Turn
from gantutor.training import Callback, Control, Run, Trainer, optim, train

if TYPE_CHECKING:
    from gantutor import course, doctor, live, plots
    from gantutor.course import exercises, launch

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "Batch",
    "Callback",
    "Control",
    "DataUnavailable",
    "InputError",
    "OutOfMemory",
    "Penalty",
    "ProcessLost",
    "Run",
    "Trainer",
    "TrainingDiverged",
    "Turn",
    "course",
    "data",
    "doctor",
    "exercises",
    "games",
    "launch",
    "live",
    "metrics",
    "networks",
    "objectives",
    "optim",
    "plots",
    "sampling",
    "train",
    "training",
]

_LAZY = {
    "course": "gantutor.course",
    "doctor": "gantutor.doctor",
    "exercises": "gantutor.course.exercises",
    "live": "gantutor.live",
    "plots": "gantutor.plots",
}


def __getattr__(name: str) -> Any:
    """Import what a person sees when it is first asked for, so that the import costs little beside torch."""
    if name in _LAZY:
        return importlib.import_module(_LAZY[name])
    if name == "launch":
        return importlib.import_module("gantutor.course.processes").launch
    raise AttributeError(f"module 'gantutor' has no attribute {name!r}")
