"""The training loop that the shipped classifiers have in common."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from tqdm import trange

from gantutor.training.device import without_denormals


def train(classifier: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float) -> None:
    """Minimise a loss with AdamW, a learning rate that rises and falls, and frozen weights at the end.

    Args:
        classifier: its weights are changed in place.
        loss: a function that draws a batch and returns the classifier's mean loss.
        steps: number of steps.
        rate: the largest learning rate.
    """
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=rate, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    with without_denormals():
        for _ in trange(steps):
            value = loss()
            optimizer.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    classifier.eval().requires_grad_(False)
