"""Looking inside a network without touching it: dead units, and how far its weights have moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

RECTIFIERS = (nn.ReLU, nn.ReLU6)
"""Activations whose units can be stuck at 0; a leaky one always lets a gradient through."""


def watching_units(network: nn.Module, call: Callable[[], Any]) -> tuple[Any, float | None]:
    """What ``call`` returns, and the share of dead units in the rectified layer of ``network`` that has most.

    A unit (a channel, where the layer is convolutional) is dead if it is 0 for every sample ``network`` was
    given meanwhile. None where no ``nn.ReLU`` or ``nn.ReLU6`` was called; the functional form is not seen,
    and one module that serves several layers of one width counts as one layer.

    >>> network = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    >>> _ = nn.init.zeros_(network[0].weight), network[0].bias.data.copy_(torch.tensor([1.0, -1.0]))
    >>> watching_units(network, lambda: network(torch.zeros(4, 1)))[1]
    0.5
    """
    alive: dict[tuple[nn.Module, int], Tensor] = {}

    def look(module: nn.Module, _: Any, output: Any) -> None:
        units = (output != 0).transpose(0, 1).flatten(1).any(1)
        layer = module, len(units)
        alive[layer] = alive[layer] | units if layer in alive else units

    hooks = [
        module.register_forward_hook(look) for module in network.modules() if isinstance(module, RECTIFIERS)
    ]
    try:
        result = call()
    finally:
        for hook in hooks:
            hook.remove()
    dead = [1 - float(units.float().mean()) for units in alive.values()]
    return result, max(dead, default=None)


Weights = dict[str, list[Tensor]]


def weights_of(networks: dict[str, nn.Module]) -> Weights:
    """Copies of the weights that are trained, by network; those without any are left out.

    >>> [len(weights) for weights in weights_of({"line": nn.Linear(1, 1)}).values()]
    [2]
    """
    copies = {
        name: [p.detach().clone() for p in network.parameters() if p.requires_grad]
        for name, network in networks.items()
    }
    return {name: weights for name, weights in copies.items() if weights}


@torch.no_grad()
def moved(before: Weights, networks: dict[str, nn.Module]) -> dict[str, float]:
    """‖θ − θ before‖ / ‖θ before‖ of each network.

    >>> network = nn.Linear(1, 1)
    >>> moved(weights_of({"line": network}), {"line": network})
    {'line': 0.0}
    """
    shares = {}
    for name, old in before.items():
        new = [p for p in networks[name].parameters() if p.requires_grad]
        step = torch.stack([(a - b).float().norm() for a, b in zip(new, old, strict=True)]).norm()
        size = torch.stack([b.float().norm() for b in old]).norm()
        shares[name] = float(step / size.clamp_min(1e-12))
    return shares
