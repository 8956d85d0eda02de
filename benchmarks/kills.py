"""A training killed at random moments, and resumed each time, ends as an uninterrupted one, bit for bit.

    python benchmarks/kills.py                 # 30 kills; two to three minutes
    python benchmarks/kills.py --kills 5 --small

A child process trains the labelled digits recipe in batches of 16, with a checkpoint every tenth of a second;
it gets SIGKILL at a random moment after it began to resume, and the next child goes on. After each kill every
checkpoint there is must be whole. Writes ``results/kills.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

import gantutor as gt
from gantutor.training import checkpoint

EVERY = 0.1
"""Seconds from one checkpoint to the next."""
AHEAD = 3
"""Children that import torch while another one trains."""
TOO_SHORT = "a child came to its end before it was killed: give the training more --steps"


def play(folder: Path | None, steps: int, small: bool, every: float = EVERY) -> gt.Run:
    """The training: uninterrupted without a folder, and else with checkpoints in it."""
    torch.manual_seed(0)
    data: Any
    if small:
        data = torch.rand(64, 1, 8, 8) * 2 - 1
        networks = gt.networks.ConvGenerator(4, size=8), gt.networks.ConvDiscriminator(size=8, features=16)
        gan = gt.GAN(*networks, gt.objectives.non_saturating(r1=1.0), latent=4)
    else:
        data = gt.data.digits().train
        networks = gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)
        gan = gt.GAN(*networks, gt.objectives.non_saturating(r1=1.0))
    return gt.train(
        gan,
        data,
        steps=steps,
        batch_size=16,
        device="cpu",
        snapshots=6,
        gallery=16,
        checkpoint=folder,
        checkpoint_every=every,
        progress=False,
    )


def live(folder: Path, steps: int, small: bool) -> None:
    """What a child does: all that takes long before training, then, once it is told to, the training."""
    play(None, 1, small)
    print("ready", flush=True)
    sys.stdin.readline()
    play(folder, steps, small)


class Child:
    """A process of its own that trains when it is told to."""

    def __init__(self, folder: Path, steps: int, small: bool) -> None:
        options = ["--live", str(folder), "--steps", str(steps), *["--small"] * small]
        self.process = subprocess.Popen(
            [sys.executable, __file__, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def live(self, seconds: float) -> None:
        """Let it train so long, then kill it."""
        assert self.process.stdout is not None
        self.process.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.communicate("go\n", timeout=seconds)
        self.kill()
        if self.process.returncode != -signal.SIGKILL:
            raise SystemExit(TOO_SHORT)

    def kill(self) -> None:
        self.process.kill()  # SIGKILL, to this process alone
        self.process.communicate()


def look(folder: Path) -> dict[str, Any]:
    """What a kill left: the newest checkpoint, how many cannot be read, and whether one was half-written."""
    unreadable, steps = [], []
    for path in sorted(folder.glob("step-*.zip")):
        try:
            steps.append(checkpoint.read(path)[0]["step"])
        except gt.InputError as error:
            unreadable.append(str(error))
    return {
        "newest": steps[-1] if steps else None,
        "unreadable": unreadable,
        "half_written": len(list(folder.glob(".*.new"))),
    }


def killed(
    folder: Path, kills: int, longest: float, steps: int, small: bool, seed: int
) -> list[dict[str, Any]]:
    """Train in ``folder``, killed so many times, after ``longest`` seconds at most; what each kill left."""
    moments, rows = random.Random(seed), []
    waiting = [Child(folder, steps, small) for _ in range(min(AHEAD, kills))]
    try:
        for number in range(kills):
            if number + AHEAD < kills:
                waiting.append(Child(folder, steps, small))
            moment = moments.uniform(0, longest)
            waiting[0].live(moment)
            waiting.pop(0)
            rows.append({"kill": number + 1, "after_seconds": round(moment, 3)} | look(folder))
            print(json.dumps(rows[-1]), flush=True)
            if rows[-1]["newest"] == steps:
                raise SystemExit(TOO_SHORT)
    finally:
        for child in waiting:
            child.kill()
    return rows


def weights_in(folder: Path) -> dict[str, Tensor]:
    """The weights in the newest checkpoint, of the networks and of their averages."""
    _, tensors = checkpoint.read(sorted(folder.glob("step-*.zip"))[-1])
    return {name: value for name, value in tensors.items() if name.startswith(("gan.", "averaged."))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--longest", type=float, default=2.0, help="seconds of the longest life")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--small", action="store_true", help="a game on random images; writes no results")
    parser.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.live is not None:
        live(given.live, given.steps, given.small)
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = killed(folder, given.kills, given.longest, given.steps, given.small, given.seed)
        run = play(folder, given.steps, given.small, every=5.0)
        found, size = weights_in(folder), (folder / f"step-{run.step:09d}.zip").stat().st_size
    straight = play(None, given.steps, given.small).weights()
    content = {
        "kills": given.kills,
        "unreadable": sum(len(row["unreadable"]) for row in rows),
        "kills_while_writing": sum(row["half_written"] > 0 for row in rows),
        "same_weights": found.keys() == straight.keys()
        and all(torch.equal(found[name], straight[name]) for name in straight),
        "steps": given.steps,
        "checkpoint_every": EVERY,
        "checkpoint_bytes": size,
        "seconds": round(time.monotonic() - began, 1),
        "safetensors": safetensors.__version__,
        "rows": rows,
    }
    print(json.dumps({name: value for name, value in content.items() if name != "rows"}))
    if not given.small:
        from machine import write  # stands beside this script, which the tests load from elsewhere

        write("kills", content)
    if content["unreadable"] or not content["same_weights"]:
        raise SystemExit("a checkpoint could not be read, or the weights differ")


if __name__ == "__main__":
    main()
