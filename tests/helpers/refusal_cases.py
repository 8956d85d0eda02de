"""What the tests of wrong input to train() share: a game, data for it, and the refusal."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import gantutor as gt

POINTS = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))


def game(
    generator: nn.Module | None = None, discriminator: nn.Module | None = None, latent: Any = 2
) -> gt.GAN:
    return gt.GAN(generator or nn.Linear(2, 2), discriminator or nn.Linear(2, 1), latent=latent)


def refuse(says: str, gan: gt.GAN, data: Any, **options: Any) -> None:
    """train() must refuse in one sentence, and before it has changed a weight."""
    before = [p.detach().clone() for p in gan.parameters()]
    with pytest.raises(gt.InputError, match=says) as error:
        gt.train(gan, data, **({"steps": 2, "batch_size": 16, "progress": False} | options))
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    assert all(torch.equal(a, b) for a, b in zip(before, gan.parameters(), strict=True))
