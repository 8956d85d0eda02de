"""Exercises of notebook 03 on weights: their running average, and a checkpoint that forgets something."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gantutor.errors import first_line
from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, call, describe, same

# --- 03.4 ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - decay)


@torch.no_grad()
def swapped_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    update(average, network, 1 - decay)


@torch.no_grad()
def growing_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.mul_(decay).add_(now)


@torch.no_grad()
def lost_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean = decay * mean + (1 - decay) * now  # type: ignore[assignment]


@torch.no_grad()
def backward_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    update(network, average, decay)


def copying_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    average.load_state_dict(network.state_dict())


def graph_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.mul_(decay).add_((1 - decay) * now)


def check_update(answer: Any) -> None:
    average, network = nn.Linear(3, 2), nn.Linear(3, 2)
    for decay in (0.9, 0.75):
        mean, now = flat(average), flat(network)
        call(answer, average, network, decay, usage="update(average, network, decay)")
        if not same(flat(network), now):
            raise Wrong("The network itself has changed: only the average should follow.")
        slips = {
            "has not changed: write into its weights, in place, as a name for a new tensor is not "
            "enough.": mean,
            "is now a copy of the network, which averages nothing.": now,
            "follows too fast: the share `decay` belongs to what the average was.": (1 - decay) * mean
            + decay * now,
            "grows from step to step, as the two shares do not add up to 1.": decay * mean + now,
        }
        for slip, other in slips.items():
            if same(flat(average), other):
                raise Wrong(f"The average {slip}")
        if not same(flat(average), decay * mean + (1 - decay) * now):
            raise Wrong(f"With decay = {decay} the average is not decay · average + (1 − decay) · network.")


def flat(network: nn.Module) -> Tensor:
    """All weights in one row, copied."""
    return torch.cat([weight.detach().flatten().clone() for weight in network.parameters()])


UPDATE = Exercise(
    number="03.4",
    title="Average the weights",
    question="Write `update(average, network, decay)`, which moves every weight of the network `average` "
    "to decay · average + (1 − decay) · network, in place. It returns nothing.",
    hints=(
        "Go through `parameters()` of both at once, without gradients (`torch.no_grad()`).",
        "`a.lerp_(b, t)` moves a to (1 − t) · a + t · b, in place: which t is wanted?",
    ),
    solution=update,
    why="`lerp_` writes into the average's own weights; the new weights count for the small share 1 − decay.",
    check=check_update,
    wrong=(
        (swapped_update, "follows too fast"),
        (growing_update, "add up to 1"),
        (lost_update, "has not changed"),
        (copying_update, "copy of the network"),
        (backward_update, "network itself"),
        (graph_update, "in-place operation"),
    ),
)

# --- 03.5 ---------------------------------------------------------------------------------------------------

Networks = Mapping[str, nn.Module]
Optimizers = Mapping[str, torch.optim.Optimizer]


def buggy_save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    """All that is needed to train on as if nothing had happened."""
    return {"networks": {name: network.state_dict() for name, network in networks.items()}}


def restore(state: Any, networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> None:
    """Put back what was saved, as far as it was."""
    for name, network in networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimizer in optimizers.items():
        if "optimizers" in state:
            optimizer.load_state_dict(state["optimizers"][name])
    if "draw" in state:
        draw.set_state(state["draw"])


def save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    state = {
        "networks": {name: network.state_dict() for name, network in networks.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        "draw": draw.get_state(),
    }
    return copy.deepcopy(state)


def shared_save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    state = save(networks, optimizers, draw)
    return state | buggy_save(networks, optimizers, draw)


def half_shared_save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    state = save(networks, optimizers, draw)
    return state | {"optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()}}


class Game:
    """Two small networks and their optimisers, which learn from numbers that ``draw`` draws."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.networks = {"generator": nn.Linear(2, 2), "discriminator": nn.Linear(2, 1)}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=0.05) for name, network in self.networks.items()
        }
        self.draw = torch.Generator().manual_seed(seed)

    def play(self, steps: int) -> Game:
        for _ in range(steps):
            for name, optimizer in self.optimizers.items():
                optimizer.zero_grad()
                noise = torch.randn(4, 2, generator=self.draw)
                self.networks[name](noise).square().mean().backward()
                optimizer.step()
        return self

    @property
    def parts(self) -> tuple[Networks, Optimizers, torch.Generator]:
        return self.networks, self.optimizers, self.draw

    def weights(self) -> Tensor:
        return torch.cat([flat(network) for network in self.networks.values()])

    def momenta(self) -> Tensor:
        states = [state for each in self.optimizers.values() for state in each.state.values()]
        return torch.cat([state["exp_avg"].flatten().clone() for state in states] or [torch.zeros(0)])


def check_save(answer: Any) -> None:
    first = Game(1).play(3)
    begun = Game(1).draw.get_state()
    weights, momenta, drawn = first.weights(), first.momenta(), first.draw.get_state()
    state = call(answer, *first.parts, usage="save(networks, optimizers, draw)")
    if not isinstance(state, Mapping) or "networks" not in state:
        raise Wrong(f'The function should return a dict with "networks" and more, not {describe(state)}.')
    if "optimizers" not in state:
        raise Wrong("The optimisers are forgotten: Adam's averages of the gradients would begin again at 0.")
    if "draw" not in state:
        raise Wrong("The random state is forgotten: after a restart the same numbers would not be drawn.")
    goal = first.play(3).weights()
    second = Game(2)
    try:
        restore(state, *second.parts)
    except Exception as error:
        raise Wrong(
            f"`restore` cannot use it: it raised {type(error).__name__}: {first_line(error)}."
        ) from None
    if not same(second.weights(), weights):
        raise Wrong("The checkpoint changed while training went on: `state_dict()` hands out the weights "
                    "themselves, and no copy of them.")  # fmt: skip
    if len(second.momenta()) != len(momenta) or not same(second.momenta(), momenta):
        raise Wrong("The optimisers come back other than they were when saved: are their tensors copied too?")
    if torch.equal(second.draw.get_state(), begun):
        raise Wrong("The random state is that of the very start, so the first numbers would be drawn again.")
    if not torch.equal(second.draw.get_state(), drawn) or not same(second.play(3).weights(), goal):
        raise Wrong(
            "Restored, the game goes on otherwise than it did: something is not as it was when saved."
        )


SAVE = Exercise(
    number="03.5",
    title="Find the bug: a checkpoint that forgets",
    question="The checkpoint below is meant for `restore`, so that training goes on as if nothing had "
    "happened. It forgets two things, and a third bug hides in what `state_dict()` returns. Write "
    "`save(networks, optimizers, draw)`; `draw` is the `torch.Generator` of all random numbers.",
    hints=(
        "What besides the networks changes from step to step? `restore` shows the names it looks for.",
        "`state_dict()` returns the weights themselves, which training goes on changing: `copy.deepcopy` "
        "helps.",
    ),
    solution=save,
    why="Networks, optimisers and random state together are the training; a deep copy stays as it was.",
    check=check_save,
    wrong=(
        (buggy_save, "optimisers are forgotten"),
        (lambda *parts: {name: save(*parts)[name] for name in ("networks", "optimizers")}, "state is forg"),
        (shared_save, "hands out"),
        (half_shared_save, "their tensors copied"),
        (lambda networks, optimizers, draw: save(networks, optimizers, torch.Generator().manual_seed(1)),
         "very start"),
        (lambda *parts: save(*parts) | {"networks": {}}, "`restore` cannot"),
        (lambda networks, optimizers, draw: save(networks, optimizers, torch.Generator().manual_seed(9)),
         "goes on otherwise"),
    ),
    shown=(buggy_save, restore),
)  # fmt: skip

EXERCISES = (UPDATE, SAVE)
