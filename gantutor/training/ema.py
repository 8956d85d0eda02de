"""Averages of networks over a training: how they follow, and how their batch norm is settled."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gantutor._calling import apply


class AveragedWeights(NamedTuple):
    """The weights and buffers of averages, and those of the networks they follow, in the same order."""

    weights: list[Tensor]
    followed: list[Tensor]
    buffers: list[Tensor]
    copied: list[Tensor]

    @classmethod
    def of(cls, averages: Iterable[nn.Module], networks: Iterable[nn.Module]) -> AveragedWeights:
        """Each average follows the network at its own place."""
        both = nn.ModuleList(averages), nn.ModuleList(networks)
        mine, theirs = ((list(each.parameters()), list(each.buffers())) for each in both)
        return cls(list(mine[0]), list(theirs[0]), mine[1], theirs[1])


def frozen_copy(network: nn.Module) -> nn.Module:
    """The same network in the same mode with weights of its own, which ask for no gradient.

    A copy of a recurrent network scatters its weights in memory, and cuDNN would gather them at every call:
    on a GPU they are laid side by side again.

    >>> frozen_copy(nn.GRU(1, 1)).weight_hh_l0.requires_grad
    False
    """
    made = copy.deepcopy(network).requires_grad_(False)
    for module in made.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    return made


@torch.no_grad()
def update(followers: AveragedWeights, weight: float | Tensor) -> None:
    """Move each average towards its network: ā ← ā + weight · (θ − ā); buffers are copied.

    >>> average, network = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(average.weight), nn.init.ones_(network.weight)
    >>> update(AveragedWeights.of([average], [network]), 0.25); average.weight.item()
    0.25
    """
    if not followers.weights:  # a game may average nothing
        return
    if isinstance(weight, Tensor):
        steps = torch._foreach_sub(followers.followed, followers.weights)
        torch._foreach_mul_(steps, weight)
        torch._foreach_add_(followers.weights, steps)
    else:
        torch._foreach_lerp_(followers.weights, followers.followed, weight)
    if followers.buffers:
        torch._foreach_copy_(followers.buffers, followers.copied)


@torch.no_grad()
def recompute_batch_norm(generator: nn.Module, batches: Iterable[tuple[Any, Any]]) -> None:
    """Measure anew the statistics of a network's batch norm, as means over ``batches`` of (latents,
    conditions).

    An average of weights has none of its own: its layers see other values than those of any network it
    averages (Izmailov et al. 2018, arXiv:1803.05407, section 3.2).

    >>> average = nn.Sequential(nn.BatchNorm1d(1)).eval()
    >>> recompute_batch_norm(average, [(torch.tensor([[1.0], [3.0]]), None)]); average[0].running_mean
    tensor([2.])
    """
    norms = [
        module
        for module in generator.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for latents, conditions in batches:
        apply(generator, latents, conditions)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
