"""What the tests of checkpoints share: trainings that are killed, folders that are damaged."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import gantutor as gt
from gantutor._files import CONTENT, TENSORS
from gantutor.training.batches import ResidentBatches

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


class Killed(Exception):  # noqa: N818
    """Stands for the plug that is pulled: nothing is written after it."""


class KillAt(gt.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: gt.Run) -> None:
        if run.step == self.step:
            raise Killed


def go(gan: gt.GAN, data: Any, folder: Path | None, kill: int = 0, **options: Any) -> gt.Run:
    """Twenty steps with a checkpoint after every one; ``kill`` pulls the plug."""
    options = {"steps": 20, "batch_size": 16, "snapshots": 6, "gallery": 3, "progress": False} | options
    options = {"callbacks": [KillAt(kill)] if kill else [], "checkpoint_every": 0} | options
    return gt.train(gan, data, checkpoint=folder, **options)


# --- damage -------------------------------------------------------------------------------------------------


def flip(file: Path, place: float) -> None:
    """Flip a bit at this fraction of a file."""
    content = bytearray(file.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    file.write_bytes(content)


def holds(file: Path) -> dict[str, bytes]:
    """What an archive holds by name."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(file: Path, parts: dict[str, bytes]) -> None:
    """Write an archive anew, with checksums that are right for what is in it."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of an archive in place, as nobody but a person would."""
    parts = holds(file)
    content = json.loads(parts[CONTENT])
    change(content)
    pack(file, parts | {CONTENT: json.dumps(content).encode()})


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def ruin(file: Path, how: str) -> None:
    parts = holds(file)
    if how == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif how == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif how == "nothing":
        file.write_bytes(b"")
    elif how == "zeros":
        file.write_bytes(bytes(file.stat().st_size))
    elif how == "no tensors":
        pack(file, {CONTENT: parts[CONTENT]})
    elif how == "no content":
        pack(file, {TENSORS: parts[TENSORS]})
    elif how == "no settings":
        edit(file, lambda content: content.pop("settings"))
    elif how == "cut tensors":
        pack(file, parts | {TENSORS: parts[TENSORS][:-10]})
    elif how == "pickle":
        torch.save({"weights": torch.zeros(3)}, file)
    elif how == "pickle inside":
        torch.save({"weights": torch.zeros(3)}, file)
        pack(file, parts | {TENSORS: file.read_bytes()})
    elif how == "garbage":
        file.write_bytes(b'{"format": 3, "\xff')
    elif how == "garbage inside":
        pack(file, parts | {CONTENT: b'{"format": 3, "\xff'})
    elif how.startswith("flip in"):
        data = bytearray(file.read_bytes())
        data[data.index(parts[how.removeprefix("flip in ")]) + 30] ^= 1
        file.write_bytes(data)
    else:
        raise ValueError(how)


RUINS = [
    *("cut", "half", "nothing", "zeros", "no tensors", "no content", "cut tensors"),
    *("pickle", "pickle inside", "garbage", "garbage inside"),
    *(f"flip in {name}" for name in (CONTENT, TENSORS)),
]


# --- folders that cannot be written -------------------------------------------------------------------------


class Steps(gt.Callback):
    """Remembers the steps that were taken; does something after one of them."""

    def __init__(self, **after: Callable[[], object]) -> None:
        self.taken: list[int] = []
        self.after = {int(name.removeprefix("step")): what for name, what in after.items()}

    def on_step(self, run: gt.Run) -> None:
        self.taken.append(run.step)
        self.after.get(run.step, lambda: None)()


def train_watched(gan: gt.GAN, data: Any, folder: Path, view: Steps) -> gt.Run:
    """As ``go`` does, with a view of the steps."""
    return go(gan, data, folder, callbacks=[view])


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_permission(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


# --- the parts ----------------------------------------------------------------------------------------------


class Odd(torch.optim.SGD):
    """An optimiser whose state nests tensors in lists and dicts, and whose rate is a tensor."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, lr=torch.tensor(0.01), momentum=0.5)

    def step(self, closure: Any = None) -> None:
        super().step(closure)
        for parameter in self.param_groups[0]["params"]:
            state = self.state[parameter]
            state["past"] = [*state.get("past", []), parameter.detach().sum()][-2:]
            state["deep"] = {"counts": (len(state["past"]), None)}


def parts(seed: int) -> tuple[gt.Run, dict[str, torch.optim.Optimizer], ResidentBatches]:
    torch.manual_seed(seed)
    run = gt.Run(gt.GAN(nn.Linear(2, 2), nn.Linear(2, 1), latent=2), {"game": "none"})
    batches = ResidentBatches((torch.arange(9.0),), 4, seed, torch.device("cpu"))
    return run, {"generator": Odd(run.gan.networks["generator"].parameters())}, batches
