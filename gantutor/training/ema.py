"""Exponential moving averages (EMA) of networks: their update, and their batch-norm statistics."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gantutor._calling import HALF_PRECISION, apply

BufferPlace = tuple[dict[str, Tensor | None], str]
"""Where a module keeps a buffer: a network may put another tensor there at every call."""


@dataclass(frozen=True)
class AveragedWeights:
    """The weights of averaged networks and of the networks that they average, in the same order.

    Attributes:
        weights: parameters of the averages.
        source_weights: parameters of the networks.
        buffers: places of the buffers of the averages.
        source_buffers: places of the buffers of the networks.
    """

    weights: list[Tensor]
    source_weights: list[Tensor]
    buffers: list[BufferPlace]
    source_buffers: list[BufferPlace]

    @classmethod
    def of(cls, averages: Iterable[nn.Module], networks: Iterable[nn.Module]) -> AveragedWeights:
        """Return the weights of averages and networks, pair by pair: two networks may share a layer.

        Args:
            averages: copies of the networks.
            networks: the networks, in the same order.
        """
        pairs = list(zip(averages, networks, strict=True))
        columns: tuple[list[Any], ...] = ([], [], [], [])
        for average, network in pairs:
            columns[0].extend(average.parameters())
            columns[1].extend(network.parameters())
            columns[2].extend(buffer_places(average))
            columns[3].extend(buffer_places(network))
        return cls(*columns)

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
        sources = [  # the average of a network in 16 bits is kept in 32
            source if source.dtype == average.dtype else source.to(average.dtype)
            for average, source in zip(self.weights, self.source_weights, strict=True)
        ]
        if isinstance(weight, Tensor):
            differences = torch._foreach_sub(sources, self.weights)
            torch._foreach_mul_(differences, weight)
            torch._foreach_add_(self.weights, differences)
        else:
            torch._foreach_lerp_(self.weights, sources, weight)
        targets, values = [], []
        for (buffers, name), (source_buffers, _) in zip(self.buffers, self.source_buffers, strict=True):
            target, value = buffers[name], source_buffers[name]
            if target is not None and value is not None and target.shape == value.shape:
                targets.append(target)
                values.append(value)
            else:
                buffers[name] = None if value is None else value.detach().clone()
        if targets:
            torch._foreach_copy_(targets, values)


def buffer_places(network: nn.Module) -> Iterator[BufferPlace]:
    """Yield the place of every buffer of a network.

    Args:
        network: the network.

    >>> [name for _, name in buffer_places(nn.BatchNorm1d(1))]
    ['running_mean', 'running_var', 'num_batches_tracked']
    """
    for module in network.modules():
        for name in module._buffers:
            yield module._buffers, name


def copy_network(network: nn.Module) -> nn.Module:
    """Return a copy of a network, also of one that holds tensors with a gradient history.

    The older ``spectral_norm`` and ``weight_norm`` of torch compute a layer's weight and leave it in the
    layer, and a network may keep an activation: such tensors are copied as plain values.

    Args:
        network: left as it is.

    >>> layer = nn.Linear(2, 2); layer.last = layer(torch.ones(1, 2))
    >>> copy_network(layer).last.grad_fn is None
    True
    """
    memo: dict[int, Any] = {}
    for module in network.modules():
        for value in vars(module).values():
            for tensor in _tensors_in(value):
                if not is_lazy(tensor) and not tensor.is_leaf:
                    memo[id(tensor)] = tensor.detach().clone()
    return copy.deepcopy(network, memo)


def _tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of nested dicts, lists and tuples."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors_in(part)


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy of a network, in the same mode, whose weights need no gradient.

    Copying scatters the weights of a recurrent network in memory, and cuDNN would gather them at every call.
    They are put next to each other again.

    >>> frozen_copy(nn.GRU(1, 1)).weight_hh_l0.requires_grad
    False
    """
    copied = copy_network(network).requires_grad_(False)
    for module in copied.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    return copied


def averaged_copy(network: nn.Module) -> nn.Module:
    """Return a frozen copy of a network in evaluation mode, with weights of 16 bits converted to 32.

    In 16 bits an average stops following: what a step adds to it is smaller than the spacing of the numbers.

    Args:
        network: left as it is.

    >>> averaged_copy(nn.Linear(1, 1).bfloat16()).weight.dtype
    torch.float32
    """
    average = frozen_copy(network).eval()
    for tensor in [*average.parameters(), *average.buffers()]:
        if tensor.dtype in HALF_PRECISION:
            tensor.data = tensor.data.float()
    return average


@torch.no_grad()
def recompute_batch_norm(generator: nn.Module, batches: Iterable[tuple[Any, Any]]) -> None:
    """Recompute the batch-norm statistics of an averaged network, as means over batches.

    The average of the weights has no statistics of its own: its layers see other values than those of any
    network that it averages (Izmailov et al. 2018, arXiv:1803.05407, section 3.2). Layers that the network's
    ``train()`` keeps in evaluation mode keep their statistics.

    Args:
        generator: changed in place; the mode of its layers stays.
        batches: pairs (latents, conditions).

    >>> average = nn.Sequential(nn.BatchNorm1d(1)).eval()
    >>> recompute_batch_norm(average, [(torch.tensor([[1.0], [3.0]]), None)]); average[0].running_mean
    tensor([2.])
    """
    with _in_training_mode(generator) as norms:
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        try:
            for latents, conditions in batches:
                apply(generator, latents, conditions)
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum


@contextmanager
def batch_statistics(generator: nn.Module) -> Iterator[None]:
    """Normalise each batch by its own statistics inside the block, and leave the stored ones as they are.

    Args:
        generator: an averaged network in evaluation mode.

    >>> average = nn.Sequential(nn.BatchNorm1d(1)).eval()
    >>> with batch_statistics(average):
    ...     samples = average(torch.tensor([[1.0], [3.0]])).detach()
    >>> samples.flatten(), average[0].running_mean
    (tensor([-1.0000,  1.0000]), tensor([0.]))
    """
    with _in_training_mode(generator) as norms:
        for norm in norms:
            norm.track_running_stats = False
        try:
            yield
        finally:
            for norm in norms:
                norm.track_running_stats = True


@contextmanager
def _in_training_mode(generator: nn.Module) -> Iterator[list[nn.modules.batchnorm._BatchNorm]]:
    """Put the batch-norm layers in training mode that the network's ``train()`` would; gives these layers."""
    modes = [(module, module.training) for module in generator.modules()]
    generator.train()
    norms = [
        module
        for module in generator.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.track_running_stats
        and module.training
    ]
    for module, training in modes:
        module.training = training
    for norm in norms:
        norm.training = True
    try:
        yield norms
    finally:
        for module, training in modes:
            module.training = training
