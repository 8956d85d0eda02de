"""Checkpoints: the whole state of a training on disk, so that a killed one can be resumed exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gantutor._errors import InputError
from gantutor._files import OtherFormat, WriteFailed, read_archive, remove_leftovers, write_archive
from gantutor._random import random_state, set_random_state
from gantutor.training.batches import Batches
from gantutor.training.run import Run
from gantutor.training.serialization import pack, unpack

MAX_CHECKPOINTS = 2
"""Number of checkpoints kept in a folder; older ones are removed."""

PROBE = ".probe.zip"
"""Name of the checkpoint that is written before a training, to see whether that is possible."""


DATA_START_AGAIN = (
    " The data start again from their beginning: a DataLoader or an iterable does not know its position, "
    "unless it has state_dict() and load_state_dict(). So the batches differ from those of an uninterrupted "
    "training."
)
"""Added to the message if the data of a resumed training do not continue at their position."""


@dataclass(frozen=True)
class Resumed:
    """What ``resume`` found.

    Attributes:
        message: one sentence that says where the training was resumed.
        extra: the extra tensors that the checkpoint was saved with.
    """

    message: str
    extra: dict[str, Tensor]

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class TrainingState:
    """Everything that changes during a training: the content of a checkpoint.

    Attributes:
        run: history, snapshots, networks and averages.
        optimizers: by network name.
        batches: the position in the data.
        generators: random generators by name, beside torch's global ones.
    """

    run: Run
    optimizers: dict[str, Optimizer]
    batches: Batches
    generators: dict[str, torch.Generator]


def save(folder: Path, state: TrainingState, extra: Mapping[str, Tensor] | None = None) -> None:
    """Write a checkpoint, and remove all but the last ``MAX_CHECKPOINTS``.

    A checkpoint is one file, ``step-….zip``, with JSON and safetensors. It is written under another name and
    renamed when it is complete. Nothing is pickled.

    Args:
        folder: where the checkpoints go.
        state: the training to save.
        extra: further tensors, which ``resume`` returns.

    Raises:
        InputError: if the state cannot be saved.
        WriteFailed: if the file system refuses to write; existing checkpoints are untouched.
    """
    _write(folder / f"step-{state.run.step:09d}.zip", state, extra)
    with suppress(OSError):
        for old in _checkpoints(folder)[:-MAX_CHECKPOINTS]:
            old.unlink()


def check_writable(folder: Path, state: TrainingState, extra: Mapping[str, Tensor] | None = None) -> None:
    """Write a checkpoint to a folder, which is made if need be, and remove it again.

    Args:
        folder: where checkpoints are to go.
        state: the training.
        extra: further tensors.

    Raises:
        InputError: if no checkpoint can be written there.
    """
    _find(folder)
    probe = folder / PROBE
    try:
        _write(probe, state, extra)
    except WriteFailed as error:
        raise InputError(
            f"no checkpoint can be written to {folder}: {error.reason}; give checkpoint= another folder"
        ) from None
    with suppress(OSError):
        probe.unlink()


def _write(path: Path, state: TrainingState, extra: Mapping[str, Tensor] | None) -> None:
    run = state.run
    random = {name: generator.get_state() for name, generator in state.generators.items()}
    random["global"] = random_state(run.gan.device)
    content, tensors = pack(
        {
            "optimizers": {name: optimizer.state_dict() for name, optimizer in state.optimizers.items()},
            "data": state.batches.state_dict(),
            "random": random,
            "extra": dict(extra or {}),
        },
        "state",
    )
    write_archive(
        path,
        run.metadata() | {"state": content},
        run.tensors() | {f"state.{name}": tensor for name, tensor in tensors.items()},
    )


def resume(folder: Path, state: TrainingState) -> Resumed | None:
    """Restore a training from the newest checkpoint that can be read.

    Damaged checkpoints that are newer are renamed ``damaged-step-…``.

    Args:
        folder: where the checkpoints are.
        state: the training, changed in place.

    Returns:
        What was found, or None if there is no checkpoint.

    Raises:
        InputError: if the checkpoint belongs to another training, naming what differs, is of another format,
            or if all checkpoints are damaged.
    """
    message, damaged = "", []
    for path in reversed(_find(folder)):
        try:
            content, tensors = read(path)
            settings, packed = content["settings"], content["state"]
        except OtherFormat:
            raise
        except (InputError, KeyError, TypeError) as error:
            message += f"Passed over a damaged checkpoint ({error}). "
            damaged.append(path)
            continue
        _check_settings(settings, state.run.settings, path)
        extra = _restore(content, tensors, packed, path, state)
        for other in damaged:
            with suppress(OSError):
                other.replace(other.with_name(f"damaged-{other.name}"))
        note = "" if state.batches.resumes_exactly else DATA_START_AGAIN
        return Resumed(f"{message}Resumed at step {state.run.step:,} from {path}.{note}", extra)
    if message:
        raise InputError(
            f"{message}No other checkpoint is left in {folder}: move the folder away to start again from the "
            "beginning"
        )
    return None


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the content and the tensors of a checkpoint.

    Args:
        path: the file.

    Raises:
        InputError: if it is missing or damaged.
        OtherFormat: if it is of another format.
    """
    return read_archive(path, "checkpoint")


def _find(folder: Path) -> list[Path]:
    """All checkpoints, oldest first; what a killed training left half-written is removed."""
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"checkpoint must be a folder, and {folder} is a file")
        remove_leftovers(folder, "step-*")
        remove_leftovers(folder, PROBE)
        return _checkpoints(folder)
    except OSError as error:
        raise InputError(f"the checkpoints in {folder} cannot be read: {error.strerror or error}") from None


def _checkpoints(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(r"step-\d+(\.zip)?", path.name))


def _check_settings(theirs: dict[str, Any], ours: dict[str, Any], path: Path) -> None:
    names = sorted({*theirs, *ours} - {"threads"})  # those of the checkpoint are taken over
    differing = [name for name in names if theirs.get(name) != ours.get(name)]
    if differing:
        what = "; ".join(f"{name} was {theirs.get(name)!r} and is {ours.get(name)!r}" for name in differing)
        raise InputError(f"{path} belongs to another training: {what}")


def _restore(
    content: dict[str, Any], tensors: dict[str, Tensor], packed: Any, path: Path, state: TrainingState
) -> dict[str, Tensor]:
    """Put everything back as a checkpoint has it, and return its extra tensors."""
    run, prefix = state.run, "state."
    saved = unpack(packed, {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    run.load_state(content, {k: v for k, v in tensors.items() if not k.startswith(prefix)}, str(path))
    for name, optimizer in state.optimizers.items():
        _load_optimizer(optimizer, saved["optimizers"][name])
    state.batches.load_state_dict(saved["data"], run.conditions)
    random = saved["random"]
    for name, generator in state.generators.items():
        generator.set_state(random[name])
    set_random_state(random["global"], run.gan.device)
    extra: dict[str, Tensor] = saved["extra"]
    return extra


def _load_optimizer(optimizer: Optimizer, content: dict[str, Any]) -> None:
    """Restore an optimiser's state in place.

    A tensor among the options of a parameter group stays the same object, since a CUDA graph may read it.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    groups = [dict(group) for group in optimizer.param_groups]
    for index, entries in content["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                entries[name] = _match_memory_format(parameters[index], value)
    optimizer.load_state_dict(content)
    for old_group, group in zip(groups, optimizer.param_groups, strict=True):
        for name, value in old_group.items():
            if isinstance(value, Tensor):
                group[name] = value.copy_(torch.as_tensor(group[name]))
            elif isinstance(group[name], Tensor):  # saved by a training that used CUDA graphs
                group[name] = float(group[name])
        if "capturable" in old_group:  # depends on the device, not on the checkpoint
            group["capturable"] = old_group["capturable"]


def _match_memory_format(parameter: Tensor, tensor: Tensor) -> Tensor:
    """Return a tensor's values in the memory format of its parameter.

    Fused optimisers walk through memory without checking the format.
    """
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
