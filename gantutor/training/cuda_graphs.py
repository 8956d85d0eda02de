"""Whole steps recorded once and replayed: a CUDA graph for each pattern of turns.

A small network leaves a GPU waiting for Python. A graph is what all the kernels of a step are, in order, and
is started by one call: both networks' gradients, lazy penalties, optimisers and averages included. What may
change from step to step without being recorded anew lives in tensors: the real samples and their conditions,
the learning rates, the share by which the averages move, and the state of the random generators. What a
user's own loss computes in Python is read once, when it is recorded: a weight that changes with time belongs
into a tensor too.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from gantutor._errors import first_line

Work = Callable[[Any], dict[str, Tensor]]
"""Plays a step with the batches it is given; returns scalars by name."""

WARM = 3
"""Steps that a pattern is played as it stands before it is recorded: optimisers and libraries make their
states in them."""

MOST = 24
"""Recordings that are kept; a game with more patterns than that is played as it stands."""


class Recorder(Protocol):
    """What can record work and play it again: a GPU's graphs, or a stand-in for them in a test."""

    def rehearse(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], str]:
        """Do the work where a recording would do it; also says what would hinder one, or nothing."""

    def record(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], Callable[[], None]]:
        """The results' tensors, and what fills them anew; the work is not done yet."""


@dataclass(frozen=True)
class Recording:
    """A step that can be replayed: its inputs, what replays it, and its results, all in fixed places."""

    inputs: list[Tensor]
    replay: Callable[[], None]
    names: list[str]
    results: Tensor


class StepGraphs:
    """Plays steps, each pattern as it stands a few times and from a recording afterwards.

    ``reason`` says why it no longer records, and is empty while it does.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.reason = recorder, ""
        self._recordings: dict[Hashable, Recording] = {}
        self._seen: Counter[Hashable] = Counter()

    def play(self, pattern: Hashable, work: Work, batches: Any) -> dict[str, Tensor]:
        """One step of this pattern with these batches: the scalars it gives, in tensors of their own."""
        inputs = leaves(batches)
        if self.reason or inputs is None:
            return work(batches)
        key = (pattern, tuple((part.shape, part.dtype) for part in inputs))
        if key not in self._recordings:
            self._seen[key] += 1
            if self._seen[key] <= WARM or len(self._recordings) == MOST:
                values, hindrance = self.recorder.rehearse(lambda: work(batches))
                self.reason = hindrance
                return values
            if not self._record(key, work, batches):
                return work(batches)
        recording = self._recordings[key]
        for place, part in zip(recording.inputs, inputs, strict=True):
            place.copy_(part, non_blocking=True)
        recording.replay()
        return dict(zip(recording.names, recording.results.clone().unbind(), strict=True))

    def _record(self, key: Hashable, work: Work, batches: Any) -> bool:
        places = copy_into(batches)

        def stacked() -> dict[str, Tensor]:
            values = work(places)
            names.extend(values)
            return {"": torch.stack([value.float().reshape(()) for value in values.values()])}

        names: list[str] = []
        try:
            made, replay = self.recorder.record(stacked)
        except Exception as error:  # whatever a user's own loss does that no graph can hold
            self.reason = f"a step could not be recorded: {first_line(error)}"
            return False
        self._recordings[key] = Recording(leaves(places) or [], replay, names, made[""])
        return True


class CUDARecorder:
    """Records with ``torch.cuda.CUDAGraph``; all recordings share one pool of memory.

    Sharing is safe because results are copied out before the next recording is replayed, and what outlives a
    step (weights, optimisers' states, averages) was made before the first one was recorded. ``generators``
    are those the steps draw from, beside torch's own: each replay draws on where the last one ended.
    """

    def __init__(self, device: torch.device, generators: Sequence[torch.Generator]) -> None:
        self.device, self.generators = device, list(generators)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool: Any = None

    def rehearse(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], str]:
        """Do the work on the stream that records, watching for calls that make Python wait for the GPU."""
        before = torch.cuda.get_sync_debug_mode()
        here = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(here)
        with warnings.catch_warnings(record=True) as said, torch.cuda.stream(self._stream):
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")  # itself warns once in a process, of being a prototype
            try:
                values = work()
            finally:
                torch.cuda.set_sync_debug_mode(before)
        here.wait_stream(self._stream)
        return values, is_synchronisation_error(said)

    def record(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], Callable[[], None]]:
        """Record the work; the generators are put back where they stood if that fails."""
        states = [generator.get_state() for generator in self.generators]
        own, here = torch.cuda.get_rng_state(self.device), torch.cuda.current_stream(self.device)
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        try:
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                made = work()
        except Exception:
            torch.cuda.set_stream(here)  # a recording that fails at its end leaves its own stream in place
            torch.cuda.synchronize(self.device)
            for generator, state in zip(self.generators, states, strict=True):
                generator.set_state(state)
            torch.cuda.set_rng_state(own, self.device)
            raise
        here.wait_stream(self._stream)  # the recording winds the generators' places back on its own stream
        self._pool = graph.pool()
        return made, graph.replay


def is_synchronisation_error(said: Sequence[warnings.WarningMessage]) -> str:
    """What hinders a recording, of the warnings of torch's mode that watches for calls that wait: nothing, or
    the reason with the place in the code of the first."""
    waits = [each for each in said if "called a synchronizing" in str(each.message)]
    if not waits:
        return ""
    place = f"{Path(waits[0].filename).name}, line {waits[0].lineno}"
    return f"a loss reads a number from the GPU, as .item() or float() do ({place})"


def leaves(item: Any) -> list[Tensor] | None:
    """The tensors of nested tuples and lists in order, None left out; None where there is anything else.

    >>> leaves([(torch.zeros(2), None), (torch.ones(1),)])
    [tensor([0., 0.]), tensor([1.])]
    """
    if isinstance(item, Tensor):
        return [item]
    if item is None:
        return []
    if not isinstance(item, tuple | list):
        return None
    parts = [leaves(part) for part in item]
    return None if any(part is None for part in parts) else [leaf for part in parts for leaf in part or []]


def copy_into(item: Any) -> Any:
    """The same nest of tuples and lists with copies of its tensors."""
    if isinstance(item, Tensor):
        return item.clone()
    return item if item is None else type(item)(copy_into(part) for part in item)
