"""Training: the trainer, and its data, callbacks, checkpoints, devices and optimisers."""

from gantutor.training import optim
from gantutor.training.callbacks import Callback
from gantutor.training.control import Control
from gantutor.training.device import has_bfloat16, mixed_precision, resolve_device
from gantutor.training.ema import AveragedWeights
from gantutor.training.history import History, Snapshot
from gantutor.training.loggers import CSVLogger, TensorBoardLogger
from gantutor.training.run import Run
from gantutor.training.trainer import Trainer, train

__all__ = [
    "AveragedWeights",
    "CSVLogger",
    "Callback",
    "Control",
    "History",
    "Run",
    "Snapshot",
    "TensorBoardLogger",
    "Trainer",
    "has_bfloat16",
    "mixed_precision",
    "optim",
    "resolve_device",
    "train",
]
