"""Checkpoints: the whole state of a training on disk, so that a killed one can be resumed exactly."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gantutor._errors import InputError
from gantutor._files import (
    CHECKSUM_FILE,
    FORMAT_VERSION,
    WriteFailed,
    new_folder,
    read_json,
    read_tensors,
    remove_leftovers,
    verify_checksums,
    write_json,
    write_tensors,
)
from gantutor.training.batches import Batches
from gantutor.training.run import Run
from gantutor.training.serialization import pack, unpack

MAX_CHECKPOINTS = 2
"""Number of checkpoints kept in a folder; older ones are removed."""


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


def save(
    folder: Path,
    state: TrainingState,
    extra: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint, and remove all but the last ``MAX_CHECKPOINTS``.

    A checkpoint is a folder ``step-…`` with two safetensors files, one JSON file and their checksums. It is
    written under another name and renamed when it is complete. Nothing is pickled.

    Args:
        folder: where the checkpoints go.
        state: the training to save.
        extra: further tensors, which ``resume`` returns.

    Raises:
        InputError: if the state cannot be saved.
        WriteFailed: if the file system refuses to write; existing checkpoints are untouched.
    """
    _write(folder / f"step-{state.run.step:09d}", state, extra)
    with suppress(OSError):
        for old in _checkpoint_folders(folder)[:-MAX_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)


def check_writable(
    folder: Path,
    state: TrainingState,
    extra: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint to ``folder``, which is created if necessary, and remove it again.

    Args:
        folder: where the checkpoints will go.
        state: the training that will be saved.
        extra: further tensors that will be saved.

    Raises:
        InputError: if no checkpoint can be written there.
    """
    _find_checkpoints(folder)
    trial = folder / ".rehearsal"
    try:
        _write(trial, state, extra)
    except WriteFailed as error:
        raise InputError(
            f"no checkpoint can be written to {folder}: {error.reason}; give checkpoint= another folder"
        ) from None
    shutil.rmtree(trial, ignore_errors=True)


def _write(
    path: Path,
    state: TrainingState,
    extra: Mapping[str, Tensor] | None,
) -> None:
    run = state.run
    random = {name: generator.get_state() for name, generator in state.generators.items()}
    random["global"] = torch.get_rng_state()
    if run.gan.device.type == "cuda":
        random["cuda"] = torch.cuda.get_rng_state(run.gan.device)
    packed, tensors = pack(
        {
            "optimizers": {name: optimizer.state_dict() for name, optimizer in state.optimizers.items()},
            "data": state.batches.state_dict(),
            "random": random,
            "extra": dict(extra or {}),
        },
        "state",
    )
    with new_folder(path) as fresh:
        write_tensors(fresh / "weights.safetensors", run.weights() | run.snapshot_tensors())
        write_tensors(fresh / "state.safetensors", tensors)
        write_json(fresh / "run.json", run.metadata() | {"state": packed})


def resume(
    folder: Path,
    state: TrainingState,
) -> Resumed | None:
    """Restore a training from the newest readable checkpoint.

    Newer checkpoints that are damaged are renamed to ``damaged-step-…``.

    Args:
        folder: where the checkpoints are.
        state: the training, which is changed in place.

    Returns:
        What was restored, or None if there is no checkpoint.

    Raises:
        InputError: if the checkpoint has another format or other settings, or if all checkpoints are damaged.
    """
    warnings, damaged = "", []
    for path in reversed(_find_checkpoints(folder)):
        _check_format(path)
        try:
            metadata, weights, tensors = read(path)
            settings, packed = metadata["settings"], metadata["state"]
        except (InputError, KeyError, TypeError) as error:
            warnings += f"Passed over a damaged checkpoint ({error}). "
            damaged.append(path)
            continue
        _check_settings(settings, state.run.settings, path)
        extra = _restore(metadata, weights, unpack(packed, tensors), path, state)
        for damaged_path in damaged:
            _set_aside(damaged_path)
        return Resumed(f"{warnings}Resumed at step {state.run.step:,} from {path}.", extra)
    if warnings:
        raise InputError(
            f"{warnings}No other checkpoint is left in {folder}: move the folder away to begin anew"
        )
    return None


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """Read a checkpoint.

    Args:
        path: the folder of one checkpoint.

    Returns:
        The metadata, the weights by name, and the tensors of the packed state by name.

    Raises:
        InputError: if a file is missing, or its checksum is not the recorded one.
    """
    verify_checksums(path, "run.json", "weights.safetensors", "state.safetensors")
    weights, state = read_tensors(path / "weights.safetensors"), read_tensors(path / "state.safetensors")
    return read_json(path / "run.json"), weights, state


def _find_checkpoints(folder: Path) -> list[Path]:
    """Return all checkpoints in order, after removing what a killed training left unfinished."""
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"checkpoint must be a folder, and {folder} is a file")
        if folder.is_dir():
            remove_leftovers(folder, r"\.(step-\d+)-.+")
        return _checkpoint_folders(folder)
    except OSError as error:
        raise InputError(f"the checkpoints in {folder} cannot be read: {error.strerror or error}") from None


def _checkpoint_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(r"step-\d+", path.name))


def _check_format(path: Path) -> None:
    try:
        if (path / CHECKSUM_FILE).exists():
            verify_checksums(path, "run.json")
        metadata = read_json(path / "run.json")
    except InputError:
        return  # damaged: ``read`` will report it
    if isinstance(metadata, dict) and metadata.get("format", FORMAT_VERSION) != FORMAT_VERSION:
        raise InputError(
            f"{path} is a checkpoint of format {metadata['format']}, and this version of gantutor reads "
            f"format {FORMAT_VERSION}: go on with the version that wrote it, "
            f"or move {path.parent} away to begin anew"
        )


def _set_aside(damaged: Path) -> None:
    """Rename a damaged checkpoint, so that it does not count among those that are kept."""
    with suppress(OSError):
        aside = damaged.with_name(f"damaged-{damaged.name}")
        shutil.rmtree(aside, ignore_errors=True)
        damaged.rename(aside)


def _check_settings(saved: dict[str, Any], current: dict[str, Any], path: Path) -> None:
    differing = [name for name in sorted(set(saved) | set(current)) if saved.get(name) != current.get(name)]
    if differing:
        changes = "; ".join(
            f"{name} was {saved.get(name)!r} and is {current.get(name)!r}" for name in differing
        )
        raise InputError(f"{path} belongs to another training: {changes}")


def _restore(
    metadata: dict[str, Any],
    weights: dict[str, Tensor],
    saved: dict[str, Any],
    path: Path,
    state: TrainingState,
) -> dict[str, Tensor]:
    run = state.run
    snapshots = {
        name: tensor for name, tensor in weights.items() if name.startswith(("snapshot.", "condition."))
    }
    run.load_weights({name: tensor for name, tensor in weights.items() if name not in snapshots}, str(path))
    run.load_metadata(metadata, snapshots, str(path))
    for name, optimizer in state.optimizers.items():
        _load_optimizer(optimizer, saved["optimizers"][name])
    state.batches.load_state_dict(saved["data"])
    random = saved["random"]
    for name, generator in state.generators.items():
        generator.set_state(random[name])
    torch.set_rng_state(random["global"])
    if "cuda" in random:
        torch.cuda.set_rng_state(random["cuda"], run.gan.device)
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
