"""A recipe as a user writes it, found by its name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt


def spread(generated: Tensor, reference: TensorDataset) -> gt.metrics.Scores:
    values = [float(each.std()) for each in (generated, reference.tensors[0])]
    return gt.metrics.Scores(spread=gt.metrics.Score(*values, "of points", "higher", len(generated), "real"))


def points(seed: int = 0) -> gt.course.recipes.Recipe:
    """A recipe with held-out data that are no digits."""
    torch.manual_seed(seed)
    gan = gt.GAN(nn.Linear(2, 2), nn.Linear(2, 1), gt.objectives.non_saturating(), latent=2)
    train, held_out = torch.randn(64, 2), TensorDataset(torch.randn(16, 2))
    return gt.course.recipes.Recipe(gan, train, {"batch_size": 8}, held_out, spread if seed else None)
