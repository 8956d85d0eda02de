"""Measurements inside a network that do not change it: dead units, and the change of its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

RECTIFIERS = (nn.ReLU, nn.ReLU6)
"""Activations whose units can stay at 0 for good; leaky ones always pass a gradient."""

Weights = dict[str, list[Tensor]]
"""The weights of each network, by its name."""


def measure_dead_units(network: nn.Module, call: Callable[[], Any]) -> tuple[Any, float | None]:
    """Run ``call``, and measure the share of dead units in the ReLU layer with the largest share.

    A unit (a channel, where the layer is convolutional) is dead if it is 0 for every sample that the network
    was given during the call. One module that serves several layers of one width counts as one layer.

    Args:
        network: the network whose ``nn.ReLU`` and ``nn.ReLU6`` modules are watched.
        call: a function without arguments that calls the network.

    Returns:
        What ``call`` returns, and the share from 0 to 1: None where no such module was called, as with the
        functional form of ReLU.

    >>> network = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    >>> _ = nn.init.zeros_(network[0].weight), network[0].bias.data.copy_(torch.tensor([1.0, -1.0]))
    >>> measure_dead_units(network, lambda: network(torch.zeros(4, 1)))[1]
    0.5
    """
    alive: dict[tuple[nn.Module, int], Tensor] = {}

    def record(module: nn.Module, _: Any, output: Any) -> None:
        units = (output != 0).transpose(0, 1).flatten(1).any(1)  # (C,)
        layer = module, len(units)
        alive[layer] = alive[layer] | units if layer in alive else units

    hooks = [
        module.register_forward_hook(record) for module in network.modules() if isinstance(module, RECTIFIERS)
    ]
    try:
        result = call()
    finally:
        for hook in hooks:
            hook.remove()
    dead = [1 - float(units.float().mean()) for units in alive.values()]
    return result, max(dead, default=None)


def copy_weights(networks: dict[str, nn.Module]) -> Weights:
    """Return copies of the weights that are trained; networks without any are left out.

    Args:
        networks: by name.

    >>> [len(weights) for weights in copy_weights({"line": nn.Linear(1, 1)}).values()]
    [2]
    """
    copies = {
        name: [p.detach().clone() for p in network.parameters() if p.requires_grad]
        for name, network in networks.items()
    }
    return {name: weights for name, weights in copies.items() if weights}


@torch.no_grad()
def relative_change(before: Weights, networks: dict[str, nn.Module]) -> dict[str, float]:
    """Return the relative change of the weights of each network, ‖θ − θ₀‖ / ‖θ₀‖.

    Args:
        before: the earlier weights θ₀, from ``copy_weights``.
        networks: the same networks as they are now.

    Returns:
        The ratio by name, 0 where nothing has moved.

    >>> network = nn.Linear(1, 1)
    >>> relative_change(copy_weights({"line": network}), {"line": network})
    {'line': 0.0}
    """
    ratios = {}
    for name, old in before.items():
        new = [p for p in networks[name].parameters() if p.requires_grad]
        step = torch.stack([(a - b).float().norm() for a, b in zip(new, old, strict=True)]).norm()
        size = torch.stack([b.float().norm() for b in old]).norm()
        ratios[name] = float(step / size.clamp_min(1e-12))
    return ratios
