"""The whole state of a training on disk, so that a killed one goes on exactly where it was.

A checkpoint is a folder with two safetensors files and one of JSON, written to the side and renamed; the last
two are kept. Nothing is pickled.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gantutor.data.batches import Batches
from gantutor.errors import InputError
from gantutor.files import new_folder, read_json, read_tensors, write_json, write_tensors
from gantutor.run import Run

KEPT = 2


def save(
    folder: Path,
    run: Run,
    optimizers: dict[str, Optimizer],
    batches: Batches,
    generators: dict[str, torch.Generator],
) -> None:
    """Write a checkpoint of this moment, and remove all but the last two."""
    numbers, tensors = _optimizer_state(optimizers)
    tensors |= {f"random.{name}": generator.get_state() for name, generator in generators.items()}
    tensors |= {"random.global": torch.get_rng_state()}
    tensors |= {f"data.{name}": tensor for name, tensor in batches.state_dict().items()}
    if run.gan.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(run.gan.device)
    with new_folder(folder / f"step-{run.step:09d}") as fresh:
        write_tensors(fresh / "weights.safetensors", run.weights() | run.snapshot_tensors())
        write_tensors(fresh / "state.safetensors", tensors)
        write_json(fresh / "run.json", run.facts() | {"optimizers": numbers})
    for old in _all(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def resume(
    folder: Path,
    run: Run,
    optimizers: dict[str, Optimizer],
    batches: Batches,
    generators: dict[str, torch.Generator],
) -> str | None:
    """Put everything back as the newest readable checkpoint has it, and say so in a sentence; None where
    there is none.

    Raises InputError, naming what differs, where the checkpoint is of another training.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"checkpoint must be a folder, and {folder} is a file")
    said = ""
    for path in reversed(_all(folder)):
        try:
            facts = read_json(path / "run.json")
            weights, state = (
                read_tensors(path / "weights.safetensors"),
                read_tensors(path / "state.safetensors"),
            )
            settings = facts["settings"]
        except (InputError, KeyError, TypeError) as error:
            said += f"Passed over a damaged checkpoint ({error}). "
            continue
        _refuse_other_settings(settings, run.settings, path)
        _restore(facts, weights, state, path, run, optimizers, batches, generators)
        return f"{said}Resumed at step {run.step:,} from {path}."
    if said:
        raise InputError(f"{said}No other checkpoint is left in {folder}: move the folder away to begin anew")
    return None


def _all(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.is_dir() else []


def _refuse_other_settings(theirs: dict[str, Any], ours: dict[str, Any], path: Path) -> None:
    differing = [name for name in sorted(set(theirs) | set(ours)) if theirs.get(name) != ours.get(name)]
    if differing:
        what = "; ".join(f"{name} was {theirs.get(name)!r} and is {ours.get(name)!r}" for name in differing)
        raise InputError(f"{path} belongs to another training: {what}")


def _restore(
    facts: dict[str, Any],
    weights: dict[str, Tensor],
    state: dict[str, Tensor],
    path: Path,
    run: Run,
    optimizers: dict[str, Optimizer],
    batches: Batches,
    generators: dict[str, torch.Generator],
) -> None:
    snapshots = {name: t for name, t in weights.items() if name.startswith(("snapshot.", "condition."))}
    run.load_weights({name: t for name, t in weights.items() if name not in snapshots}, str(path))
    run.load_facts(facts, snapshots, str(path))
    _load_optimizers(optimizers, facts["optimizers"], state)
    batches.load_state_dict(
        {name.removeprefix("data."): t for name, t in state.items() if name.startswith("data.")}
    )
    for name, generator in generators.items():
        generator.set_state(state[f"random.{name}"])
    torch.set_rng_state(state["random.global"])
    if "random.cuda" in state:
        torch.cuda.set_rng_state(state["random.cuda"], run.gan.device)


def _optimizer_state(optimizers: dict[str, Optimizer]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The numbers and the tensors of optimisers apart, for JSON and safetensors."""
    numbers: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    for name, optimizer in optimizers.items():
        content = optimizer.state_dict()
        numbers[name] = {"groups": content["param_groups"], "state": {}}
        for index, entries in content["state"].items():
            numbers[name]["state"][str(index)] = {
                k: v for k, v in entries.items() if not isinstance(v, Tensor)
            }
            tensors |= {
                f"optimizer.{name}.{index}.{k}": v for k, v in entries.items() if isinstance(v, Tensor)
            }
    return numbers, tensors


def _load_optimizers(
    optimizers: dict[str, Optimizer], numbers: dict[str, Any], tensors: dict[str, Tensor]
) -> None:
    for name, optimizer in optimizers.items():
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        state: dict[int, dict[str, Any]] = {
            int(index): dict(e) for index, e in numbers[name]["state"].items()
        }
        prefix = f"optimizer.{name}."
        for key, tensor in tensors.items():
            if key.startswith(prefix):
                index, entry = key.removeprefix(prefix).split(".", 1)
                state[int(index)][entry] = _laid_out_like(parameters[int(index)], tensor)
        optimizer.load_state_dict({"param_groups": numbers[name]["groups"], "state": state})


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """The same values in the parameter's memory format: fused optimisers walk through memory without asking
    for it."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
