"""What several processes do together in the tests, and how they are started: ``together("talk")``.

Each case is a function that runs in every process; its rank is in the environment, as under torchrun.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

import gantutor as gt
from gantutor._errors import InputError, ProcessLost
from gantutor.games import gan as games
from gantutor.training.distributed import Group, join_group, local_device

CPU = torch.device("cpu")
Said = tuple[int, Any, str]


def read_line(line: list[str]) -> Any:
    """The line as JSON; where a child died before it could write any, what it said instead."""
    try:
        return json.loads(line[0]) if line else None
    except json.JSONDecodeError:
        return line[0]


def together(case: str, *arguments: object, size: int = 2, **environment: str) -> list[Said]:
    """Run a case in several processes: the exit status of each, the last line it printed, read as JSON, and
    all that it wrote to stderr. They must print less than a pipe holds, 64 KiB."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
    shared |= {"OMP_NUM_THREADS": "1", "LOCAL_WORLD_SIZE": str(size)} | environment
    command = [sys.executable, __file__, case, *map(str, arguments)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    children = [
        subprocess.Popen(
            command, env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, **pipes
        )
        for rank in range(size)
    ]
    try:
        said = [child.communicate(timeout=120) for child in children]
    finally:
        for child in children:
            child.kill()
    last = [out.strip().splitlines()[-1:] for out, _ in said]
    return [
        (child.returncode, read_line(line), errors)
        for child, line, (_, errors) in zip(children, last, said, strict=True)
    ]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sentence(call: Callable[[], Any]) -> str:
    """The kind of error a call ends in, and what it says; empty where it ends well."""
    try:
        call()
    except (InputError, ProcessLost) as error:
        return f"{type(error).__name__}: {error}"
    return ""


# --- a group ------------------------------------------------------------------------------------------------


def talk(meeting_place: str) -> None:
    """Every method of a group; then a group that was made by hand, in which one of the two dies."""
    group = join_group(local_device(CPU))
    found = {"group": [group.rank, group.size, group.leader, join_group(CPU) == group]}
    found["gradients"] = gradients(group)
    found["weights"] = weights(group)
    found["settings"] = settings(group)
    found["decided"] = group.broadcast([group.rank + 0.1, 1e-300, float("inf")])
    state = torch.full((2, 3), group.rank, dtype=torch.uint8)
    found["gathered"] = [each.tolist() for each in group.gather(state)]
    dist.destroy_process_group()
    dist.init_process_group("gloo", f"file://{meeting_place}", rank=group.rank, world_size=group.size)
    own = join_group(CPU)
    found["by hand"] = [own == group, own.broadcast([own.rank + 5.0])]
    print(json.dumps(found), flush=True)
    if own.rank:
        die()
    print(json.dumps(found | {"lost": losses(own)}))


def gradients(group: Group) -> list[Any]:
    """Of a convolution in channels last, of a parameter of another type, and one that only rank 0 has."""
    image = nn.Parameter(torch.zeros(2, 3, 2, 2).to(memory_format=torch.channels_last))
    double, sometimes = nn.Parameter(torch.zeros(3, dtype=torch.float64)), nn.Parameter(torch.zeros(()))
    values = torch.arange(24.0).view(2, 3, 2, 2)
    image.grad = (values + 1 - 2 * group.rank).to(memory_format=torch.channels_last)
    double.grad = torch.full_like(double, 4.0 * group.rank)
    if group.leader:
        sometimes.grad = torch.tensor(3.0)
    group.average_gradients([image, double, sometimes])
    assert image.grad is not None and double.grad is not None and sometimes.grad is not None
    laid_out = image.grad.is_contiguous(memory_format=torch.channels_last)
    return [torch.equal(image.grad, values), laid_out, double.grad.tolist(), sometimes.grad.item()]


def weights(group: Group) -> list[Any]:
    """The weights of networks that began differently, with buffers of two types; those of another size."""
    torch.manual_seed(group.rank)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    for _ in range(1 + group.rank):
        network(torch.randn(3, 3, 8, 8))
    group.broadcast_weights(network)
    wider = sentence(lambda: group.broadcast_weights(nn.Linear(2, 2 + group.rank)))
    return [[value.double().flatten().tolist() for value in network.state_dict().values()], wider]


def settings(group: Group) -> list[str]:
    same = {"seed": 0, "game": {"latent": 64}, "loss": "é" * 300}
    optimizer = ["Adam", ["lr", 0.001 * (group.rank + 1)]]
    other = same | {"seed": group.rank, "optimizers": {"generator": optimizer}}
    return [
        sentence(lambda: group.check_same_settings(same)),
        sentence(lambda: group.check_same_settings(other)),
    ]


def losses(group: Group) -> list[str]:
    """What each method says when the other process is gone."""
    weight = nn.Parameter(torch.zeros(1000))
    return [
        sentence(lambda: group.gather(torch.zeros(3))),
        sentence(lambda: group.average_gradients([weight])),
        sentence(lambda: group.broadcast_weights(nn.Linear(2, 2))),
        sentence(lambda: group.check_same_settings({})),
    ]


# --- recipes for the command line ---------------------------------------------------------------------------


def fails(seed: int = 0) -> gt.course.recipes.Recipe:
    raise ValueError("the cat sat on the keyboard")


def gives_a_number(seed: int = 0) -> int:
    return 3


def takes_no_seed() -> gt.course.recipes.Recipe:
    return gt.course.recipes.ring()


# --- trainings ----------------------------------------------------------------------------------------------

SIZE = 16
"""The batch of each of two processes; one process alone takes twice as many."""

ORDERED = {"optimizer": gt.optim.adam(2e-3), "schedule": gt.optim.linear_decay(0.5)}


class Fate:
    """How many more times this process may ask for the generator's loss; 0: for ever."""

    left = 0


def mortal_loss(loss: Callable[[gt.GAN, gt.Batch], Any], gan: gt.GAN, batch: gt.Batch) -> Any:
    if Fate.left:
        Fate.left -= 1
        if not Fate.left:
            die()
    return loss(gan, batch)


def points() -> Tensor:
    """200 points of a plane, which no batch divides."""
    return torch.tensor([2.0, -1.0]) + 0.5 * torch.randn(200, 2, generator=torch.Generator().manual_seed(1))


def point_game() -> gt.GAN:
    """A game in which the samples of a batch do not know of one another; its networks always begin alike."""
    objective = gt.objectives.non_saturating(r1=0.1, every=4)
    critic, generator = games.classical_turns(objective, discriminator_turns=2)
    turns = [critic, gt.Turn("generator", partial(mortal_loss, generator.loss))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        pair = gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,))
    return gt.GAN.of(dict(zip(("generator", "discriminator"), pair, strict=True)), turns, latent=2)


def go(**options: Any) -> gt.Run:
    """Twenty steps, in as many processes as there are, with a checkpoint after each where there is a
    folder."""
    usual = {"steps": 20, "batch_size": SIZE, "snapshots": 3, "gallery": 4, "progress": False}
    return gt.train(point_game(), points(), **usual | {"checkpoint_every": 0} | ORDERED | options)


def train_together(folder: str) -> None:
    """A run to be compared, some that are refused, and at last one in which the second process dies."""
    where, group = Path(folder), join_group(CPU)
    run = go()
    found: dict[str, Any] = {"run": [run.step, run.images, run.ended, len(run.snapshots)]}
    found["weights"] = [digest(each) for each in group.gather(flat(run.gan))]
    found["seed"] = sentence(lambda: go(seed=group.rank))
    found["batch"] = sentence(lambda: go(batch_size=SIZE + group.rank))
    found["alone"] = sentence(lambda: go(checkpoint=where / "alone"))
    if group.leader:
        run.save(where / "straight")
    else:
        Fate.left = 12  # the first of them is a rehearsal
    print(json.dumps(found), flush=True)
    found["lost"] = sentence(lambda: go(checkpoint=where / "together"))
    print(json.dumps(found))


def leave() -> None:
    """A training whose trainer is kept until the end; prints the threads of gloo when all have left."""
    atexit.register(print_threads)  # the first to be registered is the last to run
    kept.append(gt.Trainer(point_game(), points(), steps=2, batch_size=SIZE, progress=False))
    kept[0].run()


def print_threads() -> None:
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    print(json.dumps([name for name in names if "gloo" in name]))


kept: list[gt.Trainer] = []


def resume_together(folder: str) -> None:
    where = Path(folder)
    begun = sorted(path.name for path in (where / "together").glob("step-*"))
    run = go(checkpoint=where / "together")
    if join_group(CPU).leader:
        run.save(where / "resumed")
    print(json.dumps({"from": begun, "run": [run.step, run.images, run.ended]}))


def digest(tensor: Tensor) -> str:
    """A short text that stands for every bit of a tensor."""
    return sha256(tensor.numpy().tobytes()).hexdigest()


def flat(network: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


if __name__ == "__main__":
    torch.set_num_threads(1)
    globals()[sys.argv[1]](*sys.argv[2:])
