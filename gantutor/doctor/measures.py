"""What the doctor's instruments compute: pure functions of tensors, none of which draws but with its own
generator."""

from __future__ import annotations

import torch
from torch import Tensor


def separation(higher: Tensor, lower: Tensor) -> float:
    """The chance that one of ``higher`` (N,) exceeds one of ``lower`` (M,), ties counted half: 0 to 1.

    The area under the ROC curve (Hanley & McNeil 1982): ½ where the two cannot be told apart, whatever the
    scale of the logits.

    >>> separation(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 2.0]))
    0.875
    """
    difference = higher[:, None] - lower[None, :]
    return float(((difference > 0).float() + 0.5 * (difference == 0)).mean())


def within(points: Tensor) -> float:
    """The mean Euclidean distance between two different points of (N, D); 0 for a single point.

    >>> within(torch.tensor([[0.0], [1.0], [2.0]]))
    1.3333333730697632
    """
    count = len(points)
    return float(torch.cdist(points, points).sum() / max(1, count * (count - 1)))


def difference(one: Tensor, other: Tensor) -> float:
    """How far apart two clouds (N, D) and (M, D) are, as a share: 0 for the same distribution, 1 for two far
    points.

    The energy coefficient (2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖) / 2 E‖X − Y‖, Székely & Rizzo 2013, section 2;
    free of scale, and by chance a little below 0 for equal clouds.

    >>> cloud = torch.zeros(3, 2)
    >>> difference(cloud, cloud + 1)
    1.0
    """
    between = 2 * float(torch.cdist(one, other).mean())
    return (between - within(one) - within(other)) / between if between > 0 else 0.0


def values_of(samples: Tensor) -> Tensor:
    """All values of samples of any shape, on the CPU; of more than a million, every n-th: shape (V,).

    >>> values_of(torch.zeros(5, 1, 2, 2)).shape
    torch.Size([20])
    """
    values = samples.flatten().cpu()
    return values[:: len(values) // 1_000_000 + 1]


def k_means(points: Tensor, count: int, draw: torch.Generator, rounds: int = 10) -> Tensor:
    """Centres (K, D) of clusters in points (N, D) by Lloyd's rounds from a k-means++ start (Arthur &
    Vassilvitskii 2007), K at most ``count`` and at most the number of different points.

    >>> points = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    >>> k_means(points, 2, torch.Generator().manual_seed(0)).sort(0).values.flatten()
    tensor([0.0500, 5.0500])
    """
    first = int(torch.randint(len(points), (1,), generator=draw))
    centres = points[first : first + 1]
    for _ in range(count - 1):
        away = torch.cdist(points, centres).min(1).values.square().cpu().double()
        if float(away.sum()) <= 0:
            break
        chosen = int(torch.multinomial(away, 1, generator=draw))
        centres = torch.cat([centres, points[chosen : chosen + 1]])
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        for index in range(len(centres)):
            members = points[nearest == index]
            if len(members):
                centres[index] = members.mean(0)
    return centres


def shares(points: Tensor, centres: Tensor) -> Tensor:
    """The share of points (N, D) that lie nearest to each of the centres (K, D): shape (K,), on the CPU.

    >>> shares(torch.tensor([[0.0], [0.2], [0.9], [0.1]]), torch.tensor([[0.0], [1.0]]))
    tensor([0.7500, 0.2500])
    """
    nearest = torch.cdist(points, centres).argmin(1).cpu()
    return nearest.bincount(minlength=len(centres)) / len(points)


def perplexity(share: Tensor) -> float:
    """The effective number of clusters that shares (K,) are spread over: e to the entropy, from 1 to K.

    >>> round(perplexity(torch.tensor([0.5, 0.5, 0.0])), 4)
    2.0
    """
    return float(torch.special.entr(share.cpu().double()).sum().exp())
