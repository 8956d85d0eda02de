"""The state of a network by name: its tensors, and the results of ``get_extra_state``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}
"""Classes that wrap a network, and the attribute in which they hold it; importing the first takes seconds."""

_EXTRA = "_extra_state"
"""How the key of an extra state ends in a state dict."""


def named_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and persistent buffers of a network by name; they share its memory.

    Args:
        network: one that is wrapped by ``torch.compile`` or ``DataParallel`` has the names of the plain one.

    >>> list(named_tensors(nn.DataParallel(nn.Linear(1, 1))))
    ['weight', 'bias']
    """
    state = network.state_dict()
    names = _plain_names(network, state)
    return {names[key]: value for key, value in state.items() if not key.endswith(_EXTRA)}


def extra_states(network: nn.Module) -> dict[str, Any]:
    """Return what the ``get_extra_state`` of each module returns, by the module's name.

    Args:
        network: the network.
    """
    state = network.state_dict()
    names = _plain_names(network, state)
    return {names[key]: value for key, value in state.items() if key.endswith(_EXTRA)}


def set_extra_states(network: nn.Module, states: Mapping[str, Any]) -> None:
    """Restore the extra state of every module, as its ``get_extra_state`` returned it.

    Args:
        network: changed in place.
        states: what ``extra_states`` returned.
    """
    modules = {f"{name}.{_EXTRA}".removeprefix("."): module for name, module in network.named_modules()}
    names = _plain_names(network, modules)
    for key, module in modules.items():
        if names[key] in states:
            module.set_extra_state(states[names[key]])


def materialize(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give lazy parameters and buffers, which have no shape before the first call, that of saved tensors.

    Args:
        network: changed in place.
        tensors: the saved tensors by name.
    """
    lazy = {
        name: tensor
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]
        if is_lazy(tensor)
    }
    names = _plain_names(network, lazy) if lazy else {}
    for name, tensor in lazy.items():
        if (saved := tensors.get(names[name])) is not None:
            tensor.materialize(saved.shape, dtype=saved.dtype)


def _plain_names(network: nn.Module, names: Mapping[str, Any]) -> dict[str, str]:
    """Map names of tensors to those that they have without the wrappers."""
    wrapped = []
    for name, module in network.named_modules(remove_duplicate=False):
        if (attribute := _WRAPPERS.get(type(module).__name__)) and hasattr(module, attribute):
            wrapped.append((f"{name}.{attribute}.".removeprefix("."), f"{name}." if name else ""))
    plain = {}
    for name in names:
        short = name
        for prefix, replacement in reversed(wrapped):  # the innermost first
            if short.startswith(prefix):
                short = replacement + short[len(prefix) :]
        plain[name] = short
    return plain
