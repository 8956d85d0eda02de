"""What the tests of checkpoints share: trainings that are killed, folders that are damaged."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import gantutor as gt
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


def flip(file: Path, place: float) -> None:
    """Flip a bit at this fraction of a file."""
    content = bytearray(file.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    file.write_bytes(content)


def seal(folder: Path) -> None:
    """Checksums that are right for what stands in a folder now."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def ruin(folder: Path, how: str) -> None:
    if how == "cut":
        (folder / "state.safetensors").write_bytes((folder / "state.safetensors").read_bytes()[:-1])
    elif how == "gone":
        (folder / "weights.safetensors").unlink()
    elif how == "no checksums":
        (folder / "SHA256SUMS").unlink()
    elif how == "nothing":
        shutil.rmtree(folder)
        folder.mkdir()
    elif how == "pickle":
        torch.save({"weights": torch.zeros(3)}, folder / "weights.safetensors")
    elif how == "pickle, sealed":
        torch.save({"weights": torch.zeros(3)}, folder / "weights.safetensors")
        seal(folder)
    elif how == "garbage":
        (folder / "run.json").write_bytes(b'{"format": 2, "\xff')
    elif how == "garbage, sealed":
        (folder / "run.json").write_bytes(b'{"format": 2, "\xff')
        seal(folder)
    elif how.startswith("flip"):
        _, name, place = how.split()
        flip(folder / name, float(place))
    else:
        (folder / "run.json").write_text(json.dumps({"format": 1}))


PICKLED = ["pickle", "pickle, sealed", "garbage", "garbage, sealed"]
FLIPS = [
    f"flip {name} {place}"
    for name in ("weights.safetensors", "state.safetensors", "run.json", "SHA256SUMS")
    for place in (0, 0.3, 0.999)
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
