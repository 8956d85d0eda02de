"""Exponential moving averages (EMA) of networks: their update, and their batch-norm statistics."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import apply


@dataclass(frozen=True)
class AveragedWeights:
    """The tensors of averaged networks, and those of the networks that they average, in the same order.

    Attributes:
        weights: parameters of the averages.
        source_weights: parameters of the networks.
        buffers: buffers of the averages.
        source_buffers: buffers of the networks.
    """

    weights: list[Tensor]
    source_weights: list[Tensor]
    buffers: list[Tensor]
    source_buffers: list[Tensor]

    @classmethod
    def of(cls, averages: Iterable[nn.Module], networks: Iterable[nn.Module]) -> AveragedWeights:
        """Return the tensors of averages and networks.

        Args:
            averages: copies of the networks.
            networks: the networks, in the same order.
        """
        modules = nn.ModuleList(averages), nn.ModuleList(networks)
        of_averages, of_networks = ((list(module.parameters()), list(module.buffers())) for module in modules)
        return cls(list(of_averages[0]), list(of_networks[0]), of_averages[1], of_networks[1])

    @torch.no_grad()
    def update(self, weight: float | Tensor) -> None:
        """Move each average towards its network: ā ← ā + w · (θ − ā); buffers are copied.

        Args:
            weight: the weight w, from 0 to 1, as a number or a scalar tensor.

        >>> average, network = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.zeros_(average.weight), nn.init.ones_(network.weight)
        >>> AveragedWeights.of([average], [network]).update(0.25); average.weight.item()
        0.25
        """
        if not self.weights:  # a game may average nothing
            return
        if isinstance(weight, Tensor):
            differences = torch._foreach_sub(self.source_weights, self.weights)
            torch._foreach_mul_(differences, weight)
            torch._foreach_add_(self.weights, differences)
        else:
            torch._foreach_lerp_(self.weights, self.source_weights, weight)
        if self.buffers:
            torch._foreach_copy_(self.buffers, self.source_buffers)


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy of a network, in the same mode, whose weights need no gradient.

    Copying scatters the weights of a recurrent network in memory, and cuDNN would gather them at every call.
    They are put next to each other again.

    >>> frozen_copy(nn.GRU(1, 1)).weight_hh_l0.requires_grad
    False
    """
    copied = copy.deepcopy(network).requires_grad_(False)
    for module in copied.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    return copied


@torch.no_grad()
def recompute_batch_norm(generator: nn.Module, batches: Iterable[tuple[Any, Any]]) -> None:
    """Recompute the batch-norm statistics of an averaged network, as means over batches.

    The average of the weights has no statistics of its own: its layers see other values than those of any
    network that it averages (Izmailov et al. 2018, arXiv:1803.05407, section 3.2).

    Args:
        generator: changed in place; its batch-norm layers are in evaluation mode afterwards.
        batches: pairs (latents, conditions).

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
