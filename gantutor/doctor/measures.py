"""The measures that the doctor computes from tensors: separation, distances, clusters and variety."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor.metrics.distances import pairwise_distances, some, to_double


def separation(higher: Tensor, lower: Tensor) -> float:
    """Return the probability that a number of ``higher`` exceeds one of ``lower``, ties counted half.

    This is the area under the ROC curve (Hanley & McNeil 1982): ½ where the two kinds cannot be told apart,
    whatever the scale of the logits.

    Args:
        higher: logits expected to be larger, such as those of real samples, shape (N,).
        lower: logits expected to be smaller, such as those of generated samples, shape (M,).

    Returns:
        A number from 0 to 1.

    >>> separation(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 2.0]))
    0.875
    """
    higher, lower = to_double(higher), to_double(lower)
    larger = (higher[:, None] > lower[None, :]).double()  # (N, M)
    return float((larger + 0.5 * (higher[:, None] == lower[None, :])).mean())


def mean_pairwise_distance(points: Tensor) -> float:
    """Return the mean Euclidean distance between two different points.

    Args:
        points: shape (N, D).

    Returns:
        The distance, 0 for a single point.

    >>> mean_pairwise_distance(torch.tensor([[0.0], [1.0], [2.0]]))
    1.3333333333333333
    """
    count = len(points)
    return float(pairwise_distances(points, points).sum() / max(1, count * (count - 1)))


def energy_coefficient(points: Tensor, reference: Tensor) -> float:
    """Return how far apart two sets of points are: 0 for one distribution, 1 for two distant points.

    (2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖) / 2 E‖X − Y‖, Székely & Rizzo 2013, section 2. It does not depend on
    the scale.

    Args:
        points: shape (N, D).
        reference: shape (M, D).

    Returns:
        A number up to 1; for two samples of one distribution it may by chance lie a little below 0.

    >>> points = torch.zeros(3, 2)
    >>> energy_coefficient(points, points + 1)
    1.0
    """
    between = 2 * float(pairwise_distances(points, reference).mean())
    within = mean_pairwise_distance(points), mean_pairwise_distance(reference)
    return (between - within[0] - within[1]) / between if between > 0 else 0.0


def flatten_samples(samples: Tensor) -> Tensor:
    """Return samples (N, …) as points (N, D), in 32 bits or, if they are so, in 64.

    Args:
        samples: floating-point samples.

    >>> flatten_samples(torch.zeros(2, 1, 3, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return samples.flatten(1).to(torch.promote_types(samples.dtype, torch.float32))


def values_of(samples: Tensor) -> Tensor:
    """Return the values of samples in one row on the CPU; of more than a million values, every n-th.

    Args:
        samples: any shape.

    Returns:
        Shape (V,).

    >>> values_of(torch.zeros(5, 1, 2, 2)).shape
    torch.Size([20])
    """
    values = samples.flatten().cpu()
    return values[:: len(values) // 1_000_000 + 1]


def k_means(points: Tensor, count: int, draw: torch.Generator, iterations: int = 10) -> Tensor:
    """Return the centres of clusters in points, by Lloyd's algorithm from a k-means++ start.

    The start is that of Arthur & Vassilvitskii 2007.

    Args:
        points: shape (N, D).
        count: how many clusters to look for, at least 1.
        draw: the source of the random numbers, on the CPU.
        iterations: of Lloyd's algorithm.

    Returns:
        Shape (K, D), where K is at most ``count`` and at most the number of different points.

    >>> points = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    >>> k_means(points, 2, torch.Generator().manual_seed(0)).sort(0).values.flatten()
    tensor([0.0500, 5.0500])
    """
    first = int(torch.randint(len(points), (1,), generator=draw))
    rows = to_double(points)
    middle = some(rows).median(0).values
    rows = rows - middle  # far from the origin a mean would lose its digits
    centres = rows[first : first + 1].clone()
    squares = torch.full((len(rows),), torch.inf, dtype=rows.dtype, device=rows.device)
    for _ in range(count - 1):
        squares = torch.minimum(squares, (rows - centres[-1]).square().sum(1))  # exactly 0 for a centre
        if float(squares.max()) <= 0:
            break
        chosen = int(torch.multinomial((squares / squares.max()).cpu(), 1, generator=draw))
        centres = torch.cat([centres, rows[chosen : chosen + 1]])
    for _ in range(iterations):
        nearest = torch.cdist(rows, centres).argmin(1)
        for index in range(len(centres)):
            members = rows[nearest == index]
            if len(members):
                centres[index] = members.mean(0)
    centres = centres + middle
    return (centres.to(points.dtype) if points.is_floating_point() else centres).to(points.device)


def cluster_shares(points: Tensor, centres: Tensor) -> Tensor:
    """Return the share of the points that lie nearest to each centre.

    Args:
        points: shape (N, D).
        centres: shape (K, D).

    Returns:
        Shape (K,), on the CPU; the shares add up to 1.

    >>> cluster_shares(torch.tensor([[0.0], [0.2], [0.9], [0.1]]), torch.tensor([[0.0], [1.0]]))
    tensor([0.7500, 0.2500])
    """
    nearest = pairwise_distances(points, centres).argmin(1).cpu()
    return nearest.bincount(minlength=len(centres)) / len(points)


def perplexity(shares: Tensor) -> float:
    """Return the effective number of clusters that the shares are spread over, e to their entropy.

    Args:
        shares: shape (K,), adding up to 1.

    Returns:
        A number from 1 (all in one cluster) to K (equal shares).

    >>> round(perplexity(torch.tensor([0.5, 0.5, 0.0])), 4)
    2.0
    """
    return float(torch.special.entr(shares.cpu().double()).sum().exp())
