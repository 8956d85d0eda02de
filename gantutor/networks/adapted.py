"""Networks with other calling conventions, adapted to those of a game."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from gantutor._errors import InputError, type_name


class AdaptedNetwork(nn.Module):
    """A network that is called by a function of yours, for other calling conventions than those of a game.

    A game calls its networks as ``network(inputs)`` or ``network(inputs, condition)`` and takes a tensor.
    Many public networks take lists, dicts or None, or return several things.

    Args:
        network: any network; its weights are trained.
        call: ``call(network, inputs, condition)`` calls the network and returns what the game is to see;
            ``condition`` is None in a game without conditions.

    Raises:
        InputError: if the network is not an ``nn.Module``, or ``call`` cannot be called.

    >>> import torch
    >>> class TakesList(nn.Linear):
    ...     def forward(self, inputs): return {"logits": super().forward(torch.cat(inputs, 1))}
    >>> adapted = AdaptedNetwork(TakesList(3, 1), lambda net, x, labels: net([x, labels])["logits"])
    >>> adapted(torch.zeros(4, 2), torch.zeros(4, 1)).shape
    torch.Size([4, 1])
    """

    def __init__(self, network: nn.Module, call: Callable[[nn.Module, Any, Any], Any]) -> None:
        super().__init__()
        if not isinstance(network, nn.Module):
            raise InputError(f"the network must be a torch.nn.Module, not {type_name(network)}")
        if not callable(call):
            raise InputError(
                f"call must be a function of (network, inputs, condition), not {type_name(call)}"
            )
        self.network, self.call = network, call

    def forward(self, inputs: Any, condition: Any = None) -> Any:
        """Call the network.

        Args:
            inputs: latents or samples.
            condition: their condition, or None.
        """
        return self.call(self.network, inputs, condition)
