"""What a training records as it goes: scalars by step, and what the generator made at chosen moments."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gantutor._errors import InputError

PENDING = 1000
"""Steps whose scalars may wait on their device to be read."""


class History:
    """Scalars by name, each with the steps at which it was recorded; read from the device only when somebody
    looks.

    >>> history = History()
    >>> for step in range(2): history.append(step, {"generator": torch.tensor(0.5 / (step + 1))})
    >>> history.names, history.column("generator")
    (['generator'], ([0, 1], [0.5, 0.25]))
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[list[int], list[float]]] = {}
        self._pending: list[tuple[int, dict[str, Tensor]]] = []
        self._reading = threading.Lock()

    def append(self, step: int, values: dict[str, Tensor]) -> None:
        self._pending.append((step, values))
        if len(self._pending) >= PENDING:
            self._read()

    def _read(self) -> None:
        with self._reading:  # a view of another thread may look at the same time
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
        self._read()
        return list(self._columns)

    def column(self, name: str) -> tuple[list[int], list[float]]:
        """The steps and the values of one scalar; raises InputError naming those there are."""
        self._read()
        if name not in self._columns:
            raise InputError(
                f"the history has no {name!r}; it has {', '.join(self._columns) or 'nothing yet'}"
            )
        return self._columns[name]

    def to_json(self) -> dict[str, Any]:
        self._read()
        return {name: {"steps": steps, "values": values} for name, (steps, values) in self._columns.items()}

    def load_json(self, content: dict[str, Any]) -> None:
        self._pending = []
        self._columns = {name: (list(c["steps"]), list(c["values"])) for name, c in content.items()}


@dataclass(frozen=True)
class Snapshot:
    """What the averaged generator made of the same latents at one moment of the training."""

    step: int
    seconds: float
    samples: Tensor
