"""Learn generative adversarial networks by watching them learn, and train your own.

>>> import gantutor as gt
>>> gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
>>> [turn.name for turn in gan.turns]
['discriminator', 'generator']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gantutor import _openmp  # noqa: F401  # before torch is imported
from gantutor._errors import DataUnavailable, InputError, OutOfMemory, ProcessLost, TrainingDiverged

if TYPE_CHECKING:
    from gantutor import course, data, doctor, games, live, metrics, networks, objectives, plots, sampling
    from gantutor import training as training
    from gantutor.course import exercises, launch
    from gantutor.games import GAN, Batch, Penalty, Turn
    from gantutor.training import Callback, Control, Run, Trainer, optim, train

__version__ = "1.0.0"

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

_HOMES = {
    "GAN": "gantutor.games",
    "Batch": "gantutor.games",
    "Penalty": "gantutor.games",
    "Turn": "gantutor.games",
    "Callback": "gantutor.training",
    "Control": "gantutor.training",
    "Run": "gantutor.training",
    "Trainer": "gantutor.training",
    "optim": "gantutor.training",
    "train": "gantutor.training",
    "exercises": "gantutor.course",
    "launch": "gantutor.course",
}
"""The module of each name that is not a module of this package."""


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for: ``gantutor --help`` need not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module 'gantutor' has no attribute {name!r}")
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        value = importlib.import_module(f"gantutor.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not yet: Jupyter completes ``gt.`` with them."""
    return sorted({*globals(), *__all__})
