"""What a training records: scalars by step, and snapshots of the generator's samples."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gantutor._errors import InputError

MAX_PENDING_STEPS = 1000
"""Steps whose scalars may wait on their device before they are read."""


class History:
    """Scalars by name, each with the steps at which it was recorded.

    They are read from the device only when somebody asks for them, so that recording does not slow a GPU
    down.

    Attributes:
        names: names of the scalars recorded so far.

    >>> history = History()
    >>> for step in range(2): history.append(step, {"generator": torch.tensor(0.5 / (step + 1))})
    >>> history.names, history.column("generator")
    (['generator'], ([0, 1], [0.5, 0.25]))
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[list[int], list[float]]] = {}
        self._pending: list[tuple[int, dict[str, Tensor]]] = []
        self.last: dict[str, Tensor] = {}
        self._read_lock = threading.Lock()

    def append(self, step: int, values: dict[str, Tensor]) -> None:
        """Record the scalars of one step.

        Args:
            step: number of the step.
            values: tensors of one number each, by name.
        """
        self.last = values
        self._pending.append((step, values))
        if len(self._pending) >= MAX_PENDING_STEPS:
            self._read()

    def _read(self) -> None:
        with self._read_lock:  # a view in another thread may read at the same time
            pending, self._pending = self._pending, []
            scalars = [value.detach().reshape(()) for _, values in pending for value in values.values()]
            numbers = iter(torch.stack(scalars).tolist() if scalars else [])
            for step, values in pending:
                for name in values:
                    steps, column = self._columns.setdefault(name, ([], []))
                    steps.append(step)
                    column.append(next(numbers))

    @property
    def names(self) -> list[str]:
        """Names of the scalars, in the order in which they first appeared."""
        self._read()
        return list(self._columns)

    def column(self, name: str) -> tuple[list[int], list[float]]:
        """Return the steps and the values of one scalar, as two lists of the same length.

        Args:
            name: name of the scalar, such as ``"generator"``.

        Raises:
            InputError: if there is no such scalar; the message lists those there are.
        """
        self._read()
        if name not in self._columns:
            raise InputError(
                f"the history has no {name!r}: it has {', '.join(self._columns) or 'nothing yet'}"
            )
        return self._columns[name]

    def to_json(self) -> dict[str, Any]:
        """Return all scalars as content for JSON."""
        self._read()
        return {name: {"steps": steps, "values": values} for name, (steps, values) in self._columns.items()}

    def load_json(self, content: dict[str, Any]) -> None:
        """Replace the history by content that ``to_json`` returned."""
        self._pending = []
        self._columns = {
            name: (list(column["steps"]), list(column["values"])) for name, column in content.items()
        }


@dataclass(frozen=True)
class Snapshot:
    """Samples that the averaged outputs of a game made of fixed latents at one moment of a training.

    Attributes:
        step: step of the training.
        seconds: seconds of training until then.
        outputs: the samples (n, …) of each output by name, on the CPU.
        samples: those of the first output.
    """

    step: int
    seconds: float
    outputs: dict[str, Tensor]

    @property
    def samples(self) -> Tensor:
        return next(iter(self.outputs.values()))
