"""Training steps as CUDA graphs: each pattern of turns is recorded once and replayed."""

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
from gantutor._tree import tree_leaves, tree_map

StepFunction = Callable[[Any], dict[str, Tensor]]
"""Plays a step with the batches it is given; returns scalars by name."""

WARM_UP_STEPS = 3
"""Steps of a pattern that are run normally before it is recorded.

Optimisers and libraries allocate their state in them."""

MAX_RECORDINGS = 24
"""Largest number of recordings that are kept; further patterns of a game are run normally."""


class Recorder(Protocol):
    """Interface of what records a step and replays it: CUDA graphs, or a stand-in in tests."""

    def warm_up(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], str]:
        """Run a step where it would be recorded; return its results, and what prevents recording it, or
        "".
        """

    def record(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], Callable[[], None]]:
        """Record a step without running it; return the tensors of its results, and a replay function."""


@dataclass(frozen=True)
class Recording:
    """A recorded step.

    Attributes:
        inputs: tensors that the batch is copied into before a replay.
        replay: runs the step again.
        names: names of the scalars, in the order of ``results``.
        results: the scalars after a replay, of shape (len(names),).
    """

    inputs: list[Tensor]
    replay: Callable[[], None]
    names: list[str]
    results: Tensor


class StepGraphs:
    """Runs steps: each pattern of turns normally at first, and from a recording afterwards.

    A small network leaves a GPU waiting for Python. A graph holds all kernels of a step in order and is
    started by one call: the gradients of all networks, penalties, optimisers and averages. What changes from
    step to step without being recorded again lives in tensors: the real samples and their conditions, the
    learning rates, the weight of the averages, and the state of the random generators. What a user's loss
    computes in Python is read once, when it is recorded: a weight that changes with time must be a tensor
    too.

    Args:
        recorder: records and replays, such as a ``CUDARecorder``.

    Attributes:
        reason: why steps are no longer recorded; empty while they are.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.reason = recorder, ""
        self._recordings: dict[Hashable, Recording] = {}
        self._seen: Counter[Hashable] = Counter()

    def run(self, pattern: Hashable, work: StepFunction, batches: Any) -> dict[str, Tensor]:
        """Run one step.

        Args:
            pattern: what the step does; steps of one pattern share a recording if their batches have the same
                shapes.
            work: runs the step with the batches.
            batches: nested tuples and lists of tensors and None.

        Returns:
            The scalars of the step by name, in tensors that no later step overwrites.
        """
        inputs = tree_leaves(batches)
        if self.reason or not all(isinstance(leaf, Tensor) for leaf in inputs):
            return work(batches)
        key = (pattern, tuple((tensor.shape, tensor.dtype) for tensor in inputs))
        if key not in self._recordings:
            self._seen[key] += 1
            if self._seen[key] <= WARM_UP_STEPS or len(self._recordings) == MAX_RECORDINGS:
                values, obstacle = self.recorder.warm_up(lambda: work(batches))
                self.reason = obstacle
                return values
            if not self._record(key, work, batches):
                return work(batches)
        recording = self._recordings[key]
        for target, source in zip(recording.inputs, inputs, strict=True):
            target.copy_(source, non_blocking=True)
        recording.replay()
        return dict(zip(recording.names, recording.results.clone().unbind(), strict=True))

    def _record(self, key: Hashable, work: StepFunction, batches: Any) -> bool:
        fixed_batches = tree_map(Tensor.clone, batches)

        def stack_scalars() -> dict[str, Tensor]:
            values = work(fixed_batches)
            names.extend(values)
            return {"": torch.stack([value.float().reshape(()) for value in values.values()])}

        names: list[str] = []
        try:
            results, replay = self.recorder.record(stack_scalars)
        except Exception as error:  # whatever a user's loss does that no graph can record
            self.reason = f"a step could not be recorded: {first_line(error)}"
            return False
        self._recordings[key] = Recording(tree_leaves(fixed_batches), replay, names, results[""])
        return True


class CUDARecorder:
    """Records steps with ``torch.cuda.CUDAGraph``; all recordings share one memory pool.

    Sharing is safe because results are copied out before the next replay, and because whatever outlives a
    step (weights, optimiser states, averages) was allocated before the first recording.

    Args:
        device: the GPU.
        generators: random generators that the steps draw from, beside torch's own; each replay continues
            where the last one ended.
    """

    def __init__(self, device: torch.device, generators: Sequence[torch.Generator]) -> None:
        self.device, self.generators = device, list(generators)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool: Any = None

    def warm_up(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], str]:
        """Run a step on the stream that records, and watch for calls that make Python wait for the GPU.

        Returns:
            The results, and the reason why the step cannot be recorded, or "".
        """
        sync_debug_mode = torch.cuda.get_sync_debug_mode()
        stream = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(stream)
        with warnings.catch_warnings(record=True) as caught, torch.cuda.stream(self._stream):
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")  # warns once that it is a prototype
            try:
                values = work()
            finally:
                torch.cuda.set_sync_debug_mode(sync_debug_mode)
        stream.wait_stream(self._stream)
        return values, synchronisation_reason(caught)

    def record(self, work: Callable[[], dict[str, Tensor]]) -> tuple[dict[str, Tensor], Callable[[], None]]:
        """Record a step without running it; if that fails, the random generators are restored.

        Returns:
            The tensors of the results, and a function that replays the step.
        """
        states = [generator.get_state() for generator in self.generators]
        cuda_state, stream = torch.cuda.get_rng_state(self.device), torch.cuda.current_stream(self.device)
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        try:
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                results = work()
        except Exception:
            torch.cuda.set_stream(stream)  # a recording that fails at its end leaves its own stream current
            torch.cuda.synchronize(self.device)
            for generator, state in zip(self.generators, states, strict=True):
                generator.set_state(state)
            torch.cuda.set_rng_state(cuda_state, self.device)
            raise
        stream.wait_stream(self._stream)  # the recording resets the generators' offsets on its own stream
        self._pool = graph.pool()
        return results, graph.replay


def synchronisation_reason(caught: Sequence[warnings.WarningMessage]) -> str:
    """Return why a step cannot be recorded, from the warnings of torch's synchronisation debug mode.

    Args:
        caught: the warnings of one step.

    Returns:
        The reason with file and line of the first call that waits for the GPU, or "" if there is none.
    """
    synchronisations = [warning for warning in caught if "called a synchronizing" in str(warning.message)]
    if not synchronisations:
        return ""
    place = f"{Path(synchronisations[0].filename).name}, line {synchronisations[0].lineno}"
    return f"a loss reads a number from the GPU, as .item() or float() do ({place})"
