"""The whole state of a training on disk, so that a killed one goes on exactly where it was.

A checkpoint is a folder with two safetensors files, one of JSON and their checksums, written to the side and
renamed; the last two are kept. Nothing is pickled.
"""

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
    FORMAT,
    SUMS,
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

KEPT = 2


@dataclass(frozen=True)
class Resumed:
    """What ``resume`` says, and the extra tensors that the checkpoint was given."""

    said: str
    extra: dict[str, Tensor]

    def __str__(self) -> str:
        return self.said


@dataclass(frozen=True)
class State:
    """Everything of a training that moves: what a checkpoint holds."""

    run: Run
    optimizers: dict[str, Optimizer]
    batches: Batches
    generators: dict[str, torch.Generator]


def save(
    folder: Path,
    state: State,
    extra: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint of this moment, and remove all but the last two.

    ``resume`` hands the tensors of ``extra`` back. Raises InputError for a state that cannot be saved, and
    WriteFailed where the file system refuses; the checkpoints there are then untouched.
    """
    _write(folder / f"step-{state.run.step:09d}", state, extra)
    with suppress(OSError):
        for old in _all(folder)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def check_writable(
    folder: Path,
    state: State,
    extra: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint to ``folder``, which is made if need be, and remove it again.

    Raises InputError, before anything is trained, where none can be written there.
    """
    _found(folder)
    place = folder / ".rehearsal"
    try:
        _write(place, state, extra)
    except WriteFailed as error:
        raise InputError(
            f"no checkpoint can be written to {folder}: {error.reason}; give checkpoint= another folder"
        ) from None
    shutil.rmtree(place, ignore_errors=True)


def _write(
    path: Path,
    state: State,
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
    state: State,
) -> Resumed | None:
    """Put everything back as the newest readable checkpoint has it, and say so in a sentence; None where
    there is none.

    Damaged checkpoints that are newer are set aside, as ``damaged-step-…``. Raises InputError where the
    checkpoint is of another training, naming what differs, or of another format.
    """
    said, damaged = "", []
    for path in reversed(_found(folder)):
        _refuse_other_format(path)
        try:
            facts, weights, tensors = read(path)
            settings, packed = facts["settings"], facts["state"]
        except (InputError, KeyError, TypeError) as error:
            said += f"Passed over a damaged checkpoint ({error}). "
            damaged.append(path)
            continue
        _refuse_other_settings(settings, state.run.settings, path)
        extra = _restore(facts, weights, unpack(packed, tensors), path, state)
        for other in damaged:
            _set_aside(other)
        return Resumed(f"{said}Resumed at step {state.run.step:,} from {path}.", extra)
    if said:
        raise InputError(f"{said}No other checkpoint is left in {folder}: move the folder away to begin anew")
    return None


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """The facts, the weights and the state of a checkpoint; raises InputError where a file is missing or not
    as it was written."""
    verify_checksums(path, "run.json", "weights.safetensors", "state.safetensors")
    weights, state = read_tensors(path / "weights.safetensors"), read_tensors(path / "state.safetensors")
    return read_json(path / "run.json"), weights, state


def _found(folder: Path) -> list[Path]:
    """All checkpoints, once what a killed training left half-done there is cleared up."""
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"checkpoint must be a folder, and {folder} is a file")
        if folder.is_dir():
            remove_leftovers(folder, r"\.(step-\d+)-.+")
        return _all(folder)
    except OSError as error:
        raise InputError(f"the checkpoints in {folder} cannot be read: {error.strerror or error}") from None


def _all(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(r"step-\d+", path.name))


def _refuse_other_format(path: Path) -> None:
    try:
        if (path / SUMS).exists():
            verify_checksums(path, "run.json")
        facts = read_json(path / "run.json")
    except InputError:
        return  # damaged, which ``read`` will say
    if isinstance(facts, dict) and facts.get("format", FORMAT) != FORMAT:
        raise InputError(
            f"{path} is a checkpoint of format {facts['format']}, and this version of gantutor reads format "
            f"{FORMAT}: go on with the version that wrote it, or move {path.parent} away to begin anew"
        )


def _set_aside(damaged: Path) -> None:
    """Out of the way of those that are kept: else a good one would be removed for it."""
    with suppress(OSError):
        aside = damaged.with_name(f"damaged-{damaged.name}")
        shutil.rmtree(aside, ignore_errors=True)
        damaged.rename(aside)


def _refuse_other_settings(theirs: dict[str, Any], ours: dict[str, Any], path: Path) -> None:
    differing = [name for name in sorted(set(theirs) | set(ours)) if theirs.get(name) != ours.get(name)]
    if differing:
        what = "; ".join(f"{name} was {theirs.get(name)!r} and is {ours.get(name)!r}" for name in differing)
        raise InputError(f"{path} belongs to another training: {what}")


def _restore(
    facts: dict[str, Any],
    weights: dict[str, Tensor],
    saved: dict[str, Any],
    path: Path,
    state: State,
) -> dict[str, Tensor]:
    run = state.run
    snapshots = {name: t for name, t in weights.items() if name.startswith(("snapshot.", "condition."))}
    run.load_weights({name: t for name, t in weights.items() if name not in snapshots}, str(path))
    run.load_metadata(facts, snapshots, str(path))
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
    """Put an optimiser's state back; where a number of its groups is a tensor, the tensor stays the same one,
    since a recorded step may read it."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    groups = [dict(group) for group in optimizer.param_groups]
    for index, entries in content["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                entries[name] = _laid_out_like(parameters[index], value)
    optimizer.load_state_dict(content)
    for mine, group in zip(groups, optimizer.param_groups, strict=True):
        for name, value in mine.items():
            if isinstance(value, Tensor):
                group[name] = value.copy_(torch.as_tensor(group[name]))
            elif isinstance(group[name], Tensor):  # it was a number that a recorded step read
                group[name] = float(group[name])
        if "capturable" in mine:  # that belongs to the device
            group["capturable"] = mine["capturable"]


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """The same values in the parameter's memory format: fused optimisers walk through memory without asking
    for it."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
